package calendar

import (
	"time"

	"github.com/rickar/cal/v2"
)

// schedule is what is known of the sessions of exchanges that trade at the same times.
type schedule struct {
	names []string // MICs
	zone  string   // IANA time zone
	since ymd      // holidays and early closes are known from here
	// saturdaysUntil ends the years in which Saturday was a day of trading; zero where those are of no interest.
	saturdaysUntil ymd
	hours          []hours // ascending; the first also holds before its date
	// holidays and earlyCloses return the dates that rules give for a year. Those on weekends do not matter, nor does an
	// early close on a holiday.
	holidays    func(year int) []ymd
	earlyCloses func(year int) []ymd
	closures    []ymd      // closed by decree, ceremony, storm or breakdown
	odd         []oddHours // sessions whose hours were unlike any others
}

// hours is when an exchange trades from a date on, on its own clock, counted from midnight.
type hours struct {
	from                 ymd
	open, close          time.Duration
	breakStart, breakEnd time.Duration // zero without a break
	earlyClose           time.Duration // the close of a shortened day; at or before breakStart where that is the end of the morning
}

// oddHours is one session that opened late or closed early; zero is the regular time.
type oddHours struct {
	date        ymd
	open, close time.Duration
}

// clock returns the time a clock shows, counted from midnight.
func clock(hour, minute int) time.Duration {
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
}

// ymd is a date written as a number, as in 2001_09_11. Dates compare as numbers.
type ymd int

func dateOf(year int, month time.Month, day int) ymd { return ymd(year*1e4 + int(month)*1e2 + day) }

func (d ymd) year() int { return int(d) / 1e4 }

// time returns 00:00 UTC of the date.
func (d ymd) time() time.Time {
	return time.Date(d.year(), time.Month(d/1e2%1e2), int(d%1e2), 0, 0, 0, 0, time.UTC)
}

func (d ymd) weekday() time.Weekday { return d.time().Weekday() }

func (d ymd) add(days int) ymd { return dateOf(d.time().AddDate(0, 0, days).Date()) }

// weekdayBefore returns the last date before d from Monday to Friday.
func (d ymd) weekdayBefore() ymd {
	for d = d.add(-1); d.weekday() == time.Saturday || d.weekday() == time.Sunday; {
		d = d.add(-1)
	}
	return d
}

// weekdayAfter returns the first date after d from Monday to Friday.
func (d ymd) weekdayAfter() ymd {
	for d = d.add(1); d.weekday() == time.Saturday || d.weekday() == time.Sunday; {
		d = d.add(1)
	}
	return d
}

// weekdayUpTo returns d, or the Friday before where d lies on a weekend.
func (d ymd) weekdayUpTo() ymd { return d.add(1).weekdayBefore() }

// observed returns the dates on which holidays are observed in the year, without those it does not have.
func observed(year int, holidays ...*cal.Holiday) []ymd {
	return dated(holidays, func(h *cal.Holiday) time.Time {
		_, day := h.Calc(year)
		return day
	})
}

// actual returns the dates of the holidays themselves, whatever day is kept in their stead.
func actual(year int, holidays ...*cal.Holiday) []ymd {
	return dated(holidays, func(h *cal.Holiday) time.Time {
		day, _ := h.Calc(year)
		return day
	})
}

func dated(holidays []*cal.Holiday, calc func(*cal.Holiday) time.Time) []ymd {
	dates := make([]ymd, 0, len(holidays))
	for _, h := range holidays {
		if t := calc(h); !t.IsZero() {
			// cal answers with midnight on this machine's clock; where that hour is left out in spring, with 23:00.
			dates = append(dates, dateOf(t.Add(12*time.Hour).Date()))
		}
	}
	return dates
}

// fixed is a holiday on one date, observed on no other. A year of zero is no bound.
func fixed(month time.Month, day, firstYear, lastYear int) *cal.Holiday {
	return &cal.Holiday{Month: month, Day: day, StartYear: firstYear, EndYear: lastYear, Func: cal.CalcDayOfMonth}
}

// displaced returns the holidays with each one that lies on a Sunday, or on the date of one before it in the list,
// moved to the next date that is neither.
func displaced(holidays []ymd) []ymd {
	taken := make(map[ymd]bool, len(holidays))
	for _, date := range holidays {
		taken[date] = true
	}
	seen := make(map[ymd]bool, len(holidays))
	kept := make([]ymd, 0, len(holidays))
	for _, date := range holidays {
		if date.weekday() == time.Sunday || seen[date] {
			for taken[date] || date.weekday() == time.Sunday {
				date = date.add(1)
			}
			taken[date] = true
		}
		seen[date] = true
		kept = append(kept, date)
	}
	return kept
}
