package db

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// maxFailures is how many failures one backfill shows.
const maxFailures = 100

// backfillColumns are scanned by backfillTargets.
const backfillColumns = `j.id::text, t.status, j.policy, j."interval", j.start_at, j.end_at, j.concurrency, j.max_failed, j.created_at,
	j.started_at, t.finished_at, j.workflow_id, j.paused_reason, coalesce(j.request_id, ''), t.requests, t.total, t.pending, t.running, t.done, t.failed, t.canceled,
	t.expected, t.inserted, t.restated, t.unchanged, t.quarantined, coalesce(j.schedule_id, '')`

func backfillTargets(b *market.Backfill) []any {
	return []any{
		&b.ID, &b.Status, &b.Policy, &b.Interval, &b.Range.Start, &b.Range.End, &b.Concurrency, &b.MaxFailed, &b.CreatedAt,
		&b.StartedAt, &b.FinishedAt, &b.WorkflowID, &b.PausedReason, &b.RequestID, &b.Requests,
		&b.Chunks.Total, &b.Chunks.Pending, &b.Chunks.Running, &b.Chunks.Done, &b.Chunks.Failed, &b.Chunks.Canceled,
		&b.Bars.Expected, &b.Bars.Inserted, &b.Bars.Restated, &b.Bars.Unchanged, &b.Bars.Quarantined,
		&b.ScheduleID,
	}
}

// tidy brings what was scanned into the form that callers get.
func tidy(b *market.Backfill) {
	b.Range = market.Range{Start: b.Range.Start.UTC(), End: b.Range.End.UTC()}
	b.CreatedAt, b.StartedAt, b.FinishedAt = b.CreatedAt.UTC(), utc(b.StartedAt), utc(b.FinishedAt)
	if b.Status != market.StatusPaused {
		b.PausedReason = nil
	}
}

// Backfill returns one with everything counted. Errors: not_found.
func (db *DB) Backfill(ctx context.Context, id string) (market.Backfill, error) {
	if err := uuid.Validate(id); err != nil {
		return market.Backfill{}, noBackfill(id)
	}
	var b market.Backfill
	err := pgx.BeginTxFunc(ctx, db.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		var err error
		b, err = backfillByID(ctx, tx, id)
		return err
	})
	return b, dbError(err)
}

func noBackfill(id string) error {
	if len(id) > 64 {
		id = id[:64] + "…"
	}
	return market.Errorf(market.KindNotFound, "backfill %q is not known", id)
}

func backfillByID(ctx context.Context, tx pgx.Tx, id string) (market.Backfill, error) {
	var b market.Backfill
	err := tx.QueryRow(ctx, "SELECT "+backfillColumns+" FROM ingest_job j JOIN ingest_job_state t ON t.id = j.id WHERE j.id = $1 AND j.kind = 'backfill'", id).
		Scan(backfillTargets(&b)...)
	if isNoRows(err) {
		return b, noBackfill(id)
	}
	if err != nil {
		return b, err
	}
	tidy(&b)
	if b.Series, err = backfillSeries(ctx, tx, id); err != nil {
		return b, err
	}
	b.Failures, err = backfillFailures(ctx, tx, id, maxFailures)
	return b, err
}

// backfillSeries counts per series, in the order of the request.
func backfillSeries(ctx context.Context, tx pgx.Tx, id string) ([]market.BackfillSeries, error) {
	const query = `
		SELECT i.symbol, i.venue, s.provider, count(k.id),
			count(k.id) FILTER (WHERE k.status = 'pending'), count(k.id) FILTER (WHERE k.status = 'running'),
			count(k.id) FILTER (WHERE k.status = 'done'), count(k.id) FILTER (WHERE k.status = 'failed'),
			count(k.id) FILTER (WHERE k.status = 'canceled'),
			coalesce(sum(k.expected), 0)::bigint, coalesce(sum(k.inserted), 0)::bigint, coalesce(sum(k.restated), 0)::bigint,
			coalesce(sum(k.unchanged), 0)::bigint, coalesce(sum(k.quarantined), 0)::bigint
		FROM ingest_job_series js
		JOIN series s ON s.id = js.series_id
		JOIN instrument i ON i.id = s.instrument_id
		LEFT JOIN ingest_chunk k ON k.job_id = js.job_id AND k.series_id = js.series_id
		WHERE js.job_id = $1
		GROUP BY js.ordinal, i.symbol, i.venue, s.provider
		ORDER BY js.ordinal`
	rows, err := tx.Query(ctx, query, id)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (market.BackfillSeries, error) {
		var s market.BackfillSeries
		err := row.Scan(&s.Instrument.Symbol, &s.Instrument.Venue, &s.Provider,
			&s.Chunks.Total, &s.Chunks.Pending, &s.Chunks.Running, &s.Chunks.Done, &s.Chunks.Failed, &s.Chunks.Canceled,
			&s.Bars.Expected, &s.Bars.Inserted, &s.Bars.Restated, &s.Bars.Unchanged, &s.Bars.Quarantined)
		return s, err
	})
}

func backfillFailures(ctx context.Context, tx pgx.Tx, id string, limit int) ([]market.ChunkFailure, error) {
	const query = `
		SELECT i.symbol, i.venue, k.start_at, k.end_at, coalesce(k.error_kind, 'internal'), coalesce(k.error, ''), k.workflow_id
		FROM ingest_chunk k JOIN series s ON s.id = k.series_id JOIN instrument i ON i.id = s.instrument_id
		WHERE k.job_id = $1 AND k.status = 'failed' ORDER BY k.seq LIMIT $2`
	rows, err := tx.Query(ctx, query, id, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (market.ChunkFailure, error) {
		var f market.ChunkFailure
		err := row.Scan(&f.Instrument.Symbol, &f.Instrument.Venue, &f.Range.Start, &f.Range.End, &f.Kind, &f.Message, &f.WorkflowID)
		f.Range = market.Range{Start: f.Range.Start.UTC(), End: f.Range.End.UTC()}
		return f, err
	})
}

