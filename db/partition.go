package db

import (
	"context"
	"time"

	"marketdata/market"
)

// EnsureBarPartitions creates the yearly partitions of bar that r touches; those that exist are left alone. Open readers
// are not waited for. An empty range needs none. Errors: unavailable when a lock is not had within seconds.
func (db *DB) EnsureBarPartitions(ctx context.Context, r market.Range) error {
	if r.IsEmpty() {
		return nil
	}
	_, err := db.Pool.Exec(ctx, "SELECT ensure_bar_partitions($1, $2)", r.Start, r.End.Add(-time.Microsecond))
	return dbError(err)
}

// EnsureRawPagePartitions creates the monthly partitions of raw_page for this month and the next two.
// Errors: unavailable when a lock is not had within seconds.
func (db *DB) EnsureRawPagePartitions(ctx context.Context, now time.Time) error {
	month := market.Interval1mo.Floor(now)
	return dbError(db.ensureRawPagePartitions(ctx, month, month.AddDate(0, 2, 0)))
}

// ensureRawPagePartitions creates the monthly partitions for [first, until].
func (db *DB) ensureRawPagePartitions(ctx context.Context, first, until time.Time) error {
	_, err := db.Pool.Exec(ctx, "SELECT ensure_raw_page_partitions($1, $2)", first, until)
	return err
}
