package db

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// maxNewFailures is how many failed backfills one look takes up; the others are taken up by the next ones.
const maxNewFailures = 50

// NewlyFailedBackfills returns backfills that ended failed after the instant and of whose run no alert tells yet, the
// oldest failures first, with their series and first failures. A retry is another run.
func (db *DB) NewlyFailedBackfills(ctx context.Context, since time.Time) ([]market.FailedBackfill, error) {
	const query = `
		WITH failure AS (
			SELECT k.job_id, max(k.finished_at) AS at FROM ingest_chunk k JOIN ingest_job j ON j.id = k.job_id AND j.kind = 'backfill'
			WHERE k.status = 'failed' AND k.finished_at > $1 GROUP BY k.job_id
		)
		SELECT f.job_id::text, coalesce(j.started_at, j.created_at) FROM failure f
		JOIN ingest_job j ON j.id = f.job_id
		JOIN ingest_job_state t ON t.id = f.job_id AND t.status = 'failed'
		WHERE NOT EXISTS (SELECT FROM alert a WHERE a.kind = 'backfill_failed' AND a.key = f.job_id::text AND a.occurred_at >= coalesce(j.started_at, j.created_at))
		ORDER BY f.at LIMIT $2`
	var failed []market.FailedBackfill
	err := pgx.BeginTxFunc(ctx, db.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, query, since, maxNewFailures)
		if err != nil {
			return err
		}
		failed, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (market.FailedBackfill, error) {
			var f market.FailedBackfill
			err := row.Scan(&f.Backfill.ID, &f.RunAt)
			f.RunAt = f.RunAt.UTC()
			return f, err
		})
		for i := range failed {
			if failed[i].Backfill, err = backfillByID(ctx, tx, failed[i].Backfill.ID); err != nil {
				return err
			}
		}
		return err
	})
	return failed, dbError(err)
}

// UnsettledBackfills returns those of the ids whose backfill is failed or at work again: not completed, not canceled.
func (db *DB) UnsettledBackfills(ctx context.Context, ids []string) ([]string, error) {
	const query = `
		SELECT id::text FROM ingest_job_state
		WHERE id = ANY($1::uuid[]) AND status NOT IN ('completed', 'completed_with_gaps', 'canceled')`
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := db.Pool.Query(ctx, query, ids)
	if err != nil {
		return nil, dbError(err)
	}
	unsettled, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return unsettled, dbError(err)
}

// ProviderRefusals returns the latest chunk after the instant that each provider refused, by provider.
func (db *DB) ProviderRefusals(ctx context.Context, since time.Time) ([]market.ProviderRefusal, error) {
	const query = `
		SELECT DISTINCT ON (s.provider) s.provider, i.symbol || '.' || i.venue, coalesce(k.error, ''), k.finished_at
		FROM ingest_chunk k JOIN series s ON s.id = k.series_id JOIN instrument i ON i.id = s.instrument_id
		WHERE k.status = 'failed' AND k.error_kind = 'denied' AND k.finished_at > $1
		ORDER BY s.provider, k.finished_at DESC, k.id DESC`
	rows, err := db.Pool.Query(ctx, query, since)
	if err != nil {
		return nil, dbError(err)
	}
	refusals, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (market.ProviderRefusal, error) {
		var r market.ProviderRefusal
		err := row.Scan(&r.Provider, &r.Instrument, &r.Message, &r.At)
		r.At = r.At.UTC()
		return r, err
	})
	return refusals, dbError(err)
}

// HasAnswered reports whether the provider gave a good answer to a request made after the instant.
func (db *DB) HasAnswered(ctx context.Context, provider string, after time.Time) (bool, error) {
	const query = `
		SELECT EXISTS (SELECT FROM raw_page p JOIN ingest_chunk k ON k.id = p.chunk_id JOIN series s ON s.id = k.series_id
			WHERE p.requested_at > $2 AND p.body IS NOT NULL AND p.is_ok AND s.provider = $1)`
	var hasAnswered bool
	err := db.Pool.QueryRow(ctx, query, provider, after).Scan(&hasAnswered)
	return hasAnswered, dbError(err)
}

// SyncErrors returns, by series, why the last sync of those failed that fail now: "kind: text".
func (db *DB) SyncErrors(ctx context.Context, seriesIDs []int64) (map[int64]string, error) {
	const query = "SELECT series_id, concat_ws(': ', error_kind, error) FROM series_sync WHERE series_id = ANY($1) AND failures > 0"
	if len(seriesIDs) == 0 {
		return map[int64]string{}, nil
	}
	rows, err := db.Pool.Query(ctx, query, seriesIDs)
	if err != nil {
		return nil, dbError(err)
	}
	reasons := make(map[int64]string, len(seriesIDs))
	var id int64
	var reason string
	_, err = pgx.ForEachRow(rows, []any{&id, &reason}, func() error {
		reasons[id] = reason
		return nil
	})
	return reasons, dbError(err)
}
