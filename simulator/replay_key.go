package simulator

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"marketdata/market"
)

// keys turns the times of a file into the keys of its bars.
type keys struct {
	grid    market.Grid
	session market.Session // of the row before
}

func newKeys(grid market.Grid) *keys { return &keys{grid: grid} }

// read returns the key that a text names, in epoch milliseconds.
func (k *keys) read(text string) (int64, error) {
	c := k.grid.Calendar
	at, isDate, err := parseTS(text, c.Location())
	if err != nil {
		return 0, err
	}
	if c.IsContinuous() {
		if key := k.grid.Interval.Floor(at); !key.Equal(at) {
			return 0, k.misaligned(at)
		}
		return at.UnixMilli(), nil
	}
	if k.grid.Interval.IsIntraday() {
		return k.intraday(at)
	}
	date := at
	if !isDate {
		date = dateOf(at, c.Location())
	}
	if key := k.grid.Interval.Floor(date); !key.Equal(date) {
		return 0, k.misaligned(date)
	}
	if _, isOpen := c.Session(date); k.grid.Interval == market.Interval1d && !isOpen {
		return 0, fmt.Errorf("%s has no session on %s", c.Name(), date.Format(time.DateOnly))
	}
	return date.UnixMilli(), nil
}

func (k *keys) misaligned(at time.Time) error {
	return fmt.Errorf("no bar of %s opens at %s", k.grid.Interval, market.FormatTime(at))
}

// intraday finds the bar of the session that opens at an instant, or that begins within the clock's bar of that time.
func (k *keys) intraday(at time.Time) (int64, error) {
	c := k.grid.Calendar
	date := dateIn(at, c.Location())
	if !date.Equal(k.session.Date) {
		session, isOpen := c.Session(date)
		if !isOpen {
			return 0, fmt.Errorf("%s has no session on %s", c.Name(), date.Format(time.DateOnly))
		}
		k.session = session
	}
	step, minute := int64(k.grid.Interval.Duration()/time.Minute), at.Unix()/60
	var opens []int64 // of the session's bars, in minutes
	for _, in := range withLate(k.session) {
		if in.from <= minute && minute < in.to && (minute-in.from)%step == 0 && minute*60_000 == at.UnixMilli() {
			return at.UnixMilli(), nil
		}
		for open := in.from; open < in.to; open += step {
			opens = append(opens, open)
		}
	}
	_, offset := k.session.Open.In(c.Location()).Zone()
	local := opens[0] + int64(offset/60)
	fromFirst := at.UnixMilli() - (opens[0]-local%step)*60_000 // since the clock's bar in which the session opens
	if ordinal := fromFirst / (step * 60_000); fromFirst >= 0 && fromFirst%(step*60_000) == 0 && ordinal < int64(len(opens)) {
		return opens[ordinal] * 60_000, nil
	}
	return 0, k.misaligned(at)
}

// withLate returns when a session trades, and on days of an early close the hours after it: histories have late trades
// there, which Yahoo sends too.
func withLate(s market.Session) []run {
	const lateMinutes = 4 * 60
	runs := runsOf(s)
	if s.IsEarlyClose {
		runs[len(runs)-1].to += lateMinutes
	}
	return runs
}

// longer returns the key of the grid's bar that holds a shorter one with the key, in epoch milliseconds.
func (k *keys) longer(ms int64) int64 {
	at := time.UnixMilli(ms).UTC()
	if k.grid.Calendar.IsContinuous() {
		return k.grid.Interval.Floor(at).UnixMilli()
	}
	if !k.grid.Interval.IsIntraday() {
		return k.grid.Interval.Floor(dateOf(at, k.grid.Calendar.Location())).UnixMilli()
	}
	if date := dateIn(at, k.grid.Calendar.Location()); !date.Equal(k.session.Date) {
		k.session, _ = k.grid.Calendar.Session(date) // a bar was read there
	}
	step := int64(k.grid.Interval.Duration() / time.Minute)
	open := ms / 60_000
	for _, in := range withLate(k.session) {
		if in.from <= open && open < in.to {
			return (open - (open-in.from)%step) * 60_000
		}
	}
	return ms
}

// dateIn is the date of an instant in a zone, at 00:00 UTC.
func dateIn(at time.Time, zone *time.Location) time.Time {
	y, m, d := at.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// dateOf is the session date that a time names: as it is at midnight UTC, for dates are kept so, else the zone's.
func dateOf(at time.Time, zone *time.Location) time.Time {
	if market.Interval1d.Floor(at).Equal(at) {
		return at
	}
	return dateIn(at, zone)
}

// parseTS reads a time; one without a zone is in the given one, and a date is at 00:00 UTC.
func parseTS(text string, zone *time.Location) (at time.Time, isDate bool, err error) {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		switch size := max(n, -n); {
		case size > 1e14: // microseconds, but for three years before and after 1970
			n /= 1000
		case size > 1e11: // milliseconds, likewise
		default:
			n *= 1000
		}
		return time.UnixMilli(n).UTC(), false, nil
	}
	for _, form := range []string{
		time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04",
	} {
		if at, err := time.ParseInLocation(form, text, zone); err == nil {
			return at.UTC(), false, nil
		}
	}
	for _, form := range []string{time.DateOnly, "1/2/2006"} { // the latter with and without leading zeros
		if at, err := time.Parse(form, text); err == nil {
			return at, true, nil
		}
	}
	return time.Time{}, false, fmt.Errorf("not a time: %q", text)
}
