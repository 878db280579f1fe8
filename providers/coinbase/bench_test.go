package coinbase_test

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

// fullPage returns a body of 300 candles as long as real ones.
func fullPage() []byte {
	rows := make([]string, 300)
	for i := range rows {
		rows[i] = fmt.Sprintf("[%d,115507.47,115743.71,115588.12,115587.99,%d.23385588]", 1755496620-60*i, i)
	}
	return []byte("[" + strings.Join(rows, ",") + "]")
}

func BenchmarkNormalize(b *testing.B) {
	c, page := newClient(b, nil, ""), providers.Page{Body: fullPage()}
	providertest.BenchmarkNormalize(b, c, page, 300)
}

func BenchmarkFetch(b *testing.B) {
	c, start := newClient(b, &providertest.Canned{Status: 200, Body: fullPage()}, ""), time.Unix(1755496620-60*299, 0)
	r := providers.Request{Symbol: "X", Grid: gridOf("1m"), Range: market.Range{Start: start, End: start.Add(300 * time.Minute)}}
	b.ReportAllocs()
	for b.Loop() {
		if page, err := c.Fetch(b.Context(), r); err != nil || page.Rows != 300 {
			b.Fatal(page.Rows, err)
		}
	}
	b.ReportMetric(300*float64(b.N)/b.Elapsed().Seconds(), "bars/s")
}

// TestNormalizeAllocates keeps reading cheap: a few allocations for a page, none for a bar.
func TestNormalizeAllocates(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts those of the whole process
	c, page := newClient(t, nil, ""), providers.Page{Body: fullPage()}
	allocations := testing.AllocsPerRun(5, func() { _, _ = c.Normalize(page) })
	require.Less(t, allocations, 20.0)
}
