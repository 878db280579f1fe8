package db

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// LoadChunk merges the chunk's normal page into bar, keeps former values, extends the series' coverage and marks the
// chunk done, in one transaction. A stored bar changes only where values differ and its load was not observed later
// than this one; other stored bars count as unchanged. Stored bars of the covered range that are missing in the page
// are kept and flagged as withdrawn. Repeated after success, by any attempt, it returns the first result.
// Errors: not_found (no such chunk, no normal page), unavailable (deadlock, serialization, a race for a key), conflict
// (the attempt's token is no longer the chunk's), internal (the row count differs from wantRows).
func (db *DB) LoadChunk(ctx context.Context, a market.Attempt, wantRows int64) (market.LoadResult, error) {
	var result market.LoadResult
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		chunk, err := chunkByID(ctx, tx, a.ChunkID)
		if err != nil {
			return err
		}
		if err := lockCells(ctx, tx, chunk); err != nil {
			return err
		}
		status, _, err := lockChunk(ctx, tx, a.ChunkID)
		if err != nil {
			return err
		}
		if status == statusDone {
			result, err = loadOfChunk(ctx, tx, a.ChunkID)
			return err
		}
		if err := fence(ctx, tx, a); err != nil {
			return err
		}
		result, err = db.load(ctx, tx, chunk, a, wantRows)
		return err
	})
	if err != nil {
		return market.LoadResult{}, dbError(err)
	}
	return result, nil
}

// loadOfChunk returns what the chunk's last load did.
func loadOfChunk(ctx context.Context, tx pgx.Tx, chunkID int64) (market.LoadResult, error) {
	const query = `
		SELECT inserted, restated, unchanged, withdrawn, version FROM load WHERE chunk_id = $1 ORDER BY id DESC LIMIT 1`
	var r market.LoadResult
	err := tx.QueryRow(ctx, query, chunkID).Scan(&r.Inserted, &r.Restated, &r.Unchanged, &r.Withdrawn, &r.Version)
	if isNoRows(err) {
		return r, market.Errorf(market.KindInternal, "chunk %d is done without a load", chunkID)
	}
	r.IsRepeat = true
	return r, err
}

// load is one load under way: a normal page on its way into bar.
type load struct {
	id         int64
	chunk      market.Chunk
	attempt    market.Attempt
	rows       int64
	legible    multirange // covered without what quarantined rows may stand for: a bar that is not there was withdrawn
	covered    multirange
	span       market.Range // holds every bar of the page and all that is covered
	observedAt time.Time
	text       []byte // COPY text
}

// load brings the chunk's page into bar and closes the chunk, under the locks that LoadChunk took.
func (db *DB) load(ctx context.Context, tx pgx.Tx, chunk market.Chunk, a market.Attempt, wantRows int64) (market.LoadResult, error) {
	l, err := db.readNormalPage(ctx, tx, chunk, a)
	if err != nil {
		return market.LoadResult{}, err
	}
	if l.rows != wantRows {
		return market.LoadResult{}, market.Errorf(market.KindInternal, "the normal page has %d rows, normalize counted %d", l.rows, wantRows)
	}
	result, err := l.writeBars(ctx, tx)
	if err != nil {
		return market.LoadResult{}, err
	}
	if err := l.resolveQuarantined(ctx, tx); err != nil {
		return market.LoadResult{}, err
	}
	if err := l.finishChunk(ctx, tx, result); err != nil {
		return market.LoadResult{}, err
	}
	result.Version, err = l.commitCoverage(ctx, tx, result)
	return result, err
}

// readNormalPage reads the page to load. A quarantined row stands for the bar of its key or, beside the grid, for the stored
// bar before or after it; for any bar where its time is unknown.
func (db *DB) readNormalPage(ctx context.Context, tx pgx.Tx, chunk market.Chunk, a market.Attempt) (*load, error) {
	const query = `
		SELECT nextval(pg_get_serial_sequence('load', 'id')), rows, covered,
			covered - coalesce((
				SELECT range_agg(CASE WHEN q.ts IS NULL THEN tstzrange(NULL, NULL) ELSE tstzrange(
					coalesce((SELECT max(ts) FROM bar WHERE series_id = q.series_id AND ts >= lower(p.covered) AND ts <= q.ts), q.ts),
					coalesce((SELECT min(ts) FROM bar WHERE series_id = q.series_id AND ts >= q.ts AND ts < upper(p.covered)), q.ts),
					'[]') END)
				FROM quarantined_bar q WHERE q.chunk_id = $1
			), '{}'), observed_at, body,
			least(first_at, lower(covered)), greatest(last_at + interval '1 microsecond', upper(covered))
		FROM normal_page p WHERE chunk_id = $1`
	l := &load{chunk: chunk, attempt: a}
	var body []byte
	var start, end *time.Time
	err := tx.QueryRow(ctx, query, chunk.ID).Scan(&l.id, &l.rows, &l.covered, &l.legible, &l.observedAt, &body, &start, &end)
	if isNoRows(err) {
		return nil, market.Errorf(market.KindNotFound, "chunk %d has no normal page", chunk.ID)
	}
	if err != nil {
		return nil, err
	}
	l.span = market.Range{Start: fromNullTime(start), End: fromNullTime(end)}
	if l.text, err = db.codec.expand(body); err != nil {
		return nil, market.Errorf(market.KindInternal, "normal page of chunk %d: %w", chunk.ID, err)
	}
	return l, nil
}

