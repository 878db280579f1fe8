package db

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"marketdata/market"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migration is one step of the schema.
type Migration struct {
	Version   int64
	Name      string
	AppliedAt time.Time // zero while pending
}

// MigrateUp applies what is pending, under a lock, so that several processes may start at once.
// Errors: unavailable, internal.
func MigrateUp(ctx context.Context, url string) error {
	return withMigrator(url, func(p *goose.Provider) error {
		_, err := p.Up(ctx)
		return err
	})
}

// MigrateDown takes back every migration later than the version, and with them what only these hold; 0 is an empty
// database. Errors: invalid for a version that this build does not have, unavailable, internal.
func MigrateDown(ctx context.Context, url string, version int64) error {
	return withMigrator(url, func(p *goose.Provider) error {
		isKnown := version == 0
		for _, s := range p.ListSources() {
			isKnown = isKnown || s.Version == version
		}
		if !isKnown {
			return market.Errorf(market.KindInvalid, "there is no migration %d: marketdata migrate status lists them", version)
		}
		_, err := p.DownTo(ctx, version)
		return err
	})
}

// TablesWithRows returns the tables that hold what cannot be made anew, by name: all with rows but the migrations' own and
// the request budgets, which every start fills. Errors: unavailable, internal.
func TablesWithRows(ctx context.Context, url string) (tables []string, err error) {
	conn, err := openMigrator(url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // its one connection is idle by then
	const list = `
		SELECT coalesce(string_agg(format('SELECT %L WHERE EXISTS (SELECT FROM %I)', relname, relname), ' UNION ALL ' ORDER BY relname), '')
		FROM pg_class
		WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
			AND relname NOT IN ('goose_db_version', 'rate_bucket', 'provider_gate', 'rate_usage')`
	var query string
	if err := conn.QueryRowContext(ctx, list).Scan(&query); err != nil || query == "" {
		return nil, dbError(err)
	}
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return nil, dbError(err)
	}
	defer func() { _ = rows.Close() }() // read to its end, or of no use
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, dbError(err)
		}
		tables = append(tables, name)
	}
	return tables, dbError(rows.Err())
}

// MigrationStatus lists every migration of this build, oldest first. Errors: unavailable, internal.
func MigrationStatus(ctx context.Context, url string) ([]Migration, error) {
	var all []Migration
	err := withMigrator(url, func(p *goose.Provider) error {
		statuses, err := p.Status(ctx)
		for _, s := range statuses {
			m := Migration{Version: s.Source.Version, Name: s.Source.Path}
			if s.State == goose.StateApplied {
				m.AppliedAt = s.AppliedAt.UTC()
			}
			all = append(all, m)
		}
		return err
	})
	return all, err
}

// withMigrator runs f with a connection of its own.
func withMigrator(url string, f func(*goose.Provider) error) error {
	conn, err := openMigrator(url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // its one connection is idle by then
	provider, err := newMigrator(conn)
	if err != nil {
		return dbError(err)
	}
	return dbError(f(provider))
}

func openMigrator(url string) (*sql.DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil { // its text may hold the password
		return nil, market.Errorf(market.KindInvalid, "the database URL is not usable: want postgres://user:password@host:port/name")
	}
	config.ConnectTimeout = connectTimeout
	config.RuntimeParams["timezone"] = "UTC"
	return stdlib.OpenDB(*config), nil
}

func newMigrator(conn *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, conn, files, goose.WithSessionLocker(locker))
}
