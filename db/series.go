package db

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"marketdata/market"
)

// seriesQuery finds, in one round trip, the series of the wanted provider, or of the first preferred one that has any
// coverage, else of the first preferred. A provider without a series yet comes with NULLs.
const seriesQuery = `
	SELECT i.calendar, a.provider, a.listed_at, a.delisted_at, s.id, coalesce(s.price_basis, 'raw'),
		coalesce(NOT isempty(c.covered), false), coalesce(c.covered * tstzmultirange(tstzrange($5, $6)), '{}'), coalesce(c.version, 0)
	FROM instrument i
	JOIN instrument_alias a ON a.instrument_id = i.id AND upper_inf(a.valid)
	LEFT JOIN series s ON s.instrument_id = i.id AND s.provider = a.provider AND s."interval" = $3 AND s.is_current
	LEFT JOIN series_coverage c ON c.series_id = s.id
	WHERE i.symbol = $1 AND i.venue = $2 AND ($4 = '' OR a.provider = $4)
	ORDER BY coalesce(isempty(c.covered), true), a.preference
	LIMIT 1`

// Series returns the series of the provider, or of the first preferred provider with any coverage of the interval (else
// the first preferred) when provider is "". Covered is clipped to r. A series never asked for has ID 0.
// Errors: not_found for an unknown instrument or a provider it does not list.
func (db *DB) Series(ctx context.Context, id market.InstrumentID, interval market.Interval, provider string, r market.Range) (market.Series, error) {
	s := market.Series{Instrument: id, Interval: interval}
	if r.IsEmpty() {
		r = market.Range{}
	}
	var seriesID pgtype.Int8
	var covered multirange
	start, end := ceilMicrosecond(r.Start), ceilMicrosecond(r.End)
	err := db.Pool.QueryRow(ctx, seriesQuery, id.Symbol, id.Venue, interval, provider, start, end).Scan(
		&s.Calendar, &s.Provider, &s.ListedAt, &s.DelistedAt, &seriesID, &s.PriceBasis, &s.HasCoverage, &covered, &s.Version)
	if isNoRows(err) {
		return s, db.noSeries(ctx, id, provider)
	}
	if err != nil {
		return s, dbError(err)
	}
	s.ID = seriesID.Int64
	s.ListedAt, s.DelistedAt = utc(s.ListedAt), utc(s.DelistedAt)
	s.Covered = fromMultirange(covered)
	return s, nil
}

// noSeries says what of the question is unknown.
func (db *DB) noSeries(ctx context.Context, id market.InstrumentID, provider string) error {
	if _, err := db.Instrument(ctx, id); err != nil {
		return err
	}
	if provider == "" {
		return market.Errorf(market.KindNotFound, "%s has no provider", id)
	}
	return market.Errorf(market.KindNotFound, "%s is not listed at provider %s", id, provider)
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
