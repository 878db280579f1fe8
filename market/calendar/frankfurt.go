package calendar

import (
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/de"
)

// frankfurt is Xetra, the electronic market of Deutsche Börse. The floor of Frankfurt (XFRA) trades longer and is not
// meant here.
//
// Published by Deutsche Börse as trading calendar and trading hours.
func frankfurt() schedule {
	// Evening hours from 2000-06-02 (dpa-AFX, 2000-02-11) to 2003-10-31 (Deutsche Welle, 2003-11-03).
	regular := hours{from: 1999_09_20, open: clock(9, 0), close: clock(17, 30), earlyClose: clock(14, 0)}
	evening, again := regular, regular
	evening.from, evening.close = 2000_06_02, clock(20, 0)
	again.from = 2003_11_03
	return schedule{
		names: []string{"XETR"}, zone: "Europe/Berlin", since: 2000_01_01,
		hours:       []hours{regular, evening, again},
		holidays:    frankfurtHolidays,
		earlyCloses: frankfurtEarlyCloses,
		closures: []ymd{
			2007_05_28, // Whit Monday
			2017_10_31, // 500 years of the Reformation
		},
	}
}

func frankfurtHolidays(year int) []ymd {
	return observed(year,
		de.Neujahr,
		de.Karfreitag,
		de.Ostermontag,
		de.TagderArbeit,
		de.Pfingstmontag.Clone(&cal.Holiday{StartYear: 2015, EndYear: 2021}),
		de.DeutschenEinheit.Clone(&cal.Holiday{StartYear: 2014, EndYear: 2021}),
		fixed(time.December, 24, 0, 0),
		de.Weihnachtstag,
		de.ZweiterWeihnachtsfeiertag,
		fixed(time.December, 31, 0, 0),
	)
}

func frankfurtEarlyCloses(year int) []ymd {
	if year < 2010 {
		return nil
	}
	return []ymd{dateOf(year, time.December, 31).weekdayBefore()}
}
