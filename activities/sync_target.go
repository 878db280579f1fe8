package activities

import (
	"time"

	"marketdata/market"
	"marketdata/market/calendar"
)

// syncTargets returns what is to be asked of a series: its newest bars when one has closed since, and the oldest stretch
// that it lacks before them.
func syncTargets(s market.TrackedSeries, c market.Capabilities, now time.Time) ([]market.SyncTarget, error) {
	grid, err := calendar.GridOf(s.Interval, s.Calendar)
	if err != nil {
		return nil, err
	}
	closed := grid.ClosedBefore(now, c.Settle)
	if s.DelistedAt != nil && grid.Ceil(*s.DelistedAt).Before(closed) {
		closed = grid.Ceil(*s.DelistedAt)
	}
	first := lackingFrom(s, grid)
	var targets []market.SyncTarget
	add := func(target market.SyncTarget) {
		if s.ListedAt != nil {
			if listed := grid.Holding(*s.ListedAt); listed.After(target.Range.Start) {
				target.Range.Start = listed
			}
		}
		if target.Bars = grid.Count(target.Range); target.Bars > 0 {
			target.Series, target.PriceBasis = s, c.PriceBasis
			targets = append(targets, target)
		}
	}
	older := closed
	if s.CoveredEnd == nil || grid.Ceil(*s.CoveredEnd).Before(closed) {
		again := againFrom(grid, closed)
		older = laterOf(grid.Before(closed, syncStep), first)
		add(market.SyncTarget{Range: market.Range{Start: earlierOf(older, again), End: closed}, Again: again})
	}
	if s.CoveredUntil != nil && first.Before(older) {
		end := earlierOf(grid.After(first, syncStep), older)
		add(market.SyncTarget{Range: market.Range{Start: first, End: end}, Again: end, IsCatchup: true})
	}
	return targets, nil
}

// lackingFrom is the first bar that the series lacks; of a series without any, the first of the day tracking began.
func lackingFrom(s market.TrackedSeries, grid market.Grid) time.Time {
	if s.CoveredUntil != nil {
		return grid.Ceil(*s.CoveredUntil)
	}
	return grid.Ceil(s.Since)
}

// againFrom is where the last bars begin that are asked again.
func againFrom(grid market.Grid, closed time.Time) time.Time {
	return earlierOf(grid.Before(closed, syncAgain), grid.Ceil(closed.Add(-syncAgainFor)))
}

func earlierOf(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
