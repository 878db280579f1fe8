package calendar

import (
	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/au"
)

// sydney is the Australian Securities Exchange, which keeps the holidays of New South Wales that are national.
//
// Published by ASX as trading calendar (asx.com.au). The single dates, and the years before 1994, when the states kept
// Australia Day on different dates, were taken from github.com/gerrymanoim/exchange_calendars.
func sydney() schedule {
	return schedule{
		names: []string{"XASX"}, zone: "Australia/Sydney", since: 1990_01_01,
		hours:       []hours{{open: clock(10, 0), close: clock(16, 0), earlyClose: clock(14, 10)}},
		holidays:    sydneyHolidays,
		earlyCloses: sydneyEarlyCloses,
		closures: []ymd{
			1990_01_29, 1991_01_28, 1992_01_27, // Australia Day on a Monday
			1990_12_31, 1999_12_31, // year ends
			2010_04_26, // Anzac Day, for once moved from its Sunday
			2011_04_26, // Anzac Day, which was Easter Monday
			2022_09_22, // mourning for Queen Elizabeth II
		},
	}
}

func sydneyHolidays(year int) []ymd {
	return observed(year,
		au.NewYear,
		au.AustraliaDay.Clone(&cal.Holiday{StartYear: 1994}),
		au.GoodFriday,
		au.EasterMonday,
		au.AnzacDay,
		au.QueensBirthday, // the King's since 2023
		au.ChristmasDay,
		au.BoxingDay,
	)
}

// sydneyEarlyCloses returns the last weekdays before Christmas and before the new year; 2022 had none.
func sydneyEarlyCloses(year int) []ymd {
	if year < 2010 || year == 2022 {
		return nil
	}
	return christmasAndYearEnd(year)
}
