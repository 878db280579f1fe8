package simulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketdata/market"
	"marketdata/simulator"
)

func TestNewNeedsAClock(t *testing.T) {
	t.Parallel()
	_, err := simulator.New(simulator.Options{})
	require.Equal(t, market.KindInvalid, market.KindOf(err))
}

func TestEqualSeedsMakeEqualBytes(t *testing.T) {
	t.Parallel()
	const target = "/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime=1704067200000&limit=1000"
	body := func(seed int64, clock func() time.Time) string {
		s, err := simulator.New(simulator.Options{Seed: seed, Now: clock})
		require.NoError(t, err)
		// what was asked before makes no difference
		get(t, s, "/api/v3/klines?symbol=BTCUSDT&interval=1d&startTime=1704067200000")
		return get(t, s, target).Body.String()
	}
	later := func() time.Time { return now().AddDate(1, 0, 0) }
	first := body(1, now)
	again := body(1, now)
	require.Equal(t, first, again)
	require.Equal(t, first, body(1, later), "closed bars do not depend on the clock")
	require.NotEqual(t, first, body(2, now))
}

func TestBarsKeepTheirInvariants(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	for _, symbol := range []string{"BTCUSDT", "ETHUSDT", "SOLUSDT", "ETHBTC", "DOGEUSDT", "SHIBUSDT"} {
		tradeless := 0
		var last row
		for page := range 10 {
			for _, r := range klines(t, s, "symbol=%s&interval=1m&limit=1000&startTime=%d", symbol, at(t, "2023-03-01")+int64(page)*60_000_000) {
				requireSound(t, r)
				if r.trades == 0 {
					tradeless++
					require.Equal(t, []string{r.o, r.o, r.o, "0.00000000", "0.00000000"}, []string{r.h, r.l, r.c, r.volume, r.turnover})
				}
				if last.open != 0 && last.c != r.o {
					require.Equal(t, last.c, r.o, "a bar opens where the one before closed")
				}
				last = r
			}
		}
		require.Positive(t, tradeless, "%s: some minutes see no trade", symbol)
		require.Less(t, tradeless, 1000)
	}
}

// TestEveryBarIsSoundAndTheSame asks anywhere, for any symbol, seed and interval.
func TestEveryBarIsSoundAndTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Int64().Draw(rt, "seed")
		symbol := rapid.SampledFrom([]string{"BTCUSDT", "ETHUSDT", "SOLUSDT", "ETHBTC", "DOGEUSDT", "SHIBUSDT"}).Draw(rt, "symbol")
		interval := rapid.SampledFrom([]string{"1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w", "1M"}).Draw(rt, "interval")
		start := rapid.Int64Range(0, now().UnixMilli()).Draw(rt, "start")
		limit := rapid.IntRange(1, 3).Draw(rt, "limit")
		ask := func() []row {
			s, err := simulator.New(simulator.Options{Seed: seed, Now: now})
			require.NoError(t, err)
			return klines(t, s, "symbol=%s&interval=%s&startTime=%d&limit=%d", symbol, interval, start, limit)
		}
		rows := ask()
		require.Equal(t, rows, ask())
		for i, r := range rows {
			requireSound(t, r)
			require.GreaterOrEqual(t, r.open, start)
			require.LessOrEqual(t, r.open, now().UnixMilli())
			if i > 0 {
				require.Equal(t, rows[i-1].close+1, r.open, "neither hole nor overlap")
				require.Equal(t, rows[i-1].c, r.o)
			}
		}
	})
}

// requireSound checks a wireRow as its provider documents it.
func requireSound(t *testing.T, r row) {
	t.Helper()
	number := func(text string) market.Decimal {
		d, err := market.ParseDecimal(text)
		if err != nil || strings.IndexByte(text, '.') != len(text)-9 {
			require.Fail(t, "not a number with eight decimals", text)
		}
		return d
	}
	bar := market.Bar{
		Time: time.UnixMilli(r.open), Open: number(r.o), High: number(r.h), Low: number(r.l), Close: number(r.c),
		Volume: number(r.volume), Turnover: number(r.turnover), Trades: &r.trades,
	}
	if rule := bar.Validate(); rule != "" || bar.Low.IsNegative() || bar.Low.String() == "0" {
		require.Fail(t, "not a sound bar", "%s: %+v", rule, r)
	}
}

