package db

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// CreateSync stores a sync and one chunk per target and returns the chunks' ids in the order of the targets. Repeated
// with the same id it returns those it made. Errors: not_found for a series whose instrument is gone.
func (db *DB) CreateSync(ctx context.Context, r market.SyncRequest) ([]int64, error) {
	var ids []int64
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		const job = `
			INSERT INTO ingest_job (id, kind, policy, "interval", provider, start_at, end_at, concurrency, workflow_id, started_at)
			VALUES ($1, 'sync', 'missing', $2, $3, $4, $5, 1, $6, clock_timestamp()) ON CONFLICT (id) DO NOTHING`
		all := hullOf(r.Targets)
		tag, err := tx.Exec(ctx, job, r.ID, r.Interval, r.Provider, all.Start, all.End, r.WorkflowID)
		if err == nil && tag.RowsAffected() == 1 {
			err = createSyncChunks(ctx, tx, r)
		}
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "SELECT id FROM ingest_chunk WHERE job_id = $1 ORDER BY seq", r.ID)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	if err != nil {
		return nil, dbError(err)
	}
	return ids, db.EnsureBarPartitions(ctx, hullOf(r.Targets))
}

func hullOf(targets []market.SyncTarget) market.Range {
	chunks := make([]market.Chunk, len(targets))
	for i, t := range targets {
		chunks[i].Range = t.Range
	}
	return hull(chunks)
}

// createSyncChunks writes the chunks; what each asks is what its series lacks when it is planned, and its last bars.
func createSyncChunks(ctx context.Context, tx pgx.Tx, r market.SyncRequest) error {
	const chunks = `
		INSERT INTO ingest_chunk (job_id, series_id, seq, name, start_at, end_at, todo, expected, workflow_id, is_catchup)
		SELECT $1, u.series_id, u.seq, u.name, u.start_at, u.end_at,
			tstzmultirange(tstzrange(u.start_at, u.end_at)) - coalesce(c.covered, '{}') + tstzmultirange(tstzrange(u.again_at, u.end_at)),
			u.expected, u.workflow_id, u.is_catchup
		FROM unnest($2::bigint[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[], $7::bigint[], $8::text[], $9::boolean[])
			WITH ORDINALITY AS u (series_id, name, start_at, end_at, again_at, expected, workflow_id, is_catchup, seq)
		LEFT JOIN series_coverage c ON c.series_id = u.series_id`
	n := len(r.Targets)
	seriesID, expected := make([]int64, n), make([]int64, n)
	name, workflowID, isCatchup := make([]string, n), make([]string, n), make([]bool, n)
	start, end, again := make([]time.Time, n), make([]time.Time, n), make([]time.Time, n)
	for i, t := range r.Targets {
		seriesID[i] = t.Series.SeriesID
		if seriesID[i] == 0 {
			made, err := ensureSeries(ctx, tx, r.Interval, market.BackfillTarget{
				Instrument: t.Series.Instrument, Provider: r.Provider, PriceBasis: t.PriceBasis,
			})
			if err != nil {
				return err
			}
			seriesID[i] = made.id
		}
		name[i] = fmt.Sprintf("%s-%s-%s", t.Series.Instrument, r.Interval, t.Range.Start.Format("20060102T1504"))
		workflowID[i] = market.SyncBatchWorkflowID(r.WorkflowID, i/r.BatchSize+1)
		start[i], end[i], again[i], expected[i], isCatchup[i] = t.Range.Start, t.Range.End, t.Again, t.Bars, t.IsCatchup
	}
	_, err := tx.Exec(ctx, chunks, r.ID, seriesID, name, start, end, again, expected, workflowID, isCatchup)
	return err
}

// SyncRetries returns, by series, until when it is left alone after a failure that waiting alone does not mend; an instant
// that is not after now means not at all.
func (db *DB) SyncRetries(ctx context.Context, now time.Time) (map[int64]market.SyncRetry, error) {
	const query = `
		SELECT series_id, greatest(retry_at, $1), greatest(catchup_at, $1) FROM series_sync WHERE retry_at > $1 OR catchup_at > $1`
	rows, err := db.Pool.Query(ctx, query, now)
	if err != nil {
		return nil, dbError(err)
	}
	retries := map[int64]market.SyncRetry{}
	var id int64
	var r market.SyncRetry
	_, err = pgx.ForEachRow(rows, []any{&id, &r.Newest, &r.Catchup}, func() error {
		retries[id] = r
		return nil
	})
	return retries, dbError(err)
}

// ProviderHold reports whether the provider is paused, and until when its requests are held (zero: not at all).
func (db *DB) ProviderHold(ctx context.Context, provider string) (isPaused bool, until time.Time, err error) {
	const query = "SELECT paused, nullif(not_before, '-infinity') FROM provider_gate WHERE provider = $1"
	var at *time.Time
	err = db.Pool.QueryRow(ctx, query, provider).Scan(&isPaused, &at)
	if isNoRows(err) {
		return false, time.Time{}, market.Errorf(market.KindNotFound, "provider %q has no request budget", provider)
	}
	if at != nil {
		until = at.UTC()
	}
	return isPaused, until, dbError(err)
}
