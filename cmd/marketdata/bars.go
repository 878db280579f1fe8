package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

// barsPerPage is the most the API gives at once.
const barsPerPage = "10000"

// barsPage is one page of bars as the API sends it.
type barsPage struct {
	Data []json.RawMessage `json:"data"`
	Meta struct {
		Instrument string    `json:"instrument"`
		Provider   string    `json:"provider"`
		Interval   string    `json:"interval"`
		Adjustment string    `json:"adjustment"`
		Start      string    `json:"start"`
		End        string    `json:"end"`
		Complete   bool      `json:"complete"`
		Missing    []missing `json:"missing"`
	} `json:"meta"`
	NextCursor *string `json:"next_cursor"`
}

// missing is a stretch without bars.
type missing struct {
	Start  string `json:"start"`
	End    string `json:"end"`
	Reason string `json:"reason"`
}

// barRow is one bar; the numbers keep the digits that were sent.
type barRow struct {
	TS       string      `json:"ts"`
	Open     json.Number `json:"open"`
	High     json.Number `json:"high"`
	Low      json.Number `json:"low"`
	Close    json.Number `json:"close"`
	Volume   json.Number `json:"volume"`
	VWAP     json.Number `json:"vwap"`
	Turnover json.Number `json:"turnover"`
	Trades   json.Number `json:"trades"`
}

func (b barRow) cells() []string {
	return []string{
		b.TS, b.Open.String(), b.High.String(), b.Low.String(), b.Close.String(),
		b.Volume.String(), b.VWAP.String(), b.Turnover.String(), b.Trades.String(),
	}
}

func barHeading() []string {
	return []string{"ts", "open", "high", "low", "close", "volume", "vwap", "turnover", "trades"}
}

func newBars(a *app) *cobra.Command {
	var format, interval string
	filters := map[string]*string{"start": new(string), "end": new(string), "provider": new(string), "adjustment": new(string), "order": new(string)}
	c := &cobra.Command{
		Use:   "bars INSTRUMENT",
		Short: "Print stored bars",
		Long: `Print the stored bars of the half-open range [start, end), all pages of it, with the exact digits of the provider.
What is missing, and why, goes to standard error (with --format json, into meta).`,
		Example: `  marketdata bars BTCUSDT.SIM --interval 1d --start 2024-01-01
  marketdata bars BTCUSDT.SIM --interval 1m --start 2024-01-01 --end 2024-02-01 --format csv > btc.csv
  marketdata bars BTCUSDT.SIM --interval 1h --start 2024-01-01 --end 2024-01-02 --format json`,
		Args: arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := requireFlags(c, "interval", "start"); err != nil {
				return err
			}
			out := bufio.NewWriter(a.stdout)
			writer, err := newBarWriter(out, format)
			if err != nil {
				return err
			}
			api, err := a.openAPI(c)
			if err != nil {
				return err
			}
			query := url.Values{"interval": {interval}, "limit": {barsPerPage}}
			for name, value := range filters {
				if *value != "" {
					query.Set(name, *value)
				}
			}
			return a.printBars(c, api, "/v1/instruments/"+url.PathEscape(args[0])+"/bars", query, writer, out)
		},
	}
	flags := c.Flags()
	flags.StringVar(&interval, "interval", "", "1m 5m 15m 30m 1h 4h 1d 1w or 1mo (required)")
	flags.StringVar(filters["start"], "start", "", "date or RFC 3339 time, in the range (required)")
	flags.StringVar(filters["end"], "end", "", "date or RFC 3339 time, no longer in the range (default: now)")
	flags.StringVar(filters["provider"], "provider", "", "whose bars (default: the first that has any)")
	flags.StringVar(filters["adjustment"], "adjustment", "", "raw, split or total (default: as stored)")
	flags.StringVar(filters["order"], "order", "", "asc or desc (default asc)")
	flags.StringVar(&format, "format", "table", "table, json or csv")
	addAPIURL(c)
	return c
}

