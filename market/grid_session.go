package market

import "time"

// This file is the Grid of a calendar with sessions.

// holdsSession reports whether a session's date lies in the day, week or month that begins at key.
func (g Grid) holdsSession(key time.Time) bool {
	for day, end := key, g.Interval.Next(key); day.Before(end); day = day.AddDate(0, 0, 1) {
		if _, isOpen := g.Calendar.Session(day); isOpen {
			return true
		}
	}
	return false
}

// dateOf returns the exchange's date of an instant, at 00:00 UTC.
func (g Grid) dateOf(t time.Time) time.Time {
	year, month, day := t.In(g.Calendar.Location()).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// Holding returns the key of the bar that holds the instant t or, in closed time, of the first bar after it. Unlike Floor
// it takes an instant for every interval: the bar of a day holds what happens on the exchange's date.
func (g Grid) Holding(t time.Time) time.Time {
	switch {
	case g.Calendar.IsContinuous():
		return g.Interval.Floor(t)
	case g.Interval.IsIntraday():
		if _, isOpen := g.partAt(t); isOpen {
			return g.floorInSession(t)
		}
		return g.nextInSession(t)
	}
	key := g.Interval.Floor(g.dateOf(t))
	if g.holdsSession(key) {
		return key
	}
	return g.Next(key)
}

// partAt returns the range of uninterrupted trading that holds t.
func (g Grid) partAt(t time.Time) (Range, bool) {
	// The session of the exchange's date, or one that began on the evening before.
	for day, tries := g.dateOf(t), 0; tries < 2; day, tries = day.AddDate(0, 0, 1), tries+1 {
		s, isOpen := g.Calendar.Session(day)
		if !isOpen || t.Before(s.Open) || !t.Before(s.Close) {
			continue
		}
		parts, n := s.parts()
		for _, part := range parts[:n] {
			if part.Contains(t) {
				return part, true
			}
		}
	}
	return Range{}, false
}

// IsOutsideHours reports whether t is an instant of a day with a session, but not in trading hours: before the open,
// after the close or in the break. It is false for intervals of a day and longer, whose keys are dates.
func (g Grid) IsOutsideHours(t time.Time) bool {
	if g.Calendar.IsContinuous() || !g.Interval.IsIntraday() {
		return false
	}
	if _, isOpen := g.partAt(t); isOpen {
		return false
	}
	_, hasSession := g.Calendar.Session(g.dateOf(t))
	return hasSession
}

func (g Grid) floorInSession(t time.Time) time.Time {
	step := g.Interval.Duration()
	for day := Interval1d.Floor(t).AddDate(0, 0, 1); t.Sub(day) < longestClosure; day = day.AddDate(0, 0, -1) {
		s, isOpen := g.Calendar.Session(day)
		if !isOpen || s.Open.After(t) {
			continue
		}
		parts, n := s.parts()
		for i := n - 1; i >= 0; i-- {
			part := parts[i]
			if part.Start.After(t) {
				continue
			}
			at := t
			if !at.Before(part.End) {
				at = part.End.Add(-1)
			}
			return part.Start.Add(at.Sub(part.Start).Truncate(step))
		}
	}
	return g.Interval.Floor(t)
}

func (g Grid) nextInSession(t time.Time) time.Time {
	step := g.Interval.Duration()
	for day := Interval1d.Floor(t).AddDate(0, 0, -1); day.Sub(t) < longestClosure; day = day.AddDate(0, 0, 1) {
		s, isOpen := g.Calendar.Session(day)
		if !isOpen || !t.Before(s.Close) {
			continue
		}
		parts, n := s.parts()
		for _, part := range parts[:n] {
			key := part.Start
			if !t.Before(key) {
				key = key.Add(t.Sub(key).Truncate(step) + step)
			}
			if key.Before(part.End) {
				return key
			}
		}
	}
	return g.Interval.Next(t)
}

// countInSessions adds up the keys of the sessions, most of which lie in r as a whole.
func (g Grid) countInSessions(r Range) int64 {
	var n int64
	last := Interval1d.Next(r.End)
	for day := Interval1d.Floor(r.Start).AddDate(0, 0, -1); !day.After(last); day = day.AddDate(0, 0, 1) {
		s, isOpen := g.Calendar.Session(day)
		if !isOpen {
			continue
		}
		parts, many := s.parts()
		for _, part := range parts[:many] {
			n += g.keysBefore(part, r.End) - g.keysBefore(part, r.Start)
		}
	}
	return n
}

// keysBefore returns how many keys of one part of a session are before t.
func (g Grid) keysBefore(part Range, t time.Time) int64 {
	if part.End.Before(t) {
		t = part.End
	}
	if !part.Start.Before(t) {
		return 0
	}
	return ceilDiv(ceilSeconds(t)-part.Start.Unix(), int64(g.Interval.Duration()/time.Second))
}
