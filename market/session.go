package market

import "time"

// Session is one trading day of a market. Date is its exchange date at 00:00 UTC, the key of its daily bar; Open and
// Close are instants in UTC, Open before Close, and need not lie on the same UTC date as Date.
type Session struct {
	Date  time.Time
	Open  time.Time
	Close time.Time
	// BreakStart and BreakEnd bound a pause in which nothing trades, as at lunch; both zero where there is none.
	BreakStart   time.Time
	BreakEnd     time.Time
	IsEarlyClose bool // closes earlier than the sessions around it, as on the eve of a holiday
}

// HasBreak reports whether trading pauses within the session.
func (s Session) HasBreak() bool { return !s.BreakStart.IsZero() }

// IsOpen reports whether trading is on at t: in [Open, Close) and not in the break.
func (s Session) IsOpen(t time.Time) bool {
	isBreak := s.HasBreak() && !t.Before(s.BreakStart) && t.Before(s.BreakEnd)
	return !t.Before(s.Open) && t.Before(s.Close) && !isBreak
}

// parts returns the one or two ranges in which the session trades, ascending.
func (s Session) parts() (parts [2]Range, n int) {
	if !s.HasBreak() {
		return [2]Range{{Start: s.Open, End: s.Close}}, 1
	}
	return [2]Range{{Start: s.Open, End: s.BreakStart}, {Start: s.BreakEnd, End: s.Close}}, 2
}

// Calendar says when a market is open. Implementations are immutable and safe for concurrent use.
type Calendar interface {
	// Name is the identifier instruments carry: "24x7", or a MIC such as "XNYS".
	Name() string
	// Location is the time zone of its dates and of its wall clock.
	Location() *time.Location
	// Session returns the session of the exchange date (00:00 UTC; the time of day is ignored), or false on a
	// closed day.
	Session(date time.Time) (Session, bool)
	// IsContinuous reports whether sessions follow each other without a gap, as in a market that never closes.
	IsContinuous() bool
}

// IsOpen reports whether the market trades at the instant.
func IsOpen(c Calendar, t time.Time) bool {
	for offset := -1; offset <= 1; offset++ { // an exchange date may begin before or after the UTC day
		if s, isOpen := c.Session(t.UTC().AddDate(0, 0, offset)); isOpen && s.IsOpen(t) {
			return true
		}
	}
	return false
}

// Sessions returns the sessions whose dates lie in r, ascending.
func Sessions(c Calendar, r Range) []Session {
	var sessions []Session
	for date := Interval1d.Floor(r.Start.Add(24*time.Hour - 1)); date.Before(r.End); date = date.AddDate(0, 0, 1) {
		if s, isOpen := c.Session(date); isOpen {
			sessions = append(sessions, s)
		}
	}
	return sessions
}

// Calendar247 is the calendar of markets that never close; its sessions are the UTC days.
type Calendar247 struct{}

var _ Calendar = Calendar247{}

// Name returns "24x7".
func (Calendar247) Name() string { return "24x7" }

// Location returns UTC.
func (Calendar247) Location() *time.Location { return time.UTC }

// IsContinuous returns true.
func (Calendar247) IsContinuous() bool { return true }

// Session returns the UTC day.
func (Calendar247) Session(date time.Time) (Session, bool) {
	day := Interval1d.Floor(date)
	return Session{Date: day, Open: day, Close: day.AddDate(0, 0, 1)}, true
}
