package db_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/audit"
	"marketdata/db/dbtest"
	"marketdata/market"
)

// losses says of which tables the down of a migration takes rows that are older than it. docs/upgrades.md tells the same.
func losses() map[int64][]string {
	return map[int64][]string{7: {"ingest_job", "ingest_job_series", "ingest_chunk"}} // those of syncs
}

// migrateTo goes up or down to a version, with the files as they lie in the folder.
func migrateTo(t *testing.T, d *db.DB, version int64) {
	t.Helper()
	conn := stdlib.OpenDB(*d.Pool.Config().ConnConfig)
	defer func() { require.NoError(t, conn.Close()) }()
	p, err := goose.NewProvider(goose.DialectPostgres, conn, os.DirFS("migrations"))
	require.NoError(t, err)
	at, err := p.GetDBVersion(t.Context())
	require.NoError(t, err)
	if version > at {
		_, err = p.UpTo(t.Context(), version)
	} else {
		_, err = p.DownTo(t.Context(), version)
	}
	require.NoError(t, err, "to version %d", version)
	d.Pool.Reset() // what connections remember of tables is of another version
}

// open returns a database without any migration.
func open(t *testing.T) (*db.DB, string) {
	t.Helper()
	address := dbtest.EmptyURL(t)
	d, err := db.Open(t.Context(), address, db.Options{MaxConns: 4})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return d, address
}

func catalogue(t *testing.T, address string) []string {
	t.Helper()
	a, err := audit.Open(t.Context(), address)
	require.NoError(t, err)
	defer a.Close()
	s, err := a.Snapshot(t.Context())
	require.NoError(t, err)
	defer s.Close(t.Context())
	lines, err := s.Schema(t.Context())
	require.NoError(t, err)
	return lines
}

// columns returns the columns of every table but the migrations' own, in their order.
func columns(t *testing.T, d *db.DB) map[string][]string {
	t.Helper()
	rows, err := d.Pool.Query(t.Context(), `
		SELECT c.relname::text, array_agg(quote_ident(a.attname) ORDER BY a.attnum)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'goose_db_version'
		GROUP BY 1`)
	require.NoError(t, err)
	all := map[string][]string{}
	var table string
	var names []string
	_, err = pgx.ForEachRow(rows, []any{&table, &names}, func() error {
		all[table] = slices.Clone(names)
		return nil
	})
	require.NoError(t, err)
	return all
}

// contents returns, for each table, its rows in these columns as sorted text, and how many there are.
func contents(t *testing.T, d *db.DB, of map[string][]string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for table, names := range of {
		all[table] = scalar[string](t, d, fmt.Sprintf(
			`SELECT count(*) || E'\n' || coalesce(string_agg(row, E'\n' ORDER BY row), '') FROM (SELECT ROW(%s)::text AS row FROM %s) r`,
			strings.Join(names, ", "), pgx.Identifier{table}.Sanitize()))
	}
	return all
}

// fill loads a database by the product's own steps: bars in several partitions, restated, withdrawn and quarantined; a failed
// chunk, a raw page, a sync, a schedule, an alert.
func fill(t *testing.T, d *db.DB) {
	t.Helper()
	id := newSeries(t, d, market.Interval1m)
	for _, year := range []string{"2009", "2023", "2024"} {
		r := span(year+"-12-31T23:30:00Z", year+"-12-31T23:40:00Z")
		loadPage(t, d, id, r, page(r, r.End.Add(time.Hour), minutes(r.Start, 10)...))
	}
	r := span("2023-12-31T23:30:00Z", "2023-12-31T23:40:00Z")
	again := page(r, r.End.Add(2*time.Hour), minutes(r.Start.Add(-time.Minute), 10)[1:]...) // other prices, and one bar less
	again.Quarantined = []market.Quarantined{{Time: r.Start, Rule: "low_above_prices", Value: "{}"}}
	loadPage(t, d, id, r, again)
	exec(t, d, "INSERT INTO tracked_interval (instrument_id, \"interval\") SELECT id, '1m' FROM instrument")
	exec(t, d, "INSERT INTO rate_bucket (provider, unit, per_minute, burst, interval_us) VALUES ('fake', 'request', 60, 1, 1e6)")
	exec(t, d, "INSERT INTO provider_gate (provider, paused, paused_reason) VALUES ('fake', true, 'a test')")
	exec(t, d, `INSERT INTO raw_page (chunk_id, page, attempt, start_at, end_at, is_ok, url, status, requested_at, sha256, bytes, body)
		SELECT id, 0, 1, start_at, end_at, true, 'http://provider.example/', 200, now(), '\x00', 1, '\x28' FROM ingest_chunk`)
	require.NoError(t, d.CreateSchedule(t.Context(), newSchedule(t, "nightly", market.SourceAPI), nothing))
	// a sync, in which nothing was to be done
	exec(t, d, `INSERT INTO ingest_job (id, kind, policy, "interval", start_at, end_at, concurrency, workflow_id, provider)
		VALUES (gen_random_uuid(), 'sync', 'missing', '1m', '2024-01-01Z', '2024-01-02Z', 1, 'sync/fake/1m', 'fake')`)
	exec(t, d, `INSERT INTO alert (id, kind, key, occurred_at, weight, title, message) VALUES (gen_random_uuid(), 'series_stale', 'x', now(), 1, 't', 'm')`)
}

