package activities

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"

	"marketdata/market"
	"marketdata/trace"
)

// sweepGrace is how long the sweep leaves alone what is new: a row is there before its workflow starts, and a workflow
// ends before its parent has recorded it.
const sweepGrace = 30 * time.Second

// sweepsAtOnce is how many backfills are compared with Temporal at the same time.
const sweepsAtOnce = 8

// WorkflowState is what the sweep needs to know of a workflow.
type WorkflowState string

// The states the sweep tells apart.
const (
	WorkflowRunning  WorkflowState = "running"
	WorkflowStuck    WorkflowState = "stuck"    // running, but its workflow task fails again and again
	WorkflowCanceled WorkflowState = "canceled" // or terminated
	WorkflowEnded    WorkflowState = "ended"    // completed, failed or timed out
	WorkflowUnknown  WorkflowState = "unknown"  // Temporal does not know it
)

func (s WorkflowState) isOpen() bool { return s == WorkflowRunning || s == WorkflowStuck }

// Orchestrator is what the bookkeeping needs of Temporal. workflows.Client satisfies it.
type Orchestrator interface {
	// WorkflowState returns the state of the latest run of a workflow.
	WorkflowState(ctx context.Context, workflowID string) (WorkflowState, error)
	// RestartBackfill starts the workflow of a stored backfill; already running is no error.
	RestartBackfill(ctx context.Context, jobID string) error
	// PauseProvider stops the dispatch of the provider's queues, or lets them run; where they do already, nothing changes.
	PauseProvider(ctx context.Context, provider string, isPaused bool, reason string) error
	// CancelWorkflow asks a workflow to cancel; one that does not run is no error.
	CancelWorkflow(ctx context.Context, workflowID string) error
}

// SweepResult counts what a sweep found and mended.
type SweepResult struct {
	Looked  int `json:"looked"`
	Started int `json:"started"`
	Closed  int `json:"closed"`
	Failed  int `json:"failed,omitempty"` // chunks whose workflow was gone
	Stuck   int `json:"stuck,omitempty"`  // backfills whose workflow task fails again and again
}

// SweepJobs compares every unfinished backfill with Temporal: none of our code runs when an operator terminates a
// workflow. A workflow that Temporal does not know, or that a retry did not get to start, is started; an ended one closes
// its backfill, but for chunks that run by themselves; a running chunk whose workflow is gone fails. It also stops and starts
// the queues of providers as these are paused, and reconciles the schedules, so that what was missed heals within a minute.
func (a *Activities) SweepJobs(ctx context.Context) (SweepResult, error) {
	var result SweepResult
	jobs, err := a.Jobs.UnfinishedJobs(ctx, a.Now().Add(-sweepGrace))
	if err != nil {
		return result, temporalError(ctx, err)
	}
	failed := errors.Join(a.sweepSyncs(ctx, &result), a.alignQueues(ctx)) // few, and never behind many backfills
	if a.Reconciler != nil {
		failed = errors.Join(failed, a.Reconciler.Reconcile(ctx))
	}
	var mutex sync.Mutex
	var group errgroup.Group
	group.SetLimit(sweepsAtOnce)
	for _, job := range jobs {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			var one SweepResult
			err := a.sweepJob(ctx, job, &one)
			mutex.Lock()
			defer mutex.Unlock()
			result.add(one)
			activity.RecordHeartbeat(ctx, result)
			if err != nil { // the others are looked at all the same
				failed = errors.Join(failed, market.Errorf(market.KindOf(err), "backfill %s: %w", job.ID, err))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return result, temporalError(ctx, err)
	}
	return result, temporalError(ctx, failed)
}

func (r *SweepResult) add(o SweepResult) {
	r.Looked += o.Looked
	r.Started += o.Started
	r.Closed += o.Closed
	r.Failed += o.Failed
	r.Stuck += o.Stuck
}

func (a *Activities) sweepJob(ctx context.Context, job UnfinishedJob, result *SweepResult) error {
	ctx = trace.WithRequestID(ctx, job.RequestID)
	result.Looked++
	logger := activity.GetLogger(ctx)
	state, err := a.Workflows.WorkflowState(ctx, job.WorkflowID)
	if err != nil {
		return err
	}
	if state == WorkflowStuck {
		result.Stuck++
		logger.Error("the workflow of a backfill cannot go on: its workflow task fails again and again", "backfill", job.ID)
	}
	if !state.isOpen() && (job.IsReopened || state == WorkflowUnknown && !job.IsClosed) {
		result.Started++
		logger.Info("starting the workflow of a backfill that has none", "backfill", job.ID)
		return a.Workflows.RestartBackfill(ctx, job.ID)
	}
	if state != WorkflowCanceled || job.IsClosed { // else its chunks share its fate
		if err := a.failDead(ctx, job.Quiet, result); err != nil {
			return err
		}
	}
	if state.isOpen() || job.IsClosed && !job.HasPending {
		return nil
	}
	result.Closed++
	logger.Info("closing a backfill whose workflow ended", "backfill", job.ID, "state", state)
	in := CloseInput{JobID: job.ID, IsCanceled: state == WorkflowCanceled, Message: "its backfill's workflow ended before the chunk was done"}
	_, err = a.closeJob(ctx, in, false)
	return err
}

// failDead records the failure of running chunks whose workflow is gone: nobody else will.
func (a *Activities) failDead(ctx context.Context, quiet []market.ChunkRun, result *SweepResult) error {
	for _, run := range quiet {
		state, err := a.Workflows.WorkflowState(ctx, run.WorkflowID)
		if err != nil {
			return err
		}
		message := "its workflow was terminated in Temporal; reset it there, or retry the backfill"
		switch state {
		case WorkflowRunning, WorkflowStuck:
			continue
		case WorkflowCanceled:
		case WorkflowEnded, WorkflowUnknown:
			message = "its workflow is gone before the chunk was done; retry the backfill"
		}
		result.Failed++
		activity.GetLogger(ctx).Info("failing a chunk whose workflow is gone", "workflow", run.WorkflowID, "state", state)
		fault := market.ChunkFault{ChunkID: run.ChunkID, RunID: run.RunID, Kind: market.KindInternal, Message: message}
		if err := a.Jobs.FailChunk(ctx, fault); err != nil {
			return err
		}
	}
	return nil
}
