package audit

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// Hold keeps a step from going on until it is released, or the server ends. It leaves nothing behind.
type Hold struct{ conn *pgx.Conn }

// Release lets the step go on.
func (h *Hold) Release(ctx context.Context) { _ = h.conn.Close(ctx) } // the server may have ended and released it already

// HoldNormalize lets the chunk be normalized but keeps the result from being stored, which an attempt waits for while it
// holds the chunk's row.
func (a *Auditor) HoldNormalize(ctx context.Context, c Chunk) (*Hold, error) {
	return a.hold(ctx, `
		INSERT INTO normal_page (chunk_id, series_id, rows, covered, observed_at, body) VALUES ($1, $2, 0, '{}', now(), '')`, c.ID, c.SeriesID)
}

// HoldUpsert lets loads of the chunk's series write their bars but keeps them from committing: they wait for the
// coverage, which comes last.
func (a *Auditor) HoldUpsert(ctx context.Context, c Chunk) (*Hold, error) {
	return a.hold(ctx, `
		INSERT INTO series_coverage (series_id) VALUES ($1)
		ON CONFLICT (series_id) DO UPDATE SET series_id = EXCLUDED.series_id`, c.SeriesID)
}

// HoldClaim keeps every attempt at the first cell of the chunk from beginning a step.
func (a *Auditor) HoldClaim(ctx context.Context, c Chunk, interval market.Interval) (*Hold, error) {
	key := fmt.Sprintf("bar cell %d %d", c.SeriesID, interval.ChunkStep(c.Start).Unix())
	return a.hold(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key)
}

func (a *Auditor) hold(ctx context.Context, statement string, args ...any) (*Hold, error) {
	conn, err := pgx.ConnectConfig(ctx, a.pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	h := &Hold{conn: conn}
	tx, err := conn.Begin(ctx) // ends with the connection
	if err == nil {
		_, err = tx.Exec(ctx, statement, args...)
	}
	if err != nil {
		h.Release(ctx)
		return nil, fmt.Errorf("audit: %w", err)
	}
	return h, nil
}

// Waiting returns how many sessions of the platform wait for a lock: that a held step has come to its hold.
func (a *Auditor) Waiting(ctx context.Context) (int64, error) {
	return one[int64](ctx, a, `
		SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'marketdata' AND wait_event_type = 'Lock'`)
}
