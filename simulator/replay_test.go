package simulator_test

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/simulator"
)

// file writes text to a file of the test.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// replayOf reads a file of a market that never closes.
func replayOf(path, symbol string, interval market.Interval, list string) (*simulator.Replay, error) {
	return simulator.LoadReplay(simulator.ReplayOptions{Path: path, Symbol: symbol, Interval: interval, Columns: columns(list)})
}

func columns(list string) []string { return strings.Split(list, ",") }

const ohlcv = "ts,open,high,low,close,volume"

// holed has a hole from 00:02 to 00:04, and digits that must not change.
const holed = `1577836800000,7000.10,7001.5,6999.0000,7000.123456789,1.50
1577836860000,7000,7000,7000,7000,0
1577837100000,7002.1,7003,7002,7002.90,0.00000001
1577840400000,7010,7010,7010,7010,3
`

func TestReplayKeepsDigitsAndHoles(t *testing.T) {
	t.Parallel()
	replay, err := replayOf(file(t, "holed.csv", holed), "btcusd", market.Interval1m, ohlcv)
	require.NoError(t, err)
	s := newSimulator(t, replay)
	rows := klines(t, s, "symbol=BTCUSD&interval=1m&startTime=0")
	require.Equal(t, []row{
		{open: 1577836800000, close: 1577836859999, o: "7000.10", h: "7001.5", l: "6999.0000", c: "7000.123456789", volume: "1.50", turnover: "0"},
		{open: 1577836860000, close: 1577836919999, o: "7000", h: "7000", l: "7000", c: "7000", volume: "0", turnover: "0"},
		{open: 1577837100000, close: 1577837159999, o: "7002.1", h: "7003", l: "7002", c: "7002.90", volume: "0.00000001", turnover: "0"},
		{open: 1577840400000, close: 1577840459999, o: "7010", h: "7010", l: "7010", c: "7010", volume: "3", turnover: "0"},
	}, rows)
	require.Equal(t, rows[1:3], klines(t, s, "symbol=BTCUSD&interval=1m&startTime=1577836800001&endTime=1577837100000"))
	require.Equal(t, rows[:1], klines(t, s, "symbol=BTCUSD&interval=1m&startTime=0&limit=1"), "the first row is the listing")
	require.Equal(t, rows[3:], klines(t, s, "symbol=BTCUSD&interval=1m&limit=1"))
	require.Empty(t, klines(t, s, "symbol=BTCUSD&interval=1m&startTime=1577836920000&endTime=1577837040000"))
	described := get(t, s, "/api/v3/exchangeInfo?symbol=BTCUSD").Body.String()
	require.Contains(t, described, `"baseAsset":"BTC"`)
	require.Contains(t, described, `"quoteAsset":"USD"`)
	require.Contains(t, described, `"tickSize":"0.00000001"`)
}

func TestReplayIsAggregatedToLongerIntervals(t *testing.T) {
	t.Parallel()
	replay, err := replayOf(file(t, "holed.csv", holed), "BTCUSD", market.Interval1m, ohlcv)
	require.NoError(t, err)
	s := newSimulator(t, replay)
	for range 2 { // the second time it is remembered
		rows := klines(t, s, "symbol=BTCUSD&interval=1h&startTime=0")
		require.Equal(t, []row{
			{open: 1577836800000, close: 1577840399999, o: "7000.10", h: "7003", l: "6999.0000", c: "7002.90", volume: "1.50000001", turnover: "0"},
			{open: 1577840400000, close: 1577843999999, o: "7010", h: "7010", l: "7010", c: "7010", volume: "3", turnover: "0"},
		}, rows)
	}
	require.Len(t, klines(t, s, "symbol=BTCUSD&interval=1M&startTime=0"), 1)
	require.Len(t, klines(t, s, "symbol=BTCUSD&interval=1m&startTime=0"), 4)
}

