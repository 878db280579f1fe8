package db_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

func TestPlatformState(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s, err := d.PlatformState(t.Context())
	require.NoError(t, err)
	require.Equal(t, market.PlatformState{
		Backfills: map[market.BackfillStatus]int64{}, Quarantined: map[market.Rule]int64{}, Budgets: []market.BudgetState{},
		SyncFailures: []market.SyncFailures{},
	}, s)

	series := newSeries(t, d, market.Interval1m)
	for n, status := range []string{"pending", "running", "done", "failed", "canceled", "done"} {
		start := at("2024-01-01").AddDate(0, n, 0)
		chunk := newChunk(t, d, series, market.Range{Start: start, End: start.AddDate(0, 1, 0)}, market.PolicyAll)
		exec(t, d, "UPDATE ingest_chunk SET status = $2 WHERE id = $1", chunk, status)
	}
	exec(t, d, "INSERT INTO quarantined_bar (series_id, chunk_id, rule, value, resolved_at) VALUES ($1, 1, 'misaligned', '[]', NULL), "+
		"($1, 1, 'misaligned', '[]', NULL), ($1, 1, 'unreadable', '[]', now())", series)
	exec(t, d, "INSERT INTO ingest_job (id, kind, policy, \"interval\", start_at, end_at, concurrency, workflow_id, provider) "+
		"VALUES (gen_random_uuid(), 'sync', 'missing', '1m', now() - interval '1 day', now(), 1, 'sync/fake/1m', 'fake')")
	exec(t, d, "INSERT INTO tracked_interval SELECT instrument_id, \"interval\" FROM series")
	exec(t, d, "INSERT INTO series_sync (series_id, failures, error_kind) VALUES ($1, 2, 'denied')", series)
	require.NoError(t, d.EnsureBudget(t.Context(), "idle", market.Pacing{RequestsPerMinute: 60}))
	require.NoError(t, d.EnsureBudget(t.Context(), "busy", market.Pacing{RequestsPerMinute: 600, WeightPerMinute: 6000, PageWeight: 2}))
	require.NoError(t, d.SetProviderPaused(t.Context(), "busy", true, "maintenance"))
	exec(t, d, "UPDATE provider_gate SET not_before = now() + interval '1 hour' WHERE provider = 'busy'")
	exec(t, d, "INSERT INTO rate_usage VALUES ('busy', now() - interval '61 seconds', 1000), ('busy', now() - interval '2 seconds', 3)")

	s, err = d.PlatformState(t.Context())
	require.NoError(t, err)
	require.Equal(t, market.ChunkCounts{Total: 6, Pending: 1, Running: 1, Done: 2, Failed: 1, Canceled: 1}, s.Chunks)
	require.Equal(t, map[market.BackfillStatus]int64{
		market.StatusStarting: 1, market.StatusRunning: 1, market.StatusCompleted: 2, market.StatusFailed: 1, market.StatusCanceled: 1,
	}, s.Backfills)
	require.Equal(t, map[market.Rule]int64{market.RuleMisaligned: 2}, s.Quarantined)
	require.Equal(t, []market.SyncFailures{{Provider: "fake", Interval: market.Interval1m, Kind: market.KindDenied, Series: 1}}, s.SyncFailures)
	require.InDelta(t, time.Hour, s.Budgets[0].HeldFor, float64(time.Minute))
	s.Budgets[0].HeldFor = 0
	require.Equal(t, []market.BudgetState{
		{Provider: "busy", RequestsPerMinute: 600, WeightPerMinute: 6000, UsedLastMinute: 3, IsPaused: true},
		{Provider: "idle", RequestsPerMinute: 60},
	}, s.Budgets)
}

func TestPlatformStateOfADeadDatabase(t *testing.T) {
	t.Parallel()
	d, err := db.Open(t.Context(), "postgres://app:secret@127.0.0.1:1/none", db.Options{})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = d.PlatformState(ctx)
	hasKind(t, market.KindUnavailable, err)
	require.NotContains(t, err.Error(), "secret")
}

func TestTheRequestIDStaysWithTheJob(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	putAll(t, d, "BTC")
	request := requestFor(span("2024-01-01", "2024-03-01"), "first", "BTC")
	request.RequestID = "r-1"
	b := create(t, d, request)
	require.Equal(t, "r-1", b.RequestID)
	nobody := create(t, d, requestFor(span("2023-01-01", "2023-02-01"), "first", "BTC"))
	require.Empty(t, nobody.RequestID)
	require.True(t, scalar[bool](t, d, "SELECT request_id IS NULL FROM ingest_job WHERE id = $1", nobody.ID))

	unfinished, err := d.UnfinishedJobs(t.Context(), time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Len(t, unfinished, 2)
	require.Equal(t, []string{"r-1", ""}, []string{unfinished[0].RequestID, unfinished[1].RequestID})

	_, _, err = d.CloseJob(t.Context(), market.JobEnd{JobID: b.ID, Message: "gone"})
	require.NoError(t, err)
	reopened, err := d.ReopenBackfill(t.Context(), b.ID)
	require.NoError(t, err)
	require.Equal(t, "r-1", reopened.RequestID)
}
