package db_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"marketdata/db/dbtest"
	"marketdata/market"
)

func TestJob(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	putAll(t, d, "BTC", "ETH")
	r := requestFor(span("2024-01-01", "2024-04-01"), "first", "BTC", "ETH")
	r.Series[1].Provider = "second"
	r.MaxFailed = 7
	b := create(t, d, r)
	plan, err := d.StartJob(t.Context(), b.ID, false)
	require.NoError(t, err)
	require.Equal(t, market.JobPlan{Interval: market.Interval1m, Concurrency: 4, MaxFailed: 7, Total: 6, Providers: []string{"first", "second"}}, plan)
	page1, err := d.OpenChunks(t.Context(), b.ID, "second", 0, 2)
	require.NoError(t, err)
	require.Equal(t, []int{4, 5}, []int{page1[0].Seq, page1[1].Seq})
	page2, err := d.OpenChunks(t.Context(), b.ID, "second", 5, 2)
	require.NoError(t, err)
	require.Len(t, page2, 1)

	reason := "maintenance"
	require.NoError(t, d.SetJobPaused(t.Context(), b.ID, &reason))
	require.NoError(t, d.SetJobConcurrency(t.Context(), b.ID, 9))
	plan, err = d.StartJob(t.Context(), b.ID, false)
	require.NoError(t, err)
	require.Equal(t, reason, plan.PauseReason)
	require.Equal(t, 9, plan.Concurrency)

	require.NoError(t, d.FailChunk(t.Context(), market.ChunkFault{ChunkID: page1[0].ID, Kind: market.KindDenied, Message: "451"}))
	require.NoError(t, d.FailChunk(t.Context(), market.ChunkFault{ChunkID: page1[0].ID, Kind: market.KindInternal, Message: "its workflow was terminated"}))
	require.NoError(t, d.CancelChunk(t.Context(), page1[1].ID, ""))
	require.NoError(t, d.CancelChunk(t.Context(), page1[0].ID, ""), "a failed one stays failed")
	got, err := d.Backfill(t.Context(), b.ID)
	require.NoError(t, err)
	require.Len(t, got.Failures, 1)
	require.Equal(t, market.KindDenied, got.Failures[0].Kind, "what it said itself is closer to the cause")
	require.Equal(t, "backfill/"+b.ID+"/"+page1[0].Name, got.Failures[0].WorkflowID)

	jobs, err := d.UnfinishedJobs(t.Context(), time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Len(t, jobs, 1)
	require.False(t, jobs[0].IsReopened)
	jobs, err = d.UnfinishedJobs(t.Context(), time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.Empty(t, jobs)

	counts, _, err := d.CloseJob(t.Context(), market.JobEnd{JobID: b.ID, IsCanceled: false, Message: "gave up"})
	require.NoError(t, err)
	require.Equal(t, market.ChunkCounts{Total: 6, Failed: 5, Canceled: 1}, counts)
	again, _, err := d.CloseJob(t.Context(), market.JobEnd{JobID: b.ID, IsCanceled: true, Message: "twice"})
	require.NoError(t, err)
	require.Equal(t, counts, again)
}

func TestFailChunkStoresAnyMessage(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	putAll(t, d, "BTC")
	b := create(t, d, requestFor(span("2024-01-01", "2024-03-01"), "first", "BTC"))
	_, err := d.StartJob(t.Context(), b.ID, false)
	require.NoError(t, err)
	chunks := openChunks(t, d, b.ID)
	require.NoError(t, d.FailChunk(t.Context(), market.ChunkFault{ChunkID: chunks[0].ID, Kind: market.KindMalformed, Message: "a\x00b\xff" + strings.Repeat("é", 5000)}))
	_, _, err = d.CloseJob(t.Context(), market.JobEnd{JobID: b.ID, IsCanceled: false, Message: "gone\x00"})
	require.NoError(t, err)
	got, err := d.Backfill(t.Context(), b.ID)
	require.NoError(t, err)
	messages := []string{got.Failures[0].Message, got.Failures[1].Message}
	require.Equal(t, []string{"ab?" + strings.Repeat("é", 3997), "gone"}, messages)
	require.True(t, slices.IsSortedFunc(got.Failures, func(a, b market.ChunkFailure) int { return a.Range.Start.Compare(b.Range.Start) }))
}

func TestJobsThatAreNotKnown(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for _, id := range []string{uuid.NewString(), "not-a-uuid", strings.Repeat("x", 10_000)} {
		_, err := d.StartJob(t.Context(), id, false)
		hasKind(t, market.KindNotFound, err)
		_, _, err = d.CloseJob(t.Context(), market.JobEnd{JobID: id, IsCanceled: true, Message: ""})
		hasKind(t, market.KindNotFound, err)
		_, err = d.ReopenBackfill(t.Context(), id)
		hasKind(t, market.KindNotFound, err)
		err = d.RequestCancel(t.Context(), id)
		hasKind(t, market.KindNotFound, err)
		require.Less(t, len(err.Error()), 200)
	}
}
