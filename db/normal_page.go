package db

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// SaveNormalPage replaces the chunk's normal page, its quarantined rows and its drop counts, in one transaction.
// Covered is clipped to the chunk's range. Errors: conflict when the attempt's token is no longer the chunk's,
// not_found, internal when the bars are not ascending or not inside the chunk.
func (db *DB) SaveNormalPage(ctx context.Context, a market.Attempt, p market.NormalPage) error {
	body := db.codec.compress(appendCopyText(make([]byte, 0, 96*len(p.Bars)), p.Bars))
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		chunk, err := chunkByID(ctx, tx, a.ChunkID)
		if err != nil {
			return err
		}
		if err := fence(ctx, tx, a); err != nil {
			return err
		}
		if err := checkOrder(chunk, p.Bars); err != nil {
			return err
		}
		if err := insertNormalPage(ctx, tx, chunk, p, body); err != nil {
			return err
		}
		if err := replaceQuarantined(ctx, tx, chunk, p.Quarantined); err != nil {
			return err
		}
		return countNormalized(ctx, tx, chunk.ID, p)
	})
	return dbError(err)
}

// checkOrder guards what the load relies on: keys ascend, are unique and lie in the cells that the chunk locks.
func checkOrder(chunk market.Chunk, bars []market.Bar) error {
	for i, b := range bars {
		if !chunk.Range.Contains(b.Time) {
			return market.Errorf(market.KindInternal, "the bar of %s is outside its chunk %s", market.FormatTime(b.Time), chunk.Range)
		}
		if i > 0 && !b.Time.After(bars[i-1].Time) {
			return market.Errorf(market.KindInternal, "the bar of %s is not after the one before it", market.FormatTime(b.Time))
		}
	}
	return nil
}

func insertNormalPage(ctx context.Context, tx pgx.Tx, chunk market.Chunk, p market.NormalPage, body []byte) error {
	const query = `
		INSERT INTO normal_page (chunk_id, series_id, rows, first_at, last_at, covered, observed_at, body)
		VALUES ($1, $2, $3, $4, $5, $6 * tstzmultirange(tstzrange($7, $8)), $9, $10)
		ON CONFLICT (chunk_id) DO UPDATE
		SET series_id = EXCLUDED.series_id, rows = EXCLUDED.rows, first_at = EXCLUDED.first_at, last_at = EXCLUDED.last_at,
			covered = EXCLUDED.covered, observed_at = EXCLUDED.observed_at, body = EXCLUDED.body, created_at = now()`
	var firstAt, lastAt *time.Time
	if n := len(p.Bars); n > 0 {
		firstAt, lastAt = &p.Bars[0].Time, &p.Bars[n-1].Time
	}
	_, err := tx.Exec(ctx, query, chunk.ID, chunk.SeriesID, len(p.Bars), firstAt, lastAt, toMultirange(p.Covered),
		chunk.Range.Start, chunk.Range.End, p.ObservedAt, body)
	return err
}

func replaceQuarantined(ctx context.Context, tx pgx.Tx, chunk market.Chunk, quarantined []market.Quarantined) error {
	if _, err := tx.Exec(ctx, "DELETE FROM quarantined_bar WHERE chunk_id = $1", chunk.ID); err != nil || len(quarantined) == 0 {
		return err
	}
	const query = `
		INSERT INTO quarantined_bar (series_id, chunk_id, ts, rule, value)
		SELECT $1, $2, ts, rule, value FROM unnest($3::timestamptz[], $4::text[], $5::text[]) AS q (ts, rule, value)`
	times := make([]*time.Time, len(quarantined))
	rules := make([]string, len(quarantined))
	values := make([]string, len(quarantined))
	for i, q := range quarantined {
		times[i], rules[i], values[i] = nullTime(q.Time), string(q.Rule), storableText(q.Value)
	}
	_, err := tx.Exec(ctx, query, chunk.SeriesID, chunk.ID, times, rules, values)
	return err
}

func countNormalized(ctx context.Context, tx pgx.Tx, chunkID int64, p market.NormalPage) error {
	dropped := p.Dropped
	if dropped == nil {
		dropped = map[string]int{}
	}
	text, err := json.Marshal(dropped)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE ingest_chunk SET dropped = $2, quarantined = $3, updated_at = clock_timestamp() WHERE id = $1`,
		chunkID, text, len(p.Quarantined))
	return err
}

// storableText returns text that PostgreSQL can store: a provider's bytes may hold NUL or be no UTF-8.
func storableText(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "\uFFFD")
}
