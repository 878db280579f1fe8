package alerts

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"marketdata/market"
)

const maxDetailed = 50 // series in the details of an alert

// Lateness is how late a series is that is kept in sync.
type Lateness struct {
	Series market.TrackedSeries
	Late   time.Duration // since the first bar that it lacks was due
	Why    string        // its last sync failed; "" where it did not, or was never tried
}

// staleDetail is one late series in the details of an alert.
type staleDetail struct {
	Instrument   string     `json:"instrument"`
	LateSeconds  int64      `json:"late_seconds"`
	CoveredUntil *time.Time `json:"covered_until"`
	Error        string     `json:"error,omitempty"`
}

type staleDetails struct {
	Count             int           `json:"count"`
	StaleAfterSeconds int64         `json:"stale_after_seconds"`
	Series            []staleDetail `json:"series"` // the latest ones
}

// SeriesStale returns one condition for each provider and interval with series that are late by more than after allows.
// An alert that is open stays open until every one of its series is less than half as late, so that a series around the
// limit does not raise it again and again.
func SeriesStale(all []Lateness, after func(market.Interval) time.Duration, now time.Time) []market.AlertCondition {
	type group struct {
		provider string
		interval market.Interval
	}
	late := map[group][]Lateness{}
	var groups []group
	for _, l := range all {
		g := group{l.Series.Provider, l.Series.Interval}
		if l.Late < max(1, after(g.interval)/2) {
			continue
		}
		if late[g] == nil {
			groups = append(groups, g)
		}
		late[g] = append(late[g], l)
	}
	conditions := make([]market.AlertCondition, 0, len(groups))
	for _, g := range groups {
		limit := after(g.interval)
		stale := slices.DeleteFunc(late[g], func(l Lateness) bool { return l.Late <= limit })
		conditions = append(conditions, staleGroup(g.provider, g.interval, stale, limit, now))
	}
	return conditions
}

// staleGroup is the condition of one provider and interval; without a stale series it holds only.
func staleGroup(provider string, interval market.Interval, stale []Lateness, limit time.Duration, now time.Time) market.AlertCondition {
	c := market.AlertCondition{Kind: market.AlertSeriesStale, Key: provider + "/" + string(interval)}
	if len(stale) == 0 {
		c.HoldsOnly = true
		return c
	}
	slices.SortStableFunc(stale, func(a, b Lateness) int { return cmp.Compare(b.Late, a.Late) })
	c.OccurredAt, c.Weight, c.Subject = now, len(stale), market.AlertSubject{Provider: provider, Interval: interval}
	details := staleDetails{Count: len(stale), StaleAfterSeconds: int64(limit.Seconds()), Series: []staleDetail{}}
	var lines strings.Builder
	fmt.Fprintf(&lines, "Bars that are due for more than %s are missing, the longest first:", limit)
	for i, l := range stale[:min(len(stale), maxDetailed)] {
		d := staleDetail{
			Instrument: l.Series.Instrument.String(), LateSeconds: int64(l.Late.Seconds()), CoveredUntil: l.Series.CoveredEnd,
			Error: shorten(l.Why),
		}
		details.Series = append(details.Series, d)
		if i < maxShown {
			fmt.Fprintf(&lines, "%s%s: late by %s, %s", indentOfList, d.Instrument, l.Late.Round(time.Second), coverage(d.CoveredUntil))
			if d.Error != "" {
				fmt.Fprintf(&lines, ": %s", d.Error)
			}
		}
	}
	if more := len(stale) - maxShown; more > 0 {
		fmt.Fprintf(&lines, "%sand %d more", indentOfList, more)
	}
	fmt.Fprintf(&lines, "\nSee whether its sync runs and what it says: marketdata schedules show sync-%s-%s; whether the provider is held: marketdata providers list",
		provider, interval)
	what := fmt.Sprintf("%d series", len(stale))
	if len(stale) == 1 {
		c.Subject.Instrument = details.Series[0].Instrument
		what = c.Subject.Instrument
	}
	c.Text = newText(fmt.Sprintf("Stale: %s %s of %s", what, interval, provider), lines.String(), details)
	return c
}

func coverage(until *time.Time) string {
	if until == nil {
		return "nothing stored"
	}
	return "stored to " + until.UTC().Format(timeInText)
}
