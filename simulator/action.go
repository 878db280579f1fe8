package simulator

import (
	"math"
	"time"

	"marketdata/market"
)

// action is a split (numerator new shares for denominator old ones) or a dividend, on the session of its date.
type action struct {
	date                   time.Time // of the first session without it, 00:00 UTC
	open                   time.Time // of that session
	numerator, denominator int64     // of a split

	thousandths int64   // the dividend per share of today, in thousandths of the currency; 0 for a split
	factor      float64 // what the dividend makes of the prices before it
}

// dividendRule is a dividend every three months from since on: on the day of the month, or the first session after it.
type dividendRule struct {
	since time.Time
	day   int
}

// The first dividend, and by how much each is greater than the one before, in thousandths.
const (
	firstDividend = 100
	dividendStep  = 5
)

func (s *synthetic) actions(now time.Time) []action {
	var all []action
	for _, split := range s.splits {
		session, isOpen := s.calendar.Session(split.date)
		if isOpen && !session.Open.After(now) {
			split.open = session.Open
			all = append(all, split)
		}
	}
	if s.dividends.since.IsZero() {
		return all
	}
	prices := s.prices()
	for n := range math.MaxInt32 {
		date := s.dividends.since.AddDate(0, 3*n, s.dividends.day-1)
		session, before := s.sessionsAround(date)
		if session.Open.After(now) {
			return all
		}
		dividend := action{date: session.Date, open: session.Open, thousandths: int64(firstDividend + dividendStep*n)}
		runs := runsOf(before)
		last := runs[len(runs)-1]
		price := float64(s.lastClose(last.to, last, prices)) / math.Pow10(s.priceDecimals)
		dividend.factor = 1 - float64(dividend.thousandths)/1000/price
		all = append(all, dividend)
	}
	return all
}

// sessionsAround returns the first session on or after a date and the one before it.
func (s *synthetic) sessionsAround(date time.Time) (on, before market.Session) {
	const longestPause = 15
	for range longestPause {
		if session, isOpen := s.calendar.Session(date); isOpen {
			on = session
			break
		}
		date = date.AddDate(0, 0, 1)
	}
	for day := 1; day <= longestPause; day++ {
		if session, isOpen := s.calendar.Session(date.AddDate(0, 0, -day)); isOpen {
			return on, session
		}
	}
	return on, before
}

// adjusted is the factor of dividends for a bar that ends with the session before the date.
func adjusted(actions []action, end time.Time) float64 {
	factor := 1.0
	for _, a := range actions {
		if a.thousandths > 0 && !a.date.Before(end) {
			factor *= a.factor
		}
	}
	return factor
}
