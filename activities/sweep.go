package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"

	"marketdata/market"
	"marketdata/trace"
)

// sweepAge is how long a backfill is left alone before the sweep looks at its workflow.
const sweepAge = 2 * time.Minute

// WorkflowState is what the sweep needs to know of a workflow.
type WorkflowState string

// The states the sweep tells apart.
const (
	WorkflowRunning  WorkflowState = "running"
	WorkflowCanceled WorkflowState = "canceled" // or terminated
	WorkflowEnded    WorkflowState = "ended"    // completed, failed or timed out
	WorkflowUnknown  WorkflowState = "unknown"  // Temporal does not know it
)

// Orchestrator is what the sweep needs of Temporal. workflows.Client satisfies it.
type Orchestrator interface {
	// WorkflowState returns the state of the latest run of a workflow.
	WorkflowState(ctx context.Context, workflowID string) (WorkflowState, error)
	// RestartBackfill starts the workflow of a stored backfill; already running is no error.
	RestartBackfill(ctx context.Context, jobID string) error
	// PauseProvider stops the dispatch of the provider's queues, or lets them run; where they do already, nothing changes.
	PauseProvider(ctx context.Context, provider string, isPaused bool, reason string) error
}

// SweepResult counts what a sweep mended.
type SweepResult struct {
	Looked  int `json:"looked"`
	Started int `json:"started"`
	Closed  int `json:"closed"`
}

// SweepJobs looks at the workflows behind unfinished backfills older than two minutes: none of our code runs when an
// operator terminates one. A workflow Temporal does not know, or that a retry did not get to start, is started; an ended
// one closes its backfill. It also stops and starts the queues of providers as these are paused, and reconciles the
// schedules, so that what was missed of them heals within a minute.
func (a *Activities) SweepJobs(ctx context.Context) (SweepResult, error) {
	var result SweepResult
	jobs, err := a.Jobs.UnfinishedJobs(ctx, a.Now().Add(-sweepAge))
	if err != nil {
		return result, temporalError(ctx, err)
	}
	var failed error
	for _, job := range jobs {
		if err := a.sweepJob(ctx, job, &result); err != nil { // the others are looked at all the same
			failed = errors.Join(failed, market.Errorf(market.KindOf(err), "backfill %s: %w", job.ID, err))
		}
		if ctx.Err() != nil {
			return result, temporalError(ctx, ctx.Err())
		}
		activity.RecordHeartbeat(ctx, result)
	}
	failed = errors.Join(failed, a.sweepSyncs(ctx, &result), a.alignQueues(ctx))
	if a.Reconciler != nil {
		failed = errors.Join(failed, a.Reconciler.Reconcile(ctx))
	}
	return result, temporalError(ctx, failed)
}

func (a *Activities) sweepJob(ctx context.Context, job UnfinishedJob, result *SweepResult) error {
	ctx = trace.WithRequestID(ctx, job.RequestID)
	result.Looked++
	state, err := a.Workflows.WorkflowState(ctx, job.WorkflowID)
	if err != nil || state == WorkflowRunning {
		return err
	}
	if state == WorkflowUnknown || job.IsReopened {
		result.Started++
		activity.GetLogger(ctx).Info("starting the workflow of a backfill that has none", "backfill", job.ID)
		return a.Workflows.RestartBackfill(ctx, job.ID)
	}
	for _, id := range job.RunningChunkIDs {
		chunk, err := a.Workflows.WorkflowState(ctx, id)
		if err != nil || chunk == WorkflowRunning { // a chunk reset after its parent ended heals the backfill
			return err
		}
	}
	result.Closed++
	activity.GetLogger(ctx).Info("closing a backfill whose workflow ended", "backfill", job.ID, "state", state)
	_, _, err = a.Jobs.CloseJob(ctx, job.ID, state == WorkflowCanceled, "its workflow ended before the chunk was done")
	return err
}
