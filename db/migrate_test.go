package db_test

import (
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
)

func TestMigrationsUpDownUp(t *testing.T) {
	t.Parallel()
	address := dbtest.EmptyURL(t)
	d, err := db.Open(t.Context(), address, db.Options{MaxConns: 2})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	status, err := db.MigrationStatus(t.Context(), address)
	require.NoError(t, err)
	require.NotEmpty(t, status)
	for n, m := range status {
		require.Equal(t, int64(n+1), m.Version, "no gaps")
		require.Zero(t, m.AppliedAt)
	}
	pending := func() int {
		n, err := d.MigrationsPending(t.Context())
		require.NoError(t, err)
		return n
	}
	require.Equal(t, len(status), pending())
	const schema = `
		SELECT coalesce(string_agg(format('%s.%s %s', table_name, column_name, data_type), E'\n' ORDER BY table_name, column_name), '')
		FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'goose_db_version'`
	const functions = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"

	require.NoError(t, db.MigrateUp(t.Context(), address))
	require.Zero(t, pending())
	first := scalar[string](t, d, schema)
	require.NoError(t, db.MigrateUp(t.Context(), address), "nothing is left to do")
	status, err = db.MigrationStatus(t.Context(), address)
	require.NoError(t, err)
	for _, m := range status {
		require.WithinDuration(t, scalar[time.Time](t, d, "SELECT now()"), m.AppliedAt, time.Minute)
	}

	require.NoError(t, db.MigrateDown(t.Context(), address, 0))
	require.Equal(t, len(status), pending())
	require.Empty(t, scalar[string](t, d, schema), "nothing is left")
	require.Zero(t, scalar[int](t, d, functions))

	require.NoError(t, db.MigrateUp(t.Context(), address))
	require.Zero(t, pending())
	require.Equal(t, first, scalar[string](t, d, schema))
}

func TestMigrateUpFromSeveralProcesses(t *testing.T) {
	t.Parallel()
	address := dbtest.EmptyURL(t)
	errs := make([]error, 3)
	var wait sync.WaitGroup
	for n := range errs {
		wait.Go(func() { errs[n] = db.MigrateUp(t.Context(), address) })
	}
	wait.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
}

func TestRolesMayDoWhatTheyNeed(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	tests := []struct {
		role, statement string
		isAllowed       bool
	}{
		{"marketdata_grafana", "SELECT count(*) FROM bar", true},
		{"marketdata_grafana", "SELECT count(*) FROM ingest_job_state", true},
		{"marketdata_grafana", "SELECT count(*) FROM series_coverage", true},
		{"marketdata_grafana", "SELECT count(*) FROM alert JOIN alert_delivery ON alert_id = id", true},
		{"marketdata_grafana", "SELECT count(*) FROM raw_page", false},
		{"marketdata_grafana", "SELECT count(*) FROM normal_page", false},
		{"marketdata_grafana", "DELETE FROM bar", false},
		{"marketdata_grafana", "SELECT ensure_bar_partitions(now(), now() + interval '5 years')", false},
		{"marketdata_app", "DELETE FROM bar", true},
		{"marketdata_app", "SELECT count(*) FROM raw_page", true},
		{"marketdata_app", "INSERT INTO instrument (symbol, venue, asset_class, currency, calendar) VALUES ('A', 'B', 'fx', 'USD', '24x7')", true},
		{"marketdata_app", "SELECT ensure_bar_partitions(now(), now() + interval '5 years')", true},
		{"marketdata_app", "SELECT ensure_raw_page_partitions(now(), now() + interval '5 months')", true},
		{"marketdata_app", "DROP TABLE bar", false},
	}
	for _, tt := range tests {
		err := pgx.BeginFunc(t.Context(), d.Pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "SET LOCAL ROLE "+tt.role); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), tt.statement)
			return err
		})
		if tt.isAllowed {
			require.NoError(t, err, "%s: %s", tt.role, tt.statement)
		} else {
			require.ErrorContains(t, err, "42501", "%s: %s", tt.role, tt.statement)
		}
	}
	require.Equal(t, "statement_timeout=30s", scalar[string](t, d, "SELECT array_to_string(rolconfig, ' ') FROM pg_roles WHERE rolname = 'marketdata_grafana'"))
}
