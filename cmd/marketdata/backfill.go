package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"marketdata/market"
)

// backfillView is a backfill as the API shows it, as far as tables need it.
type backfillView struct {
	ID           string                `json:"id"`
	Status       market.BackfillStatus `json:"status"`
	Interval     string                `json:"interval"`
	Start        time.Time             `json:"start"`
	End          time.Time             `json:"end"`
	CreatedAt    time.Time             `json:"created_at"`
	TemporalURL  string                `json:"temporal_url"`
	PausedReason *string               `json:"paused_reason"`
	Progress     struct {
		Percent    float64            `json:"percent"`
		ETASeconds *float64           `json:"eta_seconds"`
		Requests   int64              `json:"requests"`
		Chunks     market.ChunkCounts `json:"chunks"`
		Bars       market.BarCounts   `json:"bars"`
	} `json:"progress"`
	Series []struct {
		Instrument string `json:"instrument"`
		Provider   string `json:"provider"`
	} `json:"series"`
	Failures []struct {
		Instrument string    `json:"instrument"`
		Start      time.Time `json:"start"`
		End        time.Time `json:"end"`
		Kind       string    `json:"kind"`
		Message    string    `json:"message"`
	} `json:"failures"`
}

// backfillBody is the body of POST /v1/backfills.
type backfillBody struct {
	Instruments []string `json:"instruments"`
	Interval    string   `json:"interval"`
	Start       string   `json:"start"`
	End         string   `json:"end"`
	Provider    string   `json:"provider,omitempty"`
	Policy      string   `json:"policy,omitempty"`
	Concurrency int      `json:"concurrency,omitempty"`
	MaxFailed   int      `json:"max_failed,omitempty"`
}

func newBackfill(a *app) *cobra.Command {
	group := &cobra.Command{
		Use:   "backfill",
		Short: "Start, watch and steer backfills",
		Example: `  marketdata backfill start BTCUSDT.SIM ETHUSDT.SIM --interval 1h --start 2023-01-01 --end 2024-01-01 --watch
  marketdata backfill list --status failed
  marketdata backfill retry 0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d --watch`,
	}
	group.AddCommand(newBackfillStart(a), newBackfillList(a), newBackfillShow(a), newBackfillWatch(a), newBackfillPause(a))
	group.AddCommand(
		newBackfillAction(a, "resume", "Go on with a paused backfill", "It goes on."),
		newBackfillAction(a, "cancel", "Give up what is not done yet; loaded bars stay", "It is being canceled."),
		newBackfillAction(a, "retry", "Do again what failed or was canceled", "It tries again."),
	)
	return asGroup(group)
}

func newBackfillStart(a *app) *cobra.Command {
	var body backfillBody
	c := &cobra.Command{
		Use:   "start INSTRUMENT...",
		Short: "Load bars of a range",
		Long:  "Load bars of the half-open range [start, end). What is already there is not asked for again, unless --policy all.",
		Example: `  marketdata backfill start BTCUSDT.SIM --interval 1m --start 2024-01-01 --end 2024-02-01 --watch
  marketdata backfill start BTCUSDT.BINANCE ETHUSDT.BINANCE --interval 1d --start 2017-01-01 --output json`,
		Args: arguments(1, 0),
		RunE: func(c *cobra.Command, args []string) error {
			if err := requireFlags(c, "interval", "start"); err != nil {
				return err
			}
			body.Instruments = args
			if body.End == "" {
				body.End = a.now().UTC().Truncate(time.Second).Format(time.RFC3339)
			}
			return a.changeBackfill(c, "/v1/backfills", body, "It is started.")
		},
	}
	flags := c.Flags()
	flags.StringVar(&body.Interval, "interval", "", "1m 5m 15m 30m 1h 4h 1d 1w or 1mo (required)")
	flags.StringVar(&body.Start, "start", "", "date or RFC 3339 time, in the range (required)")
	flags.StringVar(&body.End, "end", "", "date or RFC 3339 time, no longer in the range (default: now)")
	flags.StringVar(&body.Provider, "provider", "", "whom to ask (default: each instrument's first)")
	flags.StringVar(&body.Policy, "policy", "missing", "missing: what is not there yet; all: everything again")
	flags.IntVar(&body.Concurrency, "concurrency", 0, "chunks in flight per provider (default: the server's)")
	flags.IntVar(&body.MaxFailed, "max-failed", 0, "failed chunks after which the rest is given up (0: no limit)")
	addWatch(c)
	addAPIURL(c)
	addOutput(c)
	return c
}

func newBackfillList(a *app) *cobra.Command {
	var limit int
	var status, instrument string
	c := &cobra.Command{
		Use:     "list",
		Short:   "List backfills, newest first",
		Example: "  marketdata backfill list --status running\n  marketdata backfill list --instrument BTCUSDT.SIM --output json",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			query := url.Values{}
			for name, value := range map[string]string{"status": status, "instrument": instrument} {
				if value != "" {
					query.Set(name, value)
				}
			}
			return printList(a, c, "/v1/backfills", query, limit,
				[]string{"ID", "STATUS", "DONE", "INTERVAL", "START", "END", "SERIES", "CREATED"}, backfillRow)
		},
	}
	c.Flags().StringVar(&status, "status", "", "only those that are starting, running, paused, completed, completed_with_gaps, failed or canceled")
	c.Flags().StringVar(&instrument, "instrument", "", "only those of this instrument")
	addLimit(c, &limit)
	addAPIURL(c)
	addOutput(c)
	return c
}

