package db

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

const (
	// overlapRetry is when to ask again while another job works on the same stretch of a series.
	overlapRetry = time.Second

	statusDone = "done"
)

// ClaimChunk makes the attempt the one that may write to the chunk and sets it running at the stage. What is to be
// asked of the provider is fixed when the first answer is stored: under policy missing the chunk's range minus what is
// covered by then, under all the whole range; it may be empty. A chunk that is done is returned with IsDone and nothing
// is changed; a failed or canceled one runs again. Errors: not_found; unavailable with RetryAfter while another backfill's
// running chunk overlaps the series and range and was heard of in the last 15 minutes. A sync waits for nobody, and nobody
// waits for a sync: it asks for little, and today's bars must not wait for an old chunk.
func (db *DB) ClaimChunk(ctx context.Context, a market.Attempt, stage string) (market.ChunkClaim, error) {
	var claim market.ChunkClaim
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		chunk, err := chunkByID(ctx, tx, a.ChunkID)
		if err != nil {
			return err
		}
		claim.Chunk = chunk
		if err := lockCells(ctx, tx, chunk); err != nil {
			return err
		}
		status, _, err := lockChunk(ctx, tx, a.ChunkID)
		if err != nil {
			return err
		}
		if claim.IsDone = status == statusDone; claim.IsDone {
			return nil
		}
		if err := refuseOverlap(ctx, tx, chunk); err != nil {
			return err
		}
		claim.Todo, err = claimChunk(ctx, tx, a, stage)
		return err
	})
	if err != nil {
		return market.ChunkClaim{}, dbError(err)
	}
	return claim, nil
}

// selectChunks reads chunks with what a provider needs to know of their series, for scanChunk.
const selectChunks = `
	SELECT c.id, c.job_id::text, c.seq, c.name, c.series_id, s.provider, coalesce(a.symbol, ''), i.symbol, i.venue,
		i.calendar, s."interval", c.start_at, c.end_at, j.policy, j.kind = 'sync'
	FROM ingest_chunk c
	JOIN ingest_job j ON j.id = c.job_id
	JOIN series s ON s.id = c.series_id
	JOIN instrument i ON i.id = s.instrument_id
	LEFT JOIN LATERAL (
		SELECT symbol FROM instrument_alias
		WHERE instrument_id = i.id AND provider = s.provider
		ORDER BY valid @> c.start_at DESC, upper(valid) DESC NULLS FIRST
		LIMIT 1
	) a ON true
	`

func scanChunk(row pgx.Row) (market.Chunk, error) {
	var c market.Chunk
	err := row.Scan(&c.ID, &c.JobID, &c.Seq, &c.Name, &c.SeriesID, &c.Provider, &c.ProviderSymbol,
		&c.Instrument.Symbol, &c.Instrument.Venue, &c.Calendar, &c.Interval, &c.Range.Start, &c.Range.End, &c.Policy, &c.IsSync)
	c.Range = market.Range{Start: c.Range.Start.UTC(), End: c.Range.End.UTC()}
	return c, err
}

func chunkByID(ctx context.Context, tx pgx.Tx, id int64) (market.Chunk, error) {
	c, err := scanChunk(tx.QueryRow(ctx, selectChunks+"WHERE c.id = $1", id))
	if isNoRows(err) {
		return c, market.Errorf(market.KindNotFound, "chunk %d does not exist", id)
	}
	return c, err
}

// lockCells takes the locks of the cells of the chunk grid that the chunk touches, in ascending order, until the end of
// the transaction. Whoever writes bars of a series, or decides who may, holds them.
func lockCells(ctx context.Context, tx pgx.Tx, chunk market.Chunk) error {
	for _, cell := range chunk.Range.Split(chunk.Interval.ChunkStep) {
		key := fmt.Sprintf("bar cell %d %d", chunk.SeriesID, chunk.Interval.ChunkStep(cell.Start).Unix())
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key); err != nil {
			return err
		}
	}
	return nil
}

// lockChunk locks the chunk's row until the end of the transaction and returns its status and token.
func lockChunk(ctx context.Context, tx pgx.Tx, id int64) (status, token string, err error) {
	err = tx.QueryRow(ctx, "SELECT status, attempt_token FROM ingest_chunk WHERE id = $1 FOR UPDATE", id).Scan(&status, &token)
	if isNoRows(err) {
		return "", "", market.Errorf(market.KindNotFound, "chunk %d does not exist", id)
	}
	return status, token, err
}

// fence locks the chunk's row and refuses an attempt that may no longer write to it. Errors: conflict, not_found.
func fence(ctx context.Context, tx pgx.Tx, a market.Attempt) error {
	status, token, err := lockChunk(ctx, tx, a.ChunkID)
	if err != nil {
		return err
	}
	if token != a.Token || token == "" {
		return market.Errorf(market.KindConflict, "chunk %d was taken over by a later attempt", a.ChunkID)
	}
	if status == statusDone {
		return market.Errorf(market.KindConflict, "chunk %d is done", a.ChunkID)
	}
	return nil
}

// refuseOverlap returns unavailable while another job's chunk is at work on a part of the same stretch. A chunk that was
// not heard of for 15 minutes counts as dead.
func refuseOverlap(ctx context.Context, tx pgx.Tx, chunk market.Chunk) error {
	const query = `
		SELECT c.name, c.job_id::text FROM ingest_chunk c JOIN ingest_job j ON j.id = c.job_id
		WHERE c.series_id = $1 AND c.job_id <> $2 AND c.status = 'running' AND c.start_at < $4 AND c.end_at > $3
			AND c.updated_at > clock_timestamp() - interval '15 minutes' AND j.kind = 'backfill'
		LIMIT 1`
	if chunk.IsSync {
		return nil
	}
	var name, jobID string
	err := tx.QueryRow(ctx, query, chunk.SeriesID, chunk.JobID, chunk.Range.Start, chunk.Range.End).Scan(&name, &jobID)
	if isNoRows(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return &market.Error{
		Kind: market.KindUnavailable, RetryAfter: overlapRetry,
		Message: fmt.Sprintf("chunk %s of backfill %s is at work on the same stretch", name, jobID),
	}
}

func claimChunk(ctx context.Context, tx pgx.Tx, a market.Attempt, stage string) ([]market.Range, error) {
	const query = `
		UPDATE ingest_chunk c
		SET status = 'running', stage = $2, attempt_token = $3, attempt = $4, workflow_id = $5, run_id = $6,
			started_at = coalesce(c.started_at, clock_timestamp()), updated_at = clock_timestamp(), finished_at = NULL,
			error_kind = NULL, error = NULL,
			todo = CASE WHEN c.todo IS NOT NULL AND (c.requests > 0 OR j.kind = 'sync' OR $2 <> 'fetch') THEN c.todo
				ELSE tstzmultirange(tstzrange(c.start_at, c.end_at)) - CASE j.policy
					WHEN 'all' THEN '{}'
					ELSE coalesce((SELECT covered FROM series_coverage WHERE series_id = c.series_id), '{}')
				END
			END
		FROM ingest_job j
		WHERE c.id = $1 AND j.id = c.job_id
		RETURNING c.todo`
	var todo multirange
	err := tx.QueryRow(ctx, query, a.ChunkID, stage, a.Token, a.Number, a.WorkflowID, a.RunID).Scan(&todo)
	return fromMultirange(todo), err
}
