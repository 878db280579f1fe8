package grafana_test

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"marketdata/grafana"
	"marketdata/grafana/grafanatest"
	"marketdata/grafana/macro"
)

const (
	// yardstick gathers a year of one-minute bars of one series by hand: what a dashboard without helpers would ask.
	yardstick = `
		SELECT date_bin('12 hours', b.ts, '2001-01-01Z'), max(b.high), min(b.low), sum(b.volume) FROM bar b
		WHERE b.series_id = (SELECT series_id FROM grafana_series WHERE instrument = 'LTCUSDT.SIM') AND b.ts >= '2024-01-01Z' AND b.ts < '2025-01-01Z' GROUP BY 1`
	budgetFile = "../docs/performance.md"
)

// budgets reads the table of docs/performance.md: how long the queries of each panel may take, in yardsticks.
func budgets(tb testing.TB) map[string]float64 {
	tb.Helper()
	text, err := os.ReadFile(budgetFile)
	require.NoError(tb, err)
	all := map[string]float64{}
	for _, match := range regexp.MustCompile(`(?m)^\| ((?:Price history|Comparison|KPIs|Data health|Ingestion|API): [^|]*?) \| (?:[0-9.,]+|–) \| ([0-9.]+) \|$`).FindAllStringSubmatch(string(text), -1) {
		budget, err := strconv.ParseFloat(match[2], 64)
		require.NoError(tb, err)
		all[match[1]] = budget
	}
	return all
}

func TestEveryPanelHasABudget(t *testing.T) {
	t.Parallel()
	table := budgets(t)
	for _, board := range boards(t) {
		for _, q := range board.Queries() {
			if q.DataSource == grafana.Database {
				require.Contains(t, table, label(q), budgetFile)
				delete(table, label(q))
			}
		}
	}
	require.Empty(t, table, "panels that are no more")
}

// BenchmarkPanel asks every query as its dashboard opens, over more than five million bars, and compares its time with
// that of the yardstick in the same run: x-of-yardstick. Medians, since other processes share the machine.
func BenchmarkPanel(b *testing.B) {
	d := fullMarket(b)
	table := budgets(b)
	timed := func(b *testing.B, query string) time.Duration {
		b.Helper()
		began := time.Now()
		_, err := grafanatest.Ask(b.Context(), d.Pool, query)
		require.NoError(b, err, query)
		return time.Since(began)
	}
	unit := yardstickTime(b, d.Pool)
	b.Logf("yardstick %s", unit.Round(time.Millisecond))
	for _, board := range boards(b) {
		from, to, err := board.TimeRange(grafanatest.End())
		require.NoError(b, err)
		values, err := grafanatest.Choose(b.Context(), d.Pool, board, nil)
		require.NoError(b, err)
		for _, q := range board.Queries() {
			if q.DataSource != grafana.Database {
				continue
			}
			b.Run(strings.ReplaceAll(label(q), " ", "_"), func(b *testing.B) {
				text, err := expand(macro.Context{From: from, To: to, Variables: values}, q)
				require.NoError(b, err)
				timed(b, text) // the first one fills caches
				var took []time.Duration
				for b.Loop() {
					took = append(took, timed(b, text))
				}
				least, share := middle(took), middle(took).Seconds()/unit.Seconds()
				for again := 0; isEnforced() && share > table[label(q)] && again < 3; again++ { // something else may have run
					unit = min(unit, yardstickTime(b, d.Pool))
					least = min(least, medianOf(5, func() time.Duration { return timed(b, text) }))
					share = least.Seconds() / unit.Seconds()
				}
				b.ReportMetric(share, "x-of-yardstick")
				b.ReportMetric(float64(least.Microseconds())/1000, "ms")
				b.ReportMetric(0, "ns/op")
				if isEnforced() {
					require.LessOrEqual(b, share, table[label(q)], "%s: over its budget", label(q))
				}
			})
		}
	}
}

func medianOf(times int, f func() time.Duration) time.Duration {
	took := make([]time.Duration, times)
	for i := range took {
		took[i] = f()
	}
	return middle(took)
}

// yardstickTime is the median of several, by one process: how much several would help depends on what else runs.
func yardstickTime(tb testing.TB, pool *pgxpool.Pool) time.Duration {
	tb.Helper()
	tx, err := pool.Begin(tb.Context())
	require.NoError(tb, err)
	defer func() { require.NoError(tb, tx.Rollback(tb.Context())) }()
	_, err = tx.Exec(tb.Context(), "SET LOCAL max_parallel_workers_per_gather = 0")
	require.NoError(tb, err)
	return medianOf(5, func() time.Duration {
		return measured(tb, func() {
			_, err := tx.Exec(tb.Context(), yardstick)
			require.NoError(tb, err)
		})
	})
}

func measured(tb testing.TB, f func()) time.Duration {
	tb.Helper()
	began := time.Now()
	f()
	return time.Since(began)
}

func middle(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
