package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketdata/activities"
)

const (
	maxConcurrency = 64

	// drainPatience is how long handing out stops for a continue-as-new before a chunk that waits on an outage is
	// taken as the reason why it does not come; the history may then grow to maxHistory.
	drainPatience = 2 * time.Minute
	drainRetry    = 1000 // events until the next try to drain
	maxHistory    = 20000
)

// BackfillInput starts a backfill's workflow; everything else is read from the database. Carry is set by
// continue-as-new only.
type BackfillInput struct {
	JobID string `json:"job_id"`
	Carry *Carry `json:"carry,omitempty"`
}

// Carry is what one run of a backfill hands to the next; window and pause are in the database. Chunks up to a lane's
// position are settled by then.
type Carry struct {
	Runs      int            `json:"runs"`
	Failed    int            `json:"failed"`
	Positions map[string]int `json:"positions"` // provider → seq of the last chunk handed out
}

// Progress is what the progress query answers; the API reads the database instead.
type Progress struct {
	Total       int    `json:"total"`
	Done        int    `json:"done"`
	Failed      int    `json:"failed"`
	Canceled    int    `json:"canceled"`
	InFlight    int    `json:"in_flight"`
	PauseReason string `json:"pause_reason,omitempty"`
	Concurrency int    `json:"concurrency"`
	Runs        int    `json:"runs"`
}

// lane is one provider's share of a backfill. Each has a window of its own, so a dead provider holds up no other.
type lane struct {
	provider    string
	queue       []activities.ChunkRef
	planned     int // seq of the last chunk planned
	handedOut   int // seq of the last chunk handed out
	inFlight    int
	isExhausted bool
}

func (l *lane) isFinished() bool { return l.isExhausted && len(l.queue) == 0 && l.inFlight == 0 }

// backfill is the state of one run.
type backfill struct {
	in       BackfillInput
	plan     activities.JobPlan
	lanes    []*lane
	progress Progress
	changes  int // grows with everything the main loop must look at again

	isDraining bool
	drainFrom  int // history length at which to try to drain again
}

// BackfillWorkflow hands the chunks of a backfill out, a window at a time per provider. A failed chunk is recorded and
// the rest goes on; when a chunk is not done at the end, the workflow fails with PartialBackfill.
func BackfillWorkflow(ctx workflow.Context, in BackfillInput) (activities.JobOutcome, error) {
	b := &backfill{in: in}
	if err := b.start(ctx); err != nil {
		return activities.JobOutcome{}, err
	}
	runErr := b.run(ctx)
	if runErr == nil || ctx.Err() == nil {
		if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
			runErr = err
		}
	}
	if runErr == nil && !b.isFinished() {
		return activities.JobOutcome{}, b.continueAsNew(ctx)
	}
	return b.finish(ctx, runErr)
}

// start reads the plan and offers the query and the Updates.
func (b *backfill) start(ctx workflow.Context) error {
	if err := workflow.SetQueryHandler(ctx, QueryProgress, func() (Progress, error) { return b.progress, nil }); err != nil {
		return err
	}
	if err := b.handleUpdates(ctx); err != nil {
		return err
	}
	var a *activities.Activities
	if err := workflow.ExecuteActivity(withBookkeeping(ctx, "read the plan"), a.StartJob, b.in.JobID, b.isFresh(ctx)).Get(ctx, &b.plan); err != nil {
		return err
	}
	b.progress.Total, b.progress.Done = b.plan.Total, b.plan.Done
	b.progress.Runs = 1
	if b.progress.Concurrency == 0 { // else an Update came first
		b.progress.Concurrency = b.plan.Concurrency
	}
	if b.progress.PauseReason == "" {
		b.progress.PauseReason = b.plan.PauseReason
	}
	if c := b.in.Carry; c != nil {
		b.progress.Runs, b.progress.Failed = c.Runs+1, c.Failed
	}
	for _, provider := range b.plan.Providers {
		l := &lane{provider: provider}
		if !b.isFresh(ctx) {
			l.planned = b.in.Carry.Positions[provider]
			l.handedOut = l.planned
		}
		b.lanes = append(b.lanes, l)
	}
	b.showDetails(ctx)
	return nil
}

// isFresh reports whether the run begins from the beginning: the first of its chain, or one that a person reset.
func (b *backfill) isFresh(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	return b.in.Carry == nil || info.WorkflowExecution.RunID != info.OriginalRunID
}

