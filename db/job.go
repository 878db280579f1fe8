package db

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// StartJob marks the job as started and returns its lanes: one per provider that has chunks not done. With isFresh, for
// a workflow that begins from its beginning, failed and canceled chunks become pending first. Errors: not_found.
func (db *DB) StartJob(ctx context.Context, jobID string, isFresh bool) (market.JobPlan, error) {
	var plan market.JobPlan
	err := db.changeJob(ctx, jobID, func(tx pgx.Tx, b market.Backfill) error {
		if isFresh && b.Chunks.Failed+b.Chunks.Canceled > 0 {
			if _, err := reopenChunks(ctx, tx, jobID, "status IN ('failed', 'canceled')"); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "UPDATE ingest_job SET cancel_requested_at = NULL WHERE id = $1", jobID); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, "UPDATE ingest_job SET started_at = coalesce(started_at, clock_timestamp()), reopened_at = NULL, closed_at = NULL WHERE id = $1", jobID); err != nil {
			return err
		}
		plan = market.JobPlan{
			Interval: b.Interval, Concurrency: b.Concurrency, MaxFailed: b.MaxFailed, Total: int(b.Chunks.Total), Done: int(b.Chunks.Done),
		}
		if b.PausedReason != nil {
			plan.PauseReason = *b.PausedReason
		}
		const lanes = `
			SELECT DISTINCT s.provider FROM ingest_chunk k JOIN series s ON s.id = k.series_id
			WHERE k.job_id = $1 AND k.status IN ('pending', 'running') ORDER BY s.provider`
		rows, err := tx.Query(ctx, lanes, jobID)
		if err != nil {
			return err
		}
		plan.Providers, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return plan, err
}

// OpenChunks returns the provider's chunks of the job that are pending or running, with seq > afterSeq, ascending, at
// most limit, after making sure that bar has partitions for their ranges.
func (db *DB) OpenChunks(ctx context.Context, jobID, provider string, afterSeq, limit int) ([]market.Chunk, error) {
	const open = selectChunks + `WHERE c.job_id = $1 AND s.provider = $2 AND c.seq > $3 AND c.status IN ('pending', 'running')
		ORDER BY c.seq LIMIT $4`
	rows, err := db.Pool.Query(ctx, open, jobID, provider, afterSeq, limit)
	if err != nil {
		return nil, dbError(err)
	}
	chunks, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (market.Chunk, error) { return scanChunk(row) })
	if err != nil {
		return nil, dbError(err)
	}
	return chunks, db.EnsureBarPartitions(ctx, hull(chunks))
}

// hull is the range from the first chunk's start to the last one's end.
func hull(chunks []market.Chunk) market.Range {
	var all market.Range
	for i, c := range chunks {
		if i == 0 || c.Range.Start.Before(all.Start) {
			all.Start = c.Range.Start
		}
		if i == 0 || c.Range.End.After(all.End) {
			all.End = c.Range.End
		}
	}
	return all
}

// settleChunk runs an update that takes a chunk away from whoever works on it; $1 is its id. While a reopened job waits
// for its next run, it takes no word from the run before: the job's row is locked first, so that a reopening at the same
// moment is seen.
func (db *DB) settleChunk(ctx context.Context, chunkID int64, update string, args ...any) error {
	const lockJob = "SELECT reopened_at IS NOT NULL FROM ingest_job WHERE id = (SELECT job_id FROM ingest_chunk WHERE id = $1) FOR SHARE"
	return dbError(db.inTx(ctx, func(tx pgx.Tx) error {
		var isReopened bool
		err := tx.QueryRow(ctx, lockJob, chunkID).Scan(&isReopened)
		if isNoRows(err) || err == nil && isReopened {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, update, append([]any{chunkID}, args...)...)
		return err
	}))
}

