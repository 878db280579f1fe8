package grafana_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/grafana"
	"marketdata/grafana/grafanatest"
	"marketdata/grafana/macro"
)

// listed registers instruments of a market that never closes, each with a daily series of each provider, the first preferred.
func listed(t *testing.T, instruments []string, providers ...string) *db.DB {
	t.Helper()
	d := dbtest.New(t)
	put(t, d, "SELECT ensure_bar_partitions('2009-01-01Z', '2026-01-01Z')")
	put(t, d, `INSERT INTO instrument (symbol, venue, asset_class, currency, name, calendar)
		SELECT s, 'SIM', 'crypto', 'USDT', s, '24x7' FROM unnest($1::text[]) s`, instruments)
	put(t, d, `INSERT INTO instrument_alias (instrument_id, provider, symbol, preference)
		SELECT i.id, p, i.symbol, n FROM instrument i, unnest($1::text[]) WITH ORDINALITY AS u (p, n)`, providers)
	put(t, d, `INSERT INTO series (instrument_id, provider, "interval", price_basis) SELECT instrument_id, provider, '1d', 'raw' FROM instrument_alias`)
	return d
}

func put(t *testing.T, d *db.DB, statement string, args ...any) {
	t.Helper()
	_, err := d.Pool.Exec(t.Context(), statement, args...)
	require.NoError(t, err, statement)
}

// shown is what the panel of a dashboard shows: its SQL over a time range, at a moment, with these choices.
type shown struct {
	board, panel string
	from, to     time.Time
	now          time.Time // of the database, where it is set
	given        map[string]macro.Value
}

func (s shown) ask(t *testing.T, d *db.DB) grafanatest.Answer {
	t.Helper()
	for _, board := range boards(t) {
		if board.Title != s.board {
			continue
		}
		for _, q := range board.Queries() {
			if q.Kind != grafana.OfPanel || q.Name != s.panel {
				continue
			}
			values, err := grafanatest.Choose(t.Context(), d.Pool, board, s.given)
			require.NoError(t, err)
			text, err := expand(macro.Context{From: s.from, To: s.to, Variables: values}, q)
			require.NoError(t, err)
			if !s.now.IsZero() {
				text = strings.ReplaceAll(text, "now()", "timestamptz '"+s.now.Format(time.RFC3339)+"'")
			}
			a, err := grafanatest.Ask(t.Context(), d.Pool, text)
			require.NoError(t, err, text)
			return a
		}
	}
	require.Fail(t, "no panel "+s.panel+" of "+s.board)
	return grafanatest.Answer{}
}

// figure is a value of the answer's row.
func figure(t *testing.T, a grafanatest.Answer, row int, column string) any {
	t.Helper()
	i := a.Column(column)
	require.NotEqual(t, -1, i, "%s among %v", column, a.Columns)
	require.Greater(t, len(a.Rows), row)
	return a.Rows[row][i]
}

