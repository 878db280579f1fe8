package calendar

import (
	"slices"
	"sync/atomic"
	"time"
	_ "time/tzdata" // machines without time zone data know the exchanges' clocks too

	"marketdata/market"
)

// The years whose sessions are kept once they are worked out. Those of other years are worked out at every call.
const (
	firstKept = 1900
	lastKept  = 2150
)

// exchange is the calendar of one exchange. Several may share a book.
type exchange struct {
	name string
	*book
}

var _ market.Calendar = (*exchange)(nil)

// Name returns the MIC.
func (e *exchange) Name() string { return e.name }

// IsContinuous returns false.
func (e *exchange) IsContinuous() bool { return false }

// book holds the sessions that follow from a schedule.
type book struct {
	schedule
	location *time.Location
	closed   map[ymd]bool
	odd      map[ymd]oddHours
	years    [lastKept - firstKept + 1]atomic.Pointer[yearTable]
}

// yearTable is the sessions of a year by day of the year. 7 kB, where market.Session would take 45.
type yearTable [366]entry

// entry is a session in seconds from its date's midnight UTC. Without a session, open equals close; without a break,
// breakStart equals breakEnd.
type entry struct {
	open, close, breakStart, breakEnd int32
	isEarlyClose                      bool
}

func newBook(s schedule) (*book, error) {
	location, err := time.LoadLocation(s.zone)
	if err != nil {
		return nil, market.Errorf(market.KindInternal, "time zone of %s: %w", s.names[0], err)
	}
	b := &book{schedule: s, location: location, closed: make(map[ymd]bool, len(s.closures)), odd: make(map[ymd]oddHours, len(s.odd))}
	for _, date := range s.closures {
		b.closed[date] = true
	}
	for _, o := range s.odd {
		b.odd[o.date] = o
	}
	return b, nil
}

// Location returns the exchange's time zone.
func (b *book) Location() *time.Location { return b.location }

// Session returns the session of the exchange date, or false on a closed day.
func (b *book) Session(date time.Time) (market.Session, bool) {
	date = date.UTC()
	e := b.day(date)
	if e.open == e.close {
		return market.Session{}, false
	}
	hour, minute, second := date.Clock()
	midnight := date.Unix() - int64(hour*3600+minute*60+second)
	s := market.Session{Date: instant(midnight, 0), Open: instant(midnight, e.open), Close: instant(midnight, e.close), IsEarlyClose: e.isEarlyClose}
	if e.breakStart < e.breakEnd {
		s.BreakStart, s.BreakEnd = instant(midnight, e.breakStart), instant(midnight, e.breakEnd)
	}
	return s, true
}

func instant(midnight int64, offset int32) time.Time {
	return time.Unix(midnight+int64(offset), 0).UTC()
}

// day returns the entry of a date; open and close are equal where there is no session.
func (b *book) day(date time.Time) entry {
	year, month, day := date.Date()
	if year >= firstKept {
		return b.year(year)[date.YearDay()-1]
	}
	early := dateOf(year, month, day) // long before holidays are known
	if b.isWeekend(early) {
		return entry{}
	}
	return b.entry(early, false)
}

func (b *book) year(year int) *yearTable {
	if year > lastKept {
		return b.newYear(year)
	}
	kept := &b.years[year-firstKept]
	if table := kept.Load(); table != nil {
		return table
	}
	table := b.newYear(year) // two callers at once work out the same
	kept.Store(table)
	return table
}

func (b *book) newYear(year int) *yearTable {
	isHoliday, isEarly := make(map[ymd]bool), make(map[ymd]bool)
	for _, date := range b.holidays(year) {
		isHoliday[date] = true
	}
	for _, date := range b.earlyCloses(year) {
		isEarly[date] = true
	}
	var table yearTable
	for date := dateOf(year, time.January, 1); date.year() == year; date = date.add(1) {
		isKnown := date >= b.since
		if b.isWeekend(date) || isKnown && (isHoliday[date] || b.closed[date]) {
			continue
		}
		table[date.time().YearDay()-1] = b.entry(date, isKnown && isEarly[date])
	}
	return &table
}

func (b *book) isWeekend(date ymd) bool {
	weekday := date.weekday()
	return weekday == time.Sunday || weekday == time.Saturday && date >= b.saturdaysUntil
}

// entry returns the session of a date that has one.
func (b *book) entry(date ymd, isEarly bool) entry {
	h := b.hoursOf(date)
	if isEarly {
		h.close = h.earlyClose
	}
	if o, isOdd := b.odd[date]; isOdd {
		h.open = max(h.open, o.open)
		if o.close > 0 {
			h.close, isEarly = o.close, true
		}
	}
	e := entry{open: b.offset(date, h.open), close: b.offset(date, h.close), isEarlyClose: isEarly}
	if h.breakStart > 0 && h.breakEnd < h.close {
		e.breakStart, e.breakEnd = b.offset(date, h.breakStart), b.offset(date, h.breakEnd)
	}
	return e
}

// hoursOf returns the hours in force on the date.
func (b *book) hoursOf(date ymd) hours {
	after := slices.IndexFunc(b.hours, func(h hours) bool { return h.from > date })
	if after < 0 {
		after = len(b.hours)
	}
	return b.hours[max(after-1, 0)]
}

// offset returns how many seconds after the date's midnight UTC a clock of the exchange shows the time.
func (b *book) offset(date ymd, clock time.Duration) int32 {
	midnight := date.time()
	wall := midnight.Add(clock)
	year, month, day := wall.Date()
	local := time.Date(year, month, day, wall.Hour(), wall.Minute(), 0, 0, b.location)
	return int32(local.Unix() - midnight.Unix()) //nolint:gosec // it is a few days at most
}
