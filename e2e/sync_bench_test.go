package e2e_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

// BenchmarkSync keeps 500 series of one-minute bars in sync, everything on this machine: one iteration is one run of the
// schedule, a minute of the market's time later than the one before.
//
//	s/run      from the start of the run to its end
//	series/s   500 over that
//	x-realtime how many such runs fit into the minute that passes between two
//
// With MARKETDATA_BENCH_ENFORCE set, it fails when a run does not fit into its minute.
func BenchmarkSync(b *testing.B) {
	const series = 500
	s := start(b, options{})
	for i := range series {
		_, _, err := s.db.PutInstrument(b.Context(), market.Instrument{
			ID: market.InstrumentID{Symbol: fmt.Sprintf("S%03d", i), Venue: market.VenueSimulated}, AssetClass: market.AssetCrypto, Currency: "USD",
			Calendar: "24x7", Providers: []market.ProviderSymbol{{Name: providerName, Symbol: "BTCUSDT"}}, Intervals: []market.Interval{market.Interval1m},
		})
		require.NoError(b, err)
	}
	// the first run loads the day so far, which is no measure
	outcome, err := s.sync("binance", "1m")
	require.NoError(b, err)
	require.Equal(b, int64(series), outcome.Chunks.Done)
	var spent time.Duration
	for b.Loop() {
		s.offset.Add(int64(time.Minute))
		began := time.Now()
		outcome, err := s.sync("binance", "1m")
		spent += time.Since(began)
		require.NoError(b, err)
		require.Equal(b, int64(series), outcome.Chunks.Done)
		require.GreaterOrEqual(b, outcome.Bars.Inserted, int64(series))
	}
	seconds := spent.Seconds() / float64(b.N)
	b.ReportMetric(seconds, "s/run")
	b.ReportMetric(series/seconds, "series/s")
	b.ReportMetric(60/seconds, "x-realtime")
	if os.Getenv("MARKETDATA_BENCH_ENFORCE") != "" {
		require.Less(b, seconds, 60.0)
	}
}
