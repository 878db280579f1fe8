package simulator_test

import (
	"compress/gzip"
	"encoding/csv"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/simulator"
)

func sessionReplay(path, symbol string, interval market.Interval, list, name string) (*simulator.Replay, error) {
	return simulator.LoadReplay(simulator.ReplayOptions{Path: path, Symbol: symbol, Interval: interval, Columns: columns(list), Calendar: name})
}

func TestReplayOfSessionDates(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"dates":         "Date,Open,High,Low,Close,Volume\n2019-03-08,1,2,1,2.5,100\n2019-03-11,34.45,35,34,34.45,200\n",
		"American":      "3/8/2019,1,2,1,2.5,100\n3/11/2019,34.45,35,34,34.45,200\n",
		"leading zeros": "03/08/2019,1,2,1,2.5,100\n03/11/2019,34.45,35,34,34.45,200\n",
		"midnights":     "2019-03-08T00:00:00Z,1,2,1,2.5,100\n2019-03-11T00:00:00Z,34.45,35,34,34.45,200\n",
		"opens":         "1552055400,1,2,1,2.5,100\n1552311000,34.45,35,34,34.45,200\n",
		"wall clock":    "2019-03-08 00:00:00,1,2,1,2.5,100\n2019-03-11 00:00,34.45,35,34,34.45,200\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replay, err := sessionReplay(file(t, "a.csv", text), "^gspc", market.Interval1d, ohlcv, "XNYS")
			require.NoError(t, err)
			s := newSimulator(t, replay)
			c := chartOf(t, s, "%%5EGSPC?interval=1d&range=max")
			require.Equal(t, []string{"2019-03-08T14:30:00", "2019-03-11T13:30:00"}, c.stamps(), "the opens, in both halves of the year")
			require.Equal(t, "34.45000076293945", c.quote().Open[1].String())
			require.Equal(t, "200", c.quote().Volume[1].String())
			require.InDelta(t, c.Timestamp[0], c.Meta["firstTradeDate"], 0)
			require.Equal(t, "INDEX", c.Meta["instrumentType"])
			require.InDelta(t, 34.45, c.Meta["regularMarketPrice"], 0)
			bars := truth(t, s, "^GSPC", market.Interval1d, market.Range{Start: now().AddDate(-20, 0, 0), End: now()})
			require.Len(t, bars, 2)
			require.Equal(t, time.Date(2019, 3, 11, 0, 0, 0, 0, time.UTC), bars[1].Time)
			require.Equal(t, "34.45", bars[1].Open.String())
			week := chartOf(t, s, "%%5EGSPC?interval=1wk&range=max")
			require.Equal(t, []string{"2019-03-04T05:00:00", "2019-03-11T04:00:00"}, week.stamps())
			require.Equal(t, 400, get(t, s, "/api/v3/klines?symbol=%5EGSPC&interval=1d").Code, "Binance has no indices")
		})
	}
}

func TestReplayOfIntradaySessions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, calendar string
		interval       market.Interval
		rows           string
		want           []string
	}{
		{
			"the clock's hours of New York, an early close", "XNYS", market.Interval1h,
			"2019-07-02 09:00, 2019-07-02 10:00, 2019-07-02 15:00, 2019-07-03 09:00, 2019-07-03 12:00",
			[]string{"2019-07-02T13:30:00Z", "2019-07-02T14:30:00Z", "2019-07-02T19:30:00Z", "2019-07-03T13:30:00Z", "2019-07-03T16:30:00Z"},
		},
		{
			"already from the open", "XNYS", market.Interval1h, "2019-01-02 09:30, 2019-01-02 15:30",
			[]string{"2019-01-02T14:30:00Z", "2019-01-02T20:30:00Z"},
		},
		{
			"with a zone", "XNYS", market.Interval1h, "2019-01-02T14:30:00Z, 2019-01-02T10:30:00-05:00",
			[]string{"2019-01-02T14:30:00Z", "2019-01-02T15:30:00Z"},
		},
		{
			"the clock's four hours", "XNYS", market.Interval4h, "2019-01-02 08:00, 2019-01-02 12:00",
			[]string{"2019-01-02T14:30:00Z", "2019-01-02T18:30:00Z"},
		},
		{"minutes", "XNYS", market.Interval1m, "2019-01-02 09:30, 2019-01-02 15:59", []string{"2019-01-02T14:30:00Z", "2019-01-02T20:59:00Z"}},
		{
			"after a break", "XHKG", market.Interval1h, "2019-01-02 09:00, 2019-01-02 11:00, 2019-01-02 13:00",
			[]string{"2019-01-02T01:30:00Z", "2019-01-02T03:30:00Z", "2019-01-02T05:00:00Z"},
		},
		{"Sydney, before the UTC day", "XASX", market.Interval1h, "2019-01-02 10:00", []string{"2019-01-01T23:00:00Z"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var text strings.Builder
			for _, stamp := range strings.Split(tc.rows, ", ") {
				text.WriteString(stamp + ",1.1,1.1,1.1,1.1,5\n")
			}
			replay, err := sessionReplay(file(t, "a.csv", text.String()), "X", tc.interval, ohlcv, tc.calendar)
			require.NoError(t, err)
			var got []string
			for _, b := range truth(t, newSimulator(t, replay), "X", tc.interval, market.Range{Start: now().AddDate(-20, 0, 0), End: now()}) {
				got = append(got, market.FormatTime(b.Time))
			}
			require.Equal(t, tc.want, got)
		})
	}
}