// run hands out until every lane is finished, the drain for a continue-as-new is complete, the error budget is
// exceeded, or the workflow is canceled; then it waits for what is in flight.
func (b *backfill) run(ctx workflow.Context) error {
	for {
		if ctx.Err() != nil {
			return b.settle(ctx, ctx.Err())
		}
		if b.plan.MaxFailed > 0 && b.progress.Failed > b.plan.MaxFailed {
			return b.settle(ctx, temporal.NewNonRetryableApplicationError(
				fmt.Sprintf("gave up: %d chunks failed, max_failed is %d", b.progress.Failed, b.plan.MaxFailed), FailureErrorBudget, nil))
		}
		b.considerDraining(ctx)
		if err := b.handOut(ctx); err != nil {
			return b.settle(ctx, err)
		}
		if b.isFinished() || b.isDraining && b.progress.InFlight == 0 {
			return nil
		}
		if err := b.awaitChange(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// settle waits for the chunks in flight, canceled or not, so that the final counts are final.
func (b *backfill) settle(ctx workflow.Context, reason error) error {
	free, _ := workflow.NewDisconnectedContext(ctx)
	if err := workflow.Await(free, func() bool { return b.progress.InFlight == 0 }); err != nil {
		return err
	}
	return reason
}

func (b *backfill) isFinished() bool {
	for _, l := range b.lanes {
		if !l.isFinished() {
			return false
		}
	}
	return true
}

// considerDraining stops handing out when Temporal suggests a new run; awaitChange gives it up when a chunk in flight
// waits too long.
func (b *backfill) considerDraining(ctx workflow.Context) {
	info := workflow.GetInfo(ctx)
	length := info.GetCurrentHistoryLength()
	if !b.isDraining && (info.GetContinueAsNewSuggested() && length >= b.drainFrom || length >= maxHistory) {
		b.isDraining = true
	}
}

// awaitChange waits until something happened that the main loop must look at; a drain is given up after a while.
func (b *backfill) awaitChange(ctx workflow.Context) error {
	seen := b.changes
	changed := func() bool { return b.changes != seen || ctx.Err() != nil }
	if !b.isDraining {
		return workflow.Await(ctx, changed)
	}
	ok, err := workflow.AwaitWithTimeout(ctx, drainPatience, changed)
	if err == nil && !ok && workflow.GetInfo(ctx).GetCurrentHistoryLength() < maxHistory {
		b.isDraining = false
		b.drainFrom = workflow.GetInfo(ctx).GetCurrentHistoryLength() + drainRetry
	}
	return err
}

// handOut fills every lane's window.
func (b *backfill) handOut(ctx workflow.Context) error {
	for _, l := range b.lanes {
		for !b.isDraining && b.progress.PauseReason == "" && l.inFlight < b.progress.Concurrency {
			if len(l.queue) == 0 && !l.isExhausted {
				if err := b.planMore(ctx, l); err != nil {
					return err
				}
			}
			if len(l.queue) == 0 {
				break
			}
			c := l.queue[0]
			l.queue, l.handedOut = l.queue[1:], c.Seq
			b.launch(ctx, l, c)
		}
	}
	return nil
}

func (b *backfill) planMore(ctx workflow.Context, l *lane) error {
	var a *activities.Activities
	var plan activities.Plan
	in := activities.PlanInput{JobID: b.in.JobID, Provider: l.provider, AfterSeq: l.planned}
	if err := workflow.ExecuteActivity(withBookkeeping(ctx, "plan chunks of "+l.provider), a.PlanChunks, in).Get(ctx, &plan); err != nil {
		return err
	}
	l.queue, l.isExhausted = plan.Chunks, !plan.IsMore
	if n := len(plan.Chunks); n > 0 {
		l.planned = plan.Chunks[n-1].Seq
	}
	return nil
}

func (b *backfill) continueAsNew(ctx workflow.Context) error {
	carry := &Carry{
		Runs: b.progress.Runs, Failed: b.progress.Failed, Positions: map[string]int{},
	}
	for _, l := range b.lanes {
		carry.Positions[l.provider] = l.handedOut
	}
	return workflow.NewContinueAsNewError(ctx, NameBackfill, BackfillInput{JobID: b.in.JobID, Carry: carry})
}

// finish settles the backfill in the database and ends the workflow with what its chunk rows say.
func (b *backfill) finish(ctx workflow.Context, runErr error) (activities.JobOutcome, error) {
	isCanceled := temporal.IsCanceledError(runErr)
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	in := activities.CloseInput{JobID: b.in.JobID, IsCanceled: isCanceled, Message: "its backfill ended before the chunk was done"}
	if runErr != nil && !isCanceled {
		_, in.Message = activities.Failure(runErr)
	}
	var a *activities.Activities
	var outcome activities.JobOutcome
	if err := workflow.ExecuteActivity(withBookkeeping(ctx, "close the backfill"), a.CloseJob, in).Get(ctx, &outcome); err != nil {
		return outcome, err
	}
	c := outcome.Chunks
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("Ended: %d of %d chunks done, %d failed, %d canceled; %d bars inserted, %d restated, %d unchanged, %d quarantined.",
		c.Done, c.Total, c.Failed, c.Canceled, outcome.Bars.Inserted, outcome.Bars.Restated, outcome.Bars.Unchanged, outcome.Bars.Quarantined))
	if runErr != nil {
		return outcome, runErr
	}
	if c.Done < c.Total {
		message := fmt.Sprintf("%d of %d chunks are not done: %d failed, %d canceled", c.Total-c.Done, c.Total, c.Failed, c.Canceled)
		if c.Running > 0 {
			message += fmt.Sprintf(", %d at work by themselves", c.Running)
		}
		return outcome, temporal.NewNonRetryableApplicationError(message, FailurePartial, nil, outcome)
	}
	return outcome, nil
}

// showDetails writes the table an operator sees in the UI.
func (b *backfill) showDetails(ctx workflow.Context) {
	p := b.progress
	text := fmt.Sprintf("| chunks | done | failed | canceled | in flight | window per provider |\n|---|---|---|---|---|---|\n| %d | %d | %d | %d | %d | %d |\n",
		p.Total, p.Done, p.Failed, p.Canceled, p.InFlight, p.Concurrency)
	if p.PauseReason != "" {
		text += fmt.Sprintf("\n**Paused:** %s\n", plain(p.PauseReason))
	}
	text += fmt.Sprintf("\nChunks of this backfill: list query `MdJobId=\"%s\"`; failed ones: add `AND MdStage=\"failed\"`.\n", b.in.JobID)
	workflow.SetCurrentDetails(ctx, text)
}
