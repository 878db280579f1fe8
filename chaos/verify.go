package chaos

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"marketdata/db/audit"
	"marketdata/market"
)

// Verdict is what a look at a platform at rest found. All lists but Late and Quarantined must be empty, and bars compared.
type Verdict struct {
	Series      int
	Compared    int64    // bars held against the simulator's
	Losses      []string // bars that are missing or wrong, or ranges that were wanted and are not answered
	Duplicates  []string // bars that were counted twice, or nobody asked for, or whose receipts do not add up
	Repeated    []string // requests for what was stored
	Stuck       []string // backfills, chunks and workflows that did not end
	Unexplained []string // failures without a reason, in the API or in their run
	Late        []string // one request at most of each worker that went on after it had been frozen: it is told only when it stores the answer
	Quarantined []string // rows that broke a rule and stand for a bar that is missing
}

// IsGood reports whether bars were compared and nothing was lost.
func (v Verdict) IsGood() bool {
	return v.Compared > 0 && len(v.Losses)+len(v.Duplicates)+len(v.Repeated)+len(v.Stuck)+len(v.Unexplained) == 0
}

// Verify holds everything that the platform stored against the simulator's market and its log of requests. The platform
// must be at rest and the simulator honest. thaws is when workers went on that had been frozen.
func (p *Platform) Verify(ctx context.Context, thaws ...time.Time) (Verdict, error) {
	var v Verdict
	all, err := p.audit.Series(ctx)
	if err != nil {
		return v, err
	}
	quarantined, err := p.audit.Quarantined(ctx)
	if err != nil {
		return v, err
	}
	v.Series = len(all)
	for _, s := range all {
		c, err := newComparison(s, quarantined)
		if err != nil {
			return v, err
		}
		if err := p.compare(ctx, c); err != nil {
			return v, err
		}
		v.Compared += c.compared
		v.Losses = append(v.Losses, c.losses...)
		v.Duplicates = append(v.Duplicates, c.duplicates...)
		v.Quarantined = append(v.Quarantined, c.listed()...)
	}
	problems, err := p.audit.Problems(ctx)
	if err != nil {
		return v, err
	}
	for _, problem := range problems {
		v.Duplicates = append(v.Duplicates, problem.What)
	}
	if v.Repeated, v.Late, err = p.repeated(ctx, thaws); err != nil {
		return v, err
	}
	v.Stuck, err = p.stuck(ctx)
	return v, err
}

// stuck lists what has not ended.
func (p *Platform) stuck(ctx context.Context) ([]string, error) {
	var stuck []string
	backfills, err := p.api.backfills(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range backfills {
		if b.Status != market.StatusCompleted && b.Status != market.StatusCompletedWithGaps {
			stuck = append(stuck, fmt.Sprintf("backfill %s is %s", b.ID, b.Status))
		}
	}
	unfinished, err := p.audit.Unfinished(ctx)
	if err != nil {
		return nil, err
	}
	if unfinished > 0 {
		stuck = append(stuck, fmt.Sprintf("%d chunks are not finished", unfinished))
	}
	running, err := p.flows.running(ctx)
	if err != nil {
		return nil, err
	}
	if running > 0 {
		stuck = append(stuck, fmt.Sprintf("%d workflows have not ended", running))
	}
	return stuck, nil
}

// compare reads the series month by month and holds it against the truth.
func (p *Platform) compare(ctx context.Context, c *comparison) error {
	missing, err := p.audit.Missing(ctx, c.series.ID)
	if err != nil {
		return err
	}
	for _, r := range missing {
		if n := c.grid.Count(r); n > 0 {
			c.losses = append(c.losses, fmt.Sprintf("%s: %s, %d bars, was wanted and is not answered", c.name(), r, n))
		}
	}
	covered, err := p.audit.Covered(ctx, c.series.ID)
	if err != nil {
		return err
	}
	for _, r := range covered {
		for _, part := range r.Split(c.series.Interval.ChunkStep) {
			truth, err := p.rig.sim.truth(ctx, c.series.ProviderSymbol, c.series.Interval, part)
			if err != nil {
				return err
			}
			stored, err := p.audit.Bars(ctx, c.series.ID, part)
			if err != nil {
				return err
			}
			c.part(truth, stored)
		}
	}
	return nil
}

// comparison holds one series against the truth.
type comparison struct {
	series     audit.Series
	grid       market.Grid
	byKey      map[int64]audit.Quarantined // of the series, by the second of the bar that the row stands for
	unread     []audit.Quarantined         // of the series, whose time could not be read
	used       []audit.Quarantined
	compared   int64
	losses     []string
	duplicates []string
}

func (c *comparison) name() string {
	return fmt.Sprintf("%s %s of %s", c.series.Instrument, c.series.Interval, c.series.Provider)
}

// part compares a stretch: both ascending by time.
func (c *comparison) part(truth []bar, stored []audit.Bar) {
	have := make(map[int64]audit.Bar, len(stored))
	for _, b := range stored {
		have[b.Time.Unix()] = b
	}
	for _, want := range truth {
		got, isStored := have[want.TS.Unix()]
		delete(have, want.TS.Unix())
		switch {
		case !isStored && !c.isQuarantined(want):
			c.losses = append(c.losses, fmt.Sprintf("%s: the bar of %s is missing", c.name(), market.FormatTime(want.TS)))
		case isStored && !isEqual(want, got):
			c.losses = append(c.losses, fmt.Sprintf("%s: the bar of %s is %v, not %v", c.name(), market.FormatTime(want.TS), got, want))
		case isStored:
			c.compared++
		}
	}
	for _, at := range slices.Sorted(maps.Keys(have)) {
		c.duplicates = append(c.duplicates, fmt.Sprintf("%s: there is no bar of %s", c.name(), market.FormatTime(have[at].Time)))
	}
}

func isEqual(want bar, got audit.Bar) bool {
	return want.Open.String() == got.Open && want.High.String() == got.High && want.Low.String() == got.Low &&
		want.Close.String() == got.Close && want.Volume.String() == got.Volume
}

// isQuarantined reports whether a row that broke a rule stands for the missing bar. A row whose time could not be read
// stands for one bar of its chunk.
func (c *comparison) isQuarantined(want bar) bool {
	if q, isListed := c.byKey[want.TS.Unix()]; isListed {
		c.used = append(c.used, q)
		return true
	}
	for i, q := range c.unread {
		if !want.TS.Before(q.Start) && want.TS.Before(q.End) {
			c.used = append(c.used, q)
			c.unread = slices.Delete(c.unread, i, i+1)
			return true
		}
	}
	return false
}

func (c *comparison) listed() []string {
	lines := make([]string, len(c.used))
	for i, q := range c.used {
		at := "time unknown"
		if q.Time.Year() > 1 {
			at = market.FormatTime(q.Time)
		}
		lines[i] = fmt.Sprintf("%s, %s: %s: %s", c.name(), at, q.Rule, q.Value)
	}
	return lines
}
