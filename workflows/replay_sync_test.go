package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	sdkworker "go.temporal.io/sdk/worker"

	"marketdata/activities"
	"marketdata/market"
	"marketdata/workflows"
)

// What the made-up syncs are for, by their interval.
const (
	syncDone     = market.Interval1m
	syncPartial  = market.Interval5m  // one series of a batch is refused
	syncRefused  = market.Interval15m // a step fails as a whole
	syncCanceled = market.Interval1h
	syncIdle     = market.Interval1d // nothing is due
)

// recordSyncs runs syncs that go every way they can and saves their histories.
func recordSyncs(ctx context.Context, t *testing.T, c client.Client, fetching <-chan struct{}) {
	t.Helper()
	start := func(interval market.Interval) client.WorkflowRun {
		run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "sync/alpha/" + string(interval), TaskQueue: workflows.QueueMain},
			workflows.NameSync, activities.SyncInput{Provider: "alpha", Interval: interval})
		require.NoError(t, err)
		return run
	}
	batch := func(name string, run client.WorkflowRun) {
		save(ctx, t, c, name, market.SyncBatchWorkflowID(run.GetID(), 1), "")
	}
	done := start(syncDone)
	require.NoError(t, done.Get(ctx, nil))
	save(ctx, t, c, "sync_done", done.GetID(), "")
	batch("sync_chunk_done", done)

	partial := start(syncPartial)
	require.ErrorContains(t, partial.Get(ctx, nil), workflows.FailurePartialSync)
	save(ctx, t, c, "sync_partial", partial.GetID(), "")
	batch("sync_chunk_partial", partial)

	refused := start(syncRefused)
	require.ErrorContains(t, refused.Get(ctx, nil), workflows.FailurePartialSync)
	batch("sync_chunk_refused", refused)

	canceled := start(syncCanceled)
	<-fetching
	require.NoError(t, c.CancelWorkflow(ctx, canceled.GetID(), ""))
	var failure *temporal.CanceledError
	require.ErrorAs(t, canceled.Get(ctx, nil), &failure)
	save(ctx, t, c, "sync_canceled", canceled.GetID(), "")
	batch("sync_chunk_canceled", canceled)

	idle := start(syncIdle)
	require.NoError(t, idle.Get(ctx, nil))
	save(ctx, t, c, "sync_idle", idle.GetID(), "")
}

// recordAlerts saves the histories of a look at what is the matter and of two deliveries.
func recordAlerts(ctx context.Context, t *testing.T, c client.Client, orchestrator *workflows.Client) {
	t.Helper()
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "watch", TaskQueue: workflows.QueueMain}, workflows.NameWatch)
	require.NoError(t, err)
	require.NoError(t, run.Get(ctx, nil))
	save(ctx, t, c, "watch", run.GetID(), "")
	for webhook, name := range map[string]string{"ops": "alert_delivered", "refusing": "alert_failed"} {
		ref := market.AlertRef{AlertID: "a1", Event: market.EventRaised, Webhook: webhook}
		require.NoError(t, orchestrator.StartAlert(ctx, ref))
		require.Equal(t, webhook == "refusing", c.GetWorkflow(ctx, ref.WorkflowID(), "").Get(ctx, nil) != nil)
		save(ctx, t, c, name, ref.WorkflowID(), "")
	}
}

// registerRecordedSyncs registers made-up activities of the main queue: of syncs, and of alerts.
func registerRecordedSyncs(r sdkworker.ActivityRegistry) {
	named(r, "PlanSync", func(_ context.Context, in activities.SyncInput) (activities.SyncPlan, error) {
		if in.Interval == syncIdle {
			return activities.SyncPlan{Series: 3, Delayed: 1, Reason: "every series is up to date"}, nil
		}
		plan := activities.SyncPlan{JobID: string(in.Interval), Series: 3, Due: 3}
		for i, ids := range [][]int64{{1, 2}, {3}} {
			plan.Batches = append(plan.Batches, activities.SyncBatch{
				JobID: plan.JobID, Number: i + 1, Provider: in.Provider, Interval: in.Interval, ChunkIDs: ids,
			})
		}
		return plan, nil
	})
	named(r, "FailSync", func(context.Context, activities.FailSyncInput) error { return nil })
	named(r, "CloseSync", func(_ context.Context, in activities.CloseSyncInput) (activities.SyncOutcome, error) {
		var o activities.SyncOutcome
		o.Chunks = market.ChunkCounts{Total: 3, Done: 3}
		if in.JobID != string(syncDone) {
			o.Chunks, o.FirstFailure = market.ChunkCounts{Total: 3, Done: 2, Failed: 1}, "BTC.X: denied: key refused"
		}
		return o, nil
	})
	named(r, "WatchAlerts", func(context.Context) (activities.WatchResult, error) { return activities.WatchResult{Started: 1}, nil })
	named(r, "SendAlert", func(_ context.Context, in activities.AlertInput) error {
		if in.Webhook == "refusing" {
			return temporal.NewNonRetryableApplicationError("the receiver answered 403", string(market.KindDenied), nil)
		}
		return nil
	})
	named(r, "FailAlert", func(context.Context, activities.AlertInput) error { return nil })
}

// newRecordedSyncing is the worker of the made-up steps of syncs.
func newRecordedSyncing(c client.Client, canceled *job) sdkworker.Worker {
	w := sdkworker.New(c, workflows.SyncQueue("alpha"), sdkworker.Options{MaxHeartbeatThrottleInterval: time.Second})
	named(w, "NormalizeSync", pass)
	named(w, "UpsertSync", pass)
	named(w, "FetchSync", func(ctx context.Context, work activities.SyncWork) (activities.SyncStep, error) {
		switch {
		case work.Batch.Interval == syncCanceled:
			return activities.SyncStep{}, canceled.hang(ctx)
		case work.Batch.Number == 1 && work.Batch.Interval == syncPartial:
			return activities.SyncStep{Chunks: work.Chunks[1:], Failed: []int64{1}, Kind: market.KindDenied, Message: "key refused"}, nil
		case work.Batch.Number == 1 && work.Batch.Interval == syncRefused:
			return activities.SyncStep{}, temporal.NewNonRetryableApplicationError("key refused", string(market.KindDenied), nil)
		}
		return pass(ctx, work)
	})
	return w
}
