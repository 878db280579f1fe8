package db_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

// asGrafana runs f as the role of the dashboards, in a transaction that cannot write.
func asGrafana(t *testing.T, d *db.DB, f func(ctx context.Context, tx pgx.Tx)) {
	t.Helper()
	require.NoError(t, pgx.BeginTxFunc(t.Context(), d.Pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "SET LOCAL ROLE marketdata_grafana")
		require.NoError(t, err)
		f(t.Context(), tx)
		return nil
	}))
}

// candle is a row of grafana_bars, as text that is easy to read.
func candles(t *testing.T, d *db.DB, seriesID int64, r market.Range, width string) []string {
	t.Helper()
	var rows []string
	asGrafana(t, d, func(ctx context.Context, tx pgx.Tx) {
		answer, err := tx.Query(ctx, `
			SELECT to_char(b."time" AT TIME ZONE 'UTC', 'MM-DD HH24:MI') || format(' %s %s %s %s v%s n%s', b.open, b.high, b.low, b.close, b.volume, b.bars)
			FROM grafana_bars($1, $2, $3, $4::interval) b ORDER BY b."time"`, seriesID, r.Start, r.End, width)
		require.NoError(t, err)
		rows, err = pgx.CollectRows(answer, pgx.RowTo[string])
		require.NoError(t, err)
	})
	return rows
}

func putBars(t *testing.T, d *db.DB, seriesID int64, start string, step time.Duration, closes ...string) {
	t.Helper()
	for n, c := range closes {
		exec(t, d, "INSERT INTO bar (series_id, ts, open, high, low, close, volume, load_id) VALUES ($1, $2, $3::numeric, $3::numeric + 1, $3::numeric - 1, $3::numeric, 2, 1)",
			seriesID, at(start).Add(time.Duration(n)*step), c)
	}
}

func cover(t *testing.T, d *db.DB, seriesID int64, r market.Range) {
	t.Helper()
	exec(t, d, "INSERT INTO series_coverage (series_id, covered, version) VALUES ($1, tstzmultirange(tstzrange($2, $3)), 1)", seriesID, r.Start, r.End)
}

func TestGrafanaBarsAreGathered(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	id := newSeries(t, d, market.Interval1m)
	putBars(t, d, id, "2024-01-02T00:58:00Z", time.Minute, "10", "12", "11", "7.5")
	exec(t, d, "INSERT INTO bar_withdrawal (series_id, ts, load_id) VALUES ($1, '2024-01-02T00:59Z', 1)", id)

	require.Equal(t, []string{"01-02 00:58 10 11 9 10 v2 n1", "01-02 00:59 12 13 11 12 v2 n1", "01-02 01:00 11 12 10 11 v2 n1"},
		candles(t, d, id, span("2024-01-02T00:58:00Z", "2024-01-02T01:01:00Z"), "1 minute"), "half-open, with what was taken back, as the API")
	require.Equal(t, []string{"01-02 00:00 10 13 9 12 v4 n2", "01-02 01:00 11 12 6.5 7.5 v4 n2"}, candles(t, d, id, span("2024-01-02", "2024-01-03"), "1 hour"))
	require.Equal(t, []string{"01-02 00:59 12 13 11 12 v2 n1", "01-02 01:00 11 12 6.5 7.5 v4 n2"},
		candles(t, d, id, span("2024-01-02T00:59:00Z", "2024-01-03"), "1 hour"), "no point stands before the range")
	require.Empty(t, candles(t, d, id, span("2024-01-03", "2024-01-04"), "1 hour"))
}

