package activities

import (
	"context"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"marketdata/market"
	"marketdata/market/calendar"
)

const (
	// syncBatch is how many series one workflow carries.
	syncBatch = 50

	// syncStep is how many bars of a series one sync asks: a series that fell behind catches up run by run.
	syncStep = 5000

	// syncAgain is how many of the last bars are asked again at least, and syncAgainFor how far back at least: providers
	// publish late and revise what they have just published.
	syncAgain    = 3
	syncAgainFor = 10 * time.Minute

	// syncHold is how long a hold of the provider may last for a sync to begin all the same.
	syncHold = 30 * time.Second
)

// SyncInput names what a sync schedule keeps fresh.
type SyncInput struct {
	Provider string          `json:"provider"`
	Interval market.Interval `json:"interval"`
}

// SyncBatch is what travels through Temporal for up to 50 series of a sync.
type SyncBatch struct {
	JobID    string          `json:"job_id"`
	Number   int             `json:"number"` // from 1
	Provider string          `json:"provider"`
	Interval market.Interval `json:"interval"`
	ChunkIDs []int64         `json:"chunk_ids"`
}

// SyncPlan is what one run of a sync has to do; without batches, Reason says why there is nothing.
type SyncPlan struct {
	JobID   string      `json:"job_id,omitempty"`
	Batches []SyncBatch `json:"batches,omitempty"`
	Series  int         `json:"series"`  // tracked
	Due     int         `json:"due"`     // that lack a closed bar
	Delayed int         `json:"delayed"` // due, but refused a short while ago
	Reason  string      `json:"reason,omitempty"`
}

// PlanSync stores what the tracked series of the provider and interval lack: from where each ends to its last closed bar,
// at most 5,000 bars of each, and the last few bars once more. What an earlier run left open is closed first. A provider
// that is paused or held is not asked.
func (a *Activities) PlanSync(ctx context.Context, in SyncInput) (SyncPlan, error) {
	plan, err := a.planSync(ctx, in)
	return plan, temporalError(ctx, err)
}

func (a *Activities) planSync(ctx context.Context, in SyncInput) (SyncPlan, error) {
	isBusy, err := a.closeOpenSyncs(ctx, in)
	if err != nil || isBusy {
		return SyncPlan{Reason: "another run of this sync is at work"}, err
	}
	instance, err := a.instance(in.Provider)
	if err != nil {
		return SyncPlan{}, err
	}
	tracked, err := a.trackedSeries(ctx, in)
	if err != nil {
		return SyncPlan{}, err
	}
	plan := SyncPlan{Series: len(tracked)}
	if plan.Reason, err = a.holdReason(ctx, in.Provider); err != nil || plan.Reason != "" {
		return plan, err
	}
	targets, err := a.dueTargets(ctx, tracked, instance.Capabilities, &plan)
	if err != nil {
		return plan, err
	}
	if plan.Due = len(targets); plan.Due == 0 {
		plan.Reason = "every series is up to date"
		return plan, nil
	}
	return plan, a.storeSync(ctx, in, targets, &plan)
}

// closeOpenSyncs settles what a run before left, which could not do it itself when it was terminated. It reports whether
// one is still at work.
func (a *Activities) closeOpenSyncs(ctx context.Context, in SyncInput) (isBusy bool, err error) {
	open, err := a.Syncs.OpenSyncs(ctx, in.Provider, in.Interval, a.Now())
	if err != nil {
		return false, err
	}
	for _, s := range open {
		if s.ID == activity.GetInfo(ctx).WorkflowExecution.RunID {
			continue // this activity's own, from an earlier attempt
		}
		state, err := a.Workflows.WorkflowState(ctx, s.WorkflowID)
		if err != nil || state.isOpen() {
			return true, err
		}
		if _, err := a.Syncs.CloseSync(ctx, s.ID, endedEarly); err != nil {
			return false, err
		}
	}
	return false, nil
}

// endedEarly is the failure of chunks whose sync was ended from outside.
const endedEarly = "its sync ended before the series was done; the next run goes on"

func (a *Activities) instance(name string) (market.ProviderInstance, error) {
	for _, instance := range a.Providers.Instances() {
		if instance.Name == name {
			return instance, nil
		}
	}
	return market.ProviderInstance{}, market.Errorf(market.KindNotFound, "there is no provider %q", name)
}

