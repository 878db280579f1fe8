package calendar

import (
	"time"

	"marketdata/market"
)

// exchange is the calendar of one exchange.
type exchange struct {
	name     string
	location *time.Location
	open     time.Duration // since local midnight
	close    time.Duration
}

var _ market.Calendar = (*exchange)(nil)

func (e *exchange) Name() string             { return e.name }
func (e *exchange) Location() *time.Location { return e.location }
func (e *exchange) IsContinuous() bool       { return false }

func (e *exchange) Session(date time.Time) (market.Session, bool) {
	day := market.Interval1d.Floor(date)
	if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		return market.Session{}, false
	}
	at := func(d time.Duration) time.Time {
		return time.Date(day.Year(), day.Month(), day.Day(), int(d/time.Hour), int(d%time.Hour/time.Minute), 0, 0, e.location).UTC()
	}
	return market.Session{Date: day, Open: at(e.open), Close: at(e.close)}, true
}

// ByName returns the calendar an instrument names. Errors: invalid for an unknown name, listing the known ones.
func ByName(name string) (market.Calendar, error) {
	if name == (market.Calendar247{}).Name() {
		return market.Calendar247{}, nil
	}
	zones := map[string]string{
		"XNYS": "America/New_York", "XNAS": "America/New_York", "XLON": "Europe/London", "XETR": "Europe/Berlin",
		"XPAR": "Europe/Paris", "XTKS": "Asia/Tokyo", "XHKG": "Asia/Hong_Kong", "XASX": "Australia/Sydney",
	}
	zone, isKnown := zones[name]
	if !isKnown {
		return nil, market.Errorf(market.KindInvalid, "unknown calendar %q", name)
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	return &exchange{name: name, location: location, open: 9*time.Hour + 30*time.Minute, close: 16 * time.Hour}, nil
}

// ForVenue returns the name of the calendar implied by a venue and asset class, or "" where one must be named.
func ForVenue(venue string, class market.AssetClass) string {
	if _, err := ByName(venue); err == nil {
		return venue
	}
	if venue != market.VenueIndex && class == market.AssetCrypto {
		return market.Calendar247{}.Name()
	}
	return ""
}

// GridOf returns where bars of the interval stand on the named calendar. Errors: as ByName.
func GridOf(interval market.Interval, name string) (market.Grid, error) {
	c, err := ByName(name)
	return market.Grid{Interval: interval, Calendar: c}, err
}
