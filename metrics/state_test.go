package metrics_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/metrics"
)

func TestStateIsExported(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, noon)
	exercise(t, m)
	for name, want := range map[string]map[string]float64{
		"database_up":                   {"": 1},
		"chunks":                        {"pending": 1, "running": 2, "done": 3, "failed": 4, "canceled": 5},
		"backfills":                     {"starting": 0, "running": 1, "paused": 0, "completed": 0, "completed_with_gaps": 0, "failed": 2, "canceled": 0},
		"provider_budget_per_minute":    {"binance request": 1200, "binance weight": 6000, "yahoo request": 30},
		"provider_requests_last_minute": {"binance": 11, "yahoo": 0},
		"provider_hold_seconds":         {"binance": 90, "yahoo": 0},
		"provider_paused":               {"binance": 1, "yahoo": 0},
		"sync_failing_series":           {"1d denied yahoo": 2},
	} {
		require.Equal(t, want, values(t, m, name), name)
	}
	quarantined := values(t, m, "quarantined_rows")
	require.Len(t, quarantined, len(market.Rules()))
	require.InDelta(t, 7, quarantined["misaligned"], 0)
	require.Error(t, m.ExportState(metrics.StateOptions{Store: &fakeStore{}}), "exported once")
}

func TestStalenessIsThatOfWhatSyncKeepsFresh(t *testing.T) {
	t.Parallel()
	series := func(symbol string, interval market.Interval, provider, calendar string, until time.Time) market.TrackedSeries {
		return market.TrackedSeries{
			Instrument: market.InstrumentID{Symbol: symbol, Venue: "X"}, Interval: interval, Provider: provider, Calendar: calendar, CoveredEnd: &until,
		}
	}
	saturday := time.Date(2024, 3, 2, 15, 0, 0, 0, time.UTC)
	m := newMetrics(t, func() time.Time { return saturday })
	require.NoError(t, m.ExportState(metrics.StateOptions{Providers: instances(), Store: &fakeStore{tracked: []market.TrackedSeries{
		series("FRESH", market.Interval1m, "off", "24x7", saturday.AddDate(-1, 0, 0)), // of a provider that is disabled
		series("FRESH", market.Interval1m, "yahoo", "24x7", saturday.AddDate(-1, 0, 0)),
		series("FRESH", market.Interval1m, "binance", "24x7", saturday),
		series("LATE", market.Interval1m, "binance", "24x7", saturday.Add(-6*time.Minute)),
		series("STALE", market.Interval1m, "binance", "24x7", saturday.Add(-time.Hour)),
		series("CLOSED", market.Interval1m, "binance", "XNYS", time.Date(2024, 3, 1, 21, 0, 0, 0, time.UTC)), // Friday's close
		series("ODD", market.Interval1m, "binance", "nowhere", saturday),
		series("DAY", market.Interval1d, "yahoo", "24x7", saturday.AddDate(0, 0, -2).Truncate(24*time.Hour)),
		series("NONE", market.Interval1h, "binance", "24x7", saturday), // that nobody can serve
	}}}))
	scrape(t, m)
	require.Equal(t, map[string]float64{
		"FRESH.X 1m binance": 0, "LATE.X 1m binance": 5*60 - 5, "STALE.X 1m binance": 59*60 - 5, "CLOSED.X 1m binance": 0,
		"DAY.X 1d yahoo": (24+15)*3600 - 5,
	}, values(t, m, "series_staleness_seconds"))
	require.Equal(t, map[string]float64{"1m binance": 1, "1d yahoo": 1}, values(t, m, "stale_series"))
}

