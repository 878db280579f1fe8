package audit

import (
	"context"
	"time"

	"marketdata/market"
)

// Chunk is a chunk as it stands.
type Chunk struct {
	ID         int64
	JobID      string
	SeriesID   int64
	WorkflowID string
	Policy     market.BackfillPolicy
	Status     string
	Stage      string // of the attempt that claimed it last
	Attempt    int    // its number in its run
	Token      string
	Start, End time.Time // [Start, End)
	StartedAt  time.Time // when it was first claimed; zero before
	IsNormal   bool      // its normalized rows are stored and not loaded yet
}

const selectChunk = `
	SELECT c.id, c.job_id::text, c.series_id, c.workflow_id, j.policy, c.status, c.stage, c.attempt, c.attempt_token, c.start_at, c.end_at,
		coalesce(c.started_at, '0001-01-01Z'), EXISTS (SELECT FROM normal_page n WHERE n.chunk_id = c.id)
	FROM ingest_chunk c JOIN ingest_job j ON j.id = c.job_id
	`

// Running returns the chunks that are at work, oldest first.
func (a *Auditor) Running(ctx context.Context) ([]Chunk, error) {
	return collect[Chunk](ctx, a, selectChunk+"WHERE c.status = 'running' ORDER BY c.id")
}

// Chunks returns the chunks of a backfill in their order.
func (a *Auditor) Chunks(ctx context.Context, jobID string) ([]Chunk, error) {
	return collect[Chunk](ctx, a, selectChunk+"WHERE c.job_id = $1 ORDER BY c.seq", jobID)
}

// Unfinished returns how many chunks are neither done nor given up.
func (a *Auditor) Unfinished(ctx context.Context) (int64, error) {
	return one[int64](ctx, a, "SELECT count(*) FROM ingest_chunk WHERE status IN ('pending', 'running')")
}

// Age returns how long ago a backfill was created.
func (a *Auditor) Age(ctx context.Context, jobID string) (time.Duration, error) {
	return one[time.Duration](ctx, a, "SELECT clock_timestamp() - created_at FROM ingest_job WHERE id = $1", jobID)
}
