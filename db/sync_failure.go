package db

import (
	"context"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// FailingSyncs tells of those of the sync schedules that have series whose last sync failed, by provider and interval.
// syncs must be all of them: which provider keeps a series fresh follows from that, and what failed at one that does so
// no longer is left out.
func (db *DB) FailingSyncs(ctx context.Context, syncs []market.SyncSchedule) ([]market.SyncFailing, error) {
	const query = `
		WITH kept AS (
			SELECT DISTINCT ON (t.instrument_id, t."interval") t.instrument_id, t."interval", a.provider
			FROM tracked_interval t
			JOIN instrument_alias a ON a.instrument_id = t.instrument_id AND upper_inf(a.valid)
			JOIN unnest($1::text[], $2::text[]) AS p (provider, "interval") ON p.provider = a.provider AND p."interval" = t."interval"
			ORDER BY t.instrument_id, t."interval", a.preference
		), failing AS (
			SELECT k.provider, k."interval", i.symbol, i.venue, coalesce(y.error_kind, 'internal') AS kind, coalesce(y.error, '') AS message,
				CASE WHEN y.retry_at > clock_timestamp() THEN y.retry_at END AS retry_at,
				count(*) OVER (PARTITION BY k.provider, k."interval") AS series,
				row_number() OVER (PARTITION BY k.provider, k."interval" ORDER BY y.failures DESC, i.symbol, i.venue) AS n
			FROM kept k
			JOIN series s ON s.instrument_id = k.instrument_id AND s.provider = k.provider AND s."interval" = k."interval" AND s.is_current
			JOIN series_sync y ON y.series_id = s.id AND y.failures > 0
			JOIN instrument i ON i.id = k.instrument_id
		)
		SELECT provider, "interval", series, symbol, venue, kind, message, retry_at FROM failing WHERE n <= $3
		ORDER BY provider, "interval", n`
	if len(syncs) == 0 {
		return nil, nil
	}
	providers, intervals := make([]string, len(syncs)), make([]string, len(syncs))
	for i, s := range syncs {
		providers[i], intervals[i] = s.Provider, string(s.Interval)
	}
	rows, err := db.Pool.Query(ctx, query, providers, intervals, maxSyncFailures)
	if err != nil {
		return nil, dbError(err)
	}
	var all []market.SyncFailing
	var of market.SyncFailing
	var f market.SyncFailure
	scanned := []any{&of.Provider, &of.Interval, &of.Series, &f.Instrument.Symbol, &f.Instrument.Venue, &f.Kind, &f.Message, &f.RetryAt}
	_, err = pgx.ForEachRow(rows, scanned, func() error {
		if last := len(all) - 1; last < 0 || all[last].Provider != of.Provider || all[last].Interval != of.Interval {
			all = append(all, of)
		}
		failure, failing := f, &all[len(all)-1]
		failure.RetryAt = utc(f.RetryAt)
		failing.Failures = append(failing.Failures, failure)
		return nil
	})
	return all, dbError(err)
}