// trackedSeries returns the series that the provider keeps fresh.
func (a *Activities) trackedSeries(ctx context.Context, in SyncInput) ([]market.TrackedSeries, error) {
	all, err := a.Syncs.TrackedSeries(ctx)
	if err != nil {
		return nil, err
	}
	synced := market.Synced(all, market.CanSync(a.Providers.Instances()))
	return slices.DeleteFunc(synced, func(s market.TrackedSeries) bool {
		return s.Provider != in.Provider || s.Interval != in.Interval
	}), nil
}

// holdReason says why the provider is not asked now, or "".
func (a *Activities) holdReason(ctx context.Context, provider string) (string, error) {
	isPaused, until, err := a.Syncs.ProviderHold(ctx, provider)
	switch {
	case err != nil:
		return "", err
	case isPaused:
		return "provider " + provider + " is paused", nil
	case until.After(a.Now().Add(syncHold)):
		return "provider " + provider + " asked to wait until " + market.FormatTime(until), nil
	}
	return "", nil
}

func (a *Activities) dueTargets(
	ctx context.Context, tracked []market.TrackedSeries, c market.Capabilities, plan *SyncPlan,
) ([]market.SyncTarget, error) {
	retries, err := a.Syncs.SyncRetries(ctx, a.Now())
	if err != nil {
		return nil, err
	}
	var targets []market.SyncTarget
	for _, s := range tracked {
		target, isDue, err := syncTarget(s, c, a.Now())
		if err != nil {
			return nil, err
		}
		if _, isDelayed := retries[s.SeriesID]; isDue && isDelayed {
			plan.Delayed++
		} else if isDue {
			targets = append(targets, target)
		}
	}
	return targets, nil
}

// syncTarget returns what is to be asked of a series, or false when its last closed bar is there.
func syncTarget(s market.TrackedSeries, c market.Capabilities, now time.Time) (market.SyncTarget, bool, error) {
	grid, err := calendar.GridOf(s.Interval, s.Calendar)
	if err != nil {
		return market.SyncTarget{}, false, err
	}
	closed := grid.ClosedBefore(now, c.Settle)
	if s.DelistedAt != nil && grid.Ceil(*s.DelistedAt).Before(closed) {
		closed = grid.Ceil(*s.DelistedAt)
	}
	again := grid.Before(closed, syncAgain)
	if longer := grid.Ceil(closed.Add(-syncAgainFor)); longer.Before(again) {
		again = longer
	}
	from := again // a series without any bar begins with today, and with its last bars
	switch {
	case s.CoveredUntil != nil:
		from = grid.Ceil(*s.CoveredUntil)
	case s.Since.Before(again):
		from = grid.Ceil(s.Since)
	}
	if s.CoveredUntil != nil && !from.Before(closed) {
		return market.SyncTarget{}, false, nil
	}
	start := from
	if again.Before(start) {
		start = again
	}
	if s.ListedAt != nil {
		if listed := grid.Holding(*s.ListedAt); listed.After(start) {
			start = listed
		}
	}
	wanted := market.Range{Start: start, End: closed}
	if step := grid.After(start, syncStep); step.Before(closed) {
		wanted.End = step
	}
	if wanted.IsEmpty() {
		return market.SyncTarget{}, false, nil
	}
	target := market.SyncTarget{Series: s, PriceBasis: c.PriceBasis, Range: wanted, Again: wanted.End, Bars: grid.Count(wanted)}
	if again.Before(wanted.End) {
		target.Again = again
	}
	return target, target.Bars > 0, nil
}

func (a *Activities) storeSync(ctx context.Context, in SyncInput, targets []market.SyncTarget, plan *SyncPlan) error {
	run := activity.GetInfo(ctx).WorkflowExecution
	ids, err := a.Syncs.CreateSync(ctx, market.SyncRequest{
		ID: run.RunID, WorkflowID: run.ID, Provider: in.Provider, Interval: in.Interval, Targets: targets, BatchSize: syncBatch,
	})
	if err != nil {
		return err
	}
	plan.JobID = run.RunID
	for batch := range slices.Chunk(ids, syncBatch) {
		plan.Batches = append(plan.Batches, SyncBatch{
			JobID: run.RunID, Number: len(plan.Batches) + 1, Provider: in.Provider, Interval: in.Interval, ChunkIDs: batch,
		})
	}
	return nil
}
