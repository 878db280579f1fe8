package providers

import (
	"encoding/json"
	"slices"
	"time"

	"marketdata/market"
)

// The reasons for which a row is dropped without being a fault.
const (
	DroppedOutOfRange = "out_of_range"  // not in what was asked for
	DroppedElsewhere  = "elsewhere"     // not even near what was asked for: farther away than nearby
	DroppedForming    = "forming"       // its bar had not closed and settled when the page was asked for
	DroppedDuplicate  = "duplicate"     // a row of the same key that says the same
	DroppedSuperseded = "superseded"    // an earlier row of the same key, where the provider's later one counts
	DroppedOutside    = "outside_hours" // before the open, after the close or in the break of a day with a session
	DroppedNoTrade    = "no_trade"      // a row without prices: nothing traded
	DroppedLive       = "live"          // the last price of a bar that is still forming, as a row of its own
)

// nearby is how far from what was asked for a row may stand without being strange: providers widen what they are asked to
// whole days, weeks or months.
const nearby = 62 * 24 * time.Hour

// Cleaner applies to all providers what no provider is trusted with: the closed-bar rule, clipping to what was asked
// for, alignment, order, duplicates. Every row it drops is counted by reason.
type Cleaner struct {
	grid       market.Grid
	settle     time.Duration
	bars       []market.Bar
	laterWins  bool
	quarantine []market.Quarantined
	dropped    map[string]int
}

// NewCleaner returns a Cleaner for one chunk: about so many rows of one grid, from a provider that publishes a bar settle
// after its close.
func NewCleaner(grid market.Grid, settle time.Duration, rows int) *Cleaner {
	return &Cleaner{grid: grid, settle: settle, bars: make([]market.Bar, 0, rows), dropped: map[string]int{}}
}

// Add takes the rows of one page that was asked for at requestedAt.
func (c *Cleaner) Add(rows Rows, asked market.Range, requestedAt time.Time) {
	closed := c.grid.ClosedBefore(requestedAt, c.settle)
	c.laterWins = c.laterWins || rows.LaterWins
	for reason, n := range rows.Dropped {
		c.dropped[reason] += n
	}
	for _, bar := range rows.Bars {
		reason := dropReason(bar.Time, asked, closed)
		switch {
		case reason != "":
			c.dropped[reason]++
		case c.grid.IsAligned(bar.Time):
			c.bars = append(c.bars, bar)
		case c.grid.IsOutsideHours(bar.Time):
			c.dropped[DroppedOutside]++
		default:
			c.quarantine = append(c.quarantine, quarantineBar(bar, market.RuleMisaligned))
		}
	}
	for _, q := range rows.Quarantined {
		if reason := dropReason(q.Time, asked, closed); reason != "" && !q.Time.IsZero() {
			c.dropped[reason]++
			continue
		}
		c.quarantine = append(c.quarantine, q)
	}
}

func dropReason(key time.Time, asked market.Range, closed time.Time) string {
	switch {
	case key.Before(asked.Start.Add(-nearby)) || key.After(asked.End.Add(nearby)):
		return DroppedElsewhere
	case !asked.Contains(key):
		return DroppedOutOfRange
	case !key.Before(closed):
		return DroppedForming
	}
	return ""
}

// Result returns the kept bars, ascending and unique by key, with what was dropped and quarantined. Covered and
// ObservedAt are left to the caller.
func (c *Cleaner) Result() market.NormalPage {
	if !slices.IsSortedFunc(c.bars, compareTime) {
		slices.SortStableFunc(c.bars, compareTime)
	}
	kept := c.bars[:0]
	for i := 0; i < len(c.bars); {
		j := i + 1
		for j < len(c.bars) && c.bars[j].Time.Equal(c.bars[i].Time) {
			j++
		}
		if bar, isKept := c.unify(c.bars[i:j]); isKept {
			kept = append(kept, bar)
		}
		i = j
	}
	return market.NormalPage{Bars: kept, Dropped: c.dropped, Quarantined: c.quarantine}
}

// unify decides which of the rows of one key counts; differing rows are all quarantined, unless the later one wins.
func (c *Cleaner) unify(same []market.Bar) (market.Bar, bool) {
	isConflict := slices.ContainsFunc(same[1:], func(b market.Bar) bool { return !b.Equal(same[0]) })
	switch {
	case !isConflict:
		if len(same) > 1 {
			c.dropped[DroppedDuplicate] += len(same) - 1
		}
		return same[0], true
	case c.laterWins:
		c.dropped[DroppedSuperseded] += len(same) - 1
		return same[len(same)-1], true
	}
	for _, bar := range same {
		c.quarantine = append(c.quarantine, quarantineBar(bar, market.RuleConflictingDuplicate))
	}
	return market.Bar{}, false
}

func compareTime(a, b market.Bar) int { return a.Time.Compare(b.Time) }

// quarantineBar keeps a bar whose row is no longer at hand as its readable values.
func quarantineBar(bar market.Bar, rule market.Rule) market.Quarantined {
	value, err := json.Marshal(map[string]string{
		"ts": market.FormatTime(bar.Time), "open": bar.Open.String(), "high": bar.High.String(), "low": bar.Low.String(),
		"close": bar.Close.String(), "volume": bar.Volume.String(),
	})
	if err != nil { // strings always marshal
		value = []byte(err.Error())
	}
	return market.Quarantined{Time: bar.Time, Rule: rule, Value: string(value)}
}
