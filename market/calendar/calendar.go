package calendar

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"marketdata/market"
)

// Info describes a calendar to people who choose one.
type Info struct {
	Name     string // what ByName takes
	Location *time.Location
	// Open, Close and the break are the regular hours today, counted from local midnight as the clock on the wall
	// shows them. BreakStart and BreakEnd are both zero where there is no break.
	Open, Close          time.Duration
	BreakStart, BreakEnd time.Duration
	// KnownSince is the first date whose holidays are known; before it every weekday is a session. Zero for "24x7",
	// which has no holidays.
	KnownSince time.Time
}

// ByName returns the calendar an instrument names: "24x7" or the MIC of an exchange, in upper case. It is the same
// value every time and safe for concurrent use. Errors: invalid for an unknown name, listing the known ones.
func ByName(name string) (market.Calendar, error) {
	if name == (market.Calendar247{}).Name() {
		return market.Calendar247{}, nil
	}
	known, err := exchanges()
	if err != nil {
		return nil, err
	}
	if e, isKnown := known[name]; isKnown {
		return e, nil
	}
	return nil, market.Errorf(market.KindInvalid, "unknown calendar %.32q: want one of %s", name, strings.Join(Names(), " "))
}

// Names returns the names ByName knows, sorted.
func Names() []string {
	known, _ := exchanges() // ByName tells why none is known
	names := slices.AppendSeq([]string{market.Calendar247{}.Name()}, maps.Keys(known))
	slices.Sort(names)
	return names
}

// Describe returns what is known of the named calendar. Errors: as ByName.
func Describe(name string) (Info, error) {
	c, err := ByName(name)
	if err != nil {
		return Info{}, err
	}
	info := Info{Name: c.Name(), Location: c.Location(), Close: 24 * time.Hour}
	if e, isExchange := c.(*exchange); isExchange {
		today := e.hours[len(e.hours)-1]
		info.Open, info.Close = today.open, today.close
		info.BreakStart, info.BreakEnd = today.breakStart, today.breakEnd
		info.KnownSince = e.since.time()
	}
	return info, nil
}

// ForVenue returns the name of the calendar implied by a venue and asset class, or "" where one must be named.
func ForVenue(venue string, class market.AssetClass) string {
	switch venue {
	case "ARCX", "BATS", "IEXG", "XASE": // NYSE Arca, Cboe BZX, IEX and NYSE American keep the sessions of the NYSE
		return "XNYS"
	case market.VenueIndex:
		return ""
	}
	if _, err := ByName(venue); err == nil {
		return venue
	}
	if class == market.AssetCrypto {
		return market.Calendar247{}.Name()
	}
	return ""
}

// GridOf returns where bars of the interval stand on the named calendar. Errors: as ByName.
func GridOf(interval market.Interval, name string) (market.Grid, error) {
	c, err := ByName(name)
	return market.Grid{Interval: interval, Calendar: c}, err
}

// exchanges returns the calendars of exchanges by name, built at the first call.
var exchanges = sync.OnceValues(newExchanges) //nolint:gochecknoglobals // never written again: every call gives the same calendars

func newExchanges() (map[string]*exchange, error) {
	schedules := []schedule{newYork(), london(), frankfurt(), paris(), tokyo(), hongKong(), sydney()}
	known := make(map[string]*exchange, len(schedules)+1)
	for _, s := range schedules {
		b, err := newBook(s)
		if err != nil {
			return nil, err
		}
		for _, name := range s.names {
			known[name] = &exchange{name: name, book: b}
		}
	}
	return known, nil
}
