package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"marketdata/market"
)

const (
	recordRetention = 90 * 24 * time.Hour // of alerts that are over, and of runs of schedules that had nothing to do

	syncRetention = 7 * 24 * time.Hour // of the records of syncs; bars and their loads stay
	purgeBatch    = 20                 // each has a chunk for every series that was due
)

// Housekeeper keeps the storage ready. *db.DB satisfies it.
type Housekeeper interface {
	// EnsureBarPartitions creates the yearly partitions of bar that r touches.
	EnsureBarPartitions(ctx context.Context, r market.Range) error
	// EnsureRawPagePartitions creates the monthly partitions of raw_page from now on for two months.
	EnsureRawPagePartitions(ctx context.Context, now time.Time) error
	// PurgeRawPages drops the bodies of raw pages asked for before the instant; the rest of the rows stays.
	PurgeRawPages(ctx context.Context, before time.Time) (int64, error)
	// PurgeRecords drops, from before the instant, alerts that are over and backfills of schedules that had nothing to do.
	PurgeRecords(ctx context.Context, before time.Time) error
	// ProviderStates returns the state of each provider instance that has a budget.
	ProviderStates(ctx context.Context) (map[string]market.ProviderState, error)
}

// Maintain is the daily housekeeping: partitions for the time ahead, raw bodies past their retention.
func (a *Activities) Maintain(ctx context.Context) error {
	return temporalError(ctx, a.maintain(ctx))
}

func (a *Activities) maintain(ctx context.Context) error {
	now := a.Now()
	if err := a.Housekeeping.EnsureBarPartitions(ctx, market.Range{Start: now, End: now.AddDate(2, 0, 0)}); err != nil {
		return err
	}
	if err := a.Housekeeping.EnsureRawPagePartitions(ctx, now); err != nil {
		return err
	}
	if _, err := a.Housekeeping.PurgeRawPages(ctx, now.Add(-a.RawRetention)); err != nil {
		return err
	}
	if err := a.Housekeeping.PurgeRecords(ctx, now.Add(-recordRetention)); err != nil {
		return err
	}
	return a.purgeSyncs(ctx, now.Add(-syncRetention))
}

// purgeSyncs drops old records of syncs some at a time, so that no lock is held for long.
func (a *Activities) purgeSyncs(ctx context.Context, before time.Time) error {
	for {
		dropped, err := a.Syncs.PurgeSyncs(ctx, before, purgeBatch)
		if err != nil || dropped < purgeBatch {
			return err
		}
		activity.RecordHeartbeat(ctx, dropped)
	}
}
