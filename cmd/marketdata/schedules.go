package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

// scheduleBody is the body of POST /v1/schedules.
type scheduleBody struct {
	ID          string   `json:"id"`
	Instruments []string `json:"instruments"`
	Interval    string   `json:"interval"`
	Every       string   `json:"every,omitempty"`
	Cron        string   `json:"cron,omitempty"`
	Range       string   `json:"range"`
	Policy      string   `json:"policy,omitempty"`
	Provider    string   `json:"provider,omitempty"`
	Concurrency int      `json:"concurrency,omitempty"`
	MaxFailed   int      `json:"max_failed,omitempty"`
}

func newSchedules(a *app) *cobra.Command {
	group := &cobra.Command{
		Use:   "schedules",
		Short: "Repeat backfills, and look at, trigger and pause schedules",
		Example: `  marketdata schedules list
  marketdata schedules add nightly-btc BTCUSDT.SIM --interval 1d --cron "0 3 * * *" --range 30d
  marketdata schedules pause sync-binance-1m --reason "provider is slow"`,
	}
	group.AddCommand(newSchedulesList(a), newSchedulesShow(a), newSchedulesAdd(a), newSchedulesDelete(a), newSchedulesPause(a))
	group.AddCommand(
		newSchedulesAction(a, "trigger", "Run a schedule now, also while it is paused; skipped while a run is on"),
		newSchedulesAction(a, "resume", "Let a paused schedule run again; the time between is not made up for"),
	)
	return asGroup(group)
}

func newSchedulesList(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "list",
		Short:   "List syncs of tracked intervals and repeated backfills",
		Example: "  marketdata schedules list --output json",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return printPage(a, c, "/v1/schedules", nil,
				[]string{"ID", "KIND", "WHAT", "WHEN", "STATE", "LAST RUN", "RESULT", "NEXT RUN", "SKIPPED", "MISSED"}, scheduleRow)
		},
	}
	addAPIURL(c)
	addOutput(c)
	return c
}

func newSchedulesShow(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "show ID",
		Short:   "Show a schedule",
		Example: "  marketdata schedules show nightly-btc",
		Args:    arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			api, asJSON, err := a.openForOutput(c)
			if err != nil {
				return err
			}
			var s scheduleView
			answer, err := api.get(c.Context(), schedulePath(args[0]), nil, &s)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.stdout, answer)
			}
			return writeTable(a.stdout, scheduleDetails(s)...)
		},
	}
	addAPIURL(c)
	addOutput(c)
	return c
}

func newSchedulesAdd(a *app) *cobra.Command {
	var body scheduleBody
	c := &cobra.Command{
		Use:   "add ID INSTRUMENT...",
		Short: "Repeat a backfill, every so often or by the clock",
		Long: `Repeat a backfill of the range that ends at the time of each run. Give --every or --cron. What is already there is not
asked for again, unless --policy all.`,
		Example: `  marketdata schedules add nightly-btc BTCUSDT.SIM --interval 1d --cron "0 3 * * *" --range 30d --policy all
  marketdata schedules add heal BTCUSDT.SIM ETHUSDT.SIM --interval 1m --every 6h --range 2w`,
		Args: arguments(2, 0),
		RunE: func(c *cobra.Command, args []string) error {
			if err := requireFlags(c, "interval", "range"); err != nil {
				return err
			}
			if c.Flags().Changed("every") == c.Flags().Changed("cron") {
				return usagef("give --every or --cron")
			}
			body.ID, body.Instruments = args[0], args[1:]
			return a.changeSchedule(c, "/v1/schedules", body)
		},
	}
	flags := c.Flags()
	flags.StringVar(&body.Interval, "interval", "", "1m 5m 15m 30m 1h 4h 1d 1w or 1mo (required)")
	flags.StringVar(&body.Every, "every", "", "how often, such as 15m, 6h, 1d")
	flags.StringVar(&body.Cron, "cron", "", "when, UTC: minute hour day-of-month month day-of-week")
	flags.StringVar(&body.Range, "range", "", "how far back from the time of a run: 12h, 30d, 2w, 6mo, 1y (required)")
	flags.StringVar(&body.Provider, "provider", "", "whom to ask (default: each instrument's first)")
	flags.StringVar(&body.Policy, "policy", "missing", "missing: what is not there yet; all: everything again")
	flags.IntVar(&body.Concurrency, "concurrency", 0, "chunks in flight per provider (default: the server's)")
	flags.IntVar(&body.MaxFailed, "max-failed", 0, "failed chunks after which the rest of a run is given up (0: no limit)")
	addAPIURL(c)
	addOutput(c)
	return c
}

func newSchedulesDelete(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "delete ID",
		Short:   "Delete a schedule that was added; a run that is on goes on, bars stay",
		Example: "  marketdata schedules delete nightly-btc",
		Args:    arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			api, err := a.openAPI(c)
			if err != nil {
				return err
			}
			if _, err := api.send(c.Context(), http.MethodDelete, schedulePath(args[0]), nil, nil); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.stdout, "%s is deleted\n", args[0])
			return err
		},
	}
	addAPIURL(c)
	return c
}

func newSchedulesPause(a *app) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:     "pause ID",
		Short:   "Begin no further run until resumed",
		Example: "  marketdata schedules pause nightly-btc --reason \"provider is down until Monday\"",
		Args:    arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.changeSchedule(c, schedulePath(args[0])+"/pause", map[string]string{"reason": reason})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for whoever looks")
	addAPIURL(c)
	addOutput(c)
	return c
}

func newSchedulesAction(a *app, name, short string) *cobra.Command {
	c := &cobra.Command{
		Use:     name + " ID",
		Short:   short,
		Example: "  marketdata schedules " + name + " nightly-btc",
		Args:    arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.changeSchedule(c, schedulePath(args[0])+"/"+name, nil)
		},
	}
	addAPIURL(c)
	addOutput(c)
	return c
}

func schedulePath(id string) string { return "/v1/schedules/" + url.PathEscape(id) }

// changeSchedule posts to a schedule and prints what became of it.
func (a *app) changeSchedule(c *cobra.Command, path string, body any) error {
	api, asJSON, err := a.openForOutput(c)
	if err != nil {
		return err
	}
	var s scheduleView
	answer, err := api.post(c.Context(), path, body, &s)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.stdout, json.RawMessage(answer))
	}
	_, err = fmt.Fprintf(a.stdout, "%s: %s, %s, %s; next run: %s\n", s.ID, s.what(), s.when(), s.state(), instantText(s.NextRunAt))
	return err
}
