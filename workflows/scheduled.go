package workflows

import (
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketdata/activities"
	"marketdata/market"
)

const (
	// A planned backfill that waited for minutes was started by the sweep: its end is waited for.
	startedElsewhereDelay    = 2 * time.Second
	startedElsewhereMaxDelay = time.Minute
)

// ScheduledBackfillInput names the schedule; what it asks for is read from the database when it runs.
type ScheduledBackfillInput struct {
	ScheduleID string `json:"schedule_id"`
}

// ScheduledBackfillResult is what a run of a schedule came to.
type ScheduledBackfillResult struct {
	JobID   string                `json:"job_id,omitempty"`
	Message string                `json:"message"`
	Outcome activities.JobOutcome `json:"outcome"`
}

// ScheduledBackfillWorkflow stores the backfill of a schedule and runs it, so that the run lasts as long as its backfill
// and the next one is skipped meanwhile. It ends as its backfill does: failed with PartialBackfill, or canceled.
func ScheduledBackfillWorkflow(ctx workflow.Context, in ScheduledBackfillInput) (ScheduledBackfillResult, error) {
	var a *activities.Activities
	var planned activities.ScheduledBackfill
	plan := activities.ScheduledInput{ScheduleID: in.ScheduleID, RunAt: workflow.Now(ctx)}
	err := workflow.ExecuteActivity(withBookkeeping(ctx, "plan the backfill of "+in.ScheduleID), a.PlanScheduledBackfill, plan).Get(ctx, &planned)
	result := ScheduledBackfillResult{JobID: planned.JobID, Message: planned.Message}
	if err != nil {
		_, message := activities.Failure(err)
		workflow.SetCurrentDetails(ctx, "**Not planned:** "+message)
		return result, err
	}
	workflow.SetCurrentDetails(ctx, planned.Message)
	if planned.Chunks == 0 {
		return result, nil
	}
	attributes := []temporal.SearchAttributeUpdate{jobKey().ValueSet(planned.JobID), intervalKey().ValueSet(string(planned.Interval))}
	if err := workflow.UpsertTypedSearchAttributes(ctx, attributes...); err != nil {
		return result, err
	}
	err = runBackfill(ctx, in, planned, attributes, &result)
	var failed *temporal.ApplicationError
	switch {
	case err == nil, ctx.Err() != nil:
		return result, err
	case temporal.IsCanceledError(err): // through the API: this run was not
		return result, temporal.NewCanceledError("its backfill was canceled")
	case errors.As(err, &failed): // under its own type, not as a failed child
		message := "backfill " + planned.JobID + ": " + failed.Message()
		workflow.SetCurrentDetails(ctx, planned.Message+"\n\n**Failed:** "+message)
		return result, temporal.NewNonRetryableApplicationError(message, failed.Type(), nil)
	}
	return result, err
}

// runBackfill runs the backfill as a child under its usual id; one that runs already is waited for, and run once more,
// which only counts what its chunks came to.
func runBackfill(ctx workflow.Context, in ScheduledBackfillInput, planned activities.ScheduledBackfill,
	attributes []temporal.SearchAttributeUpdate, result *ScheduledBackfillResult,
) error {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            market.BackfillWorkflowID(planned.JobID),
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
		WaitForCancellation:   true,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:         "schedule " + in.ScheduleID,
		StaticDetails:         planned.Message,
		TypedSearchAttributes: temporal.NewSearchAttributes(attributes...),
	})
	for delay := startedElsewhereDelay; ; delay = min(2*delay, startedElsewhereMaxDelay) {
		err := workflow.ExecuteChildWorkflow(ctx, NameBackfill, BackfillInput{JobID: planned.JobID}).Get(ctx, &result.Outcome)
		if !temporal.IsWorkflowExecutionAlreadyStartedError(err) {
			return err
		}
		if err := workflow.Sleep(ctx, delay); err != nil {
			return err
		}
	}
}
