package binance_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/providers/providertest"
)

// fullPage returns a body of 1000 klines as long as real ones.
func fullPage(tb testing.TB) []byte {
	tb.Helper()
	price, err := market.ParseDecimal("43210.12345678")
	require.NoError(tb, err)
	bars, trades := make([]market.Bar, 1000), int64(1234)
	for i := range bars {
		at := time.Date(2024, 1, 1, 0, i, 0, 0, time.UTC)
		bars[i] = market.Bar{Time: at, Open: price, High: price, Low: price, Close: price, Volume: price, Turnover: price, Trades: &trades}
	}
	return []byte(encode(minutes(), bars))
}

func BenchmarkNormalize(b *testing.B) {
	c, page := newClient(b, nil, ""), providers.Page{Body: fullPage(b)}
	providertest.BenchmarkNormalize(b, c, page, 1000)
}

func BenchmarkFetch(b *testing.B) {
	a := &providertest.Canned{Status: 200, Body: fullPage(b)}
	c, start := newClient(b, a, ""), time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	r := providers.Request{Symbol: "X", Grid: minutes(), Range: market.Range{Start: start, End: start.AddDate(0, 1, 0)}}
	b.ReportAllocs()
	for b.Loop() {
		if page, err := c.Fetch(b.Context(), r); err != nil || page.Rows != 1000 {
			b.Fatal(page.Rows, err)
		}
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "bars/s")
}

// TestNormalizeAllocates keeps reading cheap: a few allocations for a page, none for a bar.
func TestNormalizeAllocates(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts those of the whole process
	c, page := newClient(t, nil, ""), providers.Page{Body: fullPage(t)}
	allocations := testing.AllocsPerRun(5, func() { _, _ = c.Normalize(page) })
	require.Less(t, allocations, 50.0)
}

// encode writes bars as klines.
func encode(grid market.Grid, bars []market.Bar) string {
	rows := make([]string, len(bars))
	for i, b := range bars {
		rows[i] = fmt.Sprintf(`[%d,"%s0","%s","%s","%s","%s",%d,"%s",%d,"1.00","2.00","0"]`, b.Time.UnixMilli(),
			b.Open, b.High, b.Low, b.Close, b.Volume, grid.Next(b.Time).UnixMilli()-1, b.Turnover, *b.Trades)
	}
	return "[" + strings.Join(rows, ",") + "]"
}
