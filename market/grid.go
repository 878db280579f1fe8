package market

import "time"

// Grid is where bars of one interval stand on one calendar. Keys are instants for intraday intervals, anchored at the
// session's open (UTC midnight for 24x7), and session dates at 00:00 UTC for 1d; 1w and 1mo are keyed by the Monday
// and the first of the month of their session dates. Ranges over a Grid are in this key space.
type Grid struct {
	Interval Interval
	Calendar Calendar
}

// Floor returns the greatest key at or before t if t lies in a bar, else (in closed time) the key of the last bar
// that began before t. The calendar must have a session in the 400 days before t.
func (g Grid) Floor(t time.Time) time.Time {
	t = t.UTC()
	if g.Calendar.IsContinuous() || !g.Interval.IsIntraday() && g.Interval != Interval1d {
		return g.Interval.Floor(t)
	}
	for day := Interval1d.Floor(t).AddDate(0, 0, 1); ; day = day.AddDate(0, 0, -1) {
		s, open := g.Calendar.Session(day)
		if open && g.Interval == Interval1d && !s.Date.After(t) {
			return s.Date
		}
		if open && g.Interval.IsIntraday() && !s.Open.After(t) {
			at := t
			if !at.Before(s.Close) {
				at = s.Close.Add(-1)
			}
			return s.Open.Add(at.Sub(s.Open).Truncate(g.Interval.Duration()))
		}
		if t.Sub(day) > 400*24*time.Hour {
			return g.Interval.Floor(t)
		}
	}
}

// Next returns the first key after t. The calendar must have a session in the 400 days after t.
func (g Grid) Next(t time.Time) time.Time {
	t = t.UTC()
	if g.Calendar.IsContinuous() || !g.Interval.IsIntraday() && g.Interval != Interval1d {
		return g.Interval.Next(t)
	}
	for day := Interval1d.Floor(t).AddDate(0, 0, -1); ; day = day.AddDate(0, 0, 1) {
		s, open := g.Calendar.Session(day)
		if open && g.Interval == Interval1d && s.Date.After(t) {
			return s.Date
		}
		if open && g.Interval.IsIntraday() && t.Before(s.Close) {
			key := s.Open
			if !t.Before(s.Open) {
				key = s.Open.Add(t.Sub(s.Open).Truncate(g.Interval.Duration()) + g.Interval.Duration())
			}
			if key.Before(s.Close) {
				return key
			}
		}
		if day.Sub(t) > 400*24*time.Hour {
			return g.Interval.Next(t)
		}
	}
}

// IsAligned reports whether t is the key of a bar.
func (g Grid) IsAligned(t time.Time) bool {
	if step := g.Interval.Duration(); step > 0 && g.Calendar.IsContinuous() {
		return t.Equal(t.Truncate(step)) // counted from a UTC midnight, and every step divides the day
	}
	return g.Next(t.Add(-1)).Equal(t)
}

// Ceil returns the first key at or after t.
func (g Grid) Ceil(t time.Time) time.Time { return g.Next(t.Add(-1)) }

// Close returns the instant at which the bar with the key closes: the next step, or the close of its (last) session
// when that is earlier.
func (g Grid) Close(key time.Time) time.Time {
	if g.Calendar.IsContinuous() {
		return g.Interval.Next(key)
	}
	if !g.Interval.IsIntraday() {
		return g.lastClose(key, g.Interval.Next(key))
	}
	end := key.Add(g.Interval.Duration())
	for day := Interval1d.Floor(key).AddDate(0, 0, -1); !day.After(key.AddDate(0, 0, 1)); day = day.AddDate(0, 0, 1) {
		s, open := g.Calendar.Session(day)
		if open && !key.Before(s.Open) && key.Before(s.Close) && s.Close.Before(end) {
			return s.Close
		}
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
	first := g.Ceil(r.Start)
	if step := g.seconds(); step > 0 {
		if !first.Before(r.End) {
			return 0
		}
		// Seconds, because a time.Duration ends at 292 years.
		length := r.End.Unix() - first.Unix()
		if r.End.Nanosecond() > 0 {
			length++
		}
		return (length + step - 1) / step
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
