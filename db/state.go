package db

import (
	"context"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// PlatformState counts what the database holds, in one snapshot. It reads every chunk of a backfill once; a
// statement is given up after eight seconds. Errors: unavailable.
func (db *DB) PlatformState(ctx context.Context) (market.PlatformState, error) {
	s := market.PlatformState{Backfills: map[market.BackfillStatus]int64{}, Quarantined: map[market.Rule]int64{}}
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, db.Pool, options, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL statement_timeout = '8s'"); err != nil {
			return err
		}
		if err := countBackfills(ctx, tx, &s); err != nil {
			return err
		}
		if err := countQuarantined(ctx, tx, &s); err != nil {
			return err
		}
		var err error
		if s.SyncFailures, err = syncFailures(ctx, tx); err != nil {
			return err
		}
		s.Budgets, err = budgetStates(ctx, tx)
		return err
	})
	return s, dbError(err)
}

func countBackfills(ctx context.Context, tx pgx.Tx, s *market.PlatformState) error {
	const query = `
		SELECT t.status, count(*), sum(t.total)::bigint, sum(t.pending)::bigint, sum(t.running)::bigint, sum(t.done)::bigint,
			sum(t.failed)::bigint, sum(t.canceled)::bigint
		FROM ingest_job j JOIN ingest_job_state t ON t.id = j.id WHERE j.kind = 'backfill' GROUP BY t.status`
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return err
	}
	var status market.BackfillStatus
	var jobs int64
	var c market.ChunkCounts
	_, err = pgx.ForEachRow(rows, []any{&status, &jobs, &c.Total, &c.Pending, &c.Running, &c.Done, &c.Failed, &c.Canceled}, func() error {
		s.Backfills[status] = jobs
		s.Chunks.Total += c.Total
		s.Chunks.Pending += c.Pending
		s.Chunks.Running += c.Running
		s.Chunks.Done += c.Done
		s.Chunks.Failed += c.Failed
		s.Chunks.Canceled += c.Canceled
		return nil
	})
	return err
}

func countQuarantined(ctx context.Context, tx pgx.Tx, s *market.PlatformState) error {
	rows, err := tx.Query(ctx, "SELECT rule, count(*) FROM quarantined_bar WHERE resolved_at IS NULL GROUP BY rule")
	if err != nil {
		return err
	}
	var rule market.Rule
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&rule, &n}, func() error {
		s.Quarantined[rule] = n
		return nil
	})
	return err
}

func budgetStates(ctx context.Context, tx pgx.Tx) ([]market.BudgetState, error) {
	const query = `
		SELECT g.provider,
			coalesce((SELECT per_minute FROM rate_bucket b WHERE b.provider = g.provider AND b.unit = 'request'), 0),
			coalesce((SELECT per_minute FROM rate_bucket b WHERE b.provider = g.provider AND b.unit = 'weight'), 0),
			coalesce((SELECT sum(requests) FROM rate_usage u
				WHERE u.provider = g.provider AND u.second > now() - interval '60 seconds' AND u.second <= now()), 0)::integer,
			CASE WHEN g.not_before > now() THEN g.not_before - now() ELSE interval '0' END, g.paused
		FROM provider_gate g ORDER BY g.provider`
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (market.BudgetState, error) {
		var b market.BudgetState
		err := row.Scan(&b.Provider, &b.RequestsPerMinute, &b.WeightPerMinute, &b.UsedLastMinute, &b.HeldFor, &b.IsPaused)
		return b, err
	})
}

func syncFailures(ctx context.Context, tx pgx.Tx) ([]market.SyncFailures, error) {
	const query = `
		SELECT s.provider, s."interval", coalesce(y.error_kind, 'internal'), count(*)
		FROM series_sync y JOIN series s ON s.id = y.series_id
		JOIN tracked_interval t ON t.instrument_id = s.instrument_id AND t."interval" = s."interval"
		WHERE y.failures > 0 AND s.is_current GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (market.SyncFailures, error) {
		var f market.SyncFailures
		err := row.Scan(&f.Provider, &f.Interval, &f.Kind, &f.Series)
		return f, err
	})
}