// files returns the migrations of the folder, oldest first.
func files(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("migrations/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for i, name := range names {
		require.True(t, strings.HasPrefix(filepath.Base(name), fmt.Sprintf("%04d_", i+1)), "no gaps: %s", name)
	}
	return names
}

// TestEveryMigrationGoesDownAndUpWithData goes from the last version down to every other and up again, over data. Each time the
// catalogue is as in a database that was never later, so no step leaves anything behind; and what the earlier version
// knows has survived, but for what losses tells.
func TestEveryMigrationGoesDownAndUpWithData(t *testing.T) {
	t.Parallel()
	last := int64(len(files(t)))
	d, address := open(t)
	fresh, freshAddress := open(t)
	catalogues, known := make([][]string, last+1), make([]map[string][]string, last+1)
	for version := range last + 1 {
		migrateTo(t, fresh, version)
		catalogues[version], known[version] = catalogue(t, freshAddress), columns(t, fresh)
	}
	migrateTo(t, d, last)
	fill(t, d)
	for table, rows := range contents(t, d, known[last]) {
		if !slices.Contains([]string{"bar", "bar_revision", "bar_withdrawal", "load", "ingest_job", "quarantined_bar", "raw_page", "schedule", "alert"}, table) {
			continue
		}
		require.False(t, strings.HasPrefix(rows, "0"), "%s has rows", table)
	}
	for version := last - 1; version >= 0; version-- {
		before := contents(t, d, known[version])
		migrateTo(t, d, version)
		require.Equal(t, catalogues[version], catalogue(t, address), "down to %d", version)
		down := contents(t, d, known[version])
		for taken := version + 1; taken <= last; taken++ {
			for _, table := range losses()[taken] {
				delete(before, table)
			}
		}
		for table, rows := range before {
			require.Equal(t, rows, down[table], "%s, down to %d", table, version)
		}
		migrateTo(t, d, last)
		require.Equal(t, catalogues[last], catalogue(t, address), "down to %d and up again", version)
		require.Equal(t, down, contents(t, d, known[version]), "down to %d and up again", version)
	}
}

// TestMigrationsAreToldInUpgrades: docs/upgrades.md says of every step what its way down loses.
func TestMigrationsAreToldInUpgrades(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/upgrades.md")
	require.NoError(t, err)
	for i, name := range files(t) {
		require.Contains(t, string(page), fmt.Sprintf("| %04d |", i+1), "docs/upgrades.md has no row for %s: say what a migration down past it loses", name)
	}
	require.NotContains(t, string(page), "see the changelog |", "a row says itself what is lost")
}

// TestMigrationsOnlyExpand: what workers of the version before need is still there when a migration has run beside them. What it
// made superfluous goes a release later, in a migration that says so in a comment: "contract: unused since VERSION".
func TestMigrationsOnlyExpand(t *testing.T) {
	t.Parallel()
	contracting := regexp.MustCompile(`(?i)\bDROP (TABLE|COLUMN|VIEW|CONSTRAINT)\b|\bRENAME\b|\bALTER COLUMN \S+ (TYPE|SET DATA TYPE|SET NOT NULL|DROP DEFAULT)\b|\bTRUNCATE\b`)
	column := regexp.MustCompile(`(?i)\bADD COLUMN [^;,]*`)
	for _, name := range files(t) {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		up, _, isTwoWay := strings.Cut(string(text), "-- +goose Down")
		require.True(t, isTwoWay, "%s has no way down", name)
		if strings.Contains(up, "-- contract: unused since ") {
			continue
		}
		require.Empty(t, contracting.FindString(up), "%s takes away what a worker of the version before may need", name)
		for _, added := range column.FindAllString(up, -1) {
			upper := strings.ToUpper(added)
			require.False(t, strings.Contains(upper, "NOT NULL") && !strings.Contains(upper, "DEFAULT"),
				"%s: a worker of the version before does not fill %q", name, added)
		}
	}
}

func TestMigrateDownToAVersion(t *testing.T) {
	t.Parallel()
	d, address := open(t)
	tables, err := db.TablesWithRows(t.Context(), address)
	require.NoError(t, err)
	require.Empty(t, tables, "without any migration")
	require.NoError(t, db.MigrateUp(t.Context(), address))
	require.NoError(t, d.EnsureBudget(t.Context(), "fake", market.Pacing{RequestsPerMinute: 60}))
	tables, err = db.TablesWithRows(t.Context(), address)
	require.NoError(t, err)
	require.Empty(t, tables, "budgets come back by themselves")
	newSeries(t, d, market.Interval1m)
	tables, err = db.TablesWithRows(t.Context(), address)
	require.NoError(t, err)
	require.Equal(t, []string{"instrument", "instrument_alias", "series"}, tables)

	hasKind(t, market.KindInvalid, db.MigrateDown(t.Context(), address, 4711))
	require.NoError(t, db.MigrateDown(t.Context(), address, 5))
	all, err := db.MigrationStatus(t.Context(), address)
	require.NoError(t, err)
	for _, m := range all {
		require.Equal(t, m.Version <= 5, !m.AppliedAt.IsZero(), m.Name)
	}
	tables, err = db.TablesWithRows(t.Context(), address)
	require.NoError(t, err)
	require.Equal(t, []string{"instrument", "instrument_alias", "series"}, tables)
}
