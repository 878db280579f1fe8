package metrics_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"marketdata/db/dbtest"
	"marketdata/market"
	"marketdata/metrics"
)

// TestStateOfARealDatabase takes a series from never asked to fresh, with an old backfill between.
func TestStateOfARealDatabase(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	began := time.Now().UTC()
	clock := began
	m := newMetrics(t, func() time.Time { return clock })
	require.NoError(t, m.ExportState(metrics.StateOptions{Store: d, Providers: instances()}))
	look := func() {
		t.Helper()
		clock = clock.Add(11 * time.Second)
		require.Contains(t, scrape(t, m), "\nmarketdata_database_up 1\n")
	}
	look()
	require.Empty(t, values(t, m, "series_staleness_seconds"))
	require.InDelta(t, 0, values(t, m, "backfills")["starting"], 0)

	id := market.InstrumentID{Symbol: "BTCUSDT", Venue: "BINANCE"}
	_, _, err := d.PutInstrument(t.Context(), market.Instrument{
		ID: id, AssetClass: market.AssetCrypto, Currency: "USDT", Calendar: "24x7", Intervals: []market.Interval{market.Interval1m},
		Providers: []market.ProviderSymbol{{Name: "binance", Symbol: "BTCUSDT"}},
	})
	require.NoError(t, err)
	midnight := began.Truncate(24 * time.Hour)
	old := market.Range{Start: midnight.AddDate(-1, 0, 0), End: midnight.AddDate(-1, 0, 1)}
	_, _, err = d.CreateBackfill(t.Context(), market.BackfillRequest{
		ID: uuid.Must(uuid.NewV7()).String(), Interval: market.Interval1m, Range: old, Policy: market.PolicyMissing, Concurrency: 1,
		Series: []market.BackfillTarget{{Instrument: id, Provider: "binance", PriceBasis: market.AdjustmentRaw, Range: old}},
	})
	require.NoError(t, err)
	require.NoError(t, d.EnsureBudget(t.Context(), "binance", market.Pacing{RequestsPerMinute: 1200}))
	look()
	require.Equal(t, map[string]float64{"pending": 1, "running": 0, "done": 0, "failed": 0, "canceled": 0}, values(t, m, "chunks"))
	require.InDelta(t, 1, values(t, m, "backfills")["starting"], 0)
	require.Equal(t, map[string]float64{"binance request": 1200}, values(t, m, "provider_budget_per_minute"))
	staleness := func() time.Duration {
		t.Helper()
		return time.Duration(values(t, m, "series_staleness_seconds")["BTCUSDT.BINANCE 1m binance"] * float64(time.Second))
	}
	cover := func(r market.Range) {
		t.Helper()
		_, err := d.Pool.Exec(t.Context(), "UPDATE series_coverage SET covered = covered + tstzmultirange(tstzrange($1, $2))", r.Start, r.End)
		require.NoError(t, err)
	}
	sinceAdded := staleness()
	require.Less(t, sinceAdded, 2*time.Minute, "no later than it is tracked")

	cover(old)
	look()
	require.GreaterOrEqual(t, staleness(), sinceAdded, "an old backfill does not make it look fresh")

	cover(market.Range{Start: old.End, End: clock.Add(time.Minute).Truncate(time.Minute)}) // the next look may be in the next minute
	look()
	require.Zero(t, staleness())
	require.InDelta(t, 0, values(t, m, "stale_series")["1m binance"], 0)
}
