package chaos_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"marketdata/chaos"
)

// TestVerdictNoticesDamage spoils what a good platform stored, one thing at a time, and mends it again.
func TestVerdictNoticesDamage(t *testing.T) {
	t.Parallel()
	p := platform(t, 1)
	b, _ := begin(t, p, coinbase("ETH-BTC"), delay)
	finish(t, p, b)
	p.Workers()[0].Stop() // its sweep would look after what is spoiled

	for _, test := range []struct { //nolint:paralleltest // one thing at a time
		name         string
		spoil, mend  string
		losses, dups int
		stuck        int
	}{
		{
			name: "a bar is missing", losses: 1, dups: 1,
			spoil: "CREATE TABLE lost AS SELECT * FROM bar ORDER BY ts LIMIT 1; DELETE FROM bar USING lost WHERE bar.ts = lost.ts",
			mend:  "INSERT INTO bar SELECT * FROM lost",
		},
		{
			name: "a bar is wrong", losses: 1,
			spoil: "UPDATE bar SET volume = volume + 1 WHERE ts = (SELECT min(ts) FROM bar)",
			mend:  "UPDATE bar SET volume = volume - 1 WHERE ts = (SELECT min(ts) FROM bar)",
		},
		{
			name: "a bar that there is not, where nobody asked", dups: 2,
			spoil: `INSERT INTO bar SELECT series_id, ts + interval '1 year', open, high, low, close, volume, vwap, turnover, trades, load_id
				FROM bar ORDER BY ts LIMIT 1`,
			mend: "DELETE FROM bar WHERE ts > '2024-12-01'",
		},
		{
			name: "a bar without its load", dups: 1,
			spoil: "UPDATE bar SET load_id = load_id + 100 WHERE ts = (SELECT min(ts) FROM bar)",
			mend:  "UPDATE bar SET load_id = load_id - 100 WHERE ts = (SELECT min(ts) FROM bar)",
		},
		{
			name: "wanted and not answered", losses: 1,
			spoil: "UPDATE ingest_job_series SET end_at = end_at + interval '1 hour'",
			mend:  "UPDATE ingest_job_series SET end_at = end_at - interval '1 hour'",
		},
		{
			name: "a bar is flagged as withdrawn", losses: 1,
			spoil: "INSERT INTO bar_withdrawal SELECT series_id, ts, load_id FROM bar LIMIT 1",
			mend:  "DELETE FROM bar_withdrawal",
		},
		{
			name: "a chunk is loaded twice", dups: 2, // the load's counts, and the series'
			spoil: `INSERT INTO load (series_id, chunk_id, run_id, attempt, observed_at, version, inserted)
				SELECT series_id, chunk_id, run_id, attempt, observed_at, 99, inserted FROM load`,
			mend: "DELETE FROM load WHERE version = 99",
		},
		{
			name: "a chunk does not end", dups: 1, stuck: 2, // nor its backfill
			spoil: "UPDATE ingest_chunk SET status = 'running'", mend: "UPDATE ingest_chunk SET status = 'done'",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			execute(t, p, test.spoil)
			v := verify(t, p)
			require.Len(t, v.Losses, test.losses, "%v", v.Losses)
			require.Len(t, v.Duplicates, test.dups, "%v", v.Duplicates)
			require.Len(t, v.Stuck, test.stuck, "%v", v.Stuck)
			require.False(t, v.IsGood())
			execute(t, p, test.mend)
			require.True(t, verify(t, p).IsGood())
		})
	}
	t.Run("a request is repeated", func(t *testing.T) {
		together(func() {
			pages, err := p.Audit().Pages(t.Context())
			require.NoError(t, err)
			response, err := http.Get(pages[0].URL)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
		})
		require.Len(t, verify(t, p).Repeated, 1)
	})
}

func verify(t *testing.T, p *chaos.Platform) chaos.Verdict {
	t.Helper()
	shared.alone.RLock()
	defer shared.alone.RUnlock()
	var last struct {
		chaos.Verdict

		err error
	}
	require.Eventually(t, func() bool { // servers may have just been started anew
		last.Verdict, last.err = p.Verify(t.Context())
		return last.err == nil
	}, soon, poll, "%+v", &last)
	return last.Verdict
}

func execute(t *testing.T, p *chaos.Platform, sql string) {
	t.Helper()
	shared.alone.RLock()
	defer shared.alone.RUnlock()
	conn, err := pgx.Connect(t.Context(), p.DatabaseURL())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.Background())) }()
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
}
