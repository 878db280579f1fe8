package simulator_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkKlines measures pages of 1000 bars, from the seed to JSON.
func BenchmarkKlines(b *testing.B) {
	for _, interval := range []string{"1m", "1h", "1d"} {
		b.Run(interval, func(b *testing.B) {
			s := newSimulator(b)
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet,
				fmt.Sprintf("/api/v3/klines?symbol=BTCUSDT&interval=%s&startTime=%d&limit=1000", interval, at(b, "2021-01-01")), nil)
			require.NoError(b, err)
			w := discard{header: http.Header{}}
			s.ServeHTTP(w, r)
			for b.Loop() {
				s.ServeHTTP(w, r)
			}
			b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "bars/s")
		})
	}
}
