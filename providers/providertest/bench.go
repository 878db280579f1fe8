package providertest

import (
	"os"
	"runtime"
	"testing"

	"marketdata/providers"
)

// leastBarsPerSecond is what every adapter must normalize on one core.
const leastBarsPerSecond = 300_000

// BenchmarkNormalize measures how fast an adapter reads a page of so many bars. With MARKETDATA_BENCH_ENFORCE set it fails
// below the floor.
func BenchmarkNormalize(b *testing.B, p providers.Provider, page providers.Page, bars int) {
	b.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b.ReportAllocs()
	b.SetBytes(int64(len(page.Body)))
	for b.Loop() {
		rows, err := p.Normalize(page)
		if err != nil || len(rows.Bars) != bars {
			b.Fatal(len(rows.Bars), err)
		}
	}
	runtime.ReadMemStats(&after)
	all := float64(bars) * float64(b.N)
	perSecond := all / b.Elapsed().Seconds()
	b.ReportMetric(perSecond, "bars/s")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/all, "allocs/bar")
	if os.Getenv("MARKETDATA_BENCH_ENFORCE") != "" && perSecond < leastBarsPerSecond {
		b.Fatalf("%.0f bars/s, want at least %d", perSecond, leastBarsPerSecond)
	}
}