func TestLongerBarsAreAggregatesOfMinutes(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	for _, tc := range []struct {
		interval market.Interval
		wire     string
		start    string
	}{
		{market.Interval5m, "5m", "2024-01-01T10:00:00Z"},
		{market.Interval15m, "15m", "2024-01-01T10:00:00Z"},
		{market.Interval30m, "30m", "2024-02-29T23:30:00Z"},
		{market.Interval1h, "1h", "2024-01-01T10:00:00Z"},
		{market.Interval1h, "1h", "2017-08-17T04:00:00Z"},
		{market.Interval4h, "4h", "2024-01-01T08:00:00Z"},
		{market.Interval1d, "1d", "2024-01-01"},
		{market.Interval1d, "1d", "2017-08-17"}, // listed at 04:00
		{market.Interval1w, "1w", "2017-08-14"},
		{market.Interval1w, "1w", "2024-01-01"},
		{market.Interval1mo, "1M", "2017-08-01"},
		{market.Interval1mo, "1M", "2024-02-01"},
	} {
		t.Run(fmt.Sprint(tc.wire, " ", tc.start), func(t *testing.T) {
			t.Parallel()
			start := at(t, tc.start)
			end := tc.interval.Next(time.UnixMilli(start)).UnixMilli()
			got := klines(t, s, "symbol=BTCUSDT&interval=%s&startTime=%d&endTime=%d", tc.wire, start, start)
			require.Equal(t, []int64{start}, opens(got))
			require.Equal(t, end-1, got[0].close)
			var minutes []row
			for from := start; ; from = minutes[len(minutes)-1].open + 60_000 {
				page := klines(t, s, "symbol=BTCUSDT&interval=1m&limit=1000&startTime=%d&endTime=%d", from, end-1)
				if minutes = append(minutes, page...); len(page) < 1000 {
					break
				}
			}
			require.Equal(t, aggregate(minutes, start, end), got[0])
		})
	}
}

func aggregate(minutes []row, open, end int64) row {
	number := decimal.RequireFromString
	all := minutes[0]
	for _, m := range minutes[1:] {
		if number(m.h).GreaterThan(number(all.h)) {
			all.h = m.h
		}
		if number(m.l).LessThan(number(all.l)) {
			all.l = m.l
		}
		all.c = m.c
		all.volume = number(all.volume).Add(number(m.volume)).StringFixed(8)
		all.turnover = number(all.turnover).Add(number(m.turnover)).StringFixed(8)
		all.trades += m.trades
	}
	all.open, all.close = open, end-1
	return all
}

// TestFormingBarsAreAggregatesToo compares each with its minutes, the last of which is forming.
func TestFormingBarsAreAggregatesToo(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	for wire, interval := range map[string]market.Interval{"1h": market.Interval1h, "1d": market.Interval1d, "1w": market.Interval1w, "1M": market.Interval1mo} {
		open := interval.Floor(now())
		var minutes []row
		for from := open.UnixMilli(); from <= now().UnixMilli(); from = minutes[len(minutes)-1].close + 1 {
			minutes = append(minutes, klines(t, s, "symbol=BTCUSDT&interval=1m&limit=1000&startTime=%d", from)...)
		}
		require.Equal(t, []row{aggregate(minutes, open.UnixMilli(), interval.Next(open).UnixMilli())},
			klines(t, s, "symbol=BTCUSDT&interval=%s&limit=1", wire), wire)
	}
}

func TestFormingBarDiffersFromTheClosedOne(t *testing.T) {
	t.Parallel()
	later, err := simulator.New(simulator.Options{Seed: 7, Now: func() time.Time { return now().AddDate(0, 2, 0) }})
	require.NoError(t, err)
	for wire, interval := range map[string]market.Interval{"1m": market.Interval1m, "1h": market.Interval1h, "1d": market.Interval1d, "1M": market.Interval1mo} {
		open := interval.Floor(now()).UnixMilli()
		query := fmt.Sprintf("symbol=ETHUSDT&interval=%s&startTime=%d", wire, open)
		forming := klines(t, newSimulator(t), "%s", query)
		require.Equal(t, []int64{open}, opens(forming), "nothing opens after now")
		require.Greater(t, forming[0].close, now().UnixMilli())
		require.NotEqual(t, klines(t, later, "%s&limit=1", query), forming, wire)
	}
}

func TestNoBarBeforeListing(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	listed := at(t, "2017-08-17T04:00:00Z")
	require.Equal(t, []int64{listed}, opens(klines(t, s, "symbol=BTCUSDT&interval=1m&startTime=0&limit=1")))
	require.Empty(t, klines(t, s, "symbol=BTCUSDT&interval=1m&startTime=0&endTime=%d", listed-1))
	require.Equal(t, "[]", get(t, s, fmt.Sprintf("/api/v3/klines?symbol=BTCUSDT&interval=1d&endTime=%d", at(t, "2016-01-01"))).Body.String())
	require.Equal(t, http.StatusOK, get(t, s, "/_sim/health").Code)
	require.JSONEq(t, `{"status":"ready"}`, get(t, s, "/ready").Body.String())
}
