package db

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// UnfinishedJobs returns the backfills with a pending or running chunk that were created, and reopened, before the instant,
// oldest first, each with the runs of its running chunks that were last heard of before it.
func (db *DB) UnfinishedJobs(ctx context.Context, before time.Time) ([]market.UnfinishedJob, error) {
	const query = `
		SELECT j.id::text, j.workflow_id, coalesce(j.request_id, ''), j.reopened_at IS NOT NULL, j.closed_at IS NOT NULL, bool_or(k.status = 'pending'),
			array_agg(k.id ORDER BY k.seq) FILTER (WHERE k.status = 'running' AND k.updated_at < $1),
			array_agg(k.workflow_id ORDER BY k.seq) FILTER (WHERE k.status = 'running' AND k.updated_at < $1),
			array_agg(k.run_id ORDER BY k.seq) FILTER (WHERE k.status = 'running' AND k.updated_at < $1)
		FROM ingest_job j JOIN ingest_chunk k ON k.job_id = j.id AND k.status IN ('pending', 'running')
		WHERE j.kind = 'backfill' AND greatest(j.created_at, j.reopened_at) < $1
		GROUP BY j.id ORDER BY j.created_at, j.id`
	rows, err := db.Pool.Query(ctx, query, before)
	if err != nil {
		return nil, dbError(err)
	}
	jobs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (market.UnfinishedJob, error) {
		var j market.UnfinishedJob
		var chunks []int64
		var workflowIDs, runIDs []string
		err := row.Scan(&j.ID, &j.WorkflowID, &j.RequestID, &j.IsReopened, &j.IsClosed, &j.HasPending, &chunks, &workflowIDs, &runIDs)
		for i := range chunks {
			j.Quiet = append(j.Quiet, market.ChunkRun{ChunkID: chunks[i], WorkflowID: workflowIDs[i], RunID: runIDs[i]})
		}
		return j, err
	})
	return jobs, dbError(err)
}

// RunningChunks returns the runs of the job's running chunks, by seq.
func (db *DB) RunningChunks(ctx context.Context, jobID string) ([]market.ChunkRun, error) {
	rows, err := db.Pool.Query(ctx, "SELECT id, workflow_id, run_id FROM ingest_chunk WHERE job_id = $1 AND status = 'running' ORDER BY seq", jobID)
	if err != nil {
		return nil, dbError(err)
	}
	runs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (market.ChunkRun, error) {
		var r market.ChunkRun
		return r, row.Scan(&r.ChunkID, &r.WorkflowID, &r.RunID)
	})
	return runs, dbError(err)
}
