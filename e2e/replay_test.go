package e2e_test

import (
	"compress/gzip"
	"encoding/csv"
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
	"marketdata/simulator"
)

// csvColumns is the order in the replayed files: as in Bitfinex's own histories, close before high and low.
func csvColumns() []string { return []string{"ts", "open", "close", "high", "low", "volume"} }

// TestRealYear replays a real year of one-minute bars with real holes, and compares every digit.
func TestRealYear(t *testing.T) {
	t.Parallel()
	file := sharedFile(t, "datasets/crypto_btcusd_bitfinex_1m_2016.csv.gz")
	replayAndCompare(t, file, "2016-01-01", "2017-01-01", 290_000)
}

// TestMadeUpMonths does the same over a made-up file: long and short holes, a chunk without any bar, awkward digits.
func TestMadeUpMonths(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "made_up.csv")
	writeMadeUp(t, file)
	replayAndCompare(t, file, "2020-01-01", "2020-05-01", 50_000)
}

func writeMadeUp(t *testing.T, file string) {
	t.Helper()
	var text strings.Builder
	start := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for minute := range 4 * 31 * 24 * 60 {
		at := start.AddDate(0, 0, 0).Add(time.Duration(minute) * time.Minute)
		inHole := minute%97 == 13 || minute%97 == 14 || at.Month() == time.March || at.Month() == time.April && at.Day() > 20
		if inHole || !at.Before(start.AddDate(0, 4, 0)) {
			continue
		}
		low := fmt.Sprintf("%d.%08d", minute%7, minute%99999)
		high := fmt.Sprintf("%d.5", 7+minute%3)
		fmt.Fprintf(&text, "%d,%s,%s,%s,%s,%d.%d0\n", at.UnixMilli(), low, high, high, low, minute%1000, minute%9)
	}
	require.NoError(t, os.WriteFile(file, []byte(text.String()), 0o600))
}

func replayAndCompare(t *testing.T, file, start, end string, atLeast int) {
	t.Helper()
	const symbol = "BTCUSD"
	replay, err := simulator.LoadReplay(simulator.ReplayOptions{Path: file, Symbol: symbol, Interval: market.Interval1m, Columns: csvColumns()})
	require.NoError(t, err)
	truth := readCSV(t, file)
	require.Greater(t, len(truth), atLeast)

	s := startReplay(t, replay)
	s.addInstrument(symbol)
	request := map[string]any{"instruments": []string{symbol + ".SIM"}, "interval": "1m", "start": start, "end": end}
	b := s.run(request)
	require.Equal(t, "completed", b.Status, "%+v", b.Failures)
	require.Equal(t, int64(len(truth)), b.Progress.Bars.Inserted)
	require.InDelta(t, 100, b.Progress.Percent, 0)
	compareAll(t, s, symbol, start, end, truth)

	asked := s.requests()
	again := s.startBackfill(request)
	require.Equal(t, "completed", again.Status)
	require.Equal(t, int64(0), again.Progress.Chunks.Total)
	require.Equal(t, asked, s.requests(), "nothing is missing, so nothing is asked")

	request["policy"] = "all"
	all := s.run(request)
	require.Equal(t, "completed", all.Status)
	require.Equal(t, market.BarCounts{Expected: all.Progress.Bars.Expected, Unchanged: int64(len(truth))}, all.Progress.Bars, "asking for everything again changes no row")
}

func startReplay(t *testing.T, replay *simulator.Replay) *stack {
	t.Helper()
	return start(t, options{replays: []*simulator.Replay{replay}})
}

// compareAll reads every page and compares every digit and every hole.
func compareAll(t *testing.T, s *stack, symbol, start, end string, truth [][]string) {
	t.Helper()
	first := fmt.Sprintf("%s.SIM/bars?interval=1m&start=%s&end=%s&limit=10000", symbol, start, end)
	at, holes, query := 0, []hole{}, first
	for {
		p := s.page(query)
		require.True(t, p.Meta.Complete)
		for _, bar := range p.Data {
			require.Less(t, at, len(truth))
			want := truth[at]
			got := []string{strconv.FormatInt(bar.TS.UnixMilli(), 10), bar.Open.String(), bar.Close.String(), bar.High.String(), bar.Low.String(), bar.Volume.String()}
			require.Equal(t, want, got)
			at++
		}
		holes = append(holes, p.Meta.Missing...)
		if p.NextCursor == nil {
			break
		}
		query = first + "&cursor=" + *p.NextCursor
	}
	require.Equal(t, len(truth), at)
	compareHoles(t, start, end, truth, holes)
}

// compareHoles checks that the holes are exactly the minutes without a row, each with its reason.
func compareHoles(t *testing.T, start, end string, truth [][]string, holes []hole) {
	t.Helper()
	has := map[int64]bool{}
	for _, row := range truth {
		ms, err := strconv.ParseInt(row[0], 10, 64)
		require.NoError(t, err)
		has[ms] = true
	}
	reasons := map[string]int{}
	explained := map[int64]bool{}
	for _, h := range holes {
		for at := h.Start; at.Before(h.End); at = at.Add(time.Minute) {
			require.False(t, has[at.UnixMilli()], "a bar at %s is called missing", at)
			require.False(t, explained[at.UnixMilli()], "%s is explained twice", at)
			explained[at.UnixMilli()] = true
			reasons[h.Reason]++
		}
	}
	from, err := time.Parse(time.DateOnly, start)
	require.NoError(t, err)
	to, err := time.Parse(time.DateOnly, end)
	require.NoError(t, err)
	minutes := int(to.Sub(from) / time.Minute)
	require.Equal(t, minutes, len(has)+len(explained), "every minute has a bar or a reason")
	require.Equal(t, map[string]int{"confirmed_empty": minutes - len(has)}, reasons)
}

// readCSV returns the rows with canonical numbers.
func readCSV(t *testing.T, file string) [][]string {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	var reader io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		reader, err = gzip.NewReader(f)
		require.NoError(t, err)
	}
	rows, err := csv.NewReader(reader).ReadAll()
	require.NoError(t, err)
	for _, row := range rows {
		for i := range row[1:] {
			d, err := market.ParseDecimal(row[i+1])
			require.NoError(t, err)
			row[i+1] = d.String()
		}
	}
	return rows
}
