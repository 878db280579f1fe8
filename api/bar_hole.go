package api

import (
	"slices"
	"sort"
	"time"

	"marketdata/market"
)

// stepper finds the key after a key, by addition where the calendar never closes.
type stepper struct {
	grid market.Grid
	step time.Duration // 0: ask the grid
}

func newStepper(grid market.Grid) stepper {
	s := stepper{grid: grid}
	if grid.Calendar.IsContinuous() {
		s.step = grid.Interval.Duration()
	}
	return s
}

// next returns the key after key.
func (s stepper) next(key time.Time) time.Time {
	if s.step > 0 {
		return key.Add(s.step)
	}
	return s.grid.Next(key)
}

// holeFinder notes, bar by bar, the stretches between keys that hold no bar. It does one comparison per bar.
type holeFinder struct {
	stepper
	isDescending bool
	stretch      market.Range
	bound        time.Time // ascending: the first key not seen yet; descending: everything from it on is seen
	isStarted    bool
	holes        []market.Range
}

func newHoleFinder(grid market.Grid, stretch market.Range, isDescending bool) *holeFinder {
	f := &holeFinder{stepper: newStepper(grid), isDescending: isDescending, stretch: stretch}
	f.bound = grid.Ceil(stretch.Start)
	if isDescending {
		f.bound = stretch.End
	}
	return f
}

// see notes the bar at key and the hole before it, in reading order.
func (f *holeFinder) see(key time.Time) {
	if f.isDescending {
		if after := f.next(key); after.Before(f.bound) {
			f.holes = append(f.holes, market.Range{Start: after, End: f.bound})
		}
		f.bound, f.isStarted = key, true
		return
	}
	if key.After(f.bound) {
		start := f.bound
		if !f.isStarted {
			start = f.stretch.Start
		}
		f.holes = append(f.holes, market.Range{Start: start, End: key})
	}
	f.bound, f.isStarted = f.next(key), true
}

// finish ends the stretch where reading ended without meeting a further bar.
func (f *holeFinder) finish() {
	rest := f.stretch
	switch {
	case !f.isStarted:
	case !f.isDescending:
		rest.Start = f.bound
	case f.grid.Ceil(rest.Start).Before(f.bound):
		rest.End = f.bound
	default:
		return
	}
	if !rest.IsEmpty() {
		f.holes = append(f.holes, rest)
	}
}

// stopAt ends the stretch of this page at the bar that begins the next one, notes the hole before it, and returns the
// position at which the next page continues.
func (f *holeFinder) stopAt(key time.Time) time.Time {
	f.see(key)
	if f.isDescending {
		return f.next(key)
	}
	return key
}

// sorted returns the holes noted, ascending.
func (f *holeFinder) sorted() []market.Range {
	if f.isDescending {
		slices.Reverse(f.holes)
	}
	return f.holes
}

// missing is one entry of a page's explanation.
type missing struct {
	market.Range
	reason market.Reason
}

// explainer says why holes are there. Its ranges are of keys; covered, failed and quarantined are ascending.
type explainer struct {
	grid        market.Grid
	listed      time.Time // no bar can be before; zero when not known
	delisted    time.Time // no bar can be at or after; zero when not known
	closed      time.Time // bars at or after have not closed yet
	covered     []market.Range
	failed      []market.Range
	quarantined []market.Range
	entries     []missing
	isComplete  bool
}

// newExplainer takes what is known from the series. A key counts as covered when its whole bar was asked for and
// answered, hence the rounding inwards.
func newExplainer(grid market.Grid, series market.Series, closed time.Time) *explainer {
	e := &explainer{grid: grid, closed: closed, isComplete: true}
	if series.ListedAt != nil {
		e.listed = grid.Holding(*series.ListedAt)
	}
	if series.DelistedAt != nil {
		e.delisted = grid.Ceil(*series.DelistedAt)
	}
	e.covered = make([]market.Range, 0, len(series.Covered))
	for _, c := range series.Covered {
		c = market.Range{Start: grid.Ceil(c.Start), End: alignDown(grid, c.End)}
		if !c.IsEmpty() {
			e.covered = append(e.covered, c)
		}
	}
	return e
}

