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

// TestDaysOfTenYearsAreDays: returns that are called daily, and annualised as such, are those of days in a range of any length.
func TestDaysOfTenYearsAreDays(t *testing.T) {
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

	a := shown{board: "Comparison", panel: "Summary of the time range", from: from, to: to}.ask(t, d)
	require.Len(t, a.Rows, 2)
	for row := range a.Rows {
		require.InDelta(t, 0.1, figure(t, a, row, "best day"), 1e-9)
		require.InDelta(t, 100.0/110-1, figure(t, a, row, "worst day"), 1e-9)
		swing := (0.1 - (100.0/110 - 1)) / 2
		require.InDelta(t, swing*math.Sqrt(365), figure(t, a, row, "volatility"), 1e-3)
	}
	a = shown{board: "Comparison", panel: "Correlation of daily returns", from: from, to: to}.ask(t, d)
	require.Len(t, a.Rows, 4)
	require.InDelta(t, -1, figure(t, a, 1, "correlation"), 1e-9, "of one with the other")
	a, err := grafanatest.Ask(t.Context(), d.Pool, `SELECT min(returns), max(returns) FROM grafana_correlation(ARRAY['DOWN.SIM', 'UP.SIM'], 'default', '2015-01-01Z', '2025-01-01Z')`)
	require.NoError(t, err)
	require.Equal(t, []any{days - 1, days - 1}, a.Rows[0])
}
