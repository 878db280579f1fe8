package calendar

import (
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/gb"
)

// london is the London Stock Exchange.
//
// Published by the London Stock Exchange as trading hours and holidays, which are the bank holidays of England and Wales
// (gov.uk/bank-holidays) with those that were proclaimed or moved.
func london() schedule {
	return schedule{
		names: []string{"XLON"}, zone: "Europe/London", since: 1990_01_01,
		hours:       []hours{{open: clock(8, 0), close: clock(16, 30), earlyClose: clock(12, 30)}},
		holidays:    londonHolidays,
		earlyCloses: christmasAndYearEnd,
		closures: []ymd{
			1995_05_08, 2020_05_08, // Early May moved to the 50th and the 75th anniversary of VE Day
			1999_12_31,             // the eve of the millennium
			2002_06_03, 2002_06_04, // Golden Jubilee, with the Spring Bank Holiday
			2011_04_29,             // royal wedding
			2012_06_04, 2012_06_05, // Diamond Jubilee, with the Spring Bank Holiday
			2022_06_02, 2022_06_03, // Platinum Jubilee, with the Spring Bank Holiday
			2022_09_19, // funeral of Queen Elizabeth II
			2023_05_08, // coronation of King Charles III
		},
	}
}

func londonHolidays(year int) []ymd {
	return observed(year,
		gb.NewYear,
		gb.GoodFriday,
		gb.EasterMonday,
		gb.EarlyMay.Clone(&cal.Holiday{Except: []int{1995, 2020}}),
		gb.SpringHoliday.Clone(&cal.Holiday{Except: []int{2002, 2012, 2022}}),
		gb.SummerHoliday,
		gb.ChristmasDay,
		gb.BoxingDay,
	)
}

// christmasAndYearEnd returns the last weekdays before Christmas and before the new year.
func christmasAndYearEnd(year int) []ymd {
	return []ymd{dateOf(year, time.December, 24).weekdayUpTo(), dateOf(year, time.December, 31).weekdayUpTo()}
}
