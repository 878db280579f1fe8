package activities

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"marketdata/alerts"
	"marketdata/market"
	"marketdata/market/calendar"
)

const (
	failedWithin  = 24 * time.Hour // a backfill that failed before, unnoticed, is past news
	refusedWithin = time.Hour      // so is a refusal
)

// WatchResult counts what a look at the conditions came to.
type WatchResult struct {
	market.AlertCounts

	Started int `json:"started"` // deliveries
}

// WatchAlerts looks at what is the matter, stores which alerts are raised and resolved by it together with what webhooks
// are to be told, and starts the deliveries that nobody looks after: those just stored, and those a crash left behind.
func (a *Alerting) WatchAlerts(ctx context.Context) (WatchResult, error) {
	result, err := a.watch(ctx)
	return result, temporalError(ctx, err)
}

func (a *Alerting) watch(ctx context.Context) (WatchResult, error) {
	var result WatchResult
	found, err := a.conditions(ctx)
	if err != nil {
		return result, err
	}
	result.AlertCounts, err = a.Alerts.ChangeAlerts(ctx, a.Sender.Receivers(), func(open []market.Alert) market.AlertChanges {
		return alerts.Decide(open, found)
	})
	if err != nil {
		return result, err
	}
	if result.Raised+result.Resolved > 0 {
		activity.GetLogger(ctx).Info("alerts changed", "raised", result.Raised, "resolved", result.Resolved)
	}
	waiting, err := a.Deliveries.WaitingDeliveries(ctx)
	if err != nil {
		return result, err
	}
	var failed error
	for _, ref := range waiting {
		isStarted, err := a.attend(ctx, ref)
		if isStarted {
			result.Started++
		}
		failed = errors.Join(failed, err) // the others are looked after all the same
		activity.RecordHeartbeat(ctx, result)
	}
	return result, failed
}

// conditions returns everything that is the matter now.
func (a *Alerting) conditions(ctx context.Context) ([]market.AlertCondition, error) {
	open, err := a.Alerts.OpenAlerts(ctx)
	if err != nil {
		return nil, err
	}
	var found []market.AlertCondition
	for _, look := range []func(context.Context, []market.Alert) ([]market.AlertCondition, error){a.backfills, a.providers, a.series} {
		conditions, err := look(ctx, open)
		if err != nil {
			return nil, err
		}
		found = append(found, conditions...)
	}
	return found, nil
}

// backfills returns the failures that no alert is about, and holds for those that are not mended.
func (a *Alerting) backfills(ctx context.Context, open []market.Alert) ([]market.AlertCondition, error) {
	failed, err := a.Alerts.NewlyFailedBackfills(ctx, a.Now().Add(-failedWithin))
	if err != nil {
		return nil, err
	}
	conditions := make([]market.AlertCondition, 0, len(failed))
	for _, f := range failed {
		conditions = append(conditions, alerts.BackfillFailed(f))
	}
	var ids []string
	for _, alert := range open {
		if alert.Kind == market.AlertBackfillFailed {
			ids = append(ids, alert.Subject.BackfillID)
		}
	}
	unsettled, err := a.Alerts.UnsettledBackfills(ctx, ids)
	for _, id := range unsettled {
		conditions = append(conditions, market.AlertCondition{Kind: market.AlertBackfillFailed, Key: id, HoldsOnly: true})
	}
	return conditions, err
}

// providers returns those that are paused and those that refuse us.
func (a *Alerting) providers(ctx context.Context, open []market.Alert) ([]market.AlertCondition, error) {
	states, err := a.Alerts.ProviderStates(ctx)
	if err != nil {
		return nil, err
	}
	now := a.Now()
	refusals, err := a.Alerts.ProviderRefusals(ctx, now.Add(-refusedWithin))
	if err != nil {
		return nil, err
	}
	var conditions []market.AlertCondition
	for _, p := range a.Providers {
		state := states[p.Name]
		if !p.Enabled {
			continue
		}
		if state.Paused {
			conditions = append(conditions, alerts.ProviderPaused(p.Name, state.PausedReason, now))
		}
		refused, err := a.refused(ctx, p.Name, state, refusals, open)
		if err != nil {
			return nil, err
		}
		conditions = append(conditions, refused...)
	}
	return conditions, nil
}

// refused says whether a provider refuses us: it did so and has not answered since, or it sent us away for long.
func (a *Alerting) refused(ctx context.Context, provider string, state market.ProviderState, refusals []market.ProviderRefusal, open []market.Alert) ([]market.AlertCondition, error) {
	now := a.Now()
	if alerts.IsBan(state.NotBefore, now) {
		return []market.AlertCondition{alerts.ProviderBanned(provider, state.NotBefore, now)}, nil
	}
	hold := market.AlertCondition{Kind: market.AlertProviderRefused, Key: provider, HoldsOnly: true}
	if state.NotBefore.After(now) {
		return []market.AlertCondition{hold}, nil
	}
	at := slices.IndexFunc(refusals, func(r market.ProviderRefusal) bool { return r.Provider == provider })
	if at >= 0 {
		hasAnswered, err := a.Alerts.HasAnswered(ctx, provider, refusals[at].At)
		if err != nil || hasAnswered {
			return nil, err
		}
		return []market.AlertCondition{alerts.ProviderRefused(refusals[at])}, nil
	}
	for _, alert := range open { // the refused chunk may be pending again, or the hour is over
		if alert.Kind != market.AlertProviderRefused || alert.Key != provider {
			continue
		}
		// a look each minute misses no answer of the last hour
		since := now.Add(-refusedWithin)
		if alert.OccurredAt.After(since) {
			since = alert.OccurredAt
		}
		hasAnswered, err := a.Alerts.HasAnswered(ctx, provider, since)
		if err != nil || hasAnswered {
			return nil, err
		}
		return []market.AlertCondition{hold}, nil
	}
	return nil, nil
}

// series returns, by provider and interval, which series of those kept in sync are stale.
func (a *Alerting) series(ctx context.Context, _ []market.Alert) ([]market.AlertCondition, error) {
	tracked, err := a.Alerts.TrackedSeries(ctx)
	if err != nil {
		return nil, err
	}
	now := a.Now()
	synced := market.Synced(tracked, market.CanSync(a.Providers))
	var ids []int64
	all := make([]alerts.Lateness, 0, len(synced))
	for _, s := range synced {
		late, err := calendar.Staleness(s, a.settle(s.Provider), now)
		if err != nil { // a calendar this build does not have; the others are looked at all the same
			activity.GetLogger(ctx).Warn("staleness unknown", "instrument", s.Instrument.String(), "interval", s.Interval, "error", err.Error())
			continue
		}
		// what was just added has not had time to be late
		all = append(all, alerts.Lateness{Series: s, Late: min(late, now.Sub(s.AddedAt))})
		if late > 0 {
			ids = append(ids, s.SeriesID)
		}
	}
	reasons, err := a.Alerts.SyncErrors(ctx, ids)
	for i := range all {
		all[i].Why = reasons[all[i].Series.SeriesID]
	}
	return alerts.SeriesStale(all, a.staleAfter, now), err
}

// settle is how long after a bar's close the provider publishes it.
func (a *Alerting) settle(provider string) time.Duration {
	for _, p := range a.Providers {
		if p.Name == provider {
			return p.Capabilities.Settle
		}
	}
	return 0
}

func (a *Alerting) staleAfter(i market.Interval) time.Duration {
	if a.StaleAfter > 0 {
		return a.StaleAfter
	}
	return market.StaleAfter(i)
}