func TestGrafanaReadsOnlyThePartitionsOfTheRange(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	id := newSeries(t, d, market.Interval1m)
	putBars(t, d, id, "2024-06-01", time.Minute, "1", "2", "3")
	cover(t, d, id, span("2024-06-01", "2024-06-02"))
	instrument := scalar[string](t, d, "SELECT instrument FROM grafana_series WHERE series_id = $1", id)
	for _, query := range []string{
		"SELECT count(*) FROM grafana_bars((SELECT series_id FROM grafana_series WHERE instrument = $1), '2024-02-01', '2024-12-01', '1 minute')",
		"SELECT count(*) FROM grafana_bars((SELECT series_id FROM grafana_series WHERE instrument = $1), '2024-02-01', '2024-12-01', '1 hour')",
		"SELECT count(*) FROM grafana_candles($1, 'default', 'auto', '2024-06-01', '2024-12-01', 3600000, 20, 50, 1000)",
		"SELECT count(*) FROM grafana_closes(ARRAY[$1], 'default', 'auto', '2024-02-01', '2024-12-01', 3600000, 1000)",
		"SELECT count(*) FROM grafana_gaps(ARRAY[$1], 'all', 'all', '2024-02-01', '2024-12-01')",
	} {
		asGrafana(t, d, func(ctx context.Context, tx pgx.Tx) {
			var n int
			require.NoError(t, tx.QueryRow(ctx, query, instrument).Scan(&n), query)
			require.Positive(t, n, query)
			var touched []string
			require.NoError(t, tx.QueryRow(ctx, `
				SELECT coalesce(array_agg(relname::text ORDER BY relname), '{}') FROM pg_stat_xact_user_tables WHERE relname ~ '^bar_[0-9b]' AND coalesce(seq_scan, 0) + coalesce(idx_scan, 0) > 0`).Scan(&touched))
			require.Equal(t, []string{"bar_2024"}, touched, query)
		})
	}
}

func TestGrafanaTakesTheSeriesOfTheAPI(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	first := newSeries(t, d, market.Interval1d)
	instrument := scalar[string](t, d, "SELECT instrument FROM grafana_series WHERE series_id = $1", first)
	second := scalar[int64](t, d, `
		WITH a AS (INSERT INTO instrument_alias (instrument_id, provider, symbol, preference) SELECT instrument_id, 'other', 'x', 1 FROM series WHERE id = $1)
		INSERT INTO series (instrument_id, provider, "interval", price_basis) SELECT instrument_id, 'other', '1d', 'split' FROM series WHERE id = $1 RETURNING id`, first)
	pick := func(provider, interval string, width time.Duration) *int64 {
		return scalar[*int64](t, d, "SELECT grafana_pick($1, $2, $3, '2024-01-01', '2024-02-01', $4)", instrument, provider, interval, width.Milliseconds())
	}
	like := func(interval market.Interval) int64 {
		id, err := market.ParseInstrumentID(instrument)
		require.NoError(t, err)
		s, err := d.Series(t.Context(), id, interval, "", span("2024-01-01", "2024-02-01"))
		require.NoError(t, err)
		return s.ID
	}
	require.Equal(t, first, *pick("default", "1d", 0), "the first preferred while none has coverage")
	require.Equal(t, first, like(market.Interval1d))
	cover(t, d, second, span("2024-01-01", "2024-02-01"))
	require.Equal(t, second, *pick("default", "1d", 0), "the first with coverage")
	require.Equal(t, second, like(market.Interval1d))
	require.Equal(t, first, *pick("fake", "1d", 0))
	require.Nil(t, pick("nobody", "1d", 0))
	require.Nil(t, pick("default", "1h", 0))

	hour := scalar[int64](t, d, `INSERT INTO series (instrument_id, provider, "interval", price_basis) SELECT instrument_id, 'other', '1h', 'split' FROM series WHERE id = $1 RETURNING id`, first)
	cover(t, d, hour, span("2024-01-01", "2024-02-01"))
	require.Equal(t, second, *pick("default", "auto", 24*time.Hour), "the longest that fits")
	require.Equal(t, hour, *pick("default", "auto", 6*time.Hour))
	require.Equal(t, hour, *pick("default", "auto", time.Minute), "the finest where none fits")
	exec(t, d, "UPDATE series_coverage SET covered = tstzmultirange(tstzrange('2024-01-01', '2024-01-05')) WHERE series_id = $1", second)
	require.Equal(t, hour, *pick("default", "auto", 24*time.Hour), "one that covers the range")

	exec(t, d, "UPDATE series SET is_current = false WHERE id = $1", hour)
	require.NotEqual(t, hour, *pick("default", "auto", time.Minute), "a former generation is never shown")
	exec(t, d, "UPDATE instrument_alias SET valid = tstzrange(NULL, now()) WHERE provider = 'other'")
	require.Equal(t, first, *pick("default", "1d", 0), "nor a provider that lists it no longer")
}