func newBackfillShow(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "show ID",
		Short:   "Show a backfill with its progress and failures",
		Example: "  marketdata backfill show 0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d",
		Args:    arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			api, asJSON, err := a.openForOutput(c)
			if err != nil {
				return err
			}
			var b backfillView
			answer, err := api.get(c.Context(), backfillPath(args[0]), nil, &b)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.stdout, answer)
			}
			return writeTable(a.stdout, backfillDetails(b)...)
		},
	}
	addAPIURL(c)
	addOutput(c)
	return c
}

func newBackfillPause(a *app) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:     "pause ID",
		Short:   "Start no further chunk until resumed",
		Example: "  marketdata backfill pause 0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d --reason \"provider is slow\"",
		Args:    arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.changeBackfill(c, backfillPath(args[0])+"/pause", map[string]string{"reason": reason}, "It is paused.")
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for whoever looks")
	addAPIURL(c)
	addOutput(c)
	return c
}

func newBackfillAction(a *app, name, short, done string) *cobra.Command {
	c := &cobra.Command{
		Use:     name + " ID",
		Short:   short,
		Example: "  marketdata backfill " + name + " 0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d",
		Args:    arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.changeBackfill(c, backfillPath(args[0])+"/"+name, nil, done)
		},
	}
	if name != "cancel" {
		addWatch(c)
	}
	addAPIURL(c)
	addOutput(c)
	return c
}

func backfillPath(id string) string { return "/v1/backfills/" + url.PathEscape(id) }

func addWatch(c *cobra.Command) {
	c.Flags().Bool("watch", false, "wait until it is finished, with progress")
}

// changeBackfill posts to a backfill, prints what became of it, and watches it where asked to.
func (a *app) changeBackfill(c *cobra.Command, path string, body any, done string) error {
	api, asJSON, err := a.openForOutput(c)
	if err != nil {
		return err
	}
	var b backfillView
	answer, err := api.post(c.Context(), path, body, &b)
	if err != nil {
		return err
	}
	isWatched, _ := c.Flags().GetBool("watch")
	if isWatched {
		return a.watchAndPrint(c, api, b.ID, asJSON)
	}
	if asJSON {
		return writeJSON(a.stdout, json.RawMessage(answer))
	}
	_, err = fmt.Fprintf(a.stdout, "%s\n%s It is %s: %s\n", b.ID, done, b.Status, describe(b))
	return err
}

// describe says in a few words what a backfill is about.
func describe(b backfillView) string {
	return fmt.Sprintf("%s %s, %s to %s, %d chunks", seriesText(b), b.Interval, dateText(b.Start), dateText(b.End), b.Progress.Chunks.Total)
}

func seriesText(b backfillView) string {
	switch len(b.Series) {
	case 0:
		return "no series"
	case 1:
		return b.Series[0].Instrument
	}
	return fmt.Sprintf("%s and %d more", b.Series[0].Instrument, len(b.Series)-1)
}

// dateText leaves out midnight.
func dateText(t time.Time) string {
	return strings.TrimSuffix(t.UTC().Format(time.RFC3339), "T00:00:00Z")
}

func backfillRow(b backfillView) []string {
	return []string{
		b.ID, string(b.Status), percentText(b), b.Interval, dateText(b.Start), dateText(b.End), seriesText(b), b.CreatedAt.UTC().Format(time.RFC3339),
	}
}

func percentText(b backfillView) string {
	return strconv.FormatFloat(b.Progress.Percent, 'f', -1, 64) + "%"
}

func backfillDetails(b backfillView) [][]string {
	chunks, bars := b.Progress.Chunks, b.Progress.Bars
	rows := [][]string{
		{"backfill", b.ID},
		{"status", string(b.Status)},
		{"range", fmt.Sprintf("%s, %s to %s", b.Interval, dateText(b.Start), dateText(b.End))},
		{"progress", percentText(b) + etaText(b)},
		{"chunks", fmt.Sprintf("%d: %d done, %d running, %d pending, %d failed, %d canceled",
			chunks.Total, chunks.Done, chunks.Running, chunks.Pending, chunks.Failed, chunks.Canceled)},
		{"bars", fmt.Sprintf("%d expected: %d inserted, %d restated, %d unchanged, %d quarantined",
			bars.Expected, bars.Inserted, bars.Restated, bars.Unchanged, bars.Quarantined)},
		{"requests", strconv.FormatInt(b.Progress.Requests, 10)},
		{"Temporal UI", b.TemporalURL},
	}
	if b.PausedReason != nil {
		rows = append(rows, []string{"paused", *b.PausedReason})
	}
	for _, s := range b.Series {
		rows = append(rows, []string{"series", s.Instrument + " from " + s.Provider})
	}
	for _, f := range b.Failures {
		rows = append(rows, []string{"failed", fmt.Sprintf("%s %s to %s: %s: %s", f.Instrument, dateText(f.Start), dateText(f.End), f.Kind, f.Message)})
	}
	return rows
}

func etaText(b backfillView) string {
	if b.Progress.ETASeconds == nil || b.Status.IsFinished() {
		return ""
	}
	return ", about " + time.Duration(*b.Progress.ETASeconds*float64(time.Second)).Round(time.Second).String() + " left"
}