// openPart returns the part of a hole that only the ledger can explain: listed and closed.
func (e *explainer) openPart(hole market.Range) market.Range {
	open := hole
	if e.listed.After(open.Start) {
		open.Start = e.listed
	}
	if !e.delisted.IsZero() && e.delisted.Before(open.End) {
		open.End = e.delisted
	}
	if e.closed.Before(open.End) {
		open.End = e.closed
	}
	if !open.IsEmpty() {
		open.Start = e.grid.Ceil(open.Start)
	}
	return open
}

// ledgerRange returns the stretch over which failed chunks and quarantined rows must be looked up; it is empty when
// the holes explain themselves.
func (e *explainer) ledgerRange(holes []market.Range) market.Range {
	var all market.Range
	for _, hole := range holes {
		open := e.openPart(hole)
		if open.IsEmpty() {
			continue
		}
		if all.IsEmpty() {
			all = open
		}
		all.End = open.End
	}
	return all
}

// setLedger takes failed chunks and quarantined rows; a key is failed when any part of its bar is.
func (e *explainer) setLedger(failed, quarantined []market.Range) {
	e.failed = wholeBars(e.grid, failed)
	e.quarantined = barsOfRows(e.grid, quarantined)
}

// explain adds the entries of one hole. Holes must come ascending.
func (e *explainer) explain(hole market.Range) {
	before, after, forming := hole, hole, hole
	before.End = earlier(hole.End, e.listed)
	e.add(before, market.ReasonBeforeListing)
	if open := e.openPart(hole); !open.IsEmpty() {
		e.explainOpen(open)
	}
	forming.Start = later(later(hole.Start, e.closed), e.listed)
	if !e.delisted.IsZero() {
		forming.End = earlier(hole.End, e.delisted)
		after.Start = later(later(hole.Start, e.delisted), e.listed)
	} else {
		after = market.Range{}
	}
	e.add(forming, market.ReasonForming)
	e.add(after, market.ReasonAfterDelisting)
}

// explainOpen cuts a stretch without bars at the edges of what is covered.
func (e *explainer) explainOpen(open market.Range) {
	at := open.Start
	first := sort.Search(len(e.covered), func(i int) bool { return e.covered[i].End.After(open.Start) })
	for _, c := range e.covered[first:] {
		if !c.Start.Before(open.End) {
			break
		}
		c = c.Intersect(open)
		e.explainUncovered(market.Range{Start: at, End: c.Start})
		e.explainCovered(c)
		at = c.End
	}
	e.explainUncovered(market.Range{Start: at, End: open.End})
}

// explainCovered: the provider has answered and sent nothing, except where a row of it is quarantined.
func (e *explainer) explainCovered(r market.Range) {
	e.explainWith(r, e.quarantined, market.ReasonQuarantined, market.ReasonConfirmedEmpty)
}

// explainUncovered: asking failed, or nobody asked.
func (e *explainer) explainUncovered(r market.Range) {
	e.explainWith(r, e.failed, market.ReasonFailed, market.ReasonNeverAsked)
}

// explainWith gives the parts of r that lie in the ranges one reason and the others another. Neighbouring ranges may
// overlap by a bar.
func (e *explainer) explainWith(r market.Range, ranges []market.Range, inside, outside market.Reason) {
	at := r.Start
	first := sort.Search(len(ranges), func(i int) bool { return ranges[i].End.After(r.Start) })
	for _, part := range ranges[first:] {
		if !part.Start.Before(r.End) {
			break
		}
		part = part.Intersect(market.Range{Start: at, End: r.End})
		if part.IsEmpty() {
			continue
		}
		e.add(market.Range{Start: at, End: part.Start}, outside)
		e.add(part, inside)
		at = part.End
	}
	e.add(market.Range{Start: at, End: r.End}, outside)
}

// add appends an entry, or widens the last one where they touch and have one reason. A range in which the market is
// closed lacks nothing.
func (e *explainer) add(r market.Range, reason market.Reason) {
	if r.IsEmpty() || !e.grid.Calendar.IsContinuous() && !e.grid.Ceil(r.Start).Before(r.End) {
		return
	}
	e.isComplete = e.isComplete && !reason.IsIncomplete()
	if last := len(e.entries) - 1; last >= 0 && e.entries[last].reason == reason && e.entries[last].End.Equal(r.Start) {
		e.entries[last].End = r.End
		return
	}
	e.entries = append(e.entries, missing{Range: r, reason: reason})
}
