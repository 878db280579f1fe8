package audit

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Auditor reads one database. It is safe for concurrent use, and goes on after the server was down.
type Auditor struct{ pool *pgxpool.Pool }

// Open prepares an Auditor; it connects when first asked.
func Open(ctx context.Context, url string) (*Auditor, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("not a PostgreSQL URL") // the cause may hold a password
	}
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	config.ConnConfig.RuntimeParams["application_name"] = "marketdata-audit"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return &Auditor{pool: pool}, nil
}

// Close gives the connections back.
func (a *Auditor) Close() { a.pool.Close() }

// collect runs a query and reads every row by position into a T.
func collect[T any](ctx context.Context, a *Auditor, query string, args ...any) ([]T, error) {
	rows, err := a.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return all, nil
}

// one runs a query that returns one value.
func one[T any](ctx context.Context, a *Auditor, query string, args ...any) (T, error) {
	var value T
	if err := a.pool.QueryRow(ctx, query, args...).Scan(&value); err != nil {
		return value, fmt.Errorf("audit: %w", err)
	}
	return value, nil
}
