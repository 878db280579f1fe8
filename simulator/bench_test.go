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

// BenchmarkChartOfTwentyYears measures daily bars of a stock, the first time: from its minutes.
func BenchmarkChartOfTwentyYears(b *testing.B) {
	target := fmt.Sprintf("/v8/finance/chart/AAPL?interval=1d&events=div,splits&period1=%d&period2=%d", unix(b, "2004-06-01"), unix(b, "2024-06-01"))
	for b.Loop() {
		w := browse(b, newSimulator(b), target)
		require.Equal(b, http.StatusOK, w.Code)
	}
}

// BenchmarkChartOfAWeek measures the minutes of a week.
func BenchmarkChartOfAWeek(b *testing.B) {
	s := newSimulator(b)
	target := fmt.Sprintf("/v8/finance/chart/AAPL?interval=1m&period1=%d&period2=%d", unix(b, "2024-05-01"), unix(b, "2024-05-08"))
	for b.Loop() {
		w := browse(b, s, target)
		require.Equal(b, http.StatusOK, w.Code)
	}
}

// BenchmarkCandles measures a page of Coinbase's.
func BenchmarkCandles(b *testing.B) {
	s := newSimulator(b)
	for b.Loop() {
		w := browse(b, s, "/products/ETH-USD/candles?granularity=60&start=2024-01-01T00:00:00Z&end=2024-01-01T05:00:00Z")
		require.Equal(b, http.StatusOK, w.Code)
	}
}
