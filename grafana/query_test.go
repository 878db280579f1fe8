package grafana_test

import (
	"context"
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

// ranges are those that every query is asked for: as the dashboard opens, and over all years.
func ranges(t *testing.T, board grafana.Dashboard) map[string]macro.Context {
	t.Helper()
	from, to, err := board.TimeRange(grafanatest.End())
	require.NoError(t, err)
	return map[string]macro.Context{"as it opens": {From: from, To: to}, "four years": {From: to.AddDate(-4, 0, 0), To: to}}
}

// expand gives the context the panel's interval and expands the query.
func expand(c macro.Context, q grafana.Query) (string, error) {
	var err error
	if c.Interval, err = q.Panel.IntervalOf(c.To.Sub(c.From)); err != nil {
		return "", err
	}
	e, err := c.SQL(q.Text)
	return e.Text, err
}

func TestEveryQueryAnswers(t *testing.T) {
	t.Parallel()
	d := fullMarket(t)
	for _, board := range boards(t) {
		for name, c := range ranges(t, board) {
			t.Run(board.Title+" "+name, func(t *testing.T) {
				t.Parallel()
				everyQueryAnswers(t, d, board, c, nil)
			})
		}
		for name, given := range choices(board) {
			t.Run(board.Title+" of "+name, func(t *testing.T) {
				t.Parallel()
				everyQueryAnswers(t, d, board, ranges(t, board)["as it opens"], given)
			})
		}
	}
	t.Run("mutations", func(t *testing.T) {
		t.Parallel()
		mutationsFail(t, d)
	})
	t.Run("providers", func(t *testing.T) {
		t.Parallel()
		providersDoNotMix(t, d)
	})
}

// TestEveryQueryOfAnEmptyPlatformAnswers: a dashboard that is opened before anything was loaded shows nothing, and no error.
func TestEveryQueryOfAnEmptyPlatformAnswers(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for _, board := range boards(t) {
		for name, c := range ranges(t, board) {
			var err error
			c.Variables, err = grafanatest.Choose(t.Context(), d.Pool, board, nil)
			require.NoError(t, err, board.Title)
			for _, q := range board.Queries() {
				if q.DataSource != grafana.Database {
					continue
				}
				text, err := expand(c, q)
				require.NoError(t, err, label(q))
				_, err = grafanatest.Ask(t.Context(), d.Pool, text)
				require.NoError(t, err, "%s %s\n%s", name, label(q), text)
			}
		}
	}
}

// TestVariablesOfOneNameAreOfOneKind: links take the variables along, and what is chosen must mean the same where they lead.
func TestVariablesOfOneNameAreOfOneKind(t *testing.T) {
	t.Parallel()
	isMulti, first := map[string]bool{}, map[string]string{}
	for _, board := range boards(t) {
		for _, v := range board.Templating.List {
			if title, isKnown := first[v.Name]; isKnown {
				require.Equal(t, isMulti[v.Name], v.Multi, "$%s of %s and of %s", v.Name, title, board.Title)
			}
			isMulti[v.Name], first[v.Name] = v.Multi, board.Title
		}
	}
	require.Greater(t, len(first), 5)
}

// choices are other values of variables to ask every query for.
func choices(board grafana.Dashboard) map[string]map[string]macro.Value {
	switch board.UID {
	case "marketdata-price-history":
		return map[string]map[string]macro.Value{
			"minutes":                          {"instrument": macro.One("BTCUSDT.SIM"), "provider": macro.One("sim_coinbase"), "interval": macro.One("1m")},
			"an instrument with minutes alone": {"instrument": macro.One("LTCUSDT.SIM")},
			"an index":                         {"instrument": macro.One("SPX.SIM")},
		}
	case "marketdata-kpis":
		return map[string]map[string]macro.Value{"a year": {"period": macro.One("1y")}, "one day": {"period": macro.One("1d")}}
	}
	return nil
}

func everyQueryAnswers(t *testing.T, d *db.DB, board grafana.Dashboard, c macro.Context, given map[string]macro.Value) {
	t.Helper()
	var err error
	c.Variables, err = grafanatest.Choose(t.Context(), d.Pool, board, given)
	require.NoError(t, err)
	for _, q := range board.Queries() {
		if q.DataSource != grafana.Database {
			continue
		}
		text, err := expand(c, q)
		require.NoError(t, err, label(q))
		a, err := grafanatest.Ask(t.Context(), d.Pool, text)
		require.NoError(t, err, "%s\n%s", label(q), text)
		if lacks(q, c.Variables["instrument"]) {
			continue
		}
		require.NoError(t, check(q, a), "%s\n%s", label(q), text)
	}
}

// lacks tells what this market rightly has nothing of: an index has no volume, gaps or actions.
func lacks(q grafana.Query, instrument macro.Value) bool {
	if len(instrument.Chosen) != 1 {
		return false
	}
	switch instrument.Chosen[0] {
	case "SPX.SIM":
		return q.Name == "Splits and dividends" || q.Name == "Gaps" || q.Name == "Backfills" || q.Name == "Stretches without bars" || strings.Contains(q.Text, "volume")
	case "AAPL.SIM":
		return q.Name == "Splits and dividends"
	}
	return q.Name == "Splits and dividends" || q.Name == "Gaps" || q.Name == "Backfills" || q.Name == "Stretches without bars"
}

// mutationsFail breaks queries as people do and wants each to be noticed.
func mutationsFail(t *testing.T, d *db.DB) {
	t.Helper()
	tests := []struct{ name, board, query, old, with string }{
		{"a column that is not there", "Price history", "$instrument", "c.sma_long", "c.sma_longer"},
		{"a candle without its open", "Price history", "$instrument", "c.open, ", ""},
		{"numbers that Grafana does not take", "Price history", "$instrument", "c.open,", "c.open::numeric,"},
		{"no cap", "Price history", "$instrument", "LIMIT 1000", ""},
		{"a cap that cuts", "Comparison", "Drawdown", "LIMIT 9000", "LIMIT 50"},
		{"an unknown macro", "Comparison", "Drawdown", "$__timeFrom()", "$__timeBegin()"},
		{"an unknown variable", "Comparison", "Drawdown", "$provider", "$source"},
		{"a time that is none", "Comparison", "Drawdown", "SELECT c.time,", "SELECT c.time::text AS time,"},
		{"another name of the time", "Comparison", "Drawdown", "SELECT c.time,", "SELECT c.time AS at,"},
		{"times in disorder", "Comparison", "Drawdown", "ORDER BY c.time LIMIT", "ORDER BY c.instrument LIMIT"},
		{"two names", "Comparison", "Drawdown", "SELECT c.time,", "SELECT c.time, c.provider,"},
		{"an empty answer", "KPIs", "Top movers over $period", "WHERE m.up <= 10 OR", "WHERE false AND"},
		{"a column of nothing", "KPIs", "Top movers over $period", "m.change FROM", "NULL::float8 AS change FROM"},
		{"a text in a stat", "Data health", "Covered", `::float8 AS "Covered"`, `::text AS "Covered"`},
		{"pages that nobody may see", "Ingestion", "Failures", "FROM grafana_failure f", "FROM grafana_failure f JOIN raw_page p ON true"},
		{"bars of another name", "KPIs", "Top movers over $period", "SELECT m.instrument, m.change", "SELECT m.change"},
		{"an annotation without text", "KPIs", "Backfills", "AS text", "AS title"},
		{"a variable of two columns", "KPIs", "provider", "SELECT p.provider FROM", "SELECT p.provider, p.n FROM"},
		{"something written", "Ingestion", "Backfills", "SELECT b.created_at", "DELETE FROM ingest_job; SELECT b.created_at"},
	}
	for _, tt := range tests {
		require.Error(t, mutated(t.Context(), t, d, tt.board, tt.query, tt.old, tt.with), tt.name)
		require.NoError(t, mutated(t.Context(), t, d, tt.board, tt.query, tt.old, tt.old), "%s: as it stands", tt.name)
	}
}

// mutated asks the first query of the name with one part of it replaced, and checks the answer.
func mutated(ctx context.Context, t *testing.T, d *db.DB, title, name, old, with string) error {
	t.Helper()
	for _, board := range boards(t) {
		if board.Title != title {
			continue
		}
		c := ranges(t, board)["as it opens"]
		given := map[string]macro.Value{"instruments": macro.Several("AAPL.SIM", "BTCUSDT.SIM", "ETHUSDT.SIM")}
		if title == "Price history" {
			given["instrument"] = macro.One("BTCUSDT.SIM")
		}
		var err error
		c.Variables, err = grafanatest.Choose(ctx, d.Pool, board, given)
		require.NoError(t, err)
		for _, q := range board.Queries() {
			if q.Name != name || !strings.Contains(q.Text, old) {
				continue
			}
			q.Text = strings.Replace(q.Text, old, with, 1)
			text, err := expand(c, q)
			if err != nil {
				return err
			}
			a, err := grafanatest.Ask(ctx, d.Pool, text)
			if err != nil {
				return err
			}
			return check(q, a)
		}
	}
	require.Fail(t, "no query "+title+": "+name+" with "+old)
	return nil
}

// providersDoNotMix asks for the API's choice and for each provider, and wants one provider an instrument each time.
func providersDoNotMix(t *testing.T, d *db.DB) {
	t.Helper()
	for provider, want := range map[string]string{"default": "sim_binance", "sim_binance": "sim_binance", "sim_coinbase": "sim_coinbase"} {
		a, err := grafanatest.Ask(t.Context(), d.Pool, `
			SELECT count(DISTINCT c.provider), min(c.provider), count(*), count(DISTINCT c.time)
			FROM grafana_closes(ARRAY['BTCUSDT.SIM'], '`+provider+`', 'auto', '2024-12-01', '2025-01-01', 3600000, 1000) c`)
		require.NoError(t, err)
		require.Equal(t, int64(1), a.Rows[0][0])
		require.Equal(t, want, a.Rows[0][1])
		require.Equal(t, a.Rows[0][2], a.Rows[0][3], "a point for each time")
	}
	a, err := grafanatest.Ask(t.Context(), d.Pool, "SELECT max(c.close) FROM grafana_closes(ARRAY['AAPL.SIM', 'ETHUSDT.SIM'], 'default', '1d', '2024-12-01', '2025-01-01', 0, 1000) c")
	require.NoError(t, err)
	require.Less(t, a.Rows[0][0], 70000.0, "not a former generation")
}

func TestQueriesAskTheViewsAlone(t *testing.T) {
	t.Parallel()
	for _, board := range boards(t) {
		for _, q := range board.Queries() {
			require.NotRegexp(t, `(?i)\b(FROM|JOIN)\s+(bar|series|load|bar_revision|raw_page|normal_page)\b`, q.Text, label(q))
			if q.Kind == grafana.OfPanel && q.DataSource == grafana.Database {
				limit, err := q.Limit()
				require.NoError(t, err)
				require.LessOrEqual(t, limit, 9000, label(q))
			}
		}
	}
}

func TestDashboardsAreWhole(t *testing.T) {
	t.Parallel()
	uids := map[string]bool{}
	for _, board := range boards(t) {
		require.Equal(t, "utc", board.Timezone, board.Title)
		require.NotEmpty(t, board.Description, board.Title)
		require.Contains(t, board.Tags, "marketdata", board.Title)
		require.False(t, uids[board.UID])
		uids[board.UID] = true
		require.Len(t, board.Links, 1, board.Title)
		require.Equal(t, []string{"marketdata"}, board.Links[0].Tags, board.Title)
		ids, names := map[int]bool{}, map[string]bool{}
		for _, p := range board.Panels {
			require.False(t, ids[p.ID], "%s: two panels %d", board.Title, p.ID)
			ids[p.ID] = true
			if p.Type == "row" {
				continue
			}
			require.False(t, names[p.Title], "%s: two panels %s", board.Title, p.Title)
			names[p.Title] = true
			require.NotEmpty(t, p.Description, "%s: %s", board.Title, p.Title)
			require.NotEmpty(t, p.Targets, "%s: %s", board.Title, p.Title)
			require.NotEmpty(t, p.FieldConfig.Defaults.Unit, "%s: %s", board.Title, p.Title)
			require.NotEmpty(t, p.FieldConfig.Defaults.Thresholds.Steps, "%s: %s", board.Title, p.Title)
			require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24)
		}
		hasBackfills := false
		for _, a := range board.Annotations.List {
			hasBackfills = hasBackfills || a.Name == "Backfills"
		}
		require.True(t, hasBackfills, board.Title)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	_, err := grafana.Parse([]byte("{"))
	require.Error(t, err)
	board, err := grafana.Parse([]byte(`{"title": "x", "time": {"from": "yesterday", "to": "now"}}`))
	require.NoError(t, err)
	_, _, err = board.TimeRange(time.Time{})
	require.Error(t, err)
	_, err = grafana.Panel{Interval: "often"}.IntervalOf(time.Hour)
	require.Error(t, err)
	_, err = grafana.Query{Text: "SELECT 1"}.Limit()
	require.Error(t, err)
	require.Empty(t, grafana.Variable{Query: []byte("{}")}.Text())
}
