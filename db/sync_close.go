package db

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// maxSyncFailures is how many failures of one sync are told.
const maxSyncFailures = 5

// CloseSync ends a sync: chunks that are not done or failed become failed with kind unavailable and the message, and each
// series is told how its sync went. It returns what the sync came to. Idempotent. Errors: not_found.
func (db *DB) CloseSync(ctx context.Context, jobID, message string) (market.SyncOutcome, error) {
	var outcome market.SyncOutcome
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		var isOpen bool
		err := tx.QueryRow(ctx, "SELECT closed_at IS NULL FROM ingest_job WHERE id = $1 AND kind = 'sync' FOR UPDATE", jobID).Scan(&isOpen)
		if isNoRows(err) {
			return market.Errorf(market.KindNotFound, "sync %s is not known", jobID)
		}
		if err == nil && isOpen {
			err = closeSync(ctx, tx, jobID, message)
		}
		if err != nil {
			return err
		}
		const counts = `SELECT total, pending, running, done, failed, canceled, expected, inserted, restated, unchanged, quarantined
			FROM ingest_job_state WHERE id = $1`
		c, b := &outcome.Chunks, &outcome.Bars
		err = tx.QueryRow(ctx, counts, jobID).Scan(&c.Total, &c.Pending, &c.Running, &c.Done, &c.Failed, &c.Canceled,
			&b.Expected, &b.Inserted, &b.Restated, &b.Unchanged, &b.Quarantined)
		if err != nil {
			return err
		}
		outcome.Failures, err = backfillFailures(ctx, tx, jobID, maxSyncFailures)
		return err
	})
	return outcome, dbError(err)
}

func closeSync(ctx context.Context, tx pgx.Tx, jobID, message string) error {
	const unfinished = `
		UPDATE ingest_chunk SET status = 'failed', error_kind = 'unavailable', error = $2, attempt_token = '',
			finished_at = clock_timestamp(), updated_at = clock_timestamp()
		WHERE job_id = $1 AND status IN ('pending', 'running')`
	if _, err := tx.Exec(ctx, unfinished, jobID, storable(message)); err != nil {
		return err
	}
	// what a person must mend is tried again after a while that doubles up to an hour
	const tell = `
		INSERT INTO series_sync AS s (series_id, failures, error_kind, error, synced_at, retry_at)
		SELECT series_id, (status <> 'done')::integer, error_kind, error, CASE WHEN status = 'done' THEN finished_at END,
			CASE WHEN error_kind IN ('denied', 'not_found', 'invalid', 'malformed', 'conflict')
				THEN clock_timestamp() + interval '1 minute' ELSE '-infinity' END
		FROM ingest_chunk WHERE job_id = $1 AND NOT is_catchup
		ON CONFLICT (series_id) DO UPDATE SET
			failures = CASE WHEN EXCLUDED.failures = 0 THEN 0 ELSE s.failures + 1 END,
			error_kind = EXCLUDED.error_kind, error = EXCLUDED.error,
			synced_at = coalesce(EXCLUDED.synced_at, s.synced_at),
			retry_at = CASE WHEN EXCLUDED.retry_at > '-infinity'
				THEN clock_timestamp() + least(interval '1 minute' * power(2, least(s.failures, 10)), interval '1 hour')
				ELSE '-infinity' END`
	if _, err := tx.Exec(ctx, tell, jobID); err != nil {
		return err
	}
	// an older stretch that the provider refuses, such as one beyond its depth, is tried up to once a day
	const tellOlder = `
		INSERT INTO series_sync AS s (series_id, catchup_failures, catchup_at)
		SELECT series_id, (status <> 'done')::integer,
			CASE WHEN error_kind IN ('denied', 'not_found', 'invalid', 'malformed', 'conflict') THEN clock_timestamp() + interval '1 minute' ELSE '-infinity' END
		FROM ingest_chunk WHERE job_id = $1 AND is_catchup
		ON CONFLICT (series_id) DO UPDATE SET
			catchup_failures = CASE WHEN EXCLUDED.catchup_failures = 0 THEN 0 ELSE s.catchup_failures + 1 END,
			catchup_at = CASE WHEN EXCLUDED.catchup_at > '-infinity'
				THEN clock_timestamp() + least(interval '1 minute' * power(2, least(s.catchup_failures, 12)), interval '1 day')
				ELSE '-infinity' END`
	if _, err := tx.Exec(ctx, tellOlder, jobID); err != nil {
		return err
	}
	const orphans = "DELETE FROM normal_page WHERE chunk_id IN (SELECT id FROM ingest_chunk WHERE job_id = $1 AND status = 'failed')"
	if _, err := tx.Exec(ctx, orphans, jobID); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "UPDATE ingest_job SET closed_at = clock_timestamp() WHERE id = $1", jobID)
	return err
}

// OpenSyncs returns the syncs that were begun before the instant and not closed, of the provider and interval; of all
// where provider is "".
func (db *DB) OpenSyncs(ctx context.Context, provider string, interval market.Interval, before time.Time) ([]market.OpenSync, error) {
	const query = `
		SELECT id::text, workflow_id FROM ingest_job
		WHERE kind = 'sync' AND closed_at IS NULL AND created_at < $3 AND ($1 = '' OR provider = $1 AND "interval" = $2)
		ORDER BY created_at`
	rows, err := db.Pool.Query(ctx, query, provider, interval, before)
	if err != nil {
		return nil, dbError(err)
	}
	open, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (market.OpenSync, error) {
		var s market.OpenSync
		err := row.Scan(&s.ID, &s.WorkflowID)
		return s, err
	})
	return open, dbError(err)
}

// PurgeSyncs drops the records of closed syncs that began before the instant, without the latest ones that failed and still
// tell why a stretch has no bars; loads and bars stay. It returns how many were dropped, at most limit.
func (db *DB) PurgeSyncs(ctx context.Context, before time.Time, limit int) (int64, error) {
	const purge = `
		DELETE FROM ingest_job WHERE id IN (
			SELECT j.id FROM ingest_job j
			WHERE j.kind = 'sync' AND j.created_at < $1 AND j.closed_at IS NOT NULL AND NOT EXISTS (
				SELECT FROM ingest_chunk k LEFT JOIN series_coverage c ON c.series_id = k.series_id
				WHERE k.job_id = j.id AND (k.status = 'failed' AND NOT coalesce(c.covered, '{}') @> tstzrange(k.start_at, k.end_at)
						AND NOT EXISTS (SELECT FROM ingest_chunk l WHERE l.series_id = k.series_id AND l.id > k.id AND l.status = 'failed'
							AND l.start_at <= k.start_at AND l.end_at >= k.end_at)
					OR EXISTS (SELECT FROM quarantined_bar q WHERE q.chunk_id = k.id AND q.resolved_at IS NULL)))
			ORDER BY j.created_at LIMIT $2)`
	tag, err := db.Pool.Exec(ctx, purge, before, limit)
	return tag.RowsAffected(), dbError(err)
}
