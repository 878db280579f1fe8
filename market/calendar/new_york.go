package calendar

import (
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/aa"
	"github.com/rickar/cal/v2/us"
)

// newYork is the New York Stock Exchange and Nasdaq, which keep the same sessions.
//
// Published by the NYSE as hours and calendars (nyse.com/markets/hours-calendars). Special closings are those of its list
// since 1885, as github.com/rsheftel/pandas_market_calendars and github.com/gerrymanoim/exchange_calendars give it.
func newYork() schedule {
	regular := hours{from: 1985_09_30, open: clock(9, 30), close: clock(16, 0), earlyClose: clock(14, 0)}
	latest := regular
	latest.from, latest.earlyClose = 1993_01_01, clock(13, 0)
	return schedule{
		names: []string{"XNYS", "XNAS"}, zone: "America/New_York", since: 1990_01_01,
		saturdaysUntil: 1952_09_29,
		hours:          []hours{regular, latest},
		holidays:       newYorkHolidays,
		earlyCloses:    newYorkEarlyCloses,
		closures: []ymd{
			// Days of mourning for former presidents, proclaimed by the president in office: Nixon, Reagan, Ford,
			// G. H. W. Bush, Carter.
			1994_04_27, 2004_06_11, 2007_01_02, 2018_12_05, 2025_01_09,
			// The attacks on New York (special closings).
			2001_09_11, 2001_09_12, 2001_09_13, 2001_09_14,
			// Hurricane Sandy (special closings).
			2012_10_29, 2012_10_30,
		},
		// Special closings. Openings put off by minutes, for a silence or a fault, are not here, nor is 2002-09-11:
		// the NYSE opened at noon for the ceremonies, but Nasdaq before.
		odd: []oddHours{
			{date: 1994_02_11, close: clock(14, 30)},                    // snow
			{date: 1996_01_08, open: clock(11, 0), close: clock(14, 0)}, // blizzard
			{date: 1997_10_27, close: clock(15, 30)},                    // the circuit breaker, twice
		},
	}
}

func newYorkHolidays(year int) []ymd {
	return observed(year,
		// Not observed on the Friday before: that is the last business day of the year.
		aa.NewYear.Clone(&cal.Holiday{Observed: []cal.AltDay{{Day: time.Sunday, Offset: 1}}}),
		us.MlkDay.Clone(&cal.Holiday{StartYear: 1998}),
		us.PresidentsDay,
		aa.GoodFriday,
		us.MemorialDay,
		us.Juneteenth.Clone(&cal.Holiday{StartYear: 2022}),
		us.IndependenceDay,
		us.LaborDay,
		us.ThanksgivingDay,
		us.ChristmasDay,
	)
}

func newYorkEarlyCloses(year int) []ymd {
	early := []ymd{
		dateOf(year, time.December, 24),
		1997_12_26, 1999_12_31, 2003_12_26, // Fridays of a holiday week, by decision of the exchanges
	}
	if year >= 1992 {
		early = append(early, observed(year, us.DayAfterThanksgivingDay)...)
	}
	return append(early, independenceEve(year)...)
}

// independenceEve returns the short day beside Independence Day: the day before, but for a Thursday the day after until
// 2012.
func independenceEve(year int) []ymd {
	eve := dateOf(year, time.July, 3)
	switch {
	case year < 1995:
		return nil
	case eve.weekday() == time.Wednesday && year < 2013:
		return []ymd{eve.add(2)}
	default:
		return []ymd{eve}
	}
}
