package db

import (
	"context"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// The statements of the merge. $1 is the series, $2 and $3 bound ts, $4 is when the load was observed.
const (
	createStage = `
		CREATE TEMP TABLE stage (
			ts timestamptz, open numeric, high numeric, low numeric, close numeric,
			volume numeric, vwap numeric, turnover numeric, trades bigint
		) ON COMMIT DROP`

	// storedBars are the series' bars in the span: both bounds of ts, so that partitions are pruned.
	storedBars = `(SELECT * FROM bar WHERE series_id = $1 AND ts >= $2 AND ts < $3)`

	// isNotLater: the stored row may be touched, because its load was not observed later than this one.
	isNotLater = `load_id NOT IN (SELECT id FROM load WHERE series_id = $1 AND observed_at > $4)`

	// isRestated: the page and the stored bar differ, and the page may overrule.
	isRestated = `
		(b.open, b.high, b.low, b.close, b.volume, b.vwap, b.turnover, b.trades)
			IS DISTINCT FROM (s.open, s.high, s.low, s.close, s.volume, s.vwap, s.turnover, s.trades)
		AND b.` + isNotLater

	compareStage = `
		SELECT count(*) FILTER (WHERE b.ts IS NULL),
			count(*) FILTER (WHERE s.ts IS NOT NULL AND b.ts IS NOT NULL AND ` + isRestated + `),
			count(*) FILTER (WHERE s.ts IS NULL AND $5::tstzmultirange @> b.ts)
		FROM stage s FULL JOIN ` + storedBars + ` b ON b.ts = s.ts`

	keepFormer = `
		INSERT INTO bar_revision (series_id, ts, load_id, replaced_by, open, high, low, close, volume, vwap, turnover, trades)
		SELECT b.series_id, b.ts, b.load_id, $5, b.open, b.high, b.low, b.close, b.volume, b.vwap, b.turnover, b.trades
		FROM stage s JOIN ` + storedBars + ` b ON b.ts = s.ts
		WHERE ` + isRestated

	restate = `
		UPDATE bar b
		SET open = s.open, high = s.high, low = s.low, close = s.close, volume = s.volume, vwap = s.vwap,
			turnover = s.turnover, trades = s.trades, load_id = $5
		FROM stage s
		WHERE b.series_id = $1 AND b.ts >= $2 AND b.ts < $3 AND b.ts = s.ts AND ` + isRestated

	insertNew = `
		INSERT INTO bar (series_id, ` + normalColumns + `, load_id)
		SELECT $1, s.ts, s.open, s.high, s.low, s.close, s.volume, s.vwap, s.turnover, s.trades, $4 -- the load's id
		FROM stage s LEFT JOIN ` + storedBars + ` b ON b.ts = s.ts
		WHERE b.ts IS NULL
		ORDER BY s.ts`

	flagWithdrawn = `
		INSERT INTO bar_withdrawal (series_id, ts, load_id)
		SELECT b.series_id, b.ts, $5
		FROM ` + storedBars + ` b
		WHERE $6::tstzmultirange @> b.ts AND b.` + isNotLater + ` AND NOT EXISTS (SELECT FROM stage s WHERE s.ts = b.ts)
		ON CONFLICT (series_id, ts) DO NOTHING`

	unflagReappeared = `
		DELETE FROM bar_withdrawal w USING stage s
		WHERE w.series_id = $1 AND w.ts >= $2 AND w.ts < $3 AND w.ts = s.ts AND w.` + isNotLater
)

// merge stages the page in a temporary table and writes only what is new or differs. The cells' locks keep other loads
// of the series away from the span meanwhile.
func (l *load) merge(ctx context.Context, tx pgx.Tx) (market.LoadResult, error) {
	var r market.LoadResult
	if _, err := tx.Exec(ctx, createStage); err != nil {
		return r, err
	}
	if err := l.copyIn(ctx, tx, &lineReader{text: l.text}, "COPY stage FROM STDIN"); err != nil {
		return r, err
	}
	var fresh, changed, missing int64
	row := tx.QueryRow(ctx, compareStage, append(l.bounds(), l.observedAt, l.legible)...)
	if err := row.Scan(&fresh, &changed, &missing); err != nil {
		return r, err
	}
	if changed > 0 {
		if err := l.restate(ctx, tx, changed); err != nil {
			return r, err
		}
	}
	if fresh > 0 {
		if err := expectRows(ctx, tx, fresh, insertNew, append(l.bounds(), l.id)...); err != nil {
			return r, err
		}
	}
	withdrawn, err := l.withdraw(ctx, tx, missing)
	return market.LoadResult{Inserted: fresh, Restated: changed, Unchanged: l.rows - fresh - changed, Withdrawn: withdrawn}, err
}

// bounds returns the arguments $1 to $3 of the statements.
func (l *load) bounds() []any { return []any{l.chunk.SeriesID, l.span.Start, l.span.End} }

// restate keeps the former values of the bars that differ, then overwrites them.
func (l *load) restate(ctx context.Context, tx pgx.Tx, changed int64) error {
	if err := expectRows(ctx, tx, changed, keepFormer, append(l.bounds(), l.observedAt, l.id)...); err != nil {
		return err
	}
	return expectRows(ctx, tx, changed, restate, append(l.bounds(), l.observedAt, l.id)...)
}

// withdraw flags stored bars that the page lacks and unflags those that came back; it returns how many were flagged.
func (l *load) withdraw(ctx context.Context, tx pgx.Tx, missing int64) (int64, error) {
	if _, err := tx.Exec(ctx, unflagReappeared, append(l.bounds(), l.observedAt)...); err != nil || missing == 0 {
		return 0, err
	}
	tag, err := tx.Exec(ctx, flagWithdrawn, append(l.bounds(), l.observedAt, l.id, l.legible)...)
	return tag.RowsAffected(), err
}

// expectRows runs a statement that must touch exactly want rows.
func expectRows(ctx context.Context, tx pgx.Tx, want int64, query string, args ...any) error {
	tag, err := tx.Exec(ctx, query, args...)
	if err != nil {
		return err
	}
	if tag.RowsAffected() != want {
		return market.Errorf(market.KindInternal, "the merge counted %d rows and wrote %d", want, tag.RowsAffected())
	}
	return nil
}