func TestReplayRefusesWhatItCannotMake(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		interval market.Interval
		row      string
		wire     string
	}{
		{market.Interval1h, "1577836800,1,1,1,1,1", "1m"},
		{market.Interval1w, "1577664000,1,1,1,1,1", "1d"},
		{market.Interval1w, "1577664000,1,1,1,1,1", "1M"}, // months are not made of weeks
	} {
		replay, err := replayOf(file(t, "a.csv", tc.row), "BTCUSD", tc.interval, ohlcv)
		require.NoError(t, err)
		w := get(t, newSimulator(t, replay), "/api/v3/klines?symbol=BTCUSD&interval="+tc.wire)
		require.Equal(t, http.StatusBadRequest, w.Code)
		require.Contains(t, w.Body.String(), "-1120")
		require.Contains(t, w.Body.String(), "cannot be made")
	}
}

func TestReplayReadsTimesAndColumns(t *testing.T) {
	t.Parallel()
	const want = 1577836860000
	for _, when := range []string{
		"1577836860", "1577836860000", "1577836860000000", "2020-01-01T00:01:00Z", "2020-01-01T01:01:00+01:00", "2020-01-01T00:01:00",
		"2020-01-01 00:01:00", "2020-01-01 00:01:00+00:00", "2020-01-01 00:01", " 1577836860 ",
	} {
		replay, err := replayOf(file(t, "a.csv", when+",5,2,1,3,4,ignored,9,17\n"), "X", market.Interval1m,
			"time,volume,HIGH,low, open ,close,-,quote_volume,trades")
		require.NoError(t, err, when)
		require.Equal(t, []row{{open: want, close: want + 59_999, o: "3", h: "2", l: "1", c: "4", volume: "5", turnover: "9", trades: 17}},
			klines(t, newSimulator(t, replay), "symbol=X&interval=1m"), when)
	}
	replay, err := replayOf(file(t, "days.csv", "Date,Open,High,Low,Close\n2020-01-02,1,1,1,1\n2020-01-01,2,2,2,2\n"), "X",
		market.Interval1d, "date,open,high,low,close")
	require.NoError(t, err)
	rows := klines(t, newSimulator(t, replay), "symbol=X&interval=1d")
	require.Len(t, rows, 2, "a header row is skipped")
	require.Equal(t, "2", rows[0].o, "rows are sorted")
	require.Equal(t, "0", rows[0].volume)
}

func TestReplayReadsTimesBefore1970AndAByteOrderMark(t *testing.T) {
	t.Parallel()
	replay, err := replayOf(file(t, "a.csv", "\ufeff-157766400000,1,1,1,1,1\n"), "ABC", market.Interval1d, ohlcv)
	require.NoError(t, err)
	rows := klines(t, newSimulator(t, replay), "symbol=ABC&interval=1d&limit=1")
	require.Equal(t, []int64{at(t, "1965-01-01")}, opens(rows))
	require.Contains(t, get(t, newSimulator(t, replay), "/api/v3/exchangeInfo?symbol=ABC").Body.String(), `"baseAsset":"ABC"`)
}

func TestReplayReadsGzip(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "holed.csv.gz")
	f, err := os.Create(path)
	require.NoError(t, err)
	packed := gzip.NewWriter(f)
	_, err = packed.Write([]byte(holed))
	require.NoError(t, err)
	require.NoError(t, packed.Close())
	require.NoError(t, f.Close())
	replay, err := replayOf(path, "BTCUSD", market.Interval1m, ohlcv)
	require.NoError(t, err)
	require.Len(t, klines(t, newSimulator(t, replay), "symbol=BTCUSD&interval=1m"), 4)
}

func TestReplayNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	const good = "1577836800000,1,1,1,1,1\n"
	for _, tc := range []struct {
		name, text, columns string
		interval            market.Interval
		symbol              string
		want                string
	}{
		{name: "price", text: good + "1577836860000,1,x,1,1,1\n", want: "line 2: high"},
		{name: "NaN", text: good + good[:13] + ",NaN,1,1,1,1\n", want: "line 2: open"},
		{name: "400 digits", text: good + "1577836860000,1,1,1,1," + strings.Repeat("9", 400), want: "line 2: volume"},
		{name: "time", text: good + "tomorrow,1,1,1,1,1\n", want: "line 2: not a time"},
		{name: "few fields", text: good + "1577836860000,1,1\n", want: "line 2: 3 fields"},
		{name: "quotes", text: good + "\"1577836860000,1\n", want: "line 2"},
		{name: "off the grid", text: good + "1577836861000,1,1,1,1,1\n", want: "line 2: no bar of 1m opens at 2020-01-01T00:01:01Z"},
		{name: "wrong interval", text: good + "1577836860000,1,1,1,1,1\n", interval: market.Interval1h, want: "line 2: no bar of 1h"},
		{name: "twice", text: good + good, want: "line 2: 2020-01-01T00:00:00Z has a bar in line 1 already"},
		{name: "empty", text: "", want: "no rows"},
		{name: "header only", text: "ts,open,high,low,close,volume\n", want: "no rows"},
		{name: "bad first row", text: "tomorrow,1,1,1,1,1\n" + good, want: "line 1: not a time"},
		{name: "a column is missing", text: good, columns: "ts,open,high,low", want: "close is missing"},
		{name: "a column twice", text: good, columns: "ts,open,high,low,close,open", want: "named twice"},
		{name: "symbol", text: good, symbol: "../x", want: "symbol"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.columns == "" {
				tc.columns = ohlcv
			}
			if tc.interval == "" {
				tc.interval = market.Interval1m
			}
			if tc.symbol == "" {
				tc.symbol = "X"
			}
			_, err := replayOf(file(t, "a.csv", tc.text), tc.symbol, tc.interval, tc.columns)
			require.ErrorContains(t, err, tc.want)
			require.Equal(t, market.KindInvalid, market.KindOf(err))
		})
	}
	_, err := replayOf(filepath.Join(t.TempDir(), "none.csv"), "X", market.Interval1m, ohlcv)
	require.Equal(t, market.KindInvalid, market.KindOf(err))
}

func TestReplaysTakeTheirSymbol(t *testing.T) {
	t.Parallel()
	path := file(t, "a.csv", "1577836800000,1,1,1,1,1\n")
	load := func() *simulator.Replay {
		replay, err := replayOf(path, "BTCUSDT", market.Interval1m, ohlcv)
		require.NoError(t, err)
		return replay
	}
	require.Len(t, klines(t, newSimulator(t, load()), "symbol=BTCUSDT&interval=1m&startTime=0"), 1)
	_, err := simulator.New(simulator.Options{Now: now, Replays: []*simulator.Replay{load(), load()}})
	require.Equal(t, market.KindInvalid, market.KindOf(err))
}

// TestReplayOfARealYear compares every field of a real file with what is sent.
func TestReplayOfARealYear(t *testing.T) {
	t.Parallel()
	const path = "../../shared/datasets/crypto_btcusd_bitfinex_1m_2016.csv.gz"
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("the recorded year is not here (%s); the other tests cover the same ground", path) //nolint:forbidigo // recordings are not part of the repository
	}
	defer func() { require.NoError(t, f.Close()) }()
	text, err := gzip.NewReader(f)
	require.NoError(t, err)
	want, err := csv.NewReader(text).ReadAll()
	require.NoError(t, err)
	replay, err := replayOf(path, "BTCUSD", market.Interval1m, "ts,open,close,high,low,volume")
	require.NoError(t, err)
	s := newSimulator(t, replay)
	n := 0
	for from := int64(0); ; {
		rows := klines(t, s, "symbol=BTCUSD&interval=1m&startTime=%d&limit=1000", from)
		if len(rows) == 0 {
			break
		}
		for _, r := range rows {
			got := []string{strconv.FormatInt(r.open, 10), r.o, r.c, r.h, r.l, r.volume}
			if fmt.Sprint(want[n]) != fmt.Sprint(got) { // require.Equal is too slow for a million fields
				require.Equal(t, want[n], got, "row %d", n)
			}
			n++
		}
		from = rows[len(rows)-1].open + 1
	}
	require.Equal(t, len(want), n)
}
