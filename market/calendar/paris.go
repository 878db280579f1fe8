package calendar

import (
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/aa"
	"github.com/rickar/cal/v2/fr"
)

// paris is Euronext Paris.
//
// Published by Euronext as trading hours and holidays (euronext.com/en/trade/trading-hours-holidays).
func paris() schedule {
	return schedule{
		names: []string{"XPAR"}, zone: "Europe/Paris", since: 2000_01_01,
		hours:    []hours{{open: clock(9, 0), close: clock(17, 30), earlyClose: clock(14, 5)}},
		holidays: parisHolidays,
		earlyCloses: func(year int) []ymd {
			return []ymd{dateOf(year, time.December, 24), dateOf(year, time.December, 31)}
		},
	}
}

func parisHolidays(year int) []ymd {
	untilEuronext := &cal.Holiday{EndYear: 2001} // then the markets of Euronext agreed on common holidays
	return observed(year,
		fr.NouvelAn,
		aa.GoodFriday,
		fr.LundiDePâques,
		fr.FêteDuTravail,
		fr.LundiDePentecôte.Clone(untilEuronext),
		fr.FêteNationale.Clone(untilEuronext),
		fr.Noël,
		aa.ChristmasDay2,
		fixed(time.December, 31, 0, 2001),
	)
}
