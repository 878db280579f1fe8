package db

import (
	"context"
	"io/fs"
)

// Ping reports whether the database answers. Errors: unavailable.
func (db *DB) Ping(ctx context.Context) error { return dbError(db.Pool.Ping(ctx)) }

// MigrationsPending returns how many migrations this build has that the database lacks. Errors: unavailable.
func (db *DB) MigrationsPending(ctx context.Context) (int, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, dbError(err)
	}
	var hasTable bool
	err = db.Pool.QueryRow(ctx, "SELECT to_regclass('goose_db_version') IS NOT NULL").Scan(&hasTable)
	if err != nil || !hasTable {
		return len(files), dbError(err)
	}
	var applied int
	err = db.Pool.QueryRow(ctx, "SELECT count(DISTINCT version_id) FROM goose_db_version WHERE is_applied AND version_id > 0").Scan(&applied)
	return max(len(files)-applied, 0), dbError(err)
}
