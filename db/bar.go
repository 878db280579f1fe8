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
	rows, err := db.Pool.Query(ctx, query, pgx.QueryResultFormats{
		pgx.BinaryFormatCode, pgx.TextFormatCode, pgx.TextFormatCode,
		pgx.TextFormatCode, pgx.TextFormatCode, pgx.TextFormatCode, pgx.TextFormatCode, pgx.TextFormatCode, pgx.TextFormatCode,
	}, seriesID, r.Start, r.End, limit)
	if err != nil {
		return dbError(err)
	}
	defer rows.Close()
	for rows.Next() {
		v := rows.RawValues()
		bar := market.RawBar{
			Time: timestamp(v[0]), Open: v[1], High: v[2], Low: v[3], Close: v[4], Volume: v[5], VWAP: v[6], Turnover: v[7], Trades: v[8],
		}
		if err := visit(bar); err != nil {
			return err
		}
	}
	return dbError(rows.Err())
}

// timestamp reads PostgreSQL's binary timestamptz: microseconds since 2000-01-01 UTC.
func timestamp(value []byte) time.Time {
	const epoch = 946684800                         // 2000-01-01T00:00:00Z
	micros := int64(binary.BigEndian.Uint64(value)) //nolint:gosec // two's complement on purpose
	return time.Unix(epoch, 0).Add(time.Duration(micros/1e6) * time.Second).Add(time.Duration(micros%1e6) * time.Microsecond).UTC()
}

// Holes returns what is known of stretches of r without bars: ranges of failed chunks that are not covered, and keys of
// unresolved quarantined rows that have no bar; both ascending.
func (db *DB) Holes(ctx context.Context, seriesID int64, r market.Range) (failed []market.Range, quarantined []time.Time, err error) {
	const failedQuery = `
		SELECT coalesce(range_agg(tstzrange(greatest(k.start_at, $2), least(k.end_at, $3))), '{}')
			- coalesce((SELECT covered FROM series_coverage WHERE series_id = $1), '{}')
		FROM ingest_chunk k WHERE k.series_id = $1 AND k.status = 'failed' AND k.start_at < $3 AND k.end_at > $2`
	var ranges multirange
	if err := db.Pool.QueryRow(ctx, failedQuery, seriesID, r.Start, r.End).Scan(&ranges); err != nil {
		return nil, nil, dbError(err)
	}
	const quarantinedQuery = `
		SELECT DISTINCT q.ts FROM quarantined_bar q
		WHERE q.series_id = $1 AND q.ts >= $2 AND q.ts < $3 AND q.resolved_at IS NULL
		ORDER BY q.ts`
	rows, err := db.Pool.Query(ctx, quarantinedQuery, seriesID, r.Start, r.End)
	if err != nil {
		return nil, nil, dbError(err)
	}
	quarantined, err = pgx.CollectRows(rows, pgx.RowTo[time.Time])
	for i := range quarantined {
		quarantined[i] = quarantined[i].UTC()
	}
	return fromMultirange(ranges), quarantined, dbError(err)
}