// writeBars brings the page into bar: straight, when the span holds no bar of the series, else by a merge.
func (l *load) writeBars(ctx context.Context, tx pgx.Tx) (market.LoadResult, error) {
	if l.span.IsEmpty() {
		return market.LoadResult{}, nil
	}
	var hasBars bool
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM bar WHERE series_id = $1 AND ts >= $2 AND ts < $3)",
		l.chunk.SeriesID, l.span.Start, l.span.End).Scan(&hasBars)
	if err != nil {
		return market.LoadResult{}, err
	}
	if hasBars {
		return l.merge(ctx, tx)
	}
	lines := &lineReader{
		text:   l.text,
		prefix: fmt.Sprintf("%d\t", l.chunk.SeriesID),
		suffix: fmt.Sprintf("\t%d", l.id),
	}
	err = l.copyIn(ctx, tx, lines, "COPY bar (series_id, "+normalColumns+", load_id) FROM STDIN")
	return market.LoadResult{Inserted: l.rows}, err
}

// copyIn copies the page's rows. Errors: internal when there are more or less of them than the page says.
func (l *load) copyIn(ctx context.Context, tx pgx.Tx, lines *lineReader, query string) error {
	if l.rows == 0 && len(l.text) == 0 {
		return nil
	}
	tag, err := tx.Conn().PgConn().CopyFrom(ctx, lines, query)
	if err != nil {
		return err
	}
	if tag.RowsAffected() != l.rows {
		return market.Errorf(market.KindInternal, "%d rows were copied, the normal page says %d", tag.RowsAffected(), l.rows)
	}
	return nil
}

// resolveQuarantined notes that rows which other chunks quarantined have been answered since, unless the other chunk's
// load was observed later.
func (l *load) resolveQuarantined(ctx context.Context, tx pgx.Tx) error {
	if l.span.IsEmpty() {
		return nil
	}
	const query = `
		UPDATE quarantined_bar q SET resolved_at = clock_timestamp()
		WHERE q.series_id = $1 AND q.chunk_id <> $2 AND q.resolved_at IS NULL
			AND CASE
				WHEN q.ts IS NOT NULL THEN $3::tstzmultirange @> q.ts
				ELSE EXISTS (SELECT FROM ingest_chunk c WHERE c.id = q.chunk_id AND $3 @> tstzrange(c.start_at, c.end_at))
			END
			AND NOT EXISTS (SELECT FROM load o WHERE o.chunk_id = q.chunk_id AND o.observed_at > $4)`
	_, err := tx.Exec(ctx, query, l.chunk.SeriesID, l.chunk.ID, l.covered, l.observedAt)
	return err
}

// finishChunk marks the chunk done and drops its normal page.
func (l *load) finishChunk(ctx context.Context, tx pgx.Tx, r market.LoadResult) error {
	const query = `
		UPDATE ingest_chunk
		SET status = 'done', inserted = $2, restated = $3, unchanged = $4, error_kind = NULL, error = NULL,
			finished_at = clock_timestamp(), updated_at = clock_timestamp()
		WHERE id = $1`
	if _, err := tx.Exec(ctx, query, l.chunk.ID, r.Inserted, r.Restated, r.Unchanged); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "DELETE FROM normal_page WHERE chunk_id = $1", l.chunk.ID)
	return err
}

// commitCoverage extends the series' coverage and writes the receipt under its next version. It comes last, so that the
// row all loads of a series share is locked for as short as can be.
func (l *load) commitCoverage(ctx context.Context, tx pgx.Tx, r market.LoadResult) (version int64, err error) {
	const query = `
		WITH coverage AS (
			INSERT INTO series_coverage AS s (series_id, covered, version) VALUES ($1, $2, 1)
			ON CONFLICT (series_id) DO UPDATE SET covered = s.covered + EXCLUDED.covered, version = s.version + 1
			RETURNING version
		)
		INSERT INTO load (id, series_id, chunk_id, run_id, attempt, observed_at, version, inserted, restated, unchanged, withdrawn)
		OVERRIDING SYSTEM VALUE
		SELECT $3, $1, $4, $5, $6, $7, version, $8, $9, $10, $11 FROM coverage
		RETURNING version`
	err = tx.QueryRow(ctx, query, l.chunk.SeriesID, l.covered, l.id, l.chunk.ID, l.attempt.RunID, l.attempt.Number, l.observedAt,
		r.Inserted, r.Restated, r.Unchanged, r.Withdrawn).Scan(&version)
	return version, err
}
