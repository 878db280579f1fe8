package db_test

import (
	"context"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

func TestMigrateUpDownUpAtOnce(t *testing.T) {
	t.Parallel()
	target := dbtest.EmptyURL(t)
	d, err := db.Open(t.Context(), target, db.Options{})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	pending, err := d.MigrationsPending(t.Context())
	require.NoError(t, err)
	require.Positive(t, pending)
	_, err = d.Instrument(t.Context(), market.InstrumentID{Symbol: "A", Venue: "B"})
	hasKind(t, market.KindUnavailable, err)
	require.ErrorContains(t, err, "migrate up")

	for range 2 {
		errs := make([]error, 3)
		var group sync.WaitGroup
		for i := range errs {
			group.Go(func() { errs[i] = db.MigrateUp(context.Background(), target) }) //nolint:usetesting // a goroutine
		}
		group.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		left, err := d.MigrationsPending(t.Context())
		require.NoError(t, err)
		require.Zero(t, left)
		all, err := db.MigrationStatus(t.Context(), target)
		require.NoError(t, err)
		require.Len(t, all, pending)
		for _, m := range all {
			require.False(t, m.AppliedAt.IsZero(), m.Name)
		}
		require.NoError(t, db.MigrateDown(t.Context(), target))
		require.Equal(t, int64(0), scalar[int64](t, d, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') AND relname <> 'goose_db_version'"))
	}
}

func TestGrafanaReadsBarsButNoRawPages(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for query, isAllowed := range map[string]bool{
		"SELECT count(*) FROM bar": true, "SELECT count(*) FROM ingest_job_state": true,
		"SELECT count(*) FROM raw_page": false, "SELECT count(*) FROM normal_page": false, "DELETE FROM bar WHERE series_id = 0": false,
		"SELECT ensure_bar_partitions(now(), now())": false,
	} {
		tx, err := d.Pool.Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), "SET LOCAL ROLE marketdata_grafana")
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), query)
		require.NoError(t, tx.Rollback(t.Context()))
		if isAllowed {
			require.NoError(t, err, query)
		} else {
			require.ErrorContains(t, err, "permission denied", query)
		}
	}
	require.Equal(t, "{statement_timeout=30s}", scalar[string](t, d, "SELECT rolconfig::text FROM pg_roles WHERE rolname = 'marketdata_grafana'"))
}

func TestErrorsShowNoSecret(t *testing.T) {
	t.Parallel()
	target, err := url.Parse(dbtest.URL(t))
	require.NoError(t, err)
	target.User = url.UserPassword("nobody", "hunter2")
	for _, text := range []string{target.String(), "postgres://u:hunter2@127.0.0.1:1/x", "postgres://u:hunter2@:bad:port/x"} {
		d, err := db.Open(t.Context(), text, db.Options{})
		if err == nil {
			err = d.Ping(t.Context())
			d.Close()
		}
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
		require.NotContains(t, err.Error(), "127.0.0.1")
		require.Contains(t, []market.Kind{market.KindUnavailable, market.KindInvalid}, market.KindOf(err))
	}
	d := dbtest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	hasKind(t, market.KindUnavailable, d.Ping(ctx))
}

func TestProviderStates(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	require.NoError(t, d.EnsureBudget(t.Context(), "alpha", market.Pacing{RequestsPerMinute: 600}))
	_, err := d.TakeBudget(t.Context(), "alpha", 1, 0)
	require.NoError(t, err)
	require.NoError(t, d.SetProviderPaused(t.Context(), "alpha", true, "outage"))
	states, err := d.ProviderStates(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]market.ProviderState{"alpha": {Paused: true, PausedReason: "outage", UsedLastMinute: 1}}, states)
	_, err = d.TakeBudget(t.Context(), "alpha", 1, 0)
	hasKind(t, market.KindUnavailable, err)
	require.NoError(t, d.SetProviderPaused(t.Context(), "alpha", false, "outage"))
	_, err = d.TakeBudget(t.Context(), "alpha", 1, 0)
	require.NoError(t, err)
	hasKind(t, market.KindNotFound, d.SetProviderPaused(t.Context(), "beta", true, ""))
}