// TestDaysOfManyYearsAreDays: returns that are called daily, and annualised as such, are those of days in a range of any length.
func TestDaysOfManyYearsAreDays(t *testing.T) {
	t.Parallel()
	d := listed(t, []string{"DOWN", "UP"}, "sim")
	from, to := time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	days := int64(to.Sub(from) / (24 * time.Hour))
	// 100 and 110 in turn: nothing of it is left between every second day
	put(t, d, `INSERT INTO bar (series_id, ts, open, high, low, close, volume, load_id)
		SELECT s.id, $1::timestamptz + interval '1 day' * n, c, c, c, c, 1, 1
		FROM series s JOIN instrument i ON i.id = s.instrument_id CROSS JOIN generate_series(0, $2::bigint - 1) n
		CROSS JOIN LATERAL (SELECT CASE WHEN (n % 2 = 0) = (i.symbol = 'UP') THEN 100 ELSE 110 END AS c) v`, from, days)
	put(t, d, "INSERT INTO series_coverage (series_id, covered, version) SELECT id, tstzmultirange(tstzrange($1, $2)), 1 FROM series", from, to)

	for _, begin := range []time.Time{from, time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)} {
		a := shown{board: "Comparison", panel: "Summary of the time range", from: begin, to: to}.ask(t, d)
		require.Len(t, a.Rows, 2)
		for row := range a.Rows {
			require.InDelta(t, 0.1, figure(t, a, row, "best day"), 1e-9, begin)
			require.InDelta(t, 100.0/110-1, figure(t, a, row, "worst day"), 1e-9, begin)
			swing := (0.1 - (100.0/110 - 1)) / 2
			require.InDelta(t, swing*math.Sqrt(365), figure(t, a, row, "volatility"), 1e-3, begin)
		}
		a = shown{board: "Comparison", panel: "Correlation of daily returns", from: begin, to: to}.ask(t, d)
		require.Len(t, a.Rows, 4)
		require.InDelta(t, -1, figure(t, a, 1, "correlation"), 1e-9, "of one with the other")
	}
	a, err := grafanatest.Ask(t.Context(), d.Pool, `SELECT min(returns), max(returns) FROM grafana_correlation(ARRAY['DOWN.SIM', 'UP.SIM'], 'default', '2015-01-01Z', '2025-01-01Z')`)
	require.NoError(t, err)
	require.Equal(t, []any{days - 1, days - 1}, a.Rows[0])
}

// TestCoveredIsExact: the share of seconds, of what can be known of them, whatever the days that the range cuts.
func TestCoveredIsExact(t *testing.T) {
	t.Parallel()
	d := listed(t, []string{"HEALTHY", "HOLED", "NEVER"}, "sim")
	put(t, d, `INSERT INTO series_coverage (series_id, covered, version)
		SELECT s.id, tstzmultirange(tstzrange('2024-01-01Z', '2025-03-05Z')) - CASE i.symbol WHEN 'HOLED' THEN tstzmultirange(tstzrange('2025-03-01Z', '2025-03-02Z')) ELSE '{}' END, 1
		FROM series s JOIN instrument i ON i.id = s.instrument_id WHERE i.symbol <> 'NEVER'`)
	put(t, d, "UPDATE instrument_alias SET listed_at = '2024-12-01Z'")
	now := time.Date(2025, 3, 5, 1, 0, 0, 0, time.UTC) // Wednesday
	const day = 24 * time.Hour
	covered := func(from, to time.Time, instruments ...string) any {
		t.Helper()
		s := shown{board: "Data health", panel: "Covered", from: from, to: to, now: now, given: map[string]macro.Value{"instruments": macro.Several(instruments...)}}
		return figure(t, s.ask(t, d), 0, "Covered")
	}
	require.InDelta(t, 1, covered(now.Add(-day), now, "HEALTHY.SIM"), 1e-12, "the day that is forming is not missing")
	require.InDelta(t, 1, covered(now.Add(-7*day), now, "HEALTHY.SIM"), 1e-12)
	require.InDelta(t, 1-24.0/(7*24-1), covered(now.Add(-7*day), now, "HOLED.SIM"), 1e-12, "from one in the morning to the last midnight")
	require.InDelta(t, 1-24.0/(2*(7*24-1)), covered(now.Add(-7*day), now, "HEALTHY.SIM", "HOLED.SIM"), 1e-12)
	require.InDelta(t, 0, covered(now.Add(-day), now, "NEVER.SIM"), 1e-12, "never asked")
	require.InDelta(t, 1, covered(now.Add(-300*day), now.Add(-60*day), "HEALTHY.SIM"), 1e-12, "from the listing on")
	require.InDelta(t, 1, covered(now.Add(-day), now.Add(3*day), "HEALTHY.SIM"), 1e-12, "the future")
	require.Nil(t, covered(now.Add(-300*day), now.Add(-200*day), "HEALTHY.SIM"), "before the listing")
	require.Nil(t, covered(now.Add(-time.Hour), now, "HEALTHY.SIM"), "nothing has closed")
	require.Nil(t, covered(now.Add(day), now.Add(2*day), "HEALTHY.SIM"))
	put(t, d, "UPDATE instrument_alias SET delisted_at = '2025-03-03Z'")
	put(t, d, "UPDATE series_coverage SET covered = covered - tstzmultirange(tstzrange('2025-03-03Z', '2025-03-05Z'))")
	require.InDelta(t, 1, covered(now.Add(-7*day), now, "HEALTHY.SIM"), 1e-12, "to the delisting")

	put(t, d, `UPDATE instrument_alias SET delisted_at = NULL`)
	for interval, until := range map[string]string{"1mo": "2025-03-01Z", "1w": "2025-03-03Z", "1h": "2025-03-05T01:00Z"} {
		put(t, d, `UPDATE series SET "interval" = $1`, interval)
		put(t, d, "UPDATE series_coverage SET covered = tstzmultirange(tstzrange('2024-12-01Z', $1::text::timestamptz))", until)
		require.InDelta(t, 1, covered(now.Add(-30*day), now, "HEALTHY.SIM"), 1e-12, interval)
	}
}

