package providertest

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
)

// Run tries everything the platform relies on.
func Run(t *testing.T, h Harness) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"capabilities", capabilities},
		{"half-open bounds", halfOpen},
		{"page edges", pageEdges},
		{"rows that were not asked for", notAskedFor},
		{"a full page that ignores the cursor", ignoredCursor},
		{"unsorted rows", unsorted},
		{"duplicates", duplicates},
		{"empty range", emptyRange},
		{"forming bar", formingBar},
		{"refusals", refusals},
		{"bodies that are not the format", garbage},
		{"cut body", cutBody},
		{"cancelled context", cancelled},
		{"one request per call", oneRequest},
		{"damaged bodies", damaged},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, h)
		})
	}
}

func capabilities(t *testing.T, h Harness) {
	t.Helper()
	g := newRig(t, h, h.market(nil))
	require.Equal(t, "subject", g.provider.Name())
	c := g.provider.Capabilities()
	require.Equal(t, c, g.provider.Capabilities())
	require.NotEmpty(t, c.AssetClasses)
	require.NotEmpty(t, c.Intervals)
	for _, class := range c.AssetClasses {
		require.Contains(t, market.AssetClasses(), class)
	}
	for _, interval := range c.Intervals {
		require.Contains(t, market.Intervals(), interval)
	}
	require.Contains(t, []string{"asc", "desc"}, c.Order)
	require.Contains(t, []string{"clock", "session"}, c.Anchor)
	require.Contains(t, []market.Adjustment{market.AdjustmentRaw, market.AdjustmentSplit}, c.PriceBasis)
	require.InDelta(t, c.Settle.Seconds(), c.SettleSeconds, 0)
	require.Positive(t, c.Pacing.RequestsPerMinute)
	require.LessOrEqual(t, c.Pacing.PageWeight, max(1, c.Pacing.HeaviestWeight))
	require.LessOrEqual(t, c.Pacing.HeaviestWeight, max(1, c.Pacing.WeightPerMinute))
}

func halfOpen(t *testing.T, h Harness) {
	t.Helper()
	g := newRig(t, h, nil)
	bars := g.bars(t, g.start(), 30)
	g = newRig(t, h, h.market(bars))
	for _, c := range []struct {
		name       string
		start, end time.Time
		from, to   int
	}{
		{"on keys", bars[10].Time, bars[20].Time, 10, 20},
		{"one bar", bars[10].Time, bars[11].Time, 10, 11},
		{"just after a key", bars[10].Time.Add(time.Millisecond), bars[20].Time.Add(time.Millisecond), 11, 21},
		{"just before a key", bars[10].Time.Add(-time.Millisecond), bars[20].Time.Add(-time.Millisecond), 10, 20},
		{"finer than milliseconds", bars[10].Time.Add(1), bars[20].Time.Add(1), 11, 21},
		{"beyond both ends", bars[0].Time.AddDate(0, 0, -1), bars[29].Time.AddDate(0, 0, 1), 0, 30},
	} {
		got, _ := g.load(t, market.Range{Start: c.start, End: c.end})
		requireBars(t, bars[c.from:c.to], got.Bars)
		require.Empty(t, got.Quarantined, c.name)
	}
}

func pageEdges(t *testing.T, h Harness) {
	t.Helper()
	g := newRig(t, h, nil)
	limit := g.provider.Capabilities().MaxBarsPerPage
	if limit == 0 {
		limit = 1000 // a whole range comes in one answer: any size will do
	}
	bars := g.bars(t, g.start(), 3*limit)
	g = newRig(t, h, h.market(bars))
	for _, n := range []int{limit - 1, limit, limit + 1, 2 * limit, 2*limit + 1} {
		got, pages := g.load(t, market.Range{Start: bars[0].Time, End: bars[n].Time})
		requireBars(t, bars[:n], got.Bars)
		if g.provider.Capabilities().MaxBarsPerPage > 0 {
			require.Equal(t, (n+limit-1)/limit, pages, "%d bars", n)
		}
	}
}

