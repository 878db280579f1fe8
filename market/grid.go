package market

import "time"

// longestClosure bounds the search for a session: a market that is closed for longer has no sessions.
const longestClosure = 400 * 24 * time.Hour

// Grid is where bars of one interval stand on one calendar. Keys are instants for intraday intervals, anchored at the
// session's open and anew at the end of its break (UTC midnight for 24x7), and session dates at 00:00 UTC for 1d; 1w
// and 1mo are keyed by the Monday and the first of the month of their session dates. Ranges over a Grid are in this key
// space.
type Grid struct {
	Interval Interval
	Calendar Calendar
}

// Floor returns the greatest key at or before t if t lies in a bar, else (in closed time) the key of the last bar
// that began before t. The calendar must have a session in the 400 days before t.
func (g Grid) Floor(t time.Time) time.Time {
	t = t.UTC()
	switch {
	case g.Calendar.IsContinuous():
		return g.Interval.Floor(t)
	case g.Interval.IsIntraday():
		return g.floorInSession(t)
	}
	floor := g.Interval.Floor(t)
	for key := floor; t.Sub(key) < longestClosure; key = g.Interval.Floor(key.Add(-1)) {
		if g.holdsSession(key) {
			return key
		}
	}
	return floor
}

// Next returns the first key after t. The calendar must have a session in the 400 days after t.
func (g Grid) Next(t time.Time) time.Time {
	t = t.UTC()
	switch {
	case g.Calendar.IsContinuous():
		return g.Interval.Next(t)
	case g.Interval.IsIntraday():
		return g.nextInSession(t)
	}
	next := g.Interval.Next(t)
	for key := next; key.Sub(t) < longestClosure; key = g.Interval.Next(key) {
		if g.holdsSession(key) {
			return key
		}
	}
	return next
}

// IsAligned reports whether t is the key of a bar.
func (g Grid) IsAligned(t time.Time) bool {
	step := g.Interval.Duration()
	switch {
	case step == 0:
		return g.Interval.Floor(t).Equal(t) && (g.Calendar.IsContinuous() || g.holdsSession(t))
	case g.Calendar.IsContinuous():
		return t.Equal(t.Truncate(step)) // counted from a UTC midnight, and every step divides the day
	}
	part, isOpen := g.partAt(t)
	return isOpen && t.Sub(part.Start)%step == 0
}

// Ceil returns the first key at or after t.
func (g Grid) Ceil(t time.Time) time.Time { return g.Next(t.Add(-1)) }

// Close returns the instant at which the bar with the key closes: the next step, or the close of its (last) session
// or the start of a break when that is earlier.
func (g Grid) Close(key time.Time) time.Time {
	if g.Calendar.IsContinuous() {
		return g.Interval.Next(key)
	}
	if !g.Interval.IsIntraday() {
		return g.lastClose(key, g.Interval.Next(key))
	}
	end := key.Add(g.Interval.Duration())
	if part, isOpen := g.partAt(key); isOpen && part.End.Before(end) {
		return part.End
	}
	return end
}

// lastClose returns the close of the last session whose date is in [from, to), or to where there is none.
func (g Grid) lastClose(from, to time.Time) time.Time {
	for day := to.AddDate(0, 0, -1); !day.Before(from); day = day.AddDate(0, 0, -1) {
		if s, open := g.Calendar.Session(day); open {
			return s.Close
		}
	}
	return to
}

// ClosedBefore returns the end, in key space, of what has closed and settled at now: every key before it has
// Close(key) + settle <= now.
func (g Grid) ClosedBefore(now time.Time, settle time.Duration) time.Time {
	key := g.Floor(now)
	for key.After(now) || g.Close(key).Add(settle).After(now) {
		key = g.Floor(key.Add(-1))
	}
	return g.Next(key)
}

// Count returns how many keys lie in r: the bars a gapless provider would have.
func (g Grid) Count(r Range) int64 {
	if r.IsEmpty() {
		return 0
	}
	if !g.Calendar.IsContinuous() && g.Interval.IsIntraday() {
		return g.countInSessions(r)
	}
	first := g.Ceil(r.Start)
	if step := g.seconds(); step > 0 {
		if !first.Before(r.End) {
			return 0
		}
		// Seconds, because a time.Duration ends at 292 years.
		return ceilDiv(ceilSeconds(r.End)-first.Unix(), step)
	}
	var n int64
	for key := first; key.Before(r.End); key = g.Next(key) {
		n++
	}
	return n
}

// seconds returns the distance of two keys where it is always the same, else 0.
func (g Grid) seconds() int64 {
	switch {
	case !g.Calendar.IsContinuous():
		return 0
	case g.Interval == Interval1d:
		return 24 * 60 * 60
	}
	return int64(g.Interval.Duration() / time.Second)
}

// ceilSeconds returns the first whole second at or after t.
func ceilSeconds(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }
