package simulator_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketdata/market"
	"marketdata/simulator"
)

// sessionSymbols are the calendars of the symbols with sessions.
func sessionSymbols() map[string]string {
	return map[string]string{
		"AAPL": "XNAS", "MSFT": "XNAS", "SPY": "XNYS", "^GSPC": "XNYS", "^IXIC": "XNYS", "VOD.L": "XLON", "SAP.DE": "XETR", "MC.PA": "XPAR",
		"7203.T": "XTKS", "0700.HK": "XHKG", "BHP.AX": "XASX",
	}
}

func drawSymbol(rt *rapid.T) (symbol, calendar string) {
	all := sessionSymbols()
	symbol = rapid.SampledFrom(slices.Sorted(maps.Keys(all))).Draw(rt, "symbol")
	return symbol, all[symbol]
}

func truth(t require.TestingT, s *simulator.Simulator, symbol string, interval market.Interval, r market.Range) []market.Bar {
	bars, err := s.Truth(symbol, interval, r)
	require.NoError(t, err)
	return bars
}

// TestDaysAreAggregatesOfTheirSessions compares days, and what is shorter, with the minutes.
func TestDaysAreAggregatesOfTheirSessions(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	rapid.Check(t, func(rt *rapid.T) {
		symbol, name := drawSymbol(rt)
		date := time.Date(2006, 1, 2, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 6700).Draw(rt, "day"))
		session, isOpen := calendarOf(t, name).Session(date)
		days := truth(rt, s, symbol, market.Interval1d, market.Range{Start: date, End: date.AddDate(0, 0, 1)})
		if !isOpen {
			require.Empty(rt, days)
			return
		}
		minutes := truth(rt, s, symbol, market.Interval1m, market.Range{Start: session.Open, End: session.Close})
		require.Equal(rt, []market.Bar{sum(date, minutes)}, days)
		interval := rapid.SampledFrom([]market.Interval{market.Interval5m, market.Interval15m, market.Interval30m, market.Interval1h, market.Interval4h}).Draw(rt, "interval")
		grid := market.Grid{Interval: interval, Calendar: calendarOf(t, name)}
		for _, bar := range truth(rt, s, symbol, interval, market.Range{Start: session.Open, End: session.Close}) {
			var within []market.Bar
			for _, m := range minutes {
				if !m.Time.Before(bar.Time) && m.Time.Before(grid.Close(bar.Time)) {
					within = append(within, m)
				}
			}
			require.Equal(rt, sum(bar.Time, within), bar)
		}
	})
}

// sum aggregates bars exactly; volumes are whole.
func sum(key time.Time, bars []market.Bar) market.Bar {
	all := bars[0]
	var volume int64
	for _, b := range bars {
		if b.High.Cmp(all.High) > 0 {
			all.High = b.High
		}
		if b.Low.Cmp(all.Low) < 0 {
			all.Low = b.Low
		}
		all.Close = b.Close
		n, _ := strconv.ParseInt(b.Volume.String(), 10, 64)
		volume += n
	}
	all.Volume, _ = market.ParseDecimal(strconv.FormatInt(volume, 10))
	all.Time = key
	return all
}

// TestKeysAreTheGrids holds for any stretch of any symbol: no key is missing but of what saw no trade.
func TestKeysAreTheGrids(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	rapid.Check(t, func(rt *rapid.T) {
		symbol, name := drawSymbol(rt)
		interval := rapid.SampledFrom(market.Intervals()).Draw(rt, "interval")
		start := time.Date(2006, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.Int64Range(0, 18*365*24*60).Draw(rt, "start")) * time.Minute)
		end := start.Add(time.Duration(rapid.Int64Range(1, 20*24*60).Draw(rt, "length")) * time.Minute)
		r := market.Range{Start: start, End: end}
		grid := market.Grid{Interval: interval, Calendar: calendarOf(t, name)}
		bars := truth(rt, s, symbol, interval, r)
		require.Equal(rt, bars, truth(rt, newSimulator(t), symbol, interval, r), "the same again")
		at := 0
		for key := grid.Ceil(start); key.Before(end) && !grid.Close(key).After(now()); key = grid.Next(key) {
			if at < len(bars) && bars[at].Time.Equal(key) {
				require.Empty(rt, bars[at].Validate())
				at++
				continue
			}
			require.Equal(rt, market.Interval1m, interval, "a longer bar is missing at %s", key)
		}
		require.Len(rt, bars, at, "a bar off the grid")
		const few = 20 // of a short stretch more can be missing
		require.GreaterOrEqual(rt, int64(at+few)*100, grid.Count(market.Range{Start: start, End: earlier(end, grid.ClosedBefore(now(), 0))})*85)
	})
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// TestTruthIsWhatTheFormatsSend reads charts and candles back.
func TestTruthIsWhatTheFormatsSend(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	day := market.Range{Start: time.Date(2024, 6, 4, 0, 0, 0, 0, time.UTC), End: time.Date(2024, 6, 5, 0, 0, 0, 0, time.UTC)}
	for _, symbol := range []string{"AAPL", "^GSPC", "7203.T", "EURUSD=X", "BTC-USD"} {
		c := chartOf(t, s, "%s?interval=5m&period1=%d&period2=%d", symbol, day.Start.Unix(), day.End.Unix()-1)
		var got []string
		for i := range c.Timestamp {
			q := c.quote()
			line := strconv.FormatInt(c.Timestamp[i], 10)
			for _, price := range []*json.Number{q.Open[i], q.High[i], q.Low[i], q.Close[i]} {
				f, err := price.Float64()
				require.NoError(t, err)
				line += " " + strconv.FormatFloat(f, 'f', -1, 32)
			}
			got = append(got, line+" "+q.Volume[i].String())
		}
		var want []string
		for _, b := range truth(t, s, symbol, market.Interval5m, day) {
			want = append(want, fmt.Sprint(b.Time.Unix(), " ", b.Open, " ", b.High, " ", b.Low, " ", b.Close, " ", b.Volume))
		}
		require.Equal(t, want, got, symbol)
	}
	for _, symbol := range []string{"BTC-USD", "ETH-USD", "XTZ-BTC"} {
		var want []string
		for _, b := range truth(t, s, symbol, market.Interval5m, day) {
			want = append([]string{fmt.Sprint("[", b.Time.Unix(), " ", b.Low, " ", b.High, " ", b.Open, " ", b.Close, " ", b.Volume, "]")}, want...)
		}
		var got []string
		for _, row := range candles(t, s, "%s/candles?granularity=300&start=%d&end=%d", symbol, day.Start.Unix(), day.End.Unix()-1) {
			got = append(got, fmt.Sprint(row))
		}
		require.Equal(t, want, got, symbol)
	}
	require.Len(t, truth(t, s, "BTCUSDT", market.Interval1m, day), 1440, "Binance sends minutes without a trade too")
}

func TestTruthOverHTTP(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	w := get(t, s, "/_sim/bars?symbol=%5EGSPC&interval=1d&start=2024-06-03&end=2024-06-30")
	require.Equal(t, http.StatusOK, w.Code)
	var answer struct {
		Symbol, Interval, Calendar string
		Bars                       []struct {
			TS                             time.Time
			Open, High, Low, Close, Volume json.Number
		}
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	require.Equal(t, []string{"^GSPC", "1d", "XNYS"}, []string{answer.Symbol, answer.Interval, answer.Calendar})
	require.Len(t, answer.Bars, 7, "closed ones only")
	require.Equal(t, time.Date(2024, 6, 3, 0, 0, 0, 0, time.UTC), answer.Bars[0].TS)
	require.NotEmpty(t, answer.Bars[0].Volume)
	for target, status := range map[string]int{
		"symbol=NOPE&interval=1d&start=2024-06-03&end=2024-06-30": 404,
		"symbol=AAPL&interval=2d&start=2024-06-03&end=2024-06-30": 400,
		"symbol=AAPL&interval=1d&start=monday&end=2024-06-30":     400,
		"symbol=AAPL&interval=1d&start=2024-06-03":                400,
	} {
		require.Equal(t, status, get(t, s, "/_sim/bars?"+target).Code, target)
	}
	require.Contains(t, get(t, s, "/_sim/bars?symbol=AAPL&interval=1d&start=2024-06-08&end=2024-06-08").Body.String(), `"bars":[]`)
	require.Zero(t, statistics(t, s, "").Requests, "requests of /_sim/ do not count")
}
