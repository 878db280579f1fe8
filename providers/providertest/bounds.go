package providertest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
)

func capabilities(t *testing.T, g *rig) {
	t.Helper()
	require.Equal(t, "subject", g.provider.Name())
	c := g.provider.Capabilities()
	require.Equal(t, c, g.provider.Capabilities())
	require.NotEmpty(t, c.AssetClasses)
	require.NotEmpty(t, c.Intervals)
	require.Subset(t, market.AssetClasses(), c.AssetClasses)
	require.Subset(t, market.Intervals(), c.Intervals)
	for interval, seconds := range c.WindowSeconds {
		require.Contains(t, c.Intervals, interval)
		require.Positive(t, seconds)
	}
	require.Contains(t, []string{market.OrderAscending, market.OrderDescending}, c.Order)
	require.Contains(t, []string{"clock", "session"}, c.Anchor)
	require.Contains(t, []market.Adjustment{market.AdjustmentRaw, market.AdjustmentSplit}, c.PriceBasis)
	require.InDelta(t, c.Settle.Seconds(), c.SettleSeconds, 0)
	require.NotEmpty(t, c.RangeSemantics)
	require.NotEmpty(t, c.HistoryDepth)
	require.Positive(t, c.Pacing.RequestsPerMinute)
	require.LessOrEqual(t, c.Pacing.PageWeight, max(1, c.Pacing.HeaviestWeight))
	require.LessOrEqual(t, c.Pacing.HeaviestWeight, max(1, c.Pacing.WeightPerMinute))
}

// halfOpen asks for the same stretch with bounds on, just before and just after keys, on every interval.
func halfOpen(t *testing.T, g *rig) {
	t.Helper()
	for _, interval := range g.provider.Capabilities().Intervals {
		g.on(interval)
		start := day()
		if !interval.IsIntraday() {
			start = start.AddDate(-2, 0, 0)
		}
		whole := g.keys(start, 20)
		at := func(n int) time.Time { return g.keys(start, n).End }
		for _, r := range []market.Range{
			whole,
			{Start: at(5), End: at(12)},
			{Start: at(5), End: at(6)},
			{Start: at(5).Add(time.Second), End: at(12).Add(time.Second)},
			{Start: at(5).Add(-time.Second), End: at(12).Add(-time.Second)},
			{Start: at(5).Add(1), End: at(12).Add(1)}, // finer than any provider writes
		} {
			want := g.truth(t, r)
			require.NotEmpty(t, g.truth(t, whole), "the market has bars of %s", interval)
			got := g.load(t, r)
			requireBars(t, want, got.Bars)
			require.Empty(t, got.Quarantined, "%s %s", interval, r)
		}
	}
}

// pageEdges asks for as many keys as one request may bring, fewer by one, more by one, and several times that.
func pageEdges(t *testing.T, g *rig) {
	t.Helper()
	c := g.provider.Capabilities()
	g.on(market.Interval1m)
	limit := c.MaxBarsPerPage
	if limit == 0 {
		limit = 400 // a whole window comes in one answer: any size will do
	}
	start := day().AddDate(0, 0, -7)
	for _, n := range []int{limit - 1, limit, limit + 1, 2 * limit, 2*limit + 1} {
		r := g.keys(start, n)
		before := g.requests.Load()
		got := g.load(t, r)
		requireBars(t, g.truth(t, r), got.Bars)
		require.Empty(t, got.Quarantined)
		if c.MaxBarsPerPage > 0 {
			require.EqualValues(t, (n+limit-1)/limit, g.requests.Load()-before, "requests for %d bars", n)
		}
	}
	if seconds := c.WindowSeconds[market.Interval1m]; seconds > 0 {
		length := time.Duration(seconds) * time.Second
		for _, more := range []time.Duration{-time.Minute, 0, time.Minute} {
			r := market.Range{Start: start, End: start.Add(length + more)}
			before := g.requests.Load()
			requireBars(t, g.truth(t, r), g.load(t, r).Bars)
			require.Equal(t, more > 0, g.requests.Load()-before == 2, "a window and %s", more)
		}
	}
}

// clockChanges asks for the weeks around both changes of the clocks in New York, London and Sydney.
func clockChanges(t *testing.T, g *rig) {
	t.Helper()
	for _, interval := range []market.Interval{market.Interval1h, market.Interval1d} {
		g.on(interval)
		for _, week := range []string{"2024-03-07", "2024-03-28", "2024-04-04", "2024-10-03", "2024-10-24", "2024-10-31"} {
			start, err := market.ParseTime(week)
			require.NoError(t, err)
			r := market.Range{Start: start, End: start.AddDate(0, 0, 7)}
			want, got := g.truth(t, r), g.load(t, r)
			require.NotEmpty(t, want)
			requireBars(t, want, got.Bars)
			require.Empty(t, got.Quarantined)
		}
	}
}

func emptyRange(t *testing.T, g *rig) {
	t.Helper()
	g.fault(t, gap(g.some()))
	got := g.load(t, g.some())
	require.Empty(t, got.Bars)
	require.Empty(t, got.Quarantined)
	page, err := g.provider.Fetch(t.Context(), g.request(g.some()))
	require.NoError(t, err)
	require.True(t, page.FirstAt.IsZero())
	require.Empty(t, page.NextCursor)
}

func beforeListing(t *testing.T, g *rig) {
	t.Helper()
	interval := market.Interval1d
	g.on(interval)
	r := g.keys(time.Date(1901, 1, 1, 0, 0, 0, 0, time.UTC), 5)
	require.Empty(t, g.truth(t, r))
	got := g.load(t, r)
	require.Empty(t, got.Bars)
	require.Empty(t, got.Quarantined)
}

// listing finds the key of the first daily bar.
func listing(t *testing.T, g *rig) {
	t.Helper()
	finder, isFinder := g.provider.(providers.ListingFinder)
	if !isFinder {
		return // a provider need not be one
	}
	found, cursor := providers.Listing{}, ""
	for step := 0; step == 0 || cursor != ""; step++ {
		require.Less(t, step, 24)
		before := g.requests.Load()
		var err error
		found, cursor, err = finder.Listing(t.Context(), g.Symbol, cursor)
		require.NoError(t, err)
		require.EqualValues(t, 1, g.requests.Load()-before)
	}
	g.on(market.Interval1d)
	ever := market.Range{Start: time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC), End: g.now()}
	first := g.truth(t, ever)[0]
	require.Equal(t, g.Symbol, found.Symbol)
	require.Equal(t, first.Time, g.grid.Holding(found.ListedAt))
}

// formingBar stands within a bar of a session and asks for more than has closed.
func formingBar(t *testing.T, g *rig) {
	t.Helper()
	session, isOpen := g.calendar.Session(day())
	require.True(t, isOpen)
	settle := g.provider.Capabilities().Settle
	seen := 0
	for _, interval := range g.provider.Capabilities().Intervals {
		g.on(interval)
		g.setClock(session.Open.Add(2*time.Hour + 20*time.Second))
		end := g.grid.Next(g.now())
		start := g.grid.Floor(g.now())
		for range 3 {
			start = g.grid.Floor(start.Add(-1))
		}
		closed := g.grid.ClosedBefore(g.now(), settle)
		got := g.load(t, market.Range{Start: start, End: end})
		requireBars(t, g.truth(t, market.Range{Start: start, End: closed}), got.Bars)
		require.Empty(t, got.Quarantined, "%s", interval)
		seen += got.Dropped[providers.DroppedForming] + got.Dropped[providers.DroppedLive]
	}
	require.Positive(t, seen, "the provider sends bars that have not closed")
}
