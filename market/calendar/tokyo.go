package calendar

import (
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/jp"
)

// tokyo is the Tokyo Stock Exchange.
//
// Published by Japan Exchange Group as market holidays (jpx.co.jp/english/corporate/about-jpx/calendar); the holidays are
// those of Japan's Act on National Holidays and of the special acts for 2019 (succession), 2020 and 2021 (Olympic Games).
// The equinoxes follow the formula of github.com/rickar/cal/v2; their dates become law in the year before.
func tokyo() schedule {
	// The morning ended at 11:00 until 2011-11-18 (Reuters, 2011-06-21), the day at 15:00 until 2024-11-01 (Jiji Press,
	// 2024-11-05).
	morning := hours{open: clock(9, 0), close: clock(15, 0), breakStart: clock(11, 0), breakEnd: clock(12, 30), earlyClose: clock(11, 0)}
	longer, latest := morning, morning
	longer.from, longer.breakStart = 2011_11_21, clock(11, 30)
	latest.from, latest.breakStart, latest.close = 2024_11_05, clock(11, 30), clock(15, 30)
	return schedule{
		names: []string{"XTKS"}, zone: "Asia/Tokyo", since: 1997_01_01,
		hours:       []hours{morning, longer, latest},
		holidays:    tokyoHolidays,
		earlyCloses: tokyoEarlyCloses,
		closures: []ymd{
			2020_10_01, // failure of the trading system (JPX, news release of 2020-10-19)
		},
	}
}

func tokyoHolidays(year int) []ymd {
	holidays := actual(year, nationalHolidays()...)
	holidays = append(holidays,
		2019_05_01, 2019_10_22, // accession and enthronement of Emperor Naruhito
		2020_08_10, 2021_08_08, // Mountain Day of the years of the Olympic Games
	)
	holidays = append(holidays, between(holidays)...)
	return append(displaced(holidays), // the exchange itself is closed from 31 December to 3 January
		dateOf(year, time.January, 1), dateOf(year, time.January, 2), dateOf(year, time.January, 3), dateOf(year, time.December, 31))
}

// nationalHolidays returns Japan's holidays since 1989, before any are moved from Sundays.
func nationalHolidays() []*cal.Holiday {
	return []*cal.Holiday{
		jp.NewYear,
		fixed(time.January, 15, 0, 1999), jp.ComingOfAgeDay.Clone(&cal.Holiday{StartYear: 2000}),
		jp.NationalFoundationDay,
		jp.TheEmperorsBirthday.Clone(&cal.Holiday{Except: []int{2019}}), // none between abdication and the next February
		jp.VernalEquinoxDay.Clone(nil),                                  // its function writes to the holiday it belongs to
		jp.ShowaDay,                                                     // Greenery Day until 2006
		jp.ConstitutionMemorialDay,
		jp.GreeneryDay.Clone(&cal.Holiday{StartYear: 2007}), // before, a day between two holidays
		jp.ChildrensDay,
		fixed(time.July, 20, 1996, 2002), jp.MarineDay.Clone(&cal.Holiday{StartYear: 2003}),
		jp.MountainDay.Clone(&cal.Holiday{Except: []int{2020, 2021}}),
		fixed(time.September, 15, 0, 2002), jp.RespectForTheAgedDay.Clone(&cal.Holiday{StartYear: 2003}),
		jp.AutumnalEquinoxDay,
		fixed(time.October, 10, 0, 1999), jp.SportsDay.Clone(&cal.Holiday{StartYear: 2000}),
		jp.CultureDay,
		jp.LaborThanksgivingDay,
	}
}

// between returns the days that are holidays because the days before and after them are. The day after a Sunday is one
// in any case, in place of that Sunday.
func between(holidays []ymd) []ymd {
	isHoliday := make(map[ymd]bool, len(holidays))
	for _, date := range holidays {
		isHoliday[date] = true
	}
	var bridges []ymd
	for _, date := range holidays {
		bridge := date.add(1)
		isWeekday := date.weekday() != time.Sunday && bridge.weekday() != time.Sunday
		if isWeekday && isHoliday[date.add(2)] && !isHoliday[bridge] {
			bridges = append(bridges, bridge)
		}
	}
	return bridges
}

// tokyoEarlyCloses returns the first and the last session of a year. They had only a morning until January 2009; the last
// session of that year was the first whole one (Rakuten Securities, "Toushiru", on 2009-12-30).
func tokyoEarlyCloses(year int) []ymd {
	var early []ymd
	if year <= 2009 {
		early = append(early, dateOf(year, time.January, 3).weekdayAfter())
	}
	if year <= 2008 {
		early = append(early, dateOf(year, time.December, 31).weekdayBefore())
	}
	return early
}