func TestGrafanaGapsHaveReasons(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	id := newSeries(t, d, market.Interval1h)
	cover(t, d, id, span("2024-01-02T04:00:00Z", "2024-01-02T20:00:00Z"))
	exec(t, d, "UPDATE instrument_alias SET listed_at = '2024-01-02T01:00Z' WHERE instrument_id = (SELECT instrument_id FROM series WHERE id = $1)", id)
	putBars(t, d, id, "2024-01-02T04:00:00Z", time.Hour, "1", "2", "3")
	putBars(t, d, id, "2024-01-02T10:00:00Z", time.Hour, "1", "2", "3", "4", "5", "6", "7", "8", "9", "10")
	exec(t, d, "INSERT INTO quarantined_bar (series_id, chunk_id, ts, rule, value) VALUES ($1, 1, '2024-01-02T08:00Z', 'unreadable', 'x')", id)
	chunk := newChunk(t, d, id, span("2024-01-02T21:00:00Z", "2024-01-02T23:00:00Z"), market.PolicyAll)
	exec(t, d, "UPDATE ingest_chunk SET status = 'failed' WHERE id = $1", chunk)
	instrument := scalar[string](t, d, "SELECT instrument FROM grafana_series WHERE series_id = $1", id)

	var got []string
	asGrafana(t, d, func(ctx context.Context, tx pgx.Tx) {
		rows, err := tx.Query(ctx, `
			SELECT to_char(g.start_at AT TIME ZONE 'UTC', 'HH24') || '-' || to_char(g.end_at AT TIME ZONE 'UTC', 'HH24') || ' ' || g.reason
			FROM grafana_gaps(ARRAY[$1], 'default', 'all', '2024-01-02', '2024-01-03') g ORDER BY g.start_at`, instrument)
		require.NoError(t, err)
		got, err = pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
	})
	require.Equal(t, []string{
		"00-01 before_listing", "01-04 never_asked", "07-08 confirmed_empty", "08-09 quarantined", "09-10 confirmed_empty",
		"20-21 never_asked", "21-23 failed", "23-00 forming",
	}, got)
	var shares []float64
	asGrafana(t, d, func(ctx context.Context, tx pgx.Tx) {
		rows, err := tx.Query(ctx, "SELECT covered FROM grafana_coverage(ARRAY[$1], 'default', 'all', '2024-01-02', '2024-01-04', 100) ORDER BY time", instrument)
		require.NoError(t, err)
		shares, err = pgx.CollectRows(rows, pgx.RowTo[float64])
		require.NoError(t, err)
	})
	require.InDeltaSlice(t, []float64{16.0 / 23, 0}, shares, 1e-9, "of what is listed of the day")
	asGrafana(t, d, func(ctx context.Context, tx pgx.Tx) {
		var n int
		var last time.Time
		require.NoError(t, tx.QueryRow(ctx, "SELECT count(*), max(time) FROM grafana_coverage(ARRAY[$1], 'default', 'all', '2024-01-01', '2024-12-31', 10)", instrument).Scan(&n, &last))
		require.LessOrEqual(t, n, 10)
		require.True(t, last.After(time.Date(2024, 11, 1, 0, 0, 0, 0, time.UTC)), "wider stretches, not fewer of the newest")
	})
}

func TestGrafanaMayNotReadMore(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	require.Zero(t, scalar[int](t, d, "SELECT count(*) FROM pg_proc WHERE proname LIKE 'grafana\\_%' AND prosecdef"), "nothing runs with its owner's rights")
	require.Zero(t, scalar[int](t, d, `
		SELECT count(*) FROM pg_class WHERE relkind = 'v' AND relname LIKE 'grafana\_%' AND NOT coalesce(reloptions @> ARRAY['security_invoker=true'], false)`))
	require.Zero(t, scalar[int](t, d, `
		SELECT count(*) FROM pg_proc p, aclexplode(p.proacl) a WHERE p.proname LIKE 'grafana\_%' AND a.grantee = 0`), "not everybody")
	require.Zero(t, scalar[int](t, d, `
		SELECT count(*) FROM information_schema.columns WHERE table_name LIKE 'grafana\_%' AND data_type = 'numeric'`), "Grafana gets float8")
}
