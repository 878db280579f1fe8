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

// MigrateDown takes back every migration, and with them all data. Errors: unavailable, internal.
func MigrateDown(ctx context.Context, url string) error {
	return withMigrator(url, func(p *goose.Provider) error {
		_, err := p.DownTo(ctx, 0)
		return err
	})
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
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return market.Errorf(market.KindInvalid, "the database URL is not usable: want postgres://user:password@host:port/name")
	}
	config.ConnectTimeout = connectTimeout
	config.RuntimeParams["timezone"] = "UTC"
	conn := stdlib.OpenDB(*config)
	defer func() { _ = conn.Close() }() // its one connection is idle by then
	provider, err := newMigrator(conn)
	if err != nil {
		return dbError(err)
	}
	return dbError(f(provider))
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
