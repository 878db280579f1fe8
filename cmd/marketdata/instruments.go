package main

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"marketdata/market"
)

// instrumentView is an instrument as the API shows it, as far as tables need it.
type instrumentView struct {
	ID         string                  `json:"id"`
	AssetClass string                  `json:"asset_class"`
	Currency   string                  `json:"currency"`
	Name       string                  `json:"name"`
	Calendar   string                  `json:"calendar"`
	Providers  []market.ProviderSymbol `json:"providers"`
	Intervals  []string                `json:"intervals"`
}

// instrumentBody is the body of POST /v1/instruments.
type instrumentBody struct {
	Symbol     string                  `json:"symbol" yaml:"symbol"`
	Venue      string                  `json:"venue" yaml:"venue"`
	AssetClass string                  `json:"asset_class" yaml:"asset_class"`
	Currency   string                  `json:"currency" yaml:"currency"`
	Name       string                  `json:"name,omitempty" yaml:"name"`
	Calendar   string                  `json:"calendar,omitempty" yaml:"calendar"`
	Providers  []market.ProviderSymbol `json:"providers" yaml:"providers"`
	Intervals  []string                `json:"intervals,omitempty" yaml:"intervals"`
}

func newInstruments(a *app) *cobra.Command {
	group := &cobra.Command{
		Use:   "instruments",
		Short: "Register and list instruments",
		Example: `  marketdata instruments add BTCUSDT.BINANCE --asset-class crypto --currency USDT --provider binance:BTCUSDT
  marketdata instruments import catalog/us.yaml
  marketdata instruments list --venue BINANCE`,
	}
	group.AddCommand(newInstrumentsAdd(a), newInstrumentsImport(a), newInstrumentsList(a), newInstrumentsShow(a))
	return asGroup(group)
}

func newInstrumentsAdd(a *app) *cobra.Command {
	var body instrumentBody
	var sources []string
	c := &cobra.Command{
		Use:   "add SYMBOL.VENUE",
		Short: "Register an instrument, or add providers and intervals to it",
		Example: `  marketdata instruments add BTCUSDT.BINANCE --asset-class crypto --currency USDT \
      --provider binance:BTCUSDT --name "Bitcoin / Tether" --intervals 1m,1d`,
		Args: arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := requireFlags(c, "asset-class", "currency", "provider"); err != nil {
				return err
			}
			id, err := market.ParseInstrumentID(args[0])
			if err != nil {
				return &usageError{err}
			}
			body.Symbol, body.Venue = id.Symbol, id.Venue
			for _, source := range sources {
				name, symbol, hasSymbol := strings.Cut(source, ":")
				if !hasSymbol {
					symbol = id.Symbol
				}
				body.Providers = append(body.Providers, market.ProviderSymbol{Name: name, Symbol: symbol})
			}
			return a.printInstrument(c, func(api *apiClient, into *instrumentView) (json.RawMessage, error) {
				return api.post(c.Context(), "/v1/instruments", body, into)
			})
		},
	}
	flags := c.Flags()
	flags.StringVar(&body.AssetClass, "asset-class", "", "crypto, equity, etf, index, fx, fund or future (required)")
	flags.StringVar(&body.Currency, "currency", "", "ISO 4217 code, or the quote asset of a crypto pair (required)")
	flags.StringSliceVar(&sources, "provider", nil, "NAME or NAME:SYMBOL, the provider's own code; in order of preference (required, repeatable)")
	flags.StringVar(&body.Name, "name", "", "name for people")
	flags.StringVar(&body.Calendar, "calendar", "", "trading calendar, as 24x7 or XNYS (default: from the venue)")
	flags.StringSliceVar(&body.Intervals, "intervals", nil, "intervals to keep in sync, as 1m,1d")
	addAPIURL(c)
	addOutput(c)
	return c
}

func newInstrumentsList(a *app) *cobra.Command {
	var limit int
	filters := map[string]*string{"q": new(string), "asset-class": new(string), "venue": new(string), "provider": new(string)}
	c := &cobra.Command{
		Use:     "list",
		Short:   "List instruments",
		Example: "  marketdata instruments list --venue SIM --output json",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			query := url.Values{}
			for name, value := range filters {
				if *value != "" {
					query.Set(strings.ReplaceAll(name, "-", "_"), *value)
				}
			}
			return printList(a, c, "/v1/instruments", query, limit,
				[]string{"INSTRUMENT", "CLASS", "CURRENCY", "CALENDAR", "PROVIDERS", "INTERVALS", "NAME"}, instrumentRow)
		},
	}
	flags := c.Flags()
	flags.StringVar(filters["q"], "q", "", "part of the id or name")
	flags.StringVar(filters["asset-class"], "asset-class", "", "only this class")
	flags.StringVar(filters["venue"], "venue", "", "only this venue")
	flags.StringVar(filters["provider"], "provider", "", "only instruments of this provider")
	addLimit(c, &limit)
	addAPIURL(c)
	addOutput(c)
	return c
}

func newInstrumentsShow(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "show INSTRUMENT",
		Short:   "Show one instrument",
		Example: "  marketdata instruments show BTCUSDT.SIM",
		Args:    arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.printInstrument(c, func(api *apiClient, into *instrumentView) (json.RawMessage, error) {
				return api.get(c.Context(), "/v1/instruments/"+url.PathEscape(args[0]), nil, into)
			})
		},
	}
	addAPIURL(c)
	addOutput(c)
	return c
}

func (a *app) printInstrument(c *cobra.Command, ask func(*apiClient, *instrumentView) (json.RawMessage, error)) error {
	api, asJSON, err := a.openForOutput(c)
	if err != nil {
		return err
	}
	var i instrumentView
	answer, err := ask(api, &i)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.stdout, answer)
	}
	return writeTable(a.stdout,
		[]string{"instrument", i.ID}, []string{"name", i.Name}, []string{"asset class", i.AssetClass}, []string{"currency", i.Currency},
		[]string{"calendar", i.Calendar}, []string{"providers", providerText(i.Providers)}, []string{"kept in sync", strings.Join(i.Intervals, " ")})
}

func instrumentRow(i instrumentView) []string {
	return []string{i.ID, i.AssetClass, i.Currency, i.Calendar, providerText(i.Providers), strings.Join(i.Intervals, " "), i.Name}
}

func providerText(providers []market.ProviderSymbol) string {
	names := make([]string, len(providers))
	for i, p := range providers {
		names[i] = p.Name + ":" + p.Symbol
	}
	return strings.Join(names, " ")
}
