package api

import (
	"time"

	"marketdata/market"
)

// alignDown returns the key of the bar that t cuts, or, where it cuts none, the first key at or after t.
func alignDown(grid market.Grid, t time.Time) time.Time {
	ceil := grid.Ceil(t)
	if ceil.Equal(t) {
		return t
	}
	floor := grid.Floor(t)
	end := grid.Interval.Next(floor) // in the space of keys
	if grid.Interval.IsIntraday() {
		end = grid.Close(floor)
	}
	if t.Before(end) {
		return floor
	}
	return ceil
}

// wholeBars widens ranges to the bars that they touch.
func wholeBars(grid market.Grid, ranges []market.Range) []market.Range {
	whole := make([]market.Range, 0, len(ranges))
	for _, r := range ranges {
		whole = append(whole, market.Range{Start: alignDown(grid, r.Start), End: grid.Ceil(r.End)})
	}
	return whole
}

// barsOfRows widens quarantined rows to the bars they belong to. A row in closed time belongs to one of the bars beside
// it, or to none: it is taken for both, which matters only where one of them is missing.
func barsOfRows(grid market.Grid, rows []market.Range) []market.Range {
	bars := wholeBars(grid, rows)
	for i, b := range bars {
		if b.IsEmpty() {
			bars[i] = market.Range{Start: grid.Floor(rows[i].Start), End: grid.Next(b.Start)}
		}
	}
	return bars
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
