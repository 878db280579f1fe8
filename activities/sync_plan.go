package activities

import (
	"context"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"marketdata/market"
)

const (
	// syncBatch is how many series one workflow carries.
	syncBatch = 50

	// syncStep is how many of its newest bars, and of its older ones, one sync asks of a series: one that fell behind
	// catches up run by run.
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
	Due     int         `json:"due"`     // stretches to ask: the newest of each series, older ones of some
	Delayed int         `json:"delayed"` // stretches refused a short while ago
	Reason  string      `json:"reason,omitempty"`
}

// PlanSync stores what the tracked series of the provider and interval lack up to their last closed bars: of each the newest
// 5,000 bars at most, with the last few once more, and of up to 50 series an older stretch of 5,000 bars. A stretch that a
// provider refuses, such as one beyond its depth, so never holds up new bars. What an earlier run left open is closed first. A provider
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

// dueTargets returns what the series lack: the newest bars of all, then older stretches of some. A series that cannot be
// planned is told of and left out.
func (a *Activities) dueTargets(
	ctx context.Context, tracked []market.TrackedSeries, c market.Capabilities, plan *SyncPlan,
) ([]market.SyncTarget, error) {
	now := a.Now()
	retries, err := a.Syncs.SyncRetries(ctx, now)
	if err != nil {
		return nil, err
	}
	var newest, older []market.SyncTarget
	for _, s := range tracked {
		targets, err := syncTargets(s, c, now)
		if err != nil {
			activity.GetLogger(ctx).Error("a series cannot be kept in sync", "instrument", s.Instrument.String(), "interval", s.Interval, "error", err)
			continue
		}
		for _, target := range targets {
			switch {
			case target.IsCatchup && retries[s.SeriesID].Catchup.After(now), !target.IsCatchup && retries[s.SeriesID].Newest.After(now):
				plan.Delayed++
			case !target.IsCatchup:
				newest = append(newest, target)
			case len(older) < syncBatch:
				older = append(older, target)
			}
		}
	}
	return append(newest, older...), nil
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
