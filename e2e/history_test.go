package e2e_test

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/market/calendar"
	"marketdata/simulator"
)

// history is a CSV file of a stock or an index in New York.
type history struct {
	listed

	file     string
	interval market.Interval
	columns  []string
	rows     int
	late     int      // rows of short days that begin at the close or later: trades after hours, which are no bars of the session
	gaps     []string // days on which bars are missing
}

// TestRealHistories replays real histories in Yahoo's format: they come back equal, as single-precision floats, keyed by
// session date, and complete against the calendar.
func TestRealHistories(t *testing.T) {
	t.Parallel()
	lean := []string{"ts", "open", "high", "low", "close", "volume"}
	export := []string{"ts", "open", "high", "low", "close", "-", "volume"}
	var histories []history
	for _, h := range []history{
		{listed{"AAPL", "equity", "XNAS", "yahoo", "AAPL"}, "stock_aapl_daily_unadjusted_lean.csv", market.Interval1d, lean, 5849, 0, nil},
		{listed{"BAC", "equity", "XNYS", "yahoo", "BAC"}, "stock_bac_daily_unadjusted_lean.csv", market.Interval1d, lean, 5849, 0, nil},
		{listed{"NVDA", "equity", "XNAS", "yahoo", "NVDA"}, "stock_nvda_1999_2014_yahoo_csv.csv", market.Interval1d, export, 4012, 0, nil},
		{listed{"ORCL", "equity", "XNYS", "yahoo", "ORCL"}, "stock_orcl_1995_2014_yahoo_csv.csv.gz", market.Interval1d, export, 5036, 0, nil},
		{listed{"SPX", "index", "XNYS", "yahoo", "^GSPC"}, "index_sp500_1999_2018_daily.csv.gz", market.Interval1d, export, 5031, 0, nil},
		{listed{"IXIC", "index", "XNYS", "yahoo", "^IXIC"}, "index_nasdaq_1999_2018_daily.csv.gz", market.Interval1d, export, 5031, 0, nil},
	} {
		h.file = sharedFile(t, "datasets/"+h.file)
		histories = append(histories, h)
	}
	replayHistories(t, "1995-01-01", "2021-04-01", histories)
}

// TestRealHours does the same for hourly bars, which the file stamps on the clock: 09:00 for what begins at the 9:30 open.
func TestRealHours(t *testing.T) {
	t.Parallel()
	file := sharedFile(t, "datasets/stock_aapl_hourly_unadjusted_lean.csv.gz")
	replayHistories(t, "1998-01-01", "2021-04-01", []history{{
		listed{"AAPL", "equity", "XNAS", "yahoo", "AAPL"},
		file, market.Interval1h,
		[]string{"ts", "open", "high", "low", "close", "volume"},
		40831, 47,
		// The openings of 2002-09-11 were put off for the ceremonies; Nasdaq halted on 2013-08-22 for three hours.
		[]string{"2002-09-11", "2013-08-22"},
	}})
}

// TestMadeUpHistories covers the same with made-up files: awkward digits, both halves of the year, an early close.
func TestMadeUpHistories(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	daily, hourly := strings.Builder{}, strings.Builder{}
	nyse, err := calendar.ByName("XNYS")
	require.NoError(t, err)
	year := market.Range{Start: time.Date(2023, 11, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2024, 12, 1, 0, 0, 0, 0, time.UTC)}
	for i, s := range market.Sessions(nyse, year) {
		fmt.Fprintf(&daily, "%s,%d.0123,%d.98765432,%d.0000001,%d.1,%d\n", s.Date.Format("1/2/2006"), 17+i, 17+i, 1+i, 17+i, 1000*i)
		for at := s.Open.In(nyse.Location()).Truncate(time.Hour); at.Before(s.Close); at = at.Add(time.Hour) {
			fmt.Fprintf(&hourly, "%s,%d.35,%d.45,%d.05,%d.15,%d\n", at.Format("2006-01-02 15:04"), 10+i, 10+i, 10+i, 10+i, at.Hour())
		}
	}
	columns := []string{"ts", "open", "high", "low", "close", "volume"}
	for name, text := range map[string]string{"daily.csv": daily.String(), "hourly.csv": hourly.String()} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	replayHistories(t, "2023-11-01", "2024-12-01", []history{{listed{"AAPL", "equity", "XNAS", "yahoo", "AAPL"}, filepath.Join(folder, "daily.csv"), market.Interval1d, columns, 272, 0, nil}})
	replayHistories(t, "2023-11-01", "2024-12-01", []history{{listed{"SPX", "index", "XNYS", "yahoo", "^GSPC"}, filepath.Join(folder, "hourly.csv"), market.Interval1h, columns, 1895, 0, nil}})
}

