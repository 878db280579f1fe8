package alerts

import "marketdata/market"

// muchMore is how much larger a condition is than when it was raised for people to be told again.
const (
	muchMore     = 2 // times
	muchMoreThan = 5 // more, at least
)

// Decide compares what is the matter with the open alerts. A condition without an open alert is raised; an alert
// without a condition is resolved; one whose condition is there still follows its text, and is replaced by a new alert
// where there is news: a backfill that failed again, twice as many stale series.
func Decide(open []market.Alert, found []market.AlertCondition) market.AlertChanges {
	type place struct {
		kind market.AlertKind
		key  string
	}
	changes := market.AlertChanges{Refresh: map[string]market.AlertCondition{}}
	standing := make(map[place]market.AlertCondition, len(found))
	for _, c := range found { // of two with one place the one that is more than a hold counts
		at := place{c.Kind, c.Key}
		if former, isThere := standing[at]; !isThere || former.HoldsOnly {
			standing[at] = c
		}
	}
	isOpen := make(map[place]bool, len(open))
	for _, a := range open {
		at := place{a.Kind, a.Key}
		c, isStanding := standing[at]
		switch {
		case !isStanding:
			changes.Resolve = append(changes.Resolve, a.ID)
		case c.HoldsOnly:
			isOpen[at] = true
		case isNews(a, c):
			changes.Supersede = append(changes.Supersede, a.ID)
		default:
			isOpen[at] = true
			changes.Refresh[a.ID] = c
		}
	}
	for _, c := range found { // in their order
		at := place{c.Kind, c.Key}
		if c.HoldsOnly || isOpen[at] {
			continue
		}
		isOpen[at] = true
		changes.Raise = append(changes.Raise, standing[at])
	}
	return changes
}

// isNews reports whether a condition that was raised before has to be told of again.
func isNews(a market.Alert, c market.AlertCondition) bool {
	switch c.Kind {
	case market.AlertBackfillFailed:
		return c.OccurredAt.After(a.OccurredAt)
	case market.AlertSeriesStale:
		return c.Weight >= muchMore*a.Weight && c.Weight >= a.Weight+muchMoreThan
	case market.AlertProviderPaused, market.AlertProviderRefused, market.AlertTest:
		return false
	}
	return false
}
