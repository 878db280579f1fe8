package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"marketdata/activities"
	"marketdata/market"
	"marketdata/worker"
	"marketdata/workflows"
)

// setupSync returns an environment for syncs of two batches, of 2 and 1 series.
func setupSync(t *testing.T) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	env := newEnvironment(t)
	env.RegisterWorkflowWithOptions(workflows.SyncWorkflow, workflow.RegisterOptions{Name: workflows.NameSync})
	env.RegisterWorkflowWithOptions(workflows.SyncChunkWorkflow, workflow.RegisterOptions{Name: workflows.NameSyncChunk})
	worker.RegisterBookkeeping(env, &activities.Activities{})
	worker.RegisterSyncing(env, &activities.Activities{})
	env.OnActivity("PlanSync", mock.Anything, syncInput()).Return(activities.SyncPlan{
		JobID: "j", Series: 5, Due: 3, Batches: []activities.SyncBatch{
			{JobID: "j", Number: 1, Provider: "alpha", Interval: "1m", ChunkIDs: []int64{1, 2}},
			{JobID: "j", Number: 2, Provider: "alpha", Interval: "1m", ChunkIDs: []int64{3}},
		},
	}, nil)
	return env
}

func syncInput() activities.SyncInput {
	return activities.SyncInput{Provider: "alpha", Interval: "1m"}
}

// pass lets every series through a step.
func pass(_ context.Context, work activities.SyncWork) (activities.SyncStep, error) {
	return activities.SyncStep{Chunks: work.Chunks}, nil
}

func closeAs(env *testsuite.TestWorkflowEnvironment, c market.ChunkCounts) {
	env.OnActivity("CloseSync", mock.Anything, activities.CloseSyncInput{JobID: "j"}).Return(
		activities.SyncOutcome{SyncOutcome: market.SyncOutcome{Chunks: c}, FirstFailure: "BTC.X: denied: key refused"}, nil)
}

func TestSyncRunsItsBatchesAtOnce(t *testing.T) {
	t.Parallel()
	env := setupSync(t)
	env.OnActivity("FetchSync", mock.Anything, mock.Anything).Return(pass)
	env.OnActivity("NormalizeSync", mock.Anything, mock.Anything).Return(pass)
	env.OnActivity("UpsertSync", mock.Anything, mock.Anything).Return(pass)
	closeAs(env, market.ChunkCounts{Total: 3, Done: 3})
	env.ExecuteWorkflow(workflows.NameSync, syncInput())
	require.NoError(t, env.GetWorkflowError())
	env.AssertActivityNumberOfCalls(t, "FetchSync", 2)
	env.AssertActivityNumberOfCalls(t, "UpsertSync", 2)
}

func TestSyncWithNothingToDoEndsGreen(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t)
	env.RegisterWorkflowWithOptions(workflows.SyncWorkflow, workflow.RegisterOptions{Name: workflows.NameSync})
	worker.RegisterBookkeeping(env, &activities.Activities{})
	env.OnActivity("PlanSync", mock.Anything, mock.Anything).Return(activities.SyncPlan{Series: 2, Reason: "every series is up to date"}, nil)
	env.ExecuteWorkflow(workflows.NameSync, syncInput())
	require.NoError(t, env.GetWorkflowError())
}

func TestSyncGoesOnWithoutWhatFailsAndEndsRed(t *testing.T) {
	t.Parallel()
	env := setupSync(t)
	env.OnActivity("FetchSync", mock.Anything, mock.Anything).Return(func(_ context.Context, work activities.SyncWork) (activities.SyncStep, error) {
		if work.Batch.Number == 2 {
			return activities.SyncStep{Failed: []int64{3}, Kind: market.KindDenied, Message: "key refused"}, nil
		}
		return activities.SyncStep{Chunks: work.Chunks}, nil
	})
	var upserted []activities.SyncChunk
	env.OnActivity("NormalizeSync", mock.Anything, mock.Anything).Return(pass)
	env.OnActivity("UpsertSync", mock.Anything, mock.Anything).Return(func(_ context.Context, work activities.SyncWork) (activities.SyncStep, error) {
		upserted = append(upserted, work.Chunks...)
		return activities.SyncStep{}, nil
	})
	closeAs(env, market.ChunkCounts{Total: 3, Done: 2, Failed: 1})
	env.ExecuteWorkflow(workflows.NameSync, syncInput())
	var failure *temporal.ApplicationError
	require.ErrorAs(t, env.GetWorkflowError(), &failure)
	require.Equal(t, workflows.FailurePartialSync, failure.Type())
	require.Equal(t, "1 of 3 series failed, the next run tries again; the first: BTC.X: denied: key refused", failure.Message())
	require.Equal(t, []activities.SyncChunk{{ID: 1}, {ID: 2}}, upserted)
}

func TestSyncBatchThatFailsAsAWholeRecordsIt(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t)
	env.RegisterWorkflowWithOptions(workflows.SyncChunkWorkflow, workflow.RegisterOptions{Name: workflows.NameSyncChunk})
	worker.RegisterBookkeeping(env, &activities.Activities{})
	worker.RegisterSyncing(env, &activities.Activities{})
	env.OnActivity("FetchSync", mock.Anything, mock.Anything).Return(activities.SyncStep{},
		temporal.NewNonRetryableApplicationError("no provider alpha", string(market.KindNotFound), nil))
	env.OnActivity("FailSync", mock.Anything, activities.FailSyncInput{
		ChunkIDs: []int64{1, 2}, Kind: market.KindNotFound, Message: "no provider alpha",
	}).Return(nil).Once()
	env.ExecuteWorkflow(workflows.NameSyncChunk, activities.SyncBatch{Provider: "alpha", ChunkIDs: []int64{1, 2}})
	var failure *temporal.ApplicationError
	require.ErrorAs(t, env.GetWorkflowError(), &failure)
	require.Equal(t, string(market.KindNotFound), failure.Type())
	env.AssertExpectations(t)
}

func TestCanceledSyncIsClosed(t *testing.T) {
	t.Parallel()
	env := setupSync(t)
	env.OnActivity("FetchSync", mock.Anything, mock.Anything).Return(func(ctx context.Context, _ activities.SyncWork) (activities.SyncStep, error) {
		return activities.SyncStep{}, market.Errorf(market.KindUnavailable, "away")
	})
	env.OnActivity("FailSync", mock.Anything, mock.Anything).Return(nil)
	closeAs(env, market.ChunkCounts{Total: 3, Failed: 3})
	env.RegisterDelayedCallback(env.CancelWorkflow, 5*time.Second)
	env.ExecuteWorkflow(workflows.NameSync, syncInput())
	require.ErrorAs(t, env.GetWorkflowError(), new(*temporal.CanceledError))
	env.AssertActivityNumberOfCalls(t, "CloseSync", 1)
	env.AssertActivityNumberOfCalls(t, "FailSync", 2)
}