// TestTheDefaultIsOneProvider: where the API's choice is chosen, rows of other providers do not count.
func TestTheDefaultIsOneProvider(t *testing.T) {
	t.Parallel()
	d := listed(t, []string{"TWICE"}, "first", "second")
	put(t, d, "INSERT INTO series_coverage (series_id, covered, version) SELECT id, tstzmultirange(tstzrange('2025-03-01Z', '2025-03-05Z')), 1 FROM series")
	put(t, d, `INSERT INTO tracked_interval (instrument_id, "interval", since, added_at) SELECT id, '1d', '2025-03-01Z', '2025-03-01Z' FROM instrument`)
	put(t, d, "INSERT INTO series_sync (series_id, failures, error_kind, error) SELECT id, 3, 'unavailable', 'x' FROM series")
	put(t, d, `INSERT INTO quarantined_bar (series_id, chunk_id, ts, rule, value, created_at)
		SELECT id, 1, '2025-03-02Z', 'unreadable of ' || provider, 'x', '2025-03-03Z' FROM series`)
	put(t, d, `WITH l AS (
			INSERT INTO load (series_id, chunk_id, run_id, attempt, observed_at, committed_at, version, restated, withdrawn)
			SELECT id, 0, 'run', 1, '2025-03-03Z', '2025-03-03Z', 2, 1, 1 FROM series RETURNING id, series_id
		), b AS (
			INSERT INTO bar (series_id, ts, open, high, low, close, load_id) SELECT series_id, '2025-03-02Z', 2, 2, 2, 2, id FROM l
		)
		INSERT INTO bar_revision (series_id, ts, load_id, replaced_by, open, high, low, close) SELECT series_id, '2025-03-02Z', 0, id, 1, 1, 1, 1 FROM l`)
	from, to := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 3, 5, 0, 0, 0, 0, time.UTC)
	ask := func(panel, provider string) grafanatest.Answer {
		t.Helper()
		return shown{board: "Data health", panel: panel, from: from, to: to, given: map[string]macro.Value{"provider": macro.One(provider)}}.ask(t, d)
	}
	for provider, n := range map[string]int{"all": 2, "default": 1, "first": 1, "second": 1, "nobody": 0} {
		require.Equal(t, int64(n), figure(t, ask("Quarantine", provider), 0, "Open rows"), provider)
		require.InDelta(t, n, figure(t, ask("Corrections", provider), 0, "Restated"), 0, provider)
		require.InDelta(t, n, figure(t, ask("Corrections", provider), 0, "Taken back"), 0, provider)
		for _, panel := range []string{"Rows that broke a rule", "Quarantined rows", "Restated bars", "What was restated"} {
			require.Len(t, ask(panel, provider).Rows, n, "%s: %s", panel, provider)
		}
	}
	for _, panel := range []string{"Quarantined rows", "What was restated"} {
		require.Equal(t, "first", figure(t, ask(panel, "default"), 0, "provider"), panel)
	}
	// these are of the API's choice whatever is chosen
	for provider, n := range map[string]int{"all": 1, "default": 1, "first": 1, "second": 0} {
		require.Equal(t, int64(n), figure(t, ask("Failing syncs", provider), 0, "Failing"), provider)
		require.Len(t, ask("How far series reach", provider).Rows, n, provider)
	}
}