func TestReplayAggregatesOnTheSessionGrid(t *testing.T) {
	t.Parallel()
	const text = "2024-06-06 10:30,1,9,1,2,10\n2024-06-06 11:00,2,3,0.5,3,20\n2024-06-06 13:00,3,4,3,4,30\n2024-06-07 09:30,5,5,5,5,40\n"
	replay, err := sessionReplay(file(t, "a.csv", text), "0700.HK", market.Interval30m, ohlcv, "XHKG")
	require.NoError(t, err)
	s := newSimulator(t, replay)
	all := market.Range{Start: now().AddDate(-1, 0, 0), End: now()}
	keys := func(interval market.Interval) (keys []string) {
		for _, b := range truth(t, s, "0700.HK", interval, all) {
			keys = append(keys, market.FormatTime(b.Time)+" "+b.Volume.String())
		}
		return keys
	}
	require.Equal(t, []string{"2024-06-06T02:30:00Z 30", "2024-06-06T05:00:00Z 30", "2024-06-07T01:30:00Z 40"}, keys(market.Interval1h))
	require.Equal(t, []string{"2024-06-06T01:30:00Z 30", "2024-06-06T05:00:00Z 30", "2024-06-07T01:30:00Z 40"}, keys(market.Interval4h))
	require.Equal(t, []string{"2024-06-06T00:00:00Z 60", "2024-06-07T00:00:00Z 40"}, keys(market.Interval1d))
	require.Equal(t, []string{"2024-06-03T00:00:00Z 100"}, keys(market.Interval1w))
	require.Empty(t, keys(market.Interval1mo), "June is not over")
	_, err = s.Truth("0700.HK", market.Interval1m, all)
	require.Equal(t, market.KindInvalid, market.KindOf(err))
}

func TestReplayRefusesWhatNoSessionHolds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, first, bad string
		interval         market.Interval
		want             string
	}{
		{"a holiday", "2024-07-03", "2024-07-04", market.Interval1d, "line 2: XNYS has no session on 2024-07-04"},
		{"a Sunday", "7/3/2024", "7/7/2024", market.Interval1d, "line 2: XNYS has no session on 2024-07-07"},
		{"hours of a holiday", "2024-07-03 09:00", "2024-07-04 09:00", market.Interval1h, "line 2: XNYS has no session on 2024-07-04"},
		{"after the close", "2024-07-02 12:00", "2024-07-02 16:00", market.Interval1h, "line 2: no bar of 1h opens at 2024-07-02T20:00:00Z"},
		{"long after an early close", "2024-07-03 12:00", "2024-07-03 17:00", market.Interval1h, "line 2: no bar of 1h opens at 2024-07-03T21:00:00Z"},
		{"before the open", "2024-07-03 12:00", "2024-07-03 08:00", market.Interval1h, "line 2: no bar of 1h"},
		{"between the bars", "2024-07-03 12:00", "2024-07-03 10:15", market.Interval1h, "line 2: no bar of 1h"},
		{"a week that begins on Tuesday", "2024-07-01", "2024-07-09", market.Interval1w, "line 2: no bar of 1w"},
		{"twice the same", "2024-07-03 09:00", "2024-07-03 09:30", market.Interval1h, "line 2: 2024-07-03T13:30:00Z has a bar in line 1 already"},
	} {
		text := tc.first + ",1,1,1,1,1\n" + tc.bad + ",1,1,1,1,1\n"
		_, err := sessionReplay(file(t, "a.csv", text), "X", tc.interval, ohlcv, "XNYS")
		require.ErrorContains(t, err, tc.want, tc.name)
		require.Equal(t, market.KindInvalid, market.KindOf(err))
	}
	_, err := sessionReplay(file(t, "a.csv", "2024-07-03,1,1,1,1,1\n"), "X", market.Interval1d, ohlcv, "XMARS")
	require.Equal(t, market.KindInvalid, market.KindOf(err))
}

