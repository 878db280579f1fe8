package market

import "time"

// TrackedSeries is an interval of an instrument that is kept in sync, at one of the providers that list it.
type TrackedSeries struct {
	Instrument InstrumentID
	Interval   Interval
	Provider   string
	Symbol     string // the provider's
	Calendar   string
	Preference int       // of the provider among the instrument's, 0 first
	SeriesID   int64     // 0: no bars were asked for yet
	Since      time.Time // midnight UTC of the day tracking began
	AddedAt    time.Time // the instant tracking began

	// CoveredUntil is, in key space, where the first stretch begins that was not answered: of the time after Since or
	// after the last answer, whichever is earlier. nil: nothing was ever answered.
	CoveredUntil *time.Time
	CoveredEnd   *time.Time // where the last answered stretch ends, in key space; nil as CoveredUntil
	ListedAt     *time.Time
	DelistedAt   *time.Time
}

// Synced returns what sync keeps fresh: for each instrument and interval the series of the first preferred provider that
// can serve it. all must be ordered by instrument, interval and preference.
func Synced(all []TrackedSeries, can func(provider string, interval Interval) bool) []TrackedSeries {
	type key struct {
		instrument InstrumentID
		interval   Interval
	}
	var synced []TrackedSeries
	seen := make(map[key]bool, len(all))
	for _, s := range all {
		k := key{s.Instrument, s.Interval}
		if !seen[k] && can(s.Provider, s.Interval) {
			seen[k] = true
			synced = append(synced, s)
		}
	}
	return synced
}
