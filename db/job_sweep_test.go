package db_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/activities"
	"marketdata/db/dbtest"
	"marketdata/market"
)

// TestARunThatLostItsChunkSaysNothingOfIt: two workflows can be at work on one chunk after an operator started it anew.
func TestARunThatLostItsChunkSaysNothingOfIt(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	putAll(t, d, "BTC")
	b := create(t, d, requestFor(span("2024-01-01", "2024-03-01"), "first", "BTC"))
	_, err := d.StartJob(t.Context(), b.ID, true)
	require.NoError(t, err)
	chunk := openChunks(t, d, b.ID)[0]
	claim := func(run string) {
		t.Helper()
		_, err := d.ClaimChunk(t.Context(), market.Attempt{ChunkID: chunk.ID, Token: run, WorkflowID: "flow", RunID: run}, activities.StageFetch)
		require.NoError(t, err)
	}
	counts := func() market.ChunkCounts {
		t.Helper()
		got, err := d.Backfill(t.Context(), b.ID)
		require.NoError(t, err)
		return got.Chunks
	}
	claim("old")
	claim("new")
	require.NoError(t, d.FailChunk(t.Context(), market.ChunkFault{ChunkID: chunk.ID, RunID: "old", Kind: market.KindConflict, Message: "taken over"}))
	require.NoError(t, d.CancelChunk(t.Context(), chunk.ID, "old"))
	require.Equal(t, market.ChunkCounts{Total: 2, Running: 1, Pending: 1}, counts())

	ended, _, err := d.CloseJob(t.Context(), market.JobEnd{JobID: b.ID, Message: "gone", DeadRuns: []string{"old"}})
	require.NoError(t, err)
	require.Equal(t, market.ChunkCounts{Total: 2, Running: 1, Failed: 1}, ended, "a chunk at work is left to its run")
	runs, err := d.RunningChunks(t.Context(), b.ID)
	require.NoError(t, err)
	require.Equal(t, []market.ChunkRun{{ChunkID: chunk.ID, WorkflowID: "flow", RunID: "new"}}, runs)
	ended, _, err = d.CloseJob(t.Context(), market.JobEnd{JobID: b.ID, Message: "gone", DeadRuns: []string{"new"}})
	require.NoError(t, err)
	require.Equal(t, market.ChunkCounts{Total: 2, Failed: 2}, ended)

	claim("again")
	require.NoError(t, d.CancelChunk(t.Context(), chunk.ID, "again"))
	require.Equal(t, market.ChunkCounts{Total: 2, Failed: 1, Canceled: 1}, counts())
}

func TestStartJobFromItsBeginningDoesAgainWhatIsNotDone(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	putAll(t, d, "BTC")
	b := create(t, d, requestFor(span("2024-01-01", "2024-04-01"), "first", "BTC"))
	chunks := openChunks(t, d, b.ID)
	require.NoError(t, d.RequestCancel(t.Context(), b.ID))
	exec(t, d, "UPDATE ingest_chunk SET status = 'done', quarantined = 1 WHERE id = $1", chunks[0].ID)
	require.NoError(t, d.FailChunk(t.Context(), market.ChunkFault{ChunkID: chunks[1].ID, Kind: market.KindDenied, Message: "451"}))
	require.NoError(t, d.CancelChunk(t.Context(), chunks[2].ID, ""))

	plan, err := d.StartJob(t.Context(), b.ID, false)
	require.NoError(t, err)
	require.Empty(t, plan.Providers, "a run that goes on where another stopped does not")
	plan, err = d.StartJob(t.Context(), b.ID, true)
	require.NoError(t, err)
	require.Equal(t, []string{"first"}, plan.Providers)
	got, err := d.Backfill(t.Context(), b.ID)
	require.NoError(t, err)
	require.Equal(t, market.ChunkCounts{Total: 3, Pending: 2, Done: 1}, got.Chunks)
	require.Equal(t, int64(1), got.Bars.Quarantined)
	require.Empty(t, got.Failures)
	exec(t, d, "UPDATE ingest_chunk SET status = 'canceled' WHERE status = 'pending'")
	var isCancelRequested bool
	require.NoError(t, d.Pool.QueryRow(t.Context(), "SELECT cancel_requested_at IS NOT NULL FROM ingest_job").Scan(&isCancelRequested))
	require.False(t, isCancelRequested)
}

func TestUnfinishedJobs(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	putAll(t, d, "BTC", "ETH")
	first := create(t, d, requestFor(span("2024-01-01", "2024-04-01"), "first", "BTC"))
	second := create(t, d, requestFor(span("2024-01-01", "2024-02-01"), "first", "ETH"))
	chunks := openChunks(t, d, first.ID)
	for i, run := range []string{"quiet", "heard of"} {
		_, err := d.ClaimChunk(t.Context(), market.Attempt{ChunkID: chunks[i].ID, Token: run, WorkflowID: run, RunID: run}, activities.StageFetch)
		require.NoError(t, err)
	}
	exec(t, d, "UPDATE ingest_job SET created_at = created_at - interval '1 hour'")
	exec(t, d, "UPDATE ingest_chunk SET updated_at = updated_at - interval '1 hour' WHERE run_id = 'quiet'")
	look := func() []market.UnfinishedJob {
		t.Helper()
		jobs, err := d.UnfinishedJobs(t.Context(), time.Now().Add(-30*time.Minute))
		require.NoError(t, err)
		return jobs
	}
	jobs := look()
	require.Len(t, jobs, 2)
	require.Equal(t, market.UnfinishedJob{
		ID: first.ID, WorkflowID: "backfill/" + first.ID, HasPending: true,
		Quiet: []market.ChunkRun{{ChunkID: chunks[0].ID, WorkflowID: "quiet", RunID: "quiet"}},
	}, jobs[0], "a chunk that was heard of lately keeps nobody from looking at its job")
	require.Equal(t, second.ID, jobs[1].ID)

	_, _, err := d.CloseJob(t.Context(), market.JobEnd{JobID: first.ID, DeadRuns: []string{}})
	require.NoError(t, err)
	_, _, err = d.CloseJob(t.Context(), market.JobEnd{JobID: second.ID, DeadRuns: []string{}})
	require.NoError(t, err)
	jobs = look()
	require.Len(t, jobs, 1, "the second is finished")
	require.True(t, jobs[0].IsClosed)
	require.False(t, jobs[0].HasPending)

	_, err = d.ReopenBackfill(t.Context(), second.ID)
	require.NoError(t, err)
	require.Len(t, look(), 1, "one reopened a moment ago is left alone")
	exec(t, d, "UPDATE ingest_job SET reopened_at = reopened_at - interval '1 hour'")
	require.True(t, look()[1].IsReopened)
}
