package db

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// The bar queries read every value but the time as PostgreSQL's own text: the stored digits, never through a float.
const (
	barsAscending = `SELECT ts, open, high, low, close, volume, vwap, turnover, trades
		FROM bar WHERE series_id = $1 AND ts >= $2 AND ts < $3 ORDER BY ts LIMIT $4`
	barsDescending = `SELECT ts, open, high, low, close, volume, vwap, turnover, trades
		FROM bar WHERE series_id = $1 AND ts >= $2 AND ts < $3 ORDER BY ts DESC LIMIT $4`
)

// Bars calls visit for each bar of the series with its key in r, ascending or descending, at most limit. Memory does
// not grow with r. It stops at visit's first error and returns it.
func (db *DB) Bars(ctx context.Context, seriesID int64, r market.Range, limit int, isDescending bool, visit func(market.RawBar) error) error {
	query := barsAscending
	if isDescending {
		query = barsDescending
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := db.Pool.Query(ctx, query, pgx.QueryResultFormats{
		pgx.BinaryFormatCode, pgx.TextFormatCode, pgx.TextFormatCode,
		pgx.TextFormatCode, pgx.TextFormatCode, pgx.TextFormatCode, pgx.TextFormatCode, pgx.TextFormatCode, pgx.TextFormatCode,
	}, seriesID, ceilMicrosecond(r.Start), ceilMicrosecond(r.End), limit)
	if err != nil {
		return dbError(err)
	}
	defer rows.Close()
	for visited := 1; rows.Next(); visited++ {
		v := rows.RawValues()
		bar := market.RawBar{
			Time: timestamp(v[0]), Open: v[1], High: v[2], Low: v[3], Close: v[4], Volume: v[5], VWAP: v[6], Turnover: v[7], Trades: v[8],
		}
		if err := visit(bar); err != nil {
			if visited < limit { // or Close would read the rest; it costs the connection, so not where nothing is left
				cancel()
			}
			return err
		}
	}
	return dbError(rows.Err())
}

// timestamp reads PostgreSQL's binary timestamptz: microseconds since 2000-01-01 UTC.
func timestamp(value []byte) time.Time {
	const epoch = 946684800_000000                  // 2000-01-01T00:00:00Z in microseconds since 1970
	micros := int64(binary.BigEndian.Uint64(value)) //nolint:gosec // two's complement on purpose
	return time.UnixMicro(epoch + micros).UTC()
}

// ceilMicrosecond returns the first instant at or after t that PostgreSQL can tell apart: keys stand on whole
// microseconds, so a bound moved there selects the same keys, while the driver would cut it off.
func ceilMicrosecond(t time.Time) time.Time {
	if part := t.Nanosecond() % 1000; part > 0 {
		return t.Add(time.Duration(1000 - part))
	}
	return t
}

// Holes returns what is known of stretches of r without bars: ranges of failed chunks that are not covered, and where
// unresolved quarantined rows belong: from a row's key on, the shortest possible range, or the whole range of its chunk
// where the row's time could not be read. Both ascending and disjoint, clipped to r.
func (db *DB) Holes(ctx context.Context, seriesID int64, r market.Range) (failed, quarantined []market.Range, err error) {
	const query = `
		SELECT coalesce((
			SELECT range_agg(tstzrange(greatest(k.start_at, $2), least(k.end_at, $3)))
			FROM ingest_chunk k WHERE k.series_id = $1 AND k.status = 'failed' AND k.start_at < $3 AND k.end_at > $2
		), '{}') - coalesce((SELECT covered FROM series_coverage WHERE series_id = $1), '{}'),
		coalesce((
			SELECT range_agg(tstzrange(q.ts, q.ts + interval '1 microsecond'))
			FROM quarantined_bar q WHERE q.series_id = $1 AND q.ts >= $2 AND q.ts < $3 AND q.resolved_at IS NULL
		), '{}') + coalesce((
			SELECT range_agg(tstzrange(greatest(k.start_at, $2), least(k.end_at, $3)))
			FROM quarantined_bar q JOIN ingest_chunk k ON k.id = q.chunk_id
			WHERE q.series_id = $1 AND q.ts IS NULL AND q.resolved_at IS NULL AND k.start_at < $3 AND k.end_at > $2
		), '{}')`
	if r.IsEmpty() {
		return nil, nil, nil
	}
	var f, q multirange
	if err := db.Pool.QueryRow(ctx, query, seriesID, ceilMicrosecond(r.Start), ceilMicrosecond(r.End)).Scan(&f, &q); err != nil {
		return nil, nil, dbError(err)
	}
	return fromMultirange(f), fromMultirange(q), nil
}
