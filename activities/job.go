package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"marketdata/market"
)

// planPage is how many chunk references one plan carries through Temporal (about 300 bytes each).
const planPage = 200

// PlanInput asks for the next chunks of one provider in a backfill.
type PlanInput struct {
	JobID    string `json:"job_id"`
	Provider string `json:"provider"`
	AfterSeq int    `json:"after_seq"`
}

// Plan is a page of chunks to hand out.
type Plan struct {
	Chunks []ChunkRef `json:"chunks"`
	IsMore bool       `json:"is_more"`
}

// StartJob marks the backfill as started and returns what its workflow needs to know. A workflow that begins from its
// beginning, as after a reset in the UI, is fresh and does again what failed or was canceled.
func (a *Activities) StartJob(ctx context.Context, jobID string, isFresh bool) (JobPlan, error) {
	plan, err := a.Jobs.StartJob(ctx, jobID, isFresh)
	return plan, temporalError(ctx, err)
}

// PlanChunks returns the provider's next chunks that are not done; a repeated backfill hands out only those.
func (a *Activities) PlanChunks(ctx context.Context, in PlanInput) (Plan, error) {
	chunks, err := a.Jobs.OpenChunks(ctx, in.JobID, in.Provider, in.AfterSeq, planPage)
	if err != nil {
		return Plan{}, temporalError(ctx, err)
	}
	plan := Plan{IsMore: len(chunks) == planPage}
	for _, c := range chunks {
		plan.Chunks = append(plan.Chunks, ChunkRef{
			ID: c.ID, JobID: c.JobID, Seq: c.Seq, Name: c.Name, Provider: c.Provider, Instrument: c.Instrument.String(),
			Interval: c.Interval, Start: c.Range.Start, End: c.Range.End,
		})
	}
	return plan, nil
}

// FailInput says why a chunk failed.
type FailInput struct {
	ChunkID int64       `json:"chunk_id"`
	RunID   string      `json:"run_id,omitempty"` // of the chunk's workflow; by default the caller's
	Kind    market.Kind `json:"kind"`
	Message string      `json:"message"`
}

// FailChunk records why a chunk failed, unless it is done by now or another run is at work on it.
func (a *Activities) FailChunk(ctx context.Context, in FailInput) error {
	if in.RunID == "" {
		in.RunID = activity.GetInfo(ctx).WorkflowExecution.RunID
	}
	fault := market.ChunkFault{ChunkID: in.ChunkID, RunID: in.RunID, Kind: in.Kind, Message: in.Message}
	return temporalError(ctx, a.Jobs.FailChunk(ctx, fault))
}

// CancelChunk marks the caller's chunk canceled, unless it is done or failed, or another run is at work on it.
func (a *Activities) CancelChunk(ctx context.Context, chunkID int64) error {
	return temporalError(ctx, a.Jobs.CancelChunk(ctx, chunkID, activity.GetInfo(ctx).WorkflowExecution.RunID))
}

// CloseInput ends a backfill.
type CloseInput struct {
	JobID      string `json:"job_id"`
	IsCanceled bool   `json:"is_canceled"`
	Message    string `json:"message"`
}

// JobOutcome is what a backfill came to, counted from its chunks.
type JobOutcome struct {
	Chunks market.ChunkCounts `json:"chunks"`
	Bars   market.BarCounts   `json:"bars"`
}

// CloseJob settles the chunks that will not run any more and returns the final counts. A chunk whose workflow runs by
// itself, as one that was reset while its backfill ran, is left to it; in a canceled backfill it is canceled too.
func (a *Activities) CloseJob(ctx context.Context, in CloseInput) (JobOutcome, error) {
	outcome, err := a.closeJob(ctx, in, in.IsCanceled)
	return outcome, temporalError(ctx, err)
}

func (a *Activities) closeJob(ctx context.Context, in CloseInput, cancelsChunks bool) (JobOutcome, error) {
	runs, err := a.Jobs.RunningChunks(ctx, in.JobID)
	if err != nil {
		return JobOutcome{}, err
	}
	end := market.JobEnd{JobID: in.JobID, IsCanceled: in.IsCanceled, Message: in.Message, DeadRuns: []string{}}
	for _, run := range runs {
		state, err := a.Workflows.WorkflowState(ctx, run.WorkflowID)
		if err == nil && state.isOpen() && cancelsChunks {
			err = a.Workflows.CancelWorkflow(ctx, run.WorkflowID)
		}
		if err != nil {
			return JobOutcome{}, err
		}
		if !state.isOpen() {
			end.DeadRuns = append(end.DeadRuns, run.RunID)
		}
	}
	chunks, bars, err := a.Jobs.CloseJob(ctx, end)
	return JobOutcome{Chunks: chunks, Bars: bars}, err
}

// PauseInput stores or clears (empty reason) why a backfill is paused.
type PauseInput struct {
	JobID  string `json:"job_id"`
	Reason string `json:"reason"`
}

// SetJobPaused stores why the backfill is paused, or that it no longer is.
func (a *Activities) SetJobPaused(ctx context.Context, in PauseInput) error {
	var reason *string
	if in.Reason != "" {
		reason = &in.Reason
	}
	return temporalError(ctx, a.Jobs.SetJobPaused(ctx, in.JobID, reason))
}

// ConcurrencyInput stores how many chunks per provider are in flight.
type ConcurrencyInput struct {
	JobID       string `json:"job_id"`
	Concurrency int    `json:"concurrency"`
}

// SetJobConcurrency stores the window of a backfill.
func (a *Activities) SetJobConcurrency(ctx context.Context, in ConcurrencyInput) error {
	return temporalError(ctx, a.Jobs.SetJobConcurrency(ctx, in.JobID, in.Concurrency))
}
