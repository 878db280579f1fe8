package simulator_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/providers/binance"
	"marketdata/simulator"
)

// load reads a range of one-minute bars through the real adapter.
func load(t *testing.T, s *simulator.Simulator, asked market.Range) market.NormalPage {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	p, err := binance.New(providers.Instance{Name: "sim_binance", BaseURL: server.URL}, providers.NewClient(providers.ClientOptions{Now: now}))
	require.NoError(t, err)
	grid := market.Grid{Interval: market.Interval1m, Calendar: market.Calendar247{}}
	cleaner := providers.NewCleaner(grid, p.Capabilities().Settle, 0)
	request := providers.Request{Symbol: "BTCUSDT", Grid: grid, Range: asked}
	for {
		page, err := p.Fetch(t.Context(), request)
		require.NoError(t, err)
		rows, err := p.Normalize(page)
		require.NoError(t, err)
		cleaner.Add(rows, asked, page.RequestedAt)
		if request.Cursor = page.NextCursor; request.Cursor == "" {
			return cleaner.Result()
		}
	}
}

// TestAdapterLosesNoBar pages through a week whose answers are wrong in ways that can be put right.
func TestAdapterLosesNoBar(t *testing.T) {
	t.Parallel()
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	week := market.Range{Start: start, End: start.AddDate(0, 0, 7)}
	want := load(t, newSimulator(t), week).Bars
	require.Len(t, want, 7*1440)
	for _, fault := range []string{"out_of_window", "duplicates", "unsorted"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s := newSimulator(t)
			misbehave(t, s, `{"fault":"`+fault+`"}`)
			got := load(t, s, week)
			require.Empty(t, got.Quarantined)
			require.Equal(t, want, got.Bars)
		})
	}
}

func TestAdapterStopsBeforeTheFormingBar(t *testing.T) {
	t.Parallel()
	got := load(t, newSimulator(t), market.Range{Start: now().Add(-time.Hour), End: now().Add(time.Hour)})
	require.Equal(t, 1, got.Dropped[providers.DroppedForming])
	require.Equal(t, time.Date(2024, 6, 12, 12, 33, 0, 0, time.UTC), got.Bars[len(got.Bars)-1].Time)
}

func TestAdapterKnowsTheSymbols(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newSimulator(t))
	t.Cleanup(server.Close)
	p, err := binance.New(providers.Instance{Name: "sim_binance", BaseURL: server.URL}, providers.NewClient(providers.ClientOptions{Now: now}))
	require.NoError(t, err)
	listings, err := p.Instruments(t.Context())
	require.NoError(t, err)
	require.Greater(t, len(listings), 3)
	finder, isFinder := p.(providers.ListingFinder)
	require.True(t, isFinder)
	listing, _, err := finder.Listing(t.Context(), "BTCUSDT", "")
	require.NoError(t, err)
	require.Equal(t, time.Date(2017, 8, 17, 4, 0, 0, 0, time.UTC), listing.ListedAt)
	_, _, err = finder.Listing(t.Context(), "NOPE", "")
	require.Equal(t, market.KindNotFound, market.KindOf(err))
}
