package workflows

import (
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketdata/activities"
	"marketdata/market"
)

const (
	// A chunk whose workflow already runs was reset or started by an operator, or before its backfill was reset: that
	// run is waited for; after ten minutes it is left to itself.
	occupiedRetries = 60
	occupiedDelay   = 10 * time.Second
)

// launch starts one chunk and accounts for its end.
func (b *backfill) launch(ctx workflow.Context, l *lane, c activities.ChunkRef) {
	l.inFlight++
	b.progress.InFlight++
	b.showDetails(ctx)
	workflow.GoNamed(ctx, c.Name, func(ctx workflow.Context) {
		runID, err := b.runChild(ctx, c)
		switch {
		case err == nil:
			b.progress.Done++
		case temporal.IsCanceledError(err):
			b.progress.Canceled++
		default: // one bad chunk does not stop the others
			b.progress.Failed++
			b.recordFailure(ctx, c, runID, err)
		}
		l.inFlight--
		b.progress.InFlight-- // last: the main loop may end the workflow as soon as this reaches 0
		b.changes++
		b.showDetails(ctx)
	})
}

// runChild runs a chunk to its end and returns the run of its workflow.
func (b *backfill) runChild(ctx workflow.Context, c activities.ChunkRef) (runID string, err error) {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            market.ChunkWorkflowID(c.JobID, c.Name),
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
		WaitForCancellation:   true,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:         c.Label(),
		TypedSearchAttributes: chunkAttributes(c),
	})
	for try := 0; ; try++ {
		child := workflow.ExecuteChildWorkflow(ctx, NameChunk, c)
		err = child.Get(ctx, nil)
		if !temporal.IsWorkflowExecutionAlreadyStartedError(err) {
			var run workflow.Execution
			_ = child.GetChildWorkflowExecution().Get(ctx, &run) // settled with the child; it has no run when it never began
			return run.RunID, err
		}
		if try >= occupiedRetries {
			return "", err
		}
		if err := workflow.Sleep(ctx, occupiedDelay); err != nil {
			return "", err
		}
	}
}

// recordFailure makes sure that the failure is on the chunk's row: a chunk that was terminated could not say it itself.
// One that is at work under another run is left to it.
func (b *backfill) recordFailure(ctx workflow.Context, c activities.ChunkRef, runID string, err error) {
	free, _ := workflow.NewDisconnectedContext(ctx)
	kind, message := activities.Failure(err)
	var a *activities.Activities
	in := activities.FailInput{ChunkID: c.ID, RunID: runID, Kind: kind, Message: message}
	if err := workflow.ExecuteActivity(withBookkeeping(free, "record a failed chunk"), a.FailChunk, in).Get(free, nil); err != nil {
		workflow.GetLogger(ctx).Error("failure of a chunk not recorded", "chunk", c.Name, "error", err)
	}
}