func notAskedFor(t *testing.T, h Harness) {
	t.Helper()
	g := newRig(t, h, nil)
	bars := g.bars(t, g.start(), 30)
	g = newRig(t, h, always(h.Encode(g.grid, bars)))
	got, _ := g.load(t, market.Range{Start: bars[10].Time, End: bars[20].Time})
	requireBars(t, bars[10:20], got.Bars)
	require.Equal(t, map[string]int{providers.DroppedOutOfRange: 20}, got.Dropped)

	page, err := g.provider.Fetch(t.Context(), g.request(market.Range{Start: bars[10].Time, End: bars[20].Time}))
	require.NoError(t, err)
	require.Equal(t, 30, page.Rows, "rows count all rows")
	require.Equal(t, bars[10].Time, page.FirstAt)
	require.Equal(t, bars[19].Time, page.LastAt)
}

func ignoredCursor(t *testing.T, h Harness) {
	t.Helper()
	g := newRig(t, h, nil)
	limit := g.provider.Capabilities().MaxBarsPerPage
	if limit == 0 {
		return // without pages there is no cursor
	}
	bars := g.bars(t, g.start(), limit)
	g = newRig(t, h, always(h.Encode(g.grid, bars)))
	got, pages := g.load(t, market.Range{Start: bars[0].Time, End: bars[0].Time.AddDate(0, 0, 5)})
	require.LessOrEqual(t, pages, 2)
	requireBars(t, bars, got.Bars)
}

func unsorted(t *testing.T, h Harness) {
	t.Helper()
	g := newRig(t, h, nil)
	bars := g.bars(t, g.start(), 9)
	mixed := slices.Concat(bars[6:], bars[:3], bars[3:6])
	g = newRig(t, h, always(h.Encode(g.grid, mixed)))
	got, _ := g.load(t, g.day())
	requireBars(t, bars, got.Bars)
}

func duplicates(t *testing.T, h Harness) {
	t.Helper()
	g := newRig(t, h, nil)
	bars := g.bars(t, g.start(), 5)
	g = newRig(t, h, always(h.Encode(g.grid, slices.Concat(bars, bars[:2]))))
	got, _ := g.load(t, g.day())
	requireBars(t, bars, got.Bars)
	require.Empty(t, got.Quarantined)
}

func emptyRange(t *testing.T, h Harness) {
	t.Helper()
	g := newRig(t, h, h.market(nil))
	page, err := g.provider.Fetch(t.Context(), g.request(g.day()))
	require.NoError(t, err)
	requirePage(t, g.request(g.day()), page)
	require.Zero(t, page.Rows)
	require.True(t, page.FirstAt.IsZero())
	require.Empty(t, page.NextCursor)
	rows, err := g.provider.Normalize(page)
	require.NoError(t, err)
	require.Empty(t, rows.Bars)
	require.Empty(t, rows.Quarantined)
}

func formingBar(t *testing.T, h Harness) {
	t.Helper()
	g := newRig(t, h, nil)
	forming := g.grid.Floor(now())
	from := forming
	for range 3 {
		from = g.grid.Floor(from.Add(-1))
	}
	bars := g.bars(t, from, 4)
	g = newRig(t, h, h.market(bars))
	got, _ := g.load(t, market.Range{Start: from, End: g.grid.Next(forming)})
	requireBars(t, bars[:3], got.Bars)
	require.Equal(t, 1, got.Dropped[providers.DroppedForming])
}

func cancelled(t *testing.T, h Harness) {
	t.Helper()
	arrived := make(chan struct{})
	g := newRig(t, h, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err := g.provider.Fetch(ctx, g.request(g.day()))
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, market.KindUnavailable, market.KindOf(err))
}

func oneRequest(t *testing.T, h Harness) {
	t.Helper()
	var count atomic.Int64
	g := newRig(t, h, func(w http.ResponseWriter, _ *http.Request) {
		count.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	_, err := g.provider.Fetch(t.Context(), g.request(g.day()))
	require.Error(t, err)
	require.EqualValues(t, 1, count.Load(), "a provider does not retry")
	_, err = g.provider.Instruments(t.Context())
	require.Error(t, err)
	require.EqualValues(t, 2, count.Load())
}