func TestASeriesIsStaleAsAlertsHaveIt(t *testing.T) {
	t.Parallel()
	midnight := time.Date(2024, 3, 2, 0, 0, 0, 0, time.UTC)
	for late, want := range map[time.Duration]map[string]float64{
		15 * time.Minute: {"1m binance": 0, "1d yahoo": 0},
		16 * time.Minute: {"1m binance": 1, "1d yahoo": 0},
		45 * time.Minute: {"1m binance": 1, "1d yahoo": 0},
		46 * time.Minute: {"1m binance": 1, "1d yahoo": 1},
	} {
		m := newMetrics(t, func() time.Time { return midnight.Add(late + 5*time.Second) })
		var tracked []market.TrackedSeries
		for provider, interval := range map[string]market.Interval{"binance": market.Interval1m, "yahoo": market.Interval1d} {
			until := midnight.AddDate(0, 0, -1)
			if interval.IsIntraday() {
				until = midnight.Add(-interval.Duration())
			}
			tracked = append(tracked, market.TrackedSeries{
				Instrument: market.InstrumentID{Symbol: "BTC", Venue: "X"}, Interval: interval, Provider: provider, Calendar: "24x7", CoveredEnd: &until,
			})
		}
		require.NoError(t, m.ExportState(metrics.StateOptions{Providers: instances(), Store: &fakeStore{tracked: tracked}}))
		scrape(t, m)
		require.Equal(t, want, values(t, m, "stale_series"), late)
	}
}

func TestADeadDatabaseCostsItsMetricsOnly(t *testing.T) {
	t.Parallel()
	now := noon()
	m := newMetrics(t, func() time.Time { return now })
	store := &fakeStore{}
	require.NoError(t, m.ExportState(metrics.StateOptions{Store: store}))
	m.PageStored("binance", true)
	require.Contains(t, scrape(t, m), "\nmarketdata_chunks{")

	store.fail(errors.New("dial tcp: postgres://app:secret@db: connection refused"))
	require.Contains(t, scrape(t, m), "\nmarketdata_database_up 1\n", "a look serves scrapes for 10 s")
	now = now.Add(11 * time.Second)
	text := scrape(t, m)
	require.Contains(t, text, "\nmarketdata_database_up 0\n")
	require.NotContains(t, text, "\nmarketdata_chunks{", "no old figures")
	require.NotContains(t, text, "secret")
	require.Contains(t, text, "\nmarketdata_pages_stored_total{")

	store.fail(nil)
	require.Contains(t, scrape(t, m), "\nmarketdata_database_up 0\n", "a dead database is not asked by every scrape")
	now = now.Add(11 * time.Second)
	require.Contains(t, scrape(t, m), "\nmarketdata_database_up 1\n")
	require.Equal(t, 3, store.looks)
}

func TestALookHasADeadlineAndIsSharedByScrapes(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, noon)
	store := &fakeStore{look: func(ctx context.Context) {
		deadline, hasDeadline := ctx.Deadline()
		require.True(t, hasDeadline)
		require.Less(t, time.Until(deadline), 10*time.Second)
	}}
	require.NoError(t, m.ExportState(metrics.StateOptions{Store: store}))
	var scrapes sync.WaitGroup
	for range 3 {
		scrapes.Go(func() { m.Handler().ServeHTTP(&discard{}, request(t)) })
	}
	scrapes.Wait()
	require.Equal(t, 1, store.looks)
}

func TestALongLookServesLonger(t *testing.T) {
	t.Parallel()
	now := noon()
	m := newMetrics(t, func() time.Time { return now })
	store := &fakeStore{look: func(context.Context) { now = now.Add(2 * time.Second) }}
	require.NoError(t, m.ExportState(metrics.StateOptions{Store: store}))
	scrape(t, m)
	now = now.Add(39 * time.Second)
	scrape(t, m)
	require.Equal(t, 1, store.looks)
	now = now.Add(2 * time.Second)
	scrape(t, m)
	require.Equal(t, 2, store.looks)
}

func TestAScrapeThatIsGivenUpDoesNotSpoilTheNext(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, noon)
	require.NoError(t, m.ExportState(metrics.StateOptions{Store: &fakeStore{look: func(ctx context.Context) { require.NoError(t, ctx.Err()) }}}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m.Handler().ServeHTTP(&discard{}, request(t).WithContext(ctx))
	require.Contains(t, scrape(t, m), "\nmarketdata_database_up 1\n")
}
