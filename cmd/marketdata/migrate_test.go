package main

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"marketdata/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// TestMigrateDownAsksBeforeItLosesRows: a database without rows goes down and up without a word, as scripts do; one with rows only
// where a person says so.
func TestMigrateDownAsksBeforeItLosesRows(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	environ := []string{"MD_DATABASE__URL=" + url}
	require.Equal(t, "The database is empty.\n", execute(t, environ, "migrate", "down").stdout)
	require.Zero(t, execute(t, environ, "migrate", "up").code)

	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "INSERT INTO instrument (symbol, venue, asset_class, currency, calendar) VALUES ('A', 'B', 'fx', 'USD', '24x7')")
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))

	o := execute(t, environ, "migrate", "down")
	require.Equal(t, exitUsage, o.code)
	require.Contains(t, o.stderr, "removes all data, and the database has rows in instrument: back it up (docs/backup.md), then confirm with --yes")
	o = execute(t, environ, "migrate", "down", "--to", "3")
	require.Equal(t, exitUsage, o.code)
	require.Contains(t, o.stderr, "what migrations later than 3 hold")
	o = execute(t, environ, "migrate", "down", "--to", "4711", "--yes")
	require.Equal(t, exitFailure, o.code)
	require.Contains(t, o.stderr, "there is no migration 4711")

	require.Equal(t, "The database is at migration 3.\n", execute(t, environ, "migrate", "down", "--to", "3", "--yes").stdout)
	require.Contains(t, execute(t, environ, "migrate", "status").stdout, "pending")
	require.Zero(t, execute(t, environ, "migrate", "up").code)
	require.Equal(t, "The database is empty.\n", execute(t, environ, "migrate", "down", "--yes").stdout)
}
