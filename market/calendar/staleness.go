package calendar

import (
	"time"

	"marketdata/market"
)

// Staleness returns how long the first bar that a tracked series lacks has been due at now: its close and the provider's
// settle have passed. 0 when nothing is due, as while the market is closed. Bars before the series' end change nothing,
// so an old backfill cannot make a stale series look fresh. Errors: as GridOf.
func Staleness(s market.TrackedSeries, settle time.Duration, now time.Time) (time.Duration, error) {
	grid, err := GridOf(s.Interval, s.Calendar)
	if err != nil {
		return 0, err
	}
	from := s.Since
	if s.CoveredUntil != nil {
		from = *s.CoveredUntil
	}
	if s.ListedAt != nil && s.ListedAt.After(from) {
		from = grid.Holding(*s.ListedAt)
	}
	first := grid.Ceil(from)
	if s.DelistedAt != nil && !first.Before(*s.DelistedAt) {
		return 0, nil
	}
	return max(0, now.Sub(grid.Close(first).Add(settle))), nil
}
