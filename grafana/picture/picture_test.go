package picture_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/grafana"
	"marketdata/grafana/grafanatest"
	"marketdata/grafana/macro"
	"marketdata/grafana/picture"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var update = flag.Bool("update", false, "draw the pictures of the documentation anew")

const pictures = "../../docs/images"

// looks are what the pictures show: the time range as it opens but for those given, and values of variables.
func looks() map[string]struct {
	length time.Duration
	given  map[string]macro.Value
} {
	const day = 24 * time.Hour
	return map[string]struct {
		length time.Duration
		given  map[string]macro.Value
	}{
		"marketdata-price-history": {33 * day, map[string]macro.Value{"instrument": macro.One("BTCUSDT.SIM"), "provider": macro.One("sim_coinbase"), "interval": macro.One("1m")}},
		"marketdata-comparison": {366 * day, map[string]macro.Value{
			"instruments": macro.Several("AAPL.SIM", "BTCUSDT.SIM", "ETHUSDT.SIM", "MSFT.SIM", "SOLUSDT.SIM", "SPX.SIM"), "interval": macro.One("1d"),
		}},
	}
}

func TestPicturesAreCurrent(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	exec := func(ctx context.Context, statement string, args ...any) error {
		_, err := d.Pool.Exec(ctx, statement, args...)
		return err
	}
	require.NoError(t, grafanatest.Build(t.Context(), exec, grafanatest.Small))
	boards, err := grafana.Dashboards()
	require.NoError(t, err)
	for _, board := range boards {
		if board.UID == "marketdata-ingestion" { // it shows requests of the last minute
			require.NoError(t, exec(t.Context(), grafanatest.Use))
		}
		got := drawn(t, d, board)
		require.Less(t, len(got), 200<<10, "%s: a picture of the documentation is small", board.File)
		name := filepath.Join(pictures, "dashboard-"+strings.TrimSuffix(board.File, ".json")+".svg")
		if *update {
			require.NoError(t, os.MkdirAll(pictures, 0o755))
			require.NoError(t, os.WriteFile(name, got, 0o644))
			continue
		}
		want, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got), "%s is not current: run make generate, and look at it", name)
	}
}

// drawn asks all queries of the dashboard and draws the answers.
func drawn(t *testing.T, d *db.DB, board grafana.Dashboard) []byte {
	t.Helper()
	from, to, err := board.TimeRange(grafanatest.End())
	require.NoError(t, err)
	look := looks()[board.UID]
	if look.length > 0 {
		from = to.Add(-look.length)
	}
	values, err := grafanatest.Choose(t.Context(), d.Pool, board, look.given)
	require.NoError(t, err)
	answers := map[int][]picture.Table{}
	for _, p := range board.Panels {
		interval, err := p.IntervalOf(to.Sub(from))
		require.NoError(t, err)
		c := macro.Context{From: from, To: to, Interval: interval, Variables: values}
		for _, target := range p.Targets {
			table := picture.Table(nil)
			if target.DataSource.UID == grafana.Database {
				table = asked(t, d, c, target.RawSQL)
			} else {
				table = scraped(t, c, target, p.Type == "stat")
			}
			answers[p.ID] = append(answers[p.ID], table)
		}
	}
	return picture.Draw(board, picture.Context{From: from, To: to, Values: values}, answers)
}

func asked(t *testing.T, d *db.DB, c macro.Context, query string) picture.Table {
	t.Helper()
	e, err := c.SQL(query)
	require.NoError(t, err)
	a, err := grafanatest.Ask(t.Context(), d.Pool, e.Text)
	require.NoError(t, err, e.Text)
	table := make(picture.Table, len(a.Columns))
	for i, name := range a.Columns {
		table[i] = picture.Column{Name: name, Values: make([]any, len(a.Rows))}
		for row := range a.Rows {
			table[i].Values[row] = shown(a.Rows[row][i])
		}
	}
	return table
}

// shown turns a value of the database into one of a picture.
func shown(value any) any {
	switch v := value.(type) {
	case int64:
		return float64(v)
	case int32:
		return float64(v)
	case time.Time:
		return v.UTC()
	}
	return value
}
