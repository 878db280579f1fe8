package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"
)

// providerView is a provider instance as the API shows it, as far as tables need it.
type providerView struct {
	Name         string `json:"name"`
	Adapter      string `json:"adapter"`
	Synthetic    bool   `json:"synthetic"`
	Enabled      bool   `json:"enabled"`
	Paused       bool   `json:"paused"`
	PausedReason string `json:"paused_reason"`
	Budget       struct {
		RequestsPerMinute int     `json:"requests_per_minute"`
		UsedLastMinute    int     `json:"used_last_minute"`
		NotBefore         *string `json:"not_before"`
		Waiting           int     `json:"waiting"`
	} `json:"budget"`
}

func newProviders(a *app) *cobra.Command {
	group := &cobra.Command{
		Use:     "providers",
		Short:   "Look at, pause and resume sources of data",
		Example: "  marketdata providers list\n  marketdata providers pause binance --reason \"maintenance\"",
	}
	group.AddCommand(newProvidersList(a), newProvidersPause(a), newProvidersResume(a))
	return asGroup(group)
}

func newProvidersList(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "list",
		Short:   "List provider instances with their request budgets",
		Example: "  marketdata providers list --output json",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return printPage(a, c, "/v1/providers", nil,
				[]string{"PROVIDER", "ADAPTER", "STATE", "REQUESTS/MIN", "USED", "WAITING"}, providerRow)
		},
	}
	addAPIURL(c)
	addOutput(c)
	return c
}

func providerRow(p providerView) []string {
	return []string{
		p.Name, p.Adapter, p.state(), strconv.Itoa(p.Budget.RequestsPerMinute), strconv.Itoa(p.Budget.UsedLastMinute), strconv.Itoa(p.Budget.Waiting),
	}
}

// state says in words whether workers ask the provider.
func (p providerView) state() string {
	switch {
	case !p.Enabled:
		return "disabled"
	case p.Paused && p.PausedReason != "":
		return "paused: " + p.PausedReason
	case p.Paused:
		return "paused"
	case p.Budget.NotBefore != nil:
		return "waits until " + *p.Budget.NotBefore
	case p.Synthetic:
		return "active, synthetic"
	}
	return "active"
}

func newProvidersPause(a *app) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:     "pause PROVIDER",
		Short:   "Make every worker stop asking a provider",
		Example: "  marketdata providers pause binance --reason \"banned until noon\"",
		Args:    arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.changeProvider(c, args[0], "pause", map[string]string{"reason": reason})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for whoever looks")
	addAPIURL(c)
	addOutput(c)
	return c
}

func newProvidersResume(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "resume PROVIDER",
		Short:   "Let workers ask a provider again",
		Example: "  marketdata providers resume binance",
		Args:    arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.changeProvider(c, args[0], "resume", nil)
		},
	}
	addAPIURL(c)
	addOutput(c)
	return c
}

func (a *app) changeProvider(c *cobra.Command, name, action string, body map[string]string) error {
	api, asJSON, err := a.openForOutput(c)
	if err != nil {
		return err
	}
	var content any
	if body != nil {
		content = body
	}
	var p providerView
	answer, err := api.send(c.Context(), http.MethodPost, "/v1/providers/"+url.PathEscape(name)+"/"+action, content, &p)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.stdout, json.RawMessage(answer))
	}
	_, err = fmt.Fprintf(a.stdout, "%s is %s\n", p.Name, p.state())
	return err
}
