package yahoo_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/providers/providertest"
)

// fullPage returns a page of so many rows as long as real ones.
func fullPage(tb testing.TB, interval market.Interval, rows int) providers.Page {
	tb.Helper()
	grid := newYork(tb, interval)
	stamps, volumes := make([]int64, 0, rows), make([]int64, 0, rows)
	var prices [4][]float64
	key := grid.Ceil(day(2000, 1, 3))
	for i := range rows {
		at := key
		if interval == market.Interval1d {
			session, isOpen := grid.Calendar.Session(key)
			require.True(tb, isOpen)
			at = session.Open
		}
		stamps, volumes = append(stamps, at.Unix()), append(volumes, int64(12345678+i))
		for k, offset := range []float64{0, 1.07, -1.13, 0.37} { // open, high, low, close
			prices[k] = append(prices[k], float64(float32(math.Round(100*(123.45+offset)+float64(i))/100)))
		}
		key = grid.Next(key)
	}
	body, err := json.Marshal(map[string]any{"chart": map[string]any{"error": nil, "result": []any{map[string]any{
		"meta":      map[string]any{"exchangeTimezoneName": "America/New_York", "dataGranularity": interval, "regularMarketTime": 1},
		"timestamp": stamps,
		"indicators": map[string]any{
			"quote":    []any{map[string]any{"open": prices[0], "high": prices[1], "low": prices[2], "close": prices[3], "volume": volumes}},
			"adjclose": []any{map[string]any{"adjclose": prices[3]}},
		},
	}}}})
	require.NoError(tb, err)
	return providers.Page{Body: body, Request: providers.Request{
		Symbol: "X", Grid: grid, Range: market.Range{Start: day(2000, 1, 1), End: key.Add(time.Hour)},
	}}
}

func BenchmarkNormalize(b *testing.B) {
	for _, bm := range []struct {
		interval market.Interval
		rows     int
	}{{market.Interval1d, 5000}, {market.Interval1m, 1950}} {
		b.Run(string(bm.interval), func(b *testing.B) {
			c, page := newClient(b, nil, ""), fullPage(b, bm.interval, bm.rows)
			providertest.BenchmarkNormalize(b, c, page, bm.rows)
		})
	}
}

func BenchmarkFetch(b *testing.B) {
	page := fullPage(b, market.Interval1d, 5000)
	c := newClient(b, &providertest.Canned{Status: 200, Body: page.Body}, "")
	b.ReportAllocs()
	for b.Loop() {
		if got, err := c.Fetch(b.Context(), page.Request); err != nil || got.Rows != 5000 {
			b.Fatal(got.Rows, err)
		}
	}
	b.ReportMetric(5000*float64(b.N)/b.Elapsed().Seconds(), "bars/s")
}

// TestNormalizeAllocates keeps reading cheap: some allocations for a page, none for a bar.
func TestNormalizeAllocates(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts those of the whole process
	c, page := newClient(t, nil, ""), fullPage(t, market.Interval1d, 1000)
	allocations := testing.AllocsPerRun(5, func() { _, _ = c.Normalize(page) })
	require.Less(t, allocations, 100.0)
}
