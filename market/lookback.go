package market

import (
	"strconv"
	"strings"
	"time"
)

// maxLookback bounds the number of a Lookback, far beyond any history.
const maxLookback = 100_000

// Lookback is a relative range: how far back from the time of a run, in hours, days, weeks, months or years.
type Lookback struct {
	n    int
	unit string // h d w mo y
}

// ParseLookback reads a number and a unit: 12h, 30d, 2w, 6mo, 1y. Errors: invalid.
func ParseLookback(text string) (Lookback, error) {
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	l := Lookback{unit: text[digits:]}
	var err error
	l.n, err = strconv.Atoi(text[:digits])
	if err != nil || l.n < 1 || l.n > maxLookback {
		return Lookback{}, Errorf(KindInvalid, "not a relative range: want a number and a unit, such as 12h, 30d, 2w, 6mo or 1y")
	}
	switch l.unit {
	case "h", "d", "w", "mo", "y":
	default:
		return Lookback{}, Errorf(KindInvalid, "not a relative range: the unit is one of h d w mo y, as in 12h, 30d, 2w, 6mo or 1y")
	}
	if l.Before(time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC)).Year() < 8999 {
		return Lookback{}, Errorf(KindInvalid, "not a relative range: at most 1000 years")
	}
	return l, nil
}

// String returns the text that ParseLookback reads; "" for the zero Lookback.
func (l Lookback) String() string {
	if l.n == 0 {
		return ""
	}
	return strconv.Itoa(l.n) + l.unit
}

// Before returns the time that lies the range before t, in UTC. Months and years keep the day of month, or take the last
// day of a shorter month.
func (l Lookback) Before(t time.Time) time.Time {
	t = t.UTC()
	switch l.unit {
	case "h":
		return t.Add(-time.Duration(l.n) * time.Hour)
	case "d":
		return t.AddDate(0, 0, -l.n)
	case "w":
		return t.AddDate(0, 0, -7*l.n)
	case "mo":
		return monthsBefore(t, l.n)
	case "y":
		return monthsBefore(t, 12*l.n)
	}
	return t
}

func monthsBefore(t time.Time, n int) time.Time {
	first := t.AddDate(0, -n, 1-t.Day())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

// Range returns the bars of the interval that a run at now asks for: from the one that holds the time before, up to and
// with the one that holds now, which is clipped when the range is planned.
func (l Lookback) Range(now time.Time, i Interval) Range {
	return Range{Start: i.Floor(l.Before(now)), End: i.Next(now)}
}
