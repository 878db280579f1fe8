package market

import "time"

// Session is one trading day of a market. Date is its exchange date at 00:00 UTC, the key of its daily bar; Open and
// Close are instants in UTC, Open before Close, and need not lie on the same UTC date as Date.
type Session struct {
	Date  time.Time
	Open  time.Time
	Close time.Time
}

// Calendar says when a market is open. Implementations are immutable and safe for concurrent use.
type Calendar interface {
	// Name is the identifier instruments carry: "24x7", or a MIC such as "XNYS".
	Name() string
	// Session returns the session of the exchange date (00:00 UTC; the time of day is ignored), or false on a
	// closed day.
	Session(date time.Time) (Session, bool)
	// IsContinuous reports whether sessions follow each other without a gap, as in a market that never closes.
	IsContinuous() bool
}

// Calendar247 is the calendar of markets that never close; its sessions are the UTC days.
type Calendar247 struct{}

var _ Calendar = Calendar247{}

// Name returns "24x7".
func (Calendar247) Name() string { return "24x7" }

// IsContinuous returns true.
func (Calendar247) IsContinuous() bool { return true }

// Session returns the UTC day.
func (Calendar247) Session(date time.Time) (Session, bool) {
	day := Interval1d.Floor(date)
	return Session{Date: day, Open: day, Close: day.AddDate(0, 0, 1)}, true
}

// CalendarByName returns the calendar an instrument names. Errors: invalid for an unknown name.
func CalendarByName(name string) (Calendar, error) {
	if name == (Calendar247{}).Name() {
		return Calendar247{}, nil
	}
	return nil, Errorf(KindInvalid, "unknown calendar %q: known is 24x7", clip(name))
}
