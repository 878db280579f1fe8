package calendar

import (
	"time"

	"github.com/rickar/cal/v2/aa"
)

// hongKong is the Stock Exchange of Hong Kong. Its holidays by the Chinese calendar are known from 2000 to 2049, after
// which those days count as sessions.
//
// Published by HKEX as trading calendar and severe weather arrangements; the holidays are those of Hong Kong's General
// Holidays Ordinance with its amendment of 2011. Days of bad weather were taken from
// github.com/gerrymanoim/exchange_calendars, those of September 2023 from HKEX's notices of the day.
func hongKong() schedule {
	// The changes of 2011 and 2012: HKEX, news release of 2010-11-23.
	late := hours{open: clock(10, 0), close: clock(16, 0), breakStart: clock(12, 30), breakEnd: clock(14, 30), earlyClose: clock(12, 30)}
	middle := hours{from: 2011_03_07, open: clock(9, 30), close: clock(16, 0), breakStart: clock(12, 0), breakEnd: clock(13, 30), earlyClose: clock(12, 0)}
	latest := middle
	latest.from, latest.breakEnd = 2012_03_05, clock(13, 0)
	return schedule{
		names: []string{"XHKG"}, zone: "Asia/Hong_Kong", since: 2000_01_01,
		hours:       []hours{late, middle, latest},
		holidays:    hongKongHolidays,
		earlyCloses: hongKongEarlyCloses,
		closures: []ymd{
			// Typhoons and rainstorms that kept the exchange closed for the whole day. It has traded through such weather
			// since 2024-09-23. Days of which they took only the morning or the afternoon keep their regular hours.
			2001_07_06, 2001_07_25, // Utor, Yutu
			2008_08_06, 2008_08_22, // Kammuri, Nuri
			2011_09_29,             // Nesat
			2013_08_14,             // Utor
			2016_08_02, 2016_10_21, // Nida, Haima
			2017_08_23,             // Hato
			2020_10_13,             // Nangka
			2021_10_13,             // Kompasu
			2023_07_17, 2023_09_01, // Talim, Saola
			2023_09_08, // black rainstorm
			2024_09_06, // Yagi
			2015_09_03, // 70 years since the end of the war, a holiday of that year only
		},
	}
}

func hongKongHolidays(year int) []ymd {
	holidays := observed(year, aa.GoodFriday, aa.EasterMonday)
	holidays = append(holidays,
		holidays[0].add(1), // the Saturday after Good Friday, to which nothing can be moved
		dateOf(year, time.January, 1),
		dateOf(year, time.May, 1),
		dateOf(year, time.July, 1),
		dateOf(year, time.October, 1),
		dateOf(year, time.December, 26), // before the 25th, which is the one that gives way when it lies on a Sunday
		dateOf(year, time.December, 25),
	)
	if lunar, isKnown := lunarDates(year); isKnown {
		holidays = append(holidays, lunar.qingming, lunar.buddha, lunar.dragonBoat, lunar.chungYeung)
		holidays = append(holidays, lunarNewYear(lunar.newYear)...)
		holidays = append(holidays, afterMidAutumn(lunar.midAutumn))
	}
	return displaced(holidays)
}

// lunarNewYear returns the first three days of the lunar year. Until 2010 the day before them was kept in place of a
// Sunday among them.
func lunarNewYear(first ymd) []ymd {
	days := []ymd{first, first.add(1), first.add(2)}
	if first.year() >= 2011 {
		return days
	}
	for i, day := range days {
		if day.weekday() == time.Sunday {
			days[i] = first.add(-1)
		}
	}
	return days
}

// afterMidAutumn returns the day after the festival. Until 2010 the festival itself was kept where that is a Sunday.
func afterMidAutumn(festival ymd) ymd {
	if festival.weekday() == time.Saturday && festival.year() < 2011 {
		return festival
	}
	return festival.add(1)
}

// hongKongEarlyCloses returns the eves of Christmas and of both new years, which have only a morning; that of Lunar New
// Year is confirmed from 2013 on.
func hongKongEarlyCloses(year int) []ymd {
	early := []ymd{dateOf(year, time.December, 24), dateOf(year, time.December, 31)}
	if lunar, isKnown := lunarDates(year); isKnown && year >= 2013 {
		early = append(early, lunar.newYear.add(-1))
	}
	return early
}
