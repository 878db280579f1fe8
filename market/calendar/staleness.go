package calendar

import (
	"time"

	"marketdata/market"
)

// Staleness returns how long the first bar after a tracked series' end has been due at now: its close and the provider's
// settle have passed. 0 when nothing is due, as while the market is closed, and never longer than the series is tracked. An
// old backfill neither makes a stale series look fresh nor a new one stale. Errors: as GridOf.
func Staleness(s market.TrackedSeries, settle time.Duration, now time.Time) (time.Duration, error) {
	grid, err := GridOf(s.Interval, s.Calendar)
	if err != nil {
		return 0, err
	}
	from := s.Since
	if s.CoveredEnd != nil && s.CoveredEnd.After(from) {
		from = *s.CoveredEnd
	}
	if s.ListedAt != nil && s.ListedAt.After(from) {
		from = grid.Holding(*s.ListedAt)
	}
	first := grid.Ceil(from)
	if s.DelistedAt != nil && !first.Before(*s.DelistedAt) {
		return 0, nil
	}
	late := max(0, now.Sub(grid.Close(first).Add(settle)))
	if !s.AddedAt.IsZero() {
		late = min(late, max(0, now.Sub(s.AddedAt)))
	}
	return late, nil
}