// Backfills returns those that match, newest first, at most q.Limit after q.After.
func (db *DB) Backfills(ctx context.Context, q market.BackfillQuery) ([]market.Backfill, error) {
	query := "SELECT " + backfillColumns + ` FROM ingest_job j JOIN ingest_job_state t ON t.id = j.id
		WHERE j.kind = 'backfill' AND ($1 = '' OR t.status = $1)
		AND ($2 = '' OR EXISTS (SELECT FROM ingest_job_series js JOIN series s ON s.id = js.series_id JOIN instrument i ON i.id = s.instrument_id
			WHERE js.job_id = j.id AND i.symbol = $2 AND i.venue = $3))
		AND ($4::uuid IS NULL OR (j.created_at, j.id) < (SELECT created_at, id FROM ingest_job WHERE id = $4))
		ORDER BY j.created_at DESC, j.id DESC LIMIT $5`
	var symbol, venue string
	if q.Instrument != nil {
		symbol, venue = q.Instrument.Symbol, q.Instrument.Venue
	}
	var after *string
	if q.After != "" {
		if err := uuid.Validate(q.After); err != nil {
			return nil, noBackfill(q.After)
		}
		after = &q.After
	}
	var all []market.Backfill
	err := pgx.BeginTxFunc(ctx, db.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, query, q.Status, symbol, venue, after, q.Limit)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (market.Backfill, error) {
			var b market.Backfill
			err := row.Scan(backfillTargets(&b)...)
			tidy(&b)
			return b, err
		})
		for i := range all {
			if all[i].Series, err = backfillSeries(ctx, tx, all[i].ID); err != nil {
				return err
			}
			if all[i].Chunks.Failed == 0 {
				continue
			}
			if all[i].Failures, err = backfillFailures(ctx, tx, all[i].ID, maxFailures); err != nil {
				return err
			}
		}
		return err
	})
	return all, dbError(err)
}

// RequestCancel notes that a person canceled the backfill. Errors: conflict when it is finished, not_found.
func (db *DB) RequestCancel(ctx context.Context, id string) error {
	return db.changeJob(ctx, id, func(tx pgx.Tx, b market.Backfill) error {
		if b.Status.IsFinished() {
			return market.Errorf(market.KindConflict, "backfill %s is %s; there is nothing to cancel", id, b.Status)
		}
		_, err := tx.Exec(ctx, "UPDATE ingest_job SET cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp()) WHERE id = $1", id)
		return err
	})
}

// ReopenBackfill sets failed and canceled chunks (and, when there is none, those with quarantined rows) back to pending
// and clears cancel, pause and end. Errors: conflict when it is unfinished or nothing is to retry, not_found.
func (db *DB) ReopenBackfill(ctx context.Context, id string) (market.Backfill, error) {
	var reopened market.Backfill
	err := db.changeJob(ctx, id, func(tx pgx.Tx, b market.Backfill) error {
		if !b.Status.IsFinished() {
			return market.Errorf(market.KindConflict, "backfill %s is %s; retry it when it has ended", id, b.Status)
		}
		n, err := reopenChunks(ctx, tx, id, "status IN ('failed', 'canceled')")
		if err == nil && n == 0 {
			n, err = reopenChunks(ctx, tx, id, "status = 'done' AND quarantined > 0")
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return market.Errorf(market.KindConflict, "backfill %s is %s; nothing is to be retried", id, b.Status)
		}
		if _, err := tx.Exec(ctx, `UPDATE ingest_job SET cancel_requested_at = NULL, paused_reason = NULL, closed_at = NULL, started_at = NULL,
			reopened_at = clock_timestamp() WHERE id = $1`, id); err != nil {
			return err
		}
		reopened, err = backfillByID(ctx, tx, id)
		return err
	})
	return reopened, err
}

// reopenChunks sets the job's chunks that meet the condition back to pending and returns how many they are.
func reopenChunks(ctx context.Context, tx pgx.Tx, jobID, condition string) (int64, error) {
	const reset = `
		UPDATE ingest_chunk SET status = 'pending', stage = '', attempt_token = '', error_kind = NULL, error = NULL, finished_at = NULL,
			quarantined = 0, updated_at = clock_timestamp()
		WHERE job_id = $1 AND `
	tag, err := tx.Exec(ctx, reset+condition, jobID)
	return tag.RowsAffected(), err
}

// changeJob runs f with the job's row locked.
func (db *DB) changeJob(ctx context.Context, id string, f func(pgx.Tx, market.Backfill) error) error {
	if err := uuid.Validate(id); err != nil {
		return noBackfill(id)
	}
	return dbError(db.inTx(ctx, func(tx pgx.Tx) error {
		var at time.Time
		err := tx.QueryRow(ctx, "SELECT created_at FROM ingest_job WHERE id = $1 FOR UPDATE", id).Scan(&at)
		if isNoRows(err) {
			return noBackfill(id)
		}
		if err != nil {
			return err
		}
		b, err := backfillByID(ctx, tx, id)
		if err != nil {
			return err
		}
		return f(tx, b)
	}))
}
