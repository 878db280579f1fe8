package activities

import (
	"time"

	"marketdata/market"
	"marketdata/providers"
)

// maxPages bounds the pages of one chunk: a provider whose paging never ends is malformed.
const maxPages = 5000

// stretch is a part of the chunk that is still to be asked. isConfirm: an earlier answer had no bars there, and a
// second request must agree before the stretch counts as answered.
type stretch struct {
	asked     market.Range
	isConfirm bool
}

// itinerary decides from the pages stored so far what to ask next, so that an attempt goes on where the last stood.
// The rules: what is longer than one request may ask is cut into windows, each a stretch of its own. An empty stretch is
// answered when a later bar stands in the same answer, or when a second request agrees; where the provider sends the
// newest first, a later bar says nothing of what is before the first, for a cut takes the end of an answer. A full page
// without a next cursor is truncated: the rest of its stretch is asked anew.
type itinerary struct {
	grid     market.Grid
	settle   time.Duration
	maxRows  int // rows of a full page; 0 when pages are unlimited
	isDesc   bool
	open     []stretch
	answered []market.Range

	// the answer to open[0] as far as its pages have come
	cursor        string
	first, last   time.Time
	lastPageCount int
}

func newItinerary(grid market.Grid, c market.Capabilities, todo []market.Range) *itinerary {
	it := &itinerary{grid: grid, settle: c.Settle, maxRows: c.MaxBarsPerPage, isDesc: c.Order == market.OrderDescending}
	for _, r := range todo {
		for _, window := range providers.Windows(c, grid.Interval, r) {
			if grid.Count(window) > 0 {
				it.open = append(it.open, stretch{asked: window})
			} else {
				it.answered = append(it.answered, window)
			}
		}
	}
	return it
}

// next returns the request to make, or false when every stretch is answered.
func (it *itinerary) next(symbol string) (providers.Request, bool) {
	if len(it.open) == 0 {
		return providers.Request{}, false
	}
	return providers.Request{Symbol: symbol, Grid: it.grid, Range: it.open[0].asked, Cursor: it.cursor}, true
}

// isConfirm reports whether the next request is a second look at a stretch that came back empty.
func (it *itinerary) isConfirm() bool { return len(it.open) > 0 && it.open[0].isConfirm }

// take accounts for one readable page, the answer to the request that next returned. Errors: malformed.
func (it *itinerary) take(p market.RawPage) error {
	if len(it.open) == 0 || !p.Range.Start.Equal(it.open[0].asked.Start) {
		return market.Errorf(market.KindInternal, "page %d of the chunk answers %s, which was not asked", p.Page, p.Range)
	}
	if !p.FirstAt.IsZero() && (it.first.IsZero() || p.FirstAt.Before(it.first)) {
		it.first = p.FirstAt
	}
	if p.LastAt.After(it.last) {
		it.last = p.LastAt
	}
	it.lastPageCount = p.Rows
	if p.NextCursor != "" {
		if p.NextCursor == p.Cursor || p.Page >= maxPages {
			return market.Errorf(market.KindMalformed, "the provider's paging does not advance beyond page %d (cursor %q)", p.Page, p.NextCursor)
		}
		it.cursor = p.NextCursor
		return nil
	}
	it.close(p.RequestedAt)
	return nil
}

// close ends the answer to open[0] and opens what must be asked again.
func (it *itinerary) close(requestedAt time.Time) {
	s := it.open[0]
	isTruncated := it.maxRows > 0 && it.lastPageCount >= it.maxRows
	closed := it.grid.ClosedBefore(requestedAt, it.settle)
	end := s.asked.End
	if closed.Before(end) {
		end = closed
	}
	var again []stretch
	answered := market.Range{Start: s.asked.Start, End: end}
	switch {
	case it.first.IsZero() && !s.isConfirm && it.grid.Count(answered) > 0:
		again = append(again, stretch{asked: s.asked, isConfirm: true})
		answered = market.Range{}
	case !it.first.IsZero():
		head := market.Range{Start: s.asked.Start, End: it.first}
		if isOpen := isTruncated || it.isDesc; isOpen && it.grid.Count(head) > 0 {
			again = append(again, stretch{asked: head, isConfirm: !isTruncated})
			answered.Start = it.first
		}
		if tail := (market.Range{Start: it.grid.Next(it.last), End: end}); it.grid.Count(tail) > 0 {
			again = append(again, stretch{asked: tail, isConfirm: !isTruncated})
			answered.End = tail.Start
		}
	}
	if !answered.IsEmpty() {
		it.answered = append(it.answered, answered)
	}
	it.open = append(again, it.open[1:]...)
	it.cursor, it.first, it.last, it.lastPageCount = "", time.Time{}, time.Time{}, 0
}
