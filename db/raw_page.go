package db

import (
	"bytes"
	"context"
	"crypto/sha256"
	"time"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// SaveRawPage stores one page with its body compressed, in a short transaction, and counts the request. A page number
// that is stored already is kept as it is: the pages of a chunk are append-only. The monthly partition is made when it
// is missing. Errors: conflict when the attempt's token is no longer the chunk's, not_found.
func (db *DB) SaveRawPage(ctx context.Context, a market.Attempt, p market.RawPage) error {
	save := func() error {
		return db.inTx(ctx, func(tx pgx.Tx) error { return db.saveRawPage(ctx, tx, a, p) })
	}
	err := save()
	if hasCode(err, checkViolation) { // no partition of raw_page for this month
		if err = db.ensureRawPagePartitions(ctx, p.RequestedAt, p.RequestedAt); err == nil {
			err = save()
		}
	}
	return dbError(err)
}

func (db *DB) saveRawPage(ctx context.Context, tx pgx.Tx, a market.Attempt, p market.RawPage) error {
	if err := fence(ctx, tx, a); err != nil {
		return err
	}
	var storedAt time.Time
	err := tx.QueryRow(ctx, "SELECT requested_at FROM raw_page WHERE chunk_id = $1 AND page = $2", a.ChunkID, p.Page).Scan(&storedAt)
	isStored := err == nil
	if err != nil && !isNoRows(err) {
		return err
	}
	if isStored && storedAt.Equal(p.RequestedAt.Truncate(time.Microsecond)) {
		return nil // the same answer, saved before
	}
	received := 0
	if !isStored {
		if err := db.insertRawPage(ctx, tx, a, p); err != nil {
			return err
		}
		if p.IsOK {
			received = p.Rows
		}
	}
	_, err = tx.Exec(ctx, `
		UPDATE ingest_chunk SET requests = requests + 1, received = received + $2, updated_at = clock_timestamp() WHERE id = $1`,
		a.ChunkID, received)
	return err
}

func (db *DB) insertRawPage(ctx context.Context, tx pgx.Tx, a market.Attempt, p market.RawPage) error {
	const query = `
		INSERT INTO raw_page (chunk_id, page, attempt, start_at, end_at, cursor, next_cursor, is_confirm, is_ok, rows,
			first_at, last_at, url, status, requested_at, sha256, bytes, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`
	sum := sha256.Sum256(p.Body)
	_, err := tx.Exec(ctx, query, a.ChunkID, p.Page, a.Number, p.Range.Start, p.Range.End, p.Cursor, p.NextCursor, p.IsConfirm,
		p.IsOK, p.Rows, nullTime(p.FirstAt), nullTime(p.LastAt), p.URL, p.Status, p.RequestedAt.Truncate(time.Microsecond),
		sum[:], len(p.Body), db.codec.compress(p.Body))
	return err
}

// RawPages returns the chunk's pages in the order they were stored, without bodies; none for an unknown chunk.
func (db *DB) RawPages(ctx context.Context, chunkID int64) ([]market.RawPage, error) {
	const query = `
		SELECT id, page, start_at, end_at, cursor, next_cursor, is_confirm, is_ok, rows, first_at, last_at, url, status, requested_at
		FROM raw_page WHERE chunk_id = $1 ORDER BY id`
	rows, err := db.Pool.Query(ctx, query, chunkID)
	if err != nil {
		return nil, dbError(err)
	}
	pages, err := pgx.CollectRows(rows, scanRawPage)
	return pages, dbError(err)
}

func scanRawPage(row pgx.CollectableRow) (market.RawPage, error) {
	var p market.RawPage
	var firstAt, lastAt *time.Time
	err := row.Scan(&p.ID, &p.Page, &p.Range.Start, &p.Range.End, &p.Cursor, &p.NextCursor, &p.IsConfirm, &p.IsOK, &p.Rows,
		&firstAt, &lastAt, &p.URL, &p.Status, &p.RequestedAt)
	p.Range = market.Range{Start: p.Range.Start.UTC(), End: p.Range.End.UTC()}
	p.FirstAt, p.LastAt, p.RequestedAt = fromNullTime(firstAt), fromNullTime(lastAt), p.RequestedAt.UTC()
	return p, err
}

// RawBody returns the body of one page as it came; p needs its ID and RequestedAt. Errors: not_found when it is past
// its retention or was never stored, internal when it is not what was stored.
func (db *DB) RawBody(ctx context.Context, p market.RawPage) ([]byte, error) {
	var stored, sum []byte
	err := db.Pool.QueryRow(ctx, "SELECT body, sha256 FROM raw_page WHERE id = $1 AND requested_at = $2", p.ID, p.RequestedAt).
		Scan(&stored, &sum)
	if isNoRows(err) {
		return nil, market.Errorf(market.KindNotFound, "raw page %d is not stored", p.ID)
	}
	if err != nil {
		return nil, dbError(err)
	}
	if stored == nil {
		return nil, market.Errorf(market.KindNotFound, "the body of raw page %d is past its retention", p.ID)
	}
	body, err := db.codec.expand(stored)
	if err != nil {
		return nil, market.Errorf(market.KindInternal, "body of raw page %d: %w", p.ID, err)
	}
	if got := sha256.Sum256(body); !bytes.Equal(got[:], sum) {
		return nil, market.Errorf(market.KindInternal, "the body of raw page %d does not match its checksum", p.ID)
	}
	return body, nil
}

// PurgeRawPages drops the bodies of raw pages asked for before the instant, a month's worth at a time so that no lock is
// held for long, and returns how many. The rows stay as evidence of what was asked and answered.
func (db *DB) PurgeRawPages(ctx context.Context, before time.Time) (int64, error) {
	const purge = `
		WITH oldest AS (SELECT min(requested_at) AS at FROM raw_page WHERE body IS NOT NULL AND requested_at < $1)
		UPDATE raw_page SET body = NULL FROM oldest
		WHERE body IS NOT NULL AND requested_at >= oldest.at AND requested_at < least(oldest.at + interval '30 days', $1)`
	var purged int64
	for {
		tag, err := db.Pool.Exec(ctx, purge, before)
		if err != nil {
			return purged, dbError(err)
		}
		if tag.RowsAffected() == 0 {
			return purged, nil
		}
		purged += tag.RowsAffected()
	}
}

// nullTime returns nil for the zero time.
func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// fromNullTime returns the zero time for nil, else UTC.
func fromNullTime(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
