package market

import (
	"sort"
	"time"
)

// farthestSkip bounds the search for a key: no series is longer.
const farthestSkip = 100 * 366 * 24 * time.Hour

// After returns the end of the first n bars at or after t: [t, end) holds exactly n keys, and end is a key. It returns t's
// next key where n is 0, and a key 100 years on or more where the calendar does not have n more.
func (g Grid) After(t time.Time, n int64) time.Time {
	first := g.Ceil(t)
	width := g.reach(func(d time.Duration) bool { return g.Count(Range{Start: first, End: first.Add(d)}) >= n })
	return g.Ceil(first.Add(width))
}

// Before returns the key n bars before t: [key, t) holds exactly n keys. It returns t's next key where n is 0, and a key
// 100 years back or more where the calendar does not have n more.
func (g Grid) Before(t time.Time, n int64) time.Time {
	width := g.reach(func(d time.Duration) bool { return g.Count(Range{Start: t.Add(-d), End: t}) >= n })
	return g.Ceil(t.Add(-width))
}

// reach returns the shortest whole number of seconds for which enough holds, which must hold for all longer ones too.
func (g Grid) reach(enough func(time.Duration) bool) time.Duration {
	if enough(0) {
		return 0
	}
	far := max(g.Interval.Duration(), time.Minute)
	for far < farthestSkip && !enough(far) {
		far *= 2
	}
	seconds := sort.Search(int(far/time.Second), func(s int) bool { return enough(time.Duration(s) * time.Second) })
	return time.Duration(seconds) * time.Second
}
