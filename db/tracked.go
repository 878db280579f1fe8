package db

import (
	"context"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// TrackedSeries returns every interval that is kept in sync, once for each provider that lists the instrument, by
// instrument, interval and preference.
func (db *DB) TrackedSeries(ctx context.Context) ([]market.TrackedSeries, error) {
	const query = `
		SELECT i.symbol, i.venue, t."interval", a.provider, a.symbol, i.calendar, a.preference, coalesce(s.id, 0), t.since, t.added_at,
			CASE WHEN NOT isempty(c.covered)
				THEN lower(tstzmultirange(tstzrange(least(t.since, upper(c.covered)), NULL)) - c.covered) END,
			upper(c.covered), a.listed_at, a.delisted_at
		FROM tracked_interval t
		JOIN instrument i ON i.id = t.instrument_id
		JOIN instrument_alias a ON a.instrument_id = i.id AND upper_inf(a.valid)
		LEFT JOIN series s ON s.instrument_id = i.id AND s.provider = a.provider AND s."interval" = t."interval" AND s.is_current
		LEFT JOIN series_coverage c ON c.series_id = s.id
		ORDER BY i.id, t."interval", a.preference`
	rows, err := db.Pool.Query(ctx, query)
	if err != nil {
		return nil, dbError(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (market.TrackedSeries, error) {
		var s market.TrackedSeries
		err := row.Scan(&s.Instrument.Symbol, &s.Instrument.Venue, &s.Interval, &s.Provider, &s.Symbol, &s.Calendar, &s.Preference, &s.SeriesID,
			&s.Since, &s.AddedAt, &s.CoveredUntil, &s.CoveredEnd, &s.ListedAt, &s.DelistedAt)
		s.Since, s.AddedAt = s.Since.UTC(), s.AddedAt.UTC()
		s.CoveredUntil, s.CoveredEnd, s.ListedAt, s.DelistedAt = utc(s.CoveredUntil), utc(s.CoveredEnd), utc(s.ListedAt), utc(s.DelistedAt)
		return s, err
	})
	return all, dbError(err)
}