// FailChunk records why a run of a chunk failed, unless the chunk is done or at work under another run. A chunk that
// failed before keeps its kind and message when the new kind is internal: what it said itself is closer to the cause.
func (db *DB) FailChunk(ctx context.Context, f market.ChunkFault) error {
	const update = `
		UPDATE ingest_chunk SET status = 'failed', attempt_token = '', finished_at = clock_timestamp(), updated_at = clock_timestamp(),
			error_kind = CASE WHEN status = 'failed' AND $3 = 'internal' THEN error_kind ELSE $3 END,
			error = CASE WHEN status = 'failed' AND $3 = 'internal' THEN error ELSE left($4, 4000) END
		WHERE id = $1 AND status <> 'done' AND (status <> 'running' OR run_id = $2)`
	return db.settleChunk(ctx, f.ChunkID, update, f.RunID, string(f.Kind), storable(f.Message))
}

// CancelChunk marks a chunk canceled unless it is done, failed, or at work under another run.
func (db *DB) CancelChunk(ctx context.Context, chunkID int64, runID string) error {
	const update = `
		UPDATE ingest_chunk SET status = 'canceled', attempt_token = '', finished_at = clock_timestamp(), updated_at = clock_timestamp()
		WHERE id = $1 AND (status = 'pending' OR status = 'running' AND run_id = $2)`
	return db.settleChunk(ctx, chunkID, update, runID)
}

// storable leaves out of a foreign text what a column of text cannot hold.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "")
}

// CloseJob settles a job whose workflow ends: pending chunks, and running ones of dead runs, become canceled or failed
// with kind internal and the message. A chunk at work under a live run, as after a reset, is left to it. A job that was
// reopened meanwhile and waits for its next run is left alone. It returns the counts. Idempotent. Errors: not_found.
func (db *DB) CloseJob(ctx context.Context, end market.JobEnd) (market.ChunkCounts, market.BarCounts, error) {
	const settle = `
		UPDATE ingest_chunk SET status = CASE WHEN $2 THEN 'canceled' ELSE 'failed' END,
			error_kind = CASE WHEN $2 THEN error_kind ELSE 'internal' END, error = CASE WHEN $2 THEN error ELSE $3 END,
			attempt_token = '', finished_at = clock_timestamp(), updated_at = clock_timestamp()
		WHERE job_id = $1 AND (status = 'pending' OR status = 'running' AND run_id = ANY($4))`
	const closed = `
		UPDATE ingest_job SET closed_at = coalesce(closed_at, clock_timestamp()), paused_reason = NULL,
			cancel_requested_at = CASE WHEN $2 THEN coalesce(cancel_requested_at, clock_timestamp()) ELSE cancel_requested_at END
		WHERE id = $1`
	var b market.Backfill
	err := db.changeJob(ctx, end.JobID, func(tx pgx.Tx, _ market.Backfill) error {
		var isReopened bool
		err := tx.QueryRow(ctx, "SELECT reopened_at IS NOT NULL FROM ingest_job WHERE id = $1", end.JobID).Scan(&isReopened)
		if err != nil {
			return err
		}
		if !isReopened {
			if _, err = tx.Exec(ctx, settle, end.JobID, end.IsCanceled, storable(end.Message), end.DeadRuns); err != nil {
				return err
			}
			if _, err = tx.Exec(ctx, closed, end.JobID, end.IsCanceled); err != nil {
				return err
			}
		}
		b, err = backfillByID(ctx, tx, end.JobID)
		return err
	})
	return b.Chunks, b.Bars, err
}

// SetJobPaused stores why the job is paused, or nil when it is not.
func (db *DB) SetJobPaused(ctx context.Context, jobID string, reason *string) error {
	_, err := db.bun.NewUpdate().Table("ingest_job").Set("paused_reason = ?", reason).Where("id = ?", jobID).Exec(ctx)
	return dbError(err)
}

// SetJobConcurrency stores the window per provider, 1 to 64.
func (db *DB) SetJobConcurrency(ctx context.Context, jobID string, concurrency int) error {
	_, err := db.bun.NewUpdate().Table("ingest_job").Set("concurrency = ?", concurrency).Where("id = ?", jobID).Exec(ctx)
	return dbError(err)
}
