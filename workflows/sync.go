package workflows

import (
	"fmt"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketdata/activities"
	"marketdata/market"
)

// SyncWorkflow brings the tracked series of one provider and interval up to date; a schedule starts it. What to ask comes
// from the database, never from the time of the schedule, so that runs which were skipped or missed cost nothing. When a
// series fails, the rest goes on, the workflow ends with PartialSync, and the next run tries again.
func SyncWorkflow(ctx workflow.Context, in activities.SyncInput) (activities.SyncOutcome, error) {
	var a *activities.Activities
	var plan activities.SyncPlan
	var outcome activities.SyncOutcome
	label := fmt.Sprintf("%s bars of %s", in.Interval, in.Provider)
	err := workflow.UpsertTypedSearchAttributes(ctx, providerKey().ValueSet(in.Provider), intervalKey().ValueSet(string(in.Interval)))
	if err != nil {
		return outcome, err
	}
	if err := workflow.ExecuteActivity(withBookkeeping(ctx, "look what "+label+" lack"), a.PlanSync, in).Get(ctx, &plan); err != nil {
		return outcome, err
	}
	if len(plan.Batches) == 0 {
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("Nothing to do for the %d series: %s.%s", plan.Series, plan.Reason, delayed(plan)))
		return outcome, nil
	}
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("%d of %d series lack bars; they are asked in %d batches.%s", plan.Due, plan.Series, len(plan.Batches), delayed(plan)))
	runErr := runBatches(ctx, plan.Batches)
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	closing := activities.CloseSyncInput{JobID: plan.JobID}
	if err := workflow.ExecuteActivity(withBookkeeping(ctx, "close the sync"), a.CloseSync, closing).Get(ctx, &outcome); err != nil {
		return outcome, err
	}
	c, b := outcome.Chunks, outcome.Bars
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("Ended: %d of %d series done, %d failed; %d bars inserted, %d restated, %d unchanged, %d quarantined.%s",
		c.Done, c.Total, c.Failed, b.Inserted, b.Restated, b.Unchanged, b.Quarantined, delayed(plan)))
	if temporal.IsCanceledError(runErr) {
		return outcome, runErr
	}
	if c.Done < c.Total {
		message := fmt.Sprintf("%d of %d series failed, the next run tries again; the first: %s", c.Total-c.Done, c.Total, outcome.FirstFailure)
		return outcome, temporal.NewNonRetryableApplicationError(message, FailurePartialSync, nil, outcome)
	}
	return outcome, nil
}

// delayed says how many series are left alone for a while.
func delayed(plan activities.SyncPlan) string {
	if plan.Delayed == 0 {
		return ""
	}
	return fmt.Sprintf(" %d more were refused a short while ago and are left alone until their next try.", plan.Delayed)
}

// runBatches runs all batches at once and returns an error only when the sync was canceled: what failed is on the rows.
func runBatches(ctx workflow.Context, batches []activities.SyncBatch) error {
	running := make([]workflow.ChildWorkflowFuture, 0, len(batches))
	for _, batch := range batches {
		child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
			WorkflowID:            market.SyncBatchWorkflowID(workflow.GetInfo(ctx).WorkflowExecution.ID, batch.Number),
			ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
			WaitForCancellation:   true,
			StaticSummary:         batchLabel(batch),
			TypedSearchAttributes: batchAttributes(batch),
		})
		running = append(running, workflow.ExecuteChildWorkflow(child, NameSyncChunk, batch))
	}
	for _, child := range running {
		if err := child.Get(ctx, nil); err != nil && !temporal.IsCanceledError(err) {
			workflow.GetLogger(ctx).Warn("a batch of the sync failed", "error", err)
		}
	}
	return ctx.Err()
}

func batchLabel(b activities.SyncBatch) string {
	return fmt.Sprintf("sync %s %s: %d series", b.Provider, b.Interval, len(b.ChunkIDs))
}

func batchAttributes(b activities.SyncBatch) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(providerKey().ValueSet(b.Provider), intervalKey().ValueSet(string(b.Interval)),
		jobKey().ValueSet(b.JobID), stageKey().ValueSet(activities.StageFetch))
}

// SyncChunkWorkflow loads up to 50 series of a sync: fetch, normalize, upsert, each step for all of them. A series that
// fails is recorded and left behind; the workflow then ends failed and names the first.
func SyncChunkWorkflow(ctx workflow.Context, batch activities.SyncBatch) (activities.SyncStep, error) {
	var a *activities.Activities
	work := activities.SyncWork{Batch: batch}
	for _, id := range batch.ChunkIDs {
		work.Chunks = append(work.Chunks, activities.SyncChunk{ID: id})
	}
	var failures []string
	var kind market.Kind
	var last activities.SyncStep
	for _, step := range []struct {
		stage string
		run   any
	}{{activities.StageFetch, a.FetchSync}, {activities.StageNormalize, a.NormalizeSync}, {activities.StageUpsert, a.UpsertSync}} {
		if len(work.Chunks) == 0 {
			break
		}
		if err := showStage(ctx, step.stage); err != nil {
			return last, err
		}
		last = activities.SyncStep{}
		summary := fmt.Sprintf("%s %d series", step.stage, len(work.Chunks))
		if err := workflow.ExecuteActivity(withSync(ctx, batch, step.stage, summary), step.run, work).Get(ctx, &last); err != nil {
			return last, failBatch(ctx, work, err)
		}
		work.Chunks = last.Chunks
		if len(last.Failed) > 0 {
			failures = append(failures, fmt.Sprintf("%d in %s, the first: %s: %s", len(last.Failed), step.stage, last.Kind, last.Message))
			if kind == "" {
				kind = last.Kind
			}
		}
	}
	if len(failures) == 0 {
		return last, showStage(ctx, stageDone)
	}
	return last, endFailed(ctx, kind, fmt.Sprintf("of %d series failed %s", len(batch.ChunkIDs), strings.Join(failures, "; ")))
}

// failBatch records on every series of the step why the step as a whole failed.
func failBatch(ctx workflow.Context, work activities.SyncWork, err error) error {
	free, _ := workflow.NewDisconnectedContext(ctx)
	in := activities.FailSyncInput{}
	in.Kind, in.Message = activities.Failure(err)
	if temporal.IsCanceledError(err) {
		in.Kind, in.Message = market.KindUnavailable, "its sync was canceled; the next run goes on"
	}
	for _, c := range work.Chunks {
		in.ChunkIDs = append(in.ChunkIDs, c.ID)
	}
	var a *activities.Activities
	if e := workflow.ExecuteActivity(withBookkeeping(free, "record the failure"), a.FailSync, in).Get(free, nil); e != nil {
		return e
	}
	if temporal.IsCanceledError(err) {
		if e := showStage(free, stageCanceled); e != nil {
			return e
		}
		return err
	}
	return endFailed(free, in.Kind, in.Message)
}

// endFailed shows an operator that and why the batch failed.
func endFailed(ctx workflow.Context, kind market.Kind, message string) error {
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("Failed: %s\n\nNothing needs to be retried here: the next run of the sync goes on where the "+
		"series end. A series that was refused is left alone for up to an hour.", message))
	if err := showStage(ctx, stageFailed); err != nil {
		return err
	}
	return temporal.NewNonRetryableApplicationError(message, string(kind), nil)
}
