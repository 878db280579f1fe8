package drill_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"marketdata/drill"
)

// TestDrillFindsAChangedBar changes one digit of one bar of the copy: the drill finds it, and nothing else. The backfill that
// the source did not finish is left to the sweep of each minute, which no one triggers.
func TestDrillFindsAChangedBar(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "marketdata-drill-") //nolint:usetesting // t.TempDir cannot be reached by the user of PostgreSQL
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	program := filepath.Join(dir, "marketdata")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-s -w", "-o", program, "../cmd/marketdata").CombinedOutput()
	require.NoError(t, err, "%s", out)
	temporal, err := filepath.Abs("../bin/temporal")
	require.NoError(t, err)

	var series int64
	report, err := drill.Run(t.Context(), drill.Options{
		Dir: dir, Binary: program, Temporal: temporal, Now: time.Now, WaitsForSweep: true,
		Tell: func(step string) { t.Log(step) },
		AfterRestore: func(ctx context.Context, url string) error {
			conn, err := pgx.Connect(ctx, url)
			if err != nil {
				return err
			}
			defer func() { _ = conn.Close(ctx) }()
			return conn.QueryRow(ctx, `
				UPDATE bar SET volume = volume + 0.00000001
				WHERE (series_id, ts) = (SELECT series_id, max(ts) FROM bar WHERE ts < '2010-01-01' GROUP BY series_id ORDER BY series_id LIMIT 1)
				RETURNING series_id`).Scan(&series)
		},
	})
	require.NoError(t, err, "the Temporal CLI is needed: make bin/temporal")
	var b strings.Builder
	require.NoError(t, report.Write(&b))
	t.Log(b.String())
	require.False(t, report.IsGood())
	faults := report.Faults()
	require.Len(t, faults, 2, "the table, and the answer that has the bar")
	require.Regexp(t, fmt.Sprintf(`^bar: the \d+ rows of bar of series %d are not equal$`, series), faults[0])
	require.Regexp(t, "^answers of the API: /v1/instruments/.* is answered differently$", faults[1])
	for _, row := range report.Rows {
		if row.What == "unfinished backfill" {
			require.Regexp(t, `^running with 1 of 3 chunks done; completed \d+ s later$`, row.Found)
		}
	}
}

func TestReportWithoutRowsProvesNothing(t *testing.T) {
	t.Parallel()
	require.False(t, drill.Report{}.IsGood())
	require.True(t, drill.Report{Rows: []drill.Row{{What: "bar", Found: "1 row"}}}.IsGood())
	r := drill.Report{Rows: []drill.Row{{What: "bar", Found: "1 row", Faults: []string{"it is another one"}}}}
	require.False(t, r.IsGood())
	require.Equal(t, []string{"bar: it is another one"}, r.Faults())
	var b strings.Builder
	require.NoError(t, r.Write(&b))
	require.Contains(t, b.String(), "DIFFERS")
}
