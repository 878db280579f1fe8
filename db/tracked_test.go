package db_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/db/dbtest"
	"marketdata/market"
)

func TestTrackedSeries(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	put(t, d, bitcoin())
	day := scalar[time.Time](t, d, "SELECT date_trunc('day', now(), 'UTC')").UTC()
	tracked := func(interval market.Interval, provider string) market.TrackedSeries {
		t.Helper()
		all, err := d.TrackedSeries(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 4, "two intervals at two providers")
		require.Equal(t, "zeta", all[0].Provider, "the preferred one first")
		for _, s := range all {
			if s.Interval == interval && s.Provider == provider {
				return s
			}
		}
		require.FailNow(t, "missing")
		return market.TrackedSeries{}
	}
	require.Equal(t, market.TrackedSeries{
		Instrument: bitcoin().ID, Interval: market.Interval1m, Provider: "alpha", Symbol: "XBT", Calendar: "24x7", Preference: 1, Since: day,
		AddedAt: scalar[time.Time](t, d, "SELECT min(added_at) FROM tracked_interval").UTC(),
	}, tracked(market.Interval1m, "alpha"))

	exec(t, d, `WITH s AS (INSERT INTO series (instrument_id, provider, "interval", price_basis) SELECT id, 'alpha', '1m', 'raw' FROM instrument RETURNING id)
		INSERT INTO series_coverage (series_id) SELECT id FROM s`)
	require.Nil(t, tracked(market.Interval1m, "alpha").CoveredUntil, "asked for and not answered")
	old := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)
	hour := func(n time.Duration) time.Time { return day.Add(n * time.Hour) }
	for _, step := range []struct{ from, to, want time.Time }{
		{old, old.AddDate(1, 0, 0), old.AddDate(1, 0, 0)}, // sync goes on from there
		{old.AddDate(1, 0, 0), hour(1), hour(1)},
		{hour(2), hour(3), hour(1)}, // leaves a hole since tracking began
		{hour(1), hour(2), hour(3)},
	} {
		exec(t, d, "UPDATE series_coverage SET covered = covered + tstzmultirange(tstzrange($1, $2))", step.from, step.to)
		got := tracked(market.Interval1m, "alpha")
		require.NotZero(t, got.SeriesID)
		require.Equal(t, &step.want, got.CoveredUntil)
		require.False(t, got.CoveredEnd.Before(step.to))
	}
	require.NoError(t, d.SetListing(t.Context(), bitcoin().ID, "alpha", day, time.Time{}))
	require.Equal(t, day, *tracked(market.Interval1m, "alpha").ListedAt)
	require.NoError(t, d.StopSync(t.Context(), bitcoin().ID, market.Interval1m))
	all, err := d.TrackedSeries(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2)
}