func replayHistories(t *testing.T, start, end string, histories []history) {
	t.Helper()
	var replays []*simulator.Replay
	var ids []string
	for _, h := range histories {
		replay, err := simulator.LoadReplay(simulator.ReplayOptions{Path: h.file, Symbol: h.code, Interval: h.interval, Columns: h.columns, Calendar: h.calendar})
		require.NoError(t, err)
		replays, ids = append(replays, replay), append(ids, h.symbol+".SIM")
	}
	s := startHistories(t, replays, histories)
	request := map[string]any{"instruments": ids, "interval": histories[0].interval, "start": start, "end": end}
	b := s.run(request)
	require.Equal(t, "completed", b.Status, "%+v", b.Failures)
	for _, h := range histories {
		want := h.bars(t)
		require.Equal(t, h.rows-h.late, len(want), h.file) //nolint:testifylint // the rows themselves would fill pages
		got, holes := s.readAll(t, h, start, end)
		for i := range min(len(want), len(got)) {
			require.Equal(t, want[i], got[i], "%s bar %d", h.file, i)
		}
		require.Len(t, got, len(want))
		var gaps []string
		for _, hole := range holes {
			require.Contains(t, []string{"before_listing", "confirmed_empty"}, hole.Reason)
			if hole.End.After(want[0].TS) && hole.Start.Before(want[len(want)-1].TS) {
				gaps = append(gaps, hole.Start.Format(time.DateOnly))
			}
		}
		require.Equal(t, h.gaps, gaps, "%s: complete against the calendar but for these days", h.file)
	}
	require.Zero(t, s.startBackfill(request).Progress.Chunks.Total)
}

func startHistories(t *testing.T, replays []*simulator.Replay, histories []history) *stack {
	t.Helper()
	s := start(t, options{replays: replays})
	for _, h := range histories {
		s.add(h.listed)
	}
	return s
}

// readAll reads every page of a series.
func (s *stack) readAll(t *testing.T, h history, start, end string) (bars []bar, holes []hole) {
	t.Helper()
	query := fmt.Sprintf("%s.SIM/bars?interval=%s&start=%s&end=%s&limit=10000", h.symbol, h.interval, start, end)
	for cursor := ""; ; {
		p := s.page(query + cursor)
		require.True(t, p.Meta.Complete)
		bars, holes = append(bars, p.Data...), append(holes, p.Meta.Missing...)
		if p.NextCursor == nil {
			return bars, holes
		}
		cursor = "&cursor=" + *p.NextCursor
	}
}

// bars reads the file in a way of its own: the key of each row, and its prices as the shortest decimals that are the same
// single-precision floats.
func (h history) bars(t *testing.T) []bar {
	t.Helper()
	f, err := os.Open(h.file)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	var reader io.Reader = f
	if strings.HasSuffix(h.file, ".gz") {
		reader, err = gzip.NewReader(f)
		require.NoError(t, err)
	}
	rows, err := csv.NewReader(reader).ReadAll()
	require.NoError(t, err)
	var bars []bar
	for _, row := range rows {
		key, isBar := h.key(t, row[0])
		if !isBar { // a header, or after hours
			continue
		}
		bars = append(bars, bar{
			TS: key, Open: single(t, row[1]), High: single(t, row[2]), Low: single(t, row[3]), Close: single(t, row[4]),
			Volume: json.Number(row[len(row)-1]),
		})
	}
	return bars
}

// key is the session's date of a daily row; an hourly one, stamped on the clock in New York, begins as many hours after
// the open as its hour is after nine.
func (h history) key(t *testing.T, text string) (time.Time, bool) {
	t.Helper()
	for _, form := range []string{time.DateOnly, "1/2/2006"} {
		if date, err := time.Parse(form, text); err == nil {
			return date, true
		}
	}
	at, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		return at, false
	}
	exchange, err := calendar.ByName(h.calendar)
	require.NoError(t, err)
	session, isOpen := exchange.Session(at)
	require.True(t, isOpen, text)
	start := session.Open.Add(time.Duration(at.Hour()-9) * time.Hour)
	return start, start.Before(session.Close)
}

func single(t *testing.T, text string) json.Number {
	t.Helper()
	f, err := strconv.ParseFloat(text, 32)
	require.NoError(t, err)
	return json.Number(strconv.FormatFloat(f, 'f', -1, 32))
}