// TestOpenBackfillsAreShown: what is at work shows in every time range, whenever it was started.
func TestOpenBackfillsAreShown(t *testing.T) {
	t.Parallel()
	d := listed(t, []string{"ONE"}, "sim")
	for n, status := range []string{"running", "done", "pending", "done", "failed"} {
		put(t, d, `WITH j AS (
				INSERT INTO ingest_job (id, policy, "interval", start_at, end_at, concurrency, workflow_id, created_at, started_at)
				VALUES (gen_random_uuid(), 'missing', '1d', '2024-01-01Z', '2024-12-31Z', 4, 'backfill/' || $1, timestamptz '2025-03-01Z' + interval '1 day' * $1::integer, '2025-03-01Z')
				RETURNING id
			), s AS (
				INSERT INTO ingest_job_series (job_id, series_id, ordinal, start_at, end_at) SELECT j.id, s.id, 0, '2024-01-01Z', '2024-12-31Z' FROM j, series s
			)
			INSERT INTO ingest_chunk (job_id, series_id, seq, name, start_at, end_at, status, stage, attempt, expected, workflow_id, updated_at)
			SELECT j.id, s.id, k, 'chunk-' || k, '2024-01-01Z', '2024-12-31Z', $2, '', 1, 1, 'backfill/' || $1 || '/chunk-' || k, '2025-03-01Z' FROM j, series s, generate_series(1, 2) k`,
			[]string{"0", "1", "2", "3", "4"}[n], status)
	}
	// a sync is no backfill
	put(t, d, `WITH j AS (
			INSERT INTO ingest_job (id, kind, policy, "interval", start_at, end_at, concurrency, workflow_id, provider, created_at)
			VALUES (gen_random_uuid(), 'sync', 'missing', '1d', '2024-01-01Z', '2024-01-02Z', 1, 'sync/sim/1d', 'sim', '2025-03-01Z') RETURNING id
		)
		INSERT INTO ingest_chunk (job_id, series_id, seq, name, start_at, end_at, status, stage, attempt, expected, workflow_id, updated_at)
		SELECT j.id, s.id, 1, 'chunk-1', '2024-01-01Z', '2024-12-31Z', 'running', '', 1, 1, 'sync/sim/1d/chunk-1', '2025-03-01Z' FROM j, series s`)
	day := func(n int) time.Time { return time.Date(2025, 3, n, 0, 0, 0, 0, time.UTC) }
	tests := []struct {
		from, to            time.Time
		rows                []time.Time
		completed, failures int64
	}{
		{day(4), day(6), []time.Time{day(3), day(1), day(5), day(4)}, 1, 1}, // what is at work first
		{day(4), day(5), []time.Time{day(3), day(1), day(4)}, 1, 0},
		{day(2), day(3), []time.Time{day(1), day(2)}, 1, 0}, // nothing that came after the range
		{day(10), day(11), []time.Time{day(3), day(1)}, 0, 0},
	}
	for _, tt := range tests {
		a := shown{board: "Ingestion", panel: "Backfills of the range", from: tt.from, to: tt.to}.ask(t, d)
		require.Equal(t, int64(5), figure(t, a, 0, "Open chunks"))
		require.Equal(t, int64(2), figure(t, a, 0, "At work"), tt.from)
		require.Equal(t, tt.completed, figure(t, a, 0, "Completed"), tt.from)
		require.Equal(t, tt.failures, figure(t, a, 0, "Failed"), tt.from)
		a = shown{board: "Ingestion", panel: "Backfills", from: tt.from, to: tt.to}.ask(t, d)
		var rows []time.Time
		for row := range a.Rows {
			created, isTime := figure(t, a, row, "created").(time.Time)
			require.True(t, isTime)
			rows = append(rows, created.UTC())
		}
		require.Equal(t, tt.rows, rows, tt.from)
	}
}
