package grafana_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/grafana"
	"marketdata/grafana/grafanatest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// fullMarket returns a database with more than five million bars, or fewer under the race detector.
func fullMarket(tb testing.TB) *db.DB {
	tb.Helper()
	size := grafanatest.Full
	if isRace {
		size = grafanatest.Small
	}
	d := dbtest.New(tb)
	began := time.Now()
	exec := func(ctx context.Context, statement string, args ...any) error {
		_, err := d.Pool.Exec(ctx, statement, args...)
		return err
	}
	require.NoError(tb, grafanatest.Build(tb.Context(), exec, size))
	require.NoError(tb, exec(tb.Context(), grafanatest.Use))
	var bars int
	require.NoError(tb, d.Pool.QueryRow(tb.Context(), "SELECT count(*) FROM bar").Scan(&bars))
	tb.Logf("%d bars in %s", bars, time.Since(began).Round(time.Millisecond))
	require.True(tb, isRace || bars > 5_000_000)
	return d
}

// isNumber tells whether Grafana takes the column for numbers.
func isNumber(oid uint32) bool {
	return oid == pgtype.Float8OID || oid == pgtype.Int8OID || oid == pgtype.Int4OID
}

// check says what is wrong with the answer for what it is asked for; nil: Grafana can show it.
func check(q grafana.Query, a grafanatest.Answer) error {
	limit, err := q.Limit()
	if err != nil {
		return err
	}
	if len(a.Rows) == 0 || len(a.Rows) > limit {
		return fmt.Errorf("%d rows, want 1 to %d", len(a.Rows), limit)
	}
	for i, oid := range a.Types {
		if !isNumber(oid) && oid != pgtype.TimestamptzOID && oid != pgtype.TextOID && oid != pgtype.BoolOID {
			return fmt.Errorf("column %s has the type %d, which Grafana may not take", a.Columns[i], oid)
		}
	}
	switch q.Kind {
	case grafana.OfVariable:
		if a.Types[0] != pgtype.TextOID || len(a.Types) != 1 {
			return fmt.Errorf("the columns of a variable are %v, want one text", a.Columns)
		}
		return nil
	case grafana.OfAnnotation:
		return checkAnnotation(a)
	case grafana.OfPanel:
		return checkPanel(q, a, limit)
	}
	return nil
}

func checkAnnotation(a grafanatest.Answer) error {
	for name, oid := range map[string]uint32{"time": pgtype.TimestamptzOID, "timeend": pgtype.TimestamptzOID, "text": pgtype.TextOID, "tags": pgtype.TextOID} {
		if i := a.Column(name); i < 0 && name != "timeend" || i >= 0 && a.Types[i] != oid {
			return fmt.Errorf("an annotation needs the column %s, has %v", name, a.Columns)
		}
	}
	return nil
}

func checkPanel(q grafana.Query, a grafanatest.Answer, limit int) error {
	numbers, texts := 0, 0
	for i, oid := range a.Types {
		switch {
		case isNumber(oid):
			numbers++
			if err := hasValue(a, i); err != nil {
				return err
			}
		case oid == pgtype.TextOID:
			texts++
		}
	}
	at := a.Column("time")
	switch kind := q.Panel.Type; {
	case q.Format == "time_series" || kind == "candlestick":
		if at < 0 || a.Types[at] != pgtype.TimestamptzOID {
			return fmt.Errorf("no column time with a zone among %v", a.Columns)
		}
		if numbers == 0 || texts > 1 || texts == 1 && a.Column("metric") < 0 || len(a.Rows) == limit {
			return fmt.Errorf("%d numbers, %d texts in %v, %d of %d rows: no complete series", numbers, texts, a.Columns, len(a.Rows), limit)
		}
		for _, name := range []string{"open", "high", "low", "close", "volume"} {
			if i := a.Column(name); kind == "candlestick" && (i < 0 || a.Types[i] != pgtype.Float8OID) {
				return fmt.Errorf("a candle needs %s as float8", name)
			}
		}
		return ascending(a, at)
	case kind == "stat" && (numbers != len(a.Types) || len(a.Rows) != 1):
		return fmt.Errorf("a stat shows one row of numbers, not %d of %v", len(a.Rows), a.Columns)
	case (kind == "barchart" || kind == "bargauge") && (texts != 1 || numbers == 0):
		return fmt.Errorf("bars have one name and numbers, not %v", a.Columns)
	}
	return nil
}

// hasValue wants at least one value: a column of nothing is a mistake in this market, but for those that it lacks.
func hasValue(a grafanatest.Answer, column int) error {
	for _, row := range a.Rows {
		if row[column] != nil {
			return nil
		}
	}
	return fmt.Errorf("the column %s has no value in %d rows", a.Columns[column], len(a.Rows))
}

func ascending(a grafanatest.Answer, at int) error {
	var last time.Time
	for _, row := range a.Rows {
		now, isTime := row[at].(time.Time)
		if !isTime || now.Before(last) {
			return fmt.Errorf("time is not ascending at %v", row[at])
		}
		last = now
	}
	return nil
}

// boards reads all dashboards.
func boards(tb testing.TB) []grafana.Dashboard {
	tb.Helper()
	all, err := grafana.Dashboards()
	require.NoError(tb, err)
	require.Len(tb, all, 6)
	return all
}

// isEnforced says that benchmarks hold their budgets.
func isEnforced() bool {
	return os.Getenv("MARKETDATA_BENCH_ENFORCE") != ""
}

// label names a query in a table.
func label(q grafana.Query) string {
	name := strings.ReplaceAll(q.Name, "$", "")
	if q.Kind != grafana.OfPanel {
		name = string(q.Kind) + " " + name
	}
	return q.Dashboard + ": " + name
}
