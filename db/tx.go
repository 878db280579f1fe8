package db

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The SQLSTATEs that are told apart.
const (
	checkViolation = "23514" // also: no partition for the row
	noDataFound    = "P0002" // raised by rate_take
)

// inTx runs f in a read-committed transaction and commits it unless f fails.
func (db *DB) inTx(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, db.Pool, f)
}

func isNoRows(err error) bool { return errors.Is(err, pgx.ErrNoRows) }

// hasCode reports whether err is PostgreSQL's error with the SQLSTATE.
func hasCode(err error, code string) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == code
}