// printBars streams page after page: memory holds one page.
func (a *app) printBars(c *cobra.Command, api *apiClient, path string, query url.Values, writer barWriter, out *bufio.Writer) error {
	var first barsPage
	var holes []missing
	returned, isComplete := 0, true
	for isFirst := true; ; isFirst = false {
		var page barsPage
		if _, err := api.get(c.Context(), path, query, &page); err != nil {
			return joined(err, out.Flush())
		}
		if isFirst {
			first = page
			if err := writer.begin(); err != nil {
				return err
			}
		}
		if err := writer.page(page.Data); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
		returned += len(page.Data)
		isComplete = isComplete && page.Meta.Complete
		holes = append(holes, page.Meta.Missing...)
		if page.NextCursor == nil {
			break
		}
		query.Set("cursor", *page.NextCursor)
	}
	holes = mergeHoles(holes)
	meta := map[string]any{
		"instrument": first.Meta.Instrument, "provider": first.Meta.Provider, "interval": first.Meta.Interval,
		"adjustment": first.Meta.Adjustment, "start": first.Meta.Start, "end": first.Meta.End,
		"returned": returned, "complete": isComplete, "missing": holes,
	}
	if err := writer.end(meta); err != nil {
		return err
	}
	if _, isDocument := writer.(*jsonBars); !isDocument {
		a.reportHoles(returned, isComplete, holes)
	}
	return out.Flush()
}

// mergeHoles joins stretches that a page's end cut in two.
func mergeHoles(holes []missing) []missing {
	merged := make([]missing, 0, len(holes))
	for _, h := range holes {
		if last := len(merged) - 1; last >= 0 && merged[last].Reason == h.Reason {
			if merged[last].End == h.Start {
				merged[last].End = h.End
				continue
			}
			if merged[last].Start == h.End { // descending order
				merged[last].Start = h.Start
				continue
			}
		}
		merged = append(merged, h)
	}
	return merged
}

// reportHoles tells people what is not there.
func (a *app) reportHoles(returned int, isComplete bool, holes []missing) {
	if len(holes) == 0 {
		return
	}
	state := "complete"
	if !isComplete {
		state = "incomplete"
	}
	_, _ = fmt.Fprintf(a.stderr, "%d bars, %s; without bars:\n", returned, state)
	const most = 20
	for i, h := range holes {
		if i == most {
			_, _ = fmt.Fprintf(a.stderr, "  and %d more stretches (--format json lists all)\n", len(holes)-most)
			return
		}
		_, _ = fmt.Fprintf(a.stderr, "  %s to %s: %s\n", h.Start, h.End, h.Reason)
	}
}

// barWriter prints pages of bars in one format.
type barWriter interface {
	begin() error
	page(rows []json.RawMessage) error
	end(meta any) error
}

func newBarWriter(w io.Writer, format string) (barWriter, error) {
	switch format {
	case "table":
		return &tableBars{out: w}, nil
	case "csv":
		return &csvBars{out: w}, nil
	case "json":
		return &jsonBars{out: w}, nil
	}
	return nil, usagef("--format wants table, json or csv, not %q", format)
}

// csvBars prints one line per bar; absent values are empty. No cell needs quotes: all are times and numbers.
type csvBars struct{ out io.Writer }

func (w *csvBars) begin() error {
	_, err := fmt.Fprintln(w.out, strings.Join(barHeading(), ","))
	return err
}

func (w *csvBars) page(rows []json.RawMessage) error {
	bars, err := decodeAll[barRow](rows)
	if err != nil {
		return err
	}
	for _, bar := range bars {
		if _, err := fmt.Fprintln(w.out, strings.Join(bar.cells(), ",")); err != nil {
			return err
		}
	}
	return nil
}

func (w *csvBars) end(any) error { return nil }

// tableBars aligns each page, under a heading of its own when columns grow.
type tableBars struct{ out io.Writer }

func (w *tableBars) begin() error { return nil }

func (w *tableBars) page(rows []json.RawMessage) error {
	bars, err := decodeAll[barRow](rows)
	if err != nil {
		return err
	}
	table := [][]string{barHeading()}
	for _, bar := range bars {
		table = append(table, bar.cells())
	}
	return writeTable(w.out, table...)
}

func (w *tableBars) end(any) error { return nil }

// jsonBars prints one document of the shape of the API's, with the rows of all pages as they were sent.
type jsonBars struct {
	out     io.Writer
	hasRows bool
}

func (w *jsonBars) begin() error {
	_, err := io.WriteString(w.out, `{"data":[`)
	return err
}

func (w *jsonBars) page(rows []json.RawMessage) error {
	for _, row := range rows {
		separator := ",\n"
		if !w.hasRows {
			separator, w.hasRows = "\n", true
		}
		if _, err := fmt.Fprint(w.out, separator, string(row)); err != nil {
			return err
		}
	}
	return nil
}

func (w *jsonBars) end(meta any) error {
	encoded, err := json.Marshal(meta)
	if err != nil {
		return fmt.Errorf("encode the output: %w", err)
	}
	_, err = fmt.Fprintf(w.out, "\n],\n\"meta\":%s,\n\"next_cursor\":null}\n", encoded)
	return err
}
