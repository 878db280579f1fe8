package activities

import (
	"context"
	"time"

	"marketdata/market"
)

// Housekeeper keeps the storage ready. *db.DB satisfies it.
type Housekeeper interface {
	// EnsureBarPartitions creates the yearly partitions of bar that r touches.
	EnsureBarPartitions(ctx context.Context, r market.Range) error
	// EnsureRawPagePartitions creates the monthly partitions of raw_page from now on for two months.
	EnsureRawPagePartitions(ctx context.Context, now time.Time) error
	// PurgeRawPages drops the bodies of raw pages asked for before the instant; the rest of the rows stays.
	PurgeRawPages(ctx context.Context, before time.Time) (int64, error)
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
	_, err := a.Housekeeping.PurgeRawPages(ctx, now.Add(-a.RawRetention))
	return err
}
