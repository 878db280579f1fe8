package audit

import (
	"context"
	"fmt"
	"time"

	"marketdata/market"
)

// Series is a series with what its books say.
type Series struct {
	ID             int64
	Instrument     string
	Provider       string
	ProviderSymbol string
	Calendar       string
	Interval       market.Interval
	Bars           int64 // stored
	Inserted       int64 // by all loads: as many as are stored, or one was counted twice or lost
	Restated       int64 // by all loads
	Revisions      int64 // former values kept: one for each restatement
	Withdrawn      int64 // stored bars that are flagged because the provider no longer sent them
	Uncovered      int64 // stored bars outside of what counts as answered
}

// Series returns every series, by id.
func (a *Auditor) Series(ctx context.Context) ([]Series, error) {
	return collect[Series](ctx, a, `
		SELECT s.id, i.symbol || '.' || i.venue, s.provider,
			(SELECT symbol FROM instrument_alias WHERE instrument_id = i.id AND provider = s.provider LIMIT 1), i.calendar, s."interval",
			(SELECT count(*) FROM bar WHERE series_id = s.id),
			(SELECT coalesce(sum(inserted), 0)::bigint FROM load WHERE series_id = s.id),
			(SELECT coalesce(sum(restated), 0)::bigint FROM load WHERE series_id = s.id),
			(SELECT count(*) FROM bar_revision WHERE series_id = s.id),
			(SELECT count(*) FROM bar_withdrawal WHERE series_id = s.id),
			(SELECT count(*) FROM bar WHERE series_id = s.id AND NOT coalesce(c.covered, '{}') @> ts)
		FROM series s JOIN instrument i ON i.id = s.instrument_id LEFT JOIN series_coverage c ON c.series_id = s.id
		ORDER BY s.id`)
}

// Unlisted returns of how many providers' instruments the listing is not known yet.
func (a *Auditor) Unlisted(ctx context.Context) (int64, error) {
	return one[int64](ctx, a, "SELECT count(*) FROM instrument_alias WHERE listed_at IS NULL")
}

// Covered returns what counts as answered of a series, ascending and disjoint.
func (a *Auditor) Covered(ctx context.Context, seriesID int64) ([]market.Range, error) {
	return a.ranges(ctx, "SELECT lower(r), upper(r) FROM series_coverage, unnest(covered) AS r WHERE series_id = $1 ORDER BY 1", seriesID)
}

// Missing returns what backfills wanted of a series and does not count as answered, ascending and disjoint. Time in which
// the market was closed is no loss.
func (a *Auditor) Missing(ctx context.Context, seriesID int64) ([]market.Range, error) {
	return a.ranges(ctx, `
		SELECT lower(r), upper(r) FROM unnest(
			(SELECT coalesce(range_agg(tstzrange(start_at, end_at)), '{}') FROM ingest_job_series WHERE series_id = $1)
			- coalesce((SELECT covered FROM series_coverage WHERE series_id = $1), '{}')) AS r
		ORDER BY 1`, seriesID)
}

func (a *Auditor) ranges(ctx context.Context, query string, seriesID int64) ([]market.Range, error) {
	type row struct{ Start, End time.Time }
	rows, err := collect[row](ctx, a, query, seriesID)
	ranges := make([]market.Range, len(rows))
	for i, r := range rows {
		ranges[i] = market.Range{Start: r.Start.UTC(), End: r.End.UTC()}
	}
	return ranges, err
}

// Bar is a stored bar in the digits that it is stored in.
type Bar struct {
	Time                           time.Time
	Open, High, Low, Close, Volume string // Volume is "" where there is none
}

// Bars returns the stored bars of a series with times in r, ascending.
func (a *Auditor) Bars(ctx context.Context, seriesID int64, r market.Range) ([]Bar, error) {
	return collect[Bar](ctx, a, `
		SELECT ts, open::text, high::text, low::text, close::text, coalesce(volume::text, '')
		FROM bar WHERE series_id = $1 AND ts >= $2 AND ts < $3 ORDER BY ts`, seriesID, r.Start, r.End)
}

// Quarantined is a row that broke a rule and was not answered since.
type Quarantined struct {
	SeriesID   int64
	Time       time.Time // zero where it could not be read
	Rule       string
	Value      string
	Start, End time.Time // of the chunk, [Start, End)
}

// Quarantined returns the rows that are still quarantined, by series and time.
func (a *Auditor) Quarantined(ctx context.Context) ([]Quarantined, error) {
	return collect[Quarantined](ctx, a, `
		SELECT q.series_id, coalesce(q.ts, '0001-01-01Z'), q.rule, q.value, c.start_at, c.end_at
		FROM quarantined_bar q JOIN ingest_chunk c ON c.id = q.chunk_id
		WHERE q.resolved_at IS NULL ORDER BY q.series_id, q.ts, q.id`)
}

// Problem is a row of the books that cannot be.
type Problem struct{ What string }

// Problems looks for chunks and bars whose receipts do not add up: a chunk that is done without exactly one load, a load
// of a chunk that is not done, a bar without the load that wrote it, a finished chunk that left its rows behind.
func (a *Auditor) Problems(ctx context.Context) ([]Problem, error) {
	return collect[Problem](ctx, a, `
		SELECT format('chunk %s is %s and has %s loads', c.workflow_id, c.status, n)
		FROM ingest_chunk c CROSS JOIN LATERAL (SELECT count(*) AS n FROM load WHERE chunk_id = c.id) l
		WHERE n <> CASE c.status WHEN 'done' THEN 1 ELSE 0 END
		UNION ALL
		SELECT format('%s bars of series %s have no load', count(*), b.series_id)
		FROM bar b WHERE NOT EXISTS (SELECT FROM load l WHERE l.id = b.load_id AND l.series_id = b.series_id) GROUP BY b.series_id
		UNION ALL
		SELECT format('load %s of chunk %s counted %s bars, the chunk %s', l.id, c.workflow_id, l.inserted + l.restated + l.unchanged,
			c.inserted + c.restated + c.unchanged)
		FROM load l JOIN ingest_chunk c ON c.id = l.chunk_id
		WHERE (l.inserted, l.restated, l.unchanged) IS DISTINCT FROM (c.inserted, c.restated, c.unchanged)
		UNION ALL
		SELECT format('normalized rows of chunk %s were left behind', c.workflow_id)
		FROM normal_page n JOIN ingest_chunk c ON c.id = n.chunk_id WHERE c.status = 'done'`)
}

// Totals counts what a run did.
type Totals struct {
	Backfills, Chunks, Loads, Bars, Restated, Pages, Unreadable, Takeovers int64
}

// Totals counts what the database holds. Takeovers are chunks whose last attempt was not the first of its step.
func (a *Auditor) Totals(ctx context.Context) (Totals, error) {
	row := a.pool.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM ingest_job), (SELECT count(*) FROM ingest_chunk), (SELECT count(*) FROM load),
			(SELECT count(*) FROM bar), (SELECT coalesce(sum(restated), 0)::bigint FROM load), (SELECT count(*) FROM raw_page),
			(SELECT count(*) FROM raw_page WHERE NOT is_ok), (SELECT count(*) FROM ingest_chunk WHERE attempt > 1)`)
	var t Totals
	if err := row.Scan(&t.Backfills, &t.Chunks, &t.Loads, &t.Bars, &t.Restated, &t.Pages, &t.Unreadable, &t.Takeovers); err != nil {
		return t, fmt.Errorf("audit: %w", err)
	}
	return t, nil
}