func TestReplayOfLateTrades(t *testing.T) {
	t.Parallel()
	const text = "2024-07-03 12:00,1,1,1,1,1\n2024-07-03 13:00,2,2,2,2,2\n2024-07-03 14:00,2,2,2,2,2\n"
	replay, err := sessionReplay(file(t, "a.csv", text), "AAPL", market.Interval1h, ohlcv, "XNAS")
	require.NoError(t, err)
	s := simulatorAt(t, "2024-08-01", replay)
	c := chartOf(t, s, "AAPL?interval=1h&range=max")
	require.Equal(t, []string{"2024-07-03T16:30:00", "2024-07-03T17:30:00", "2024-07-03T18:30:00"}, c.stamps(), "after the early close too")
	july := market.Range{Start: time.Date(2024, 7, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2024, 8, 1, 0, 0, 0, 0, time.UTC)}
	require.Len(t, truth(t, s, "AAPL", market.Interval1h, july), 1, "but no bar of the session")
}

func TestReplayOfCurrencies(t *testing.T) {
	t.Parallel()
	replay, err := replayOf(file(t, "a.csv", "2024-06-03,1.08451,1.09,1.08,1.085,0\n"), "EURUSD=X", market.Interval1d, ohlcv)
	require.NoError(t, err)
	c := chartOf(t, newSimulator(t, replay), "EURUSD=X?interval=1d&range=max")
	require.Equal(t, []string{"2024-06-02T23:00:00"}, c.stamps(), "midnight in London")
	require.Equal(t, "CURRENCY", c.Meta["instrumentType"])
}

// TestReplayOfRealSessions sends real histories of New York and compares every price.
func TestReplayOfRealSessions(t *testing.T) {
	t.Parallel()
	const export = "ts,open,high,low,close,-,volume"
	for _, tc := range []struct {
		name, symbol, columns string
		interval              market.Interval
	}{
		{"stock_aapl_daily_unadjusted_lean.csv", "AAPL", ohlcv, market.Interval1d},
		{"stock_aapl_hourly_unadjusted_lean.csv.gz", "AAPL", ohlcv, market.Interval1h},
		{"stock_orcl_1995_2014_yahoo_csv.csv.gz", "ORCL", export, market.Interval1d},
		{"index_sp500_1999_2018_daily.csv.gz", "^GSPC", export, market.Interval1d},
		{"index_nasdaq_1999_2018_daily.csv.gz", "^IXIC", export, market.Interval1d},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			path := "../../shared/datasets/" + tc.name
			want := readFile(t, path)
			replay, err := sessionReplay(path, tc.symbol, tc.interval, tc.columns, "XNYS")
			require.NoError(t, err)
			granularity := map[market.Interval]string{market.Interval1d: "1d", market.Interval1h: "1h"}[tc.interval]
			c := chartOf(t, newSimulator(t, replay), "%s?range=max&interval=%s", strings.ReplaceAll(tc.symbol, "^", "%5E"), granularity)
			require.Len(t, c.Timestamp, len(want))
			q := c.quote()
			for i, row := range want {
				for n, got := range []string{q.Open[i].String(), q.High[i].String(), q.Low[i].String(), q.Close[i].String()} {
					f, err := strconv.ParseFloat(row[n+1], 32)
					require.NoError(t, err)
					if text := strconv.FormatFloat(f, 'f', -1, 64); text != got {
						require.Equal(t, text, got, "row %d", i)
					}
				}
			}
		})
	}
}

// readFile returns the rows below the header, and skips the test where there is no such file.
func readFile(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("the recorded history is not here (%s); the other tests cover the same ground", path) //nolint:forbidigo // recordings are not part of the repository
	}
	defer func() { require.NoError(t, f.Close()) }()
	var text io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		text, err = gzip.NewReader(f)
		require.NoError(t, err)
	}
	rows, err := csv.NewReader(text).ReadAll()
	require.NoError(t, err)
	return rows[1:]
}
