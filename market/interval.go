package market

import (
	"time"
)

// Interval is the length of a bar: a calendar step from a closed set. A month or a session day has no fixed length,
// so an Interval is not a time.Duration.
type Interval string

// The closed set of intervals.
const (
	Interval1m  Interval = "1m"
	Interval5m  Interval = "5m"
	Interval15m Interval = "15m"
	Interval30m Interval = "30m"
	Interval1h  Interval = "1h"
	Interval4h  Interval = "4h"
	Interval1d  Interval = "1d"
	Interval1w  Interval = "1w"
	Interval1mo Interval = "1mo"
)

// Intervals returns the closed set, shortest first.
func Intervals() []Interval {
	return []Interval{
		Interval1m, Interval5m, Interval15m, Interval30m, Interval1h, Interval4h,
		Interval1d, Interval1w, Interval1mo,
	}
}

// ParseInterval reads an interval by its exact text. Errors: invalid.
func ParseInterval(text string) (Interval, error) {
	for _, i := range Intervals() {
		if text == string(i) {
			return i, nil
		}
	}
	return "", Errorf(KindInvalid, "not an interval: want one of 1m 5m 15m 30m 1h 4h 1d 1w 1mo")
}

// Duration returns the fixed length of an intraday interval (1m to 4h), and 0 for 1d, 1w and 1mo, whose length
// depends on the calendar.
func (i Interval) Duration() time.Duration {
	switch i {
	case Interval1m:
		return time.Minute
	case Interval5m:
		return 5 * time.Minute
	case Interval15m:
		return 15 * time.Minute
	case Interval30m:
		return 30 * time.Minute
	case Interval1h:
		return time.Hour
	case Interval4h:
		return 4 * time.Hour
	case Interval1d, Interval1w, Interval1mo:
		return 0
	}
	return 0
}

// IsIntraday reports whether several bars fit into one session.
func (i Interval) IsIntraday() bool { return i.Duration() > 0 }

// Floor returns the start of the UTC calendar step that contains t: for intraday intervals counted from UTC midnight,
// for 1d the UTC day, for 1w the week from Monday, for 1mo the month. Floor(t) <= t < Next(Floor(t)).
func (i Interval) Floor(t time.Time) time.Time {
	t = t.UTC()
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	switch i {
	case Interval1m, Interval5m, Interval15m, Interval30m, Interval1h, Interval4h:
		return day.Add(t.Sub(day).Truncate(i.Duration()))
	case Interval1d:
		return day
	case Interval1w:
		return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
	case Interval1mo:
		return day.AddDate(0, 0, 1-day.Day())
	}
	return day
}

// Next returns the start of the UTC calendar step after the one that contains t.
func (i Interval) Next(t time.Time) time.Time {
	floor := i.Floor(t)
	switch i {
	case Interval1m, Interval5m, Interval15m, Interval30m, Interval1h, Interval4h:
		return floor.Add(i.Duration())
	case Interval1d:
		return floor.AddDate(0, 0, 1)
	case Interval1w:
		return floor.AddDate(0, 0, 7)
	case Interval1mo:
		return floor.AddDate(0, 1, 0)
	}
	return floor.AddDate(0, 0, 1)
}

// ChunkStep returns the first boundary after t of the chunk grid of the interval: the deterministic, calendar-aligned
// cells into which every backfill is cut (1m month, 5m quarter, 15m to 1h year, longer ones ten years), so that each
// holds at most about 50,000 bars and two requests over the same years yield the same chunks.
func (i Interval) ChunkStep(t time.Time) time.Time {
	t = t.UTC()
	switch i {
	case Interval1m:
		return time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	case Interval5m:
		quarter := (t.Month() - 1) / 3
		return time.Date(t.Year(), quarter*3+4, 1, 0, 0, 0, 0, time.UTC)
	case Interval15m, Interval30m, Interval1h:
		return time.Date(t.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
	case Interval4h, Interval1d, Interval1w, Interval1mo:
		return time.Date(t.Year()/10*10+10, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(t.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
}
