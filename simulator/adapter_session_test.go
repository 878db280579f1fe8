package simulator_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/providers/coinbase"
	"marketdata/providers/yahoo"
	"marketdata/simulator"
)

// TestAdaptersReadTheTruth loads bars through the real adapters.
func TestAdaptersReadTheTruth(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		symbol, calendar string
		interval         market.Interval
		days             int
	}{
		{"AAPL", "XNAS", market.Interval1d, 2000},
		{"AAPL", "XNAS", market.Interval1h, 300},
		{"^GSPC", "XNYS", market.Interval1mo, 2000},
		{"SAP.DE", "XETR", market.Interval1m, 6},
		{"7203.T", "XTKS", market.Interval1h, 60},
		{"0700.HK", "XHKG", market.Interval30m, 60},
		{"BHP.AX", "XASX", market.Interval1d, 400},
		{"BHP.AX", "XASX", market.Interval1w, 400},
		{"VOD.L", "XLON", market.Interval1d, 400},
		{"EURUSD=X", "24x7", market.Interval1d, 400},
		{"BTC-USD", "24x7", market.Interval1d, 400},
		{"BTC-USD", "24x7", market.Interval5m, 4},
	} {
		r := market.Range{Start: market.Interval1d.Floor(now()).AddDate(0, 0, -tc.days), End: now().AddDate(0, 0, 2)}
		s := newSimulator(t)
		requireTruth(t, s, yahoo.New, tc.symbol, market.Grid{Interval: tc.interval, Calendar: calendarOf(t, tc.calendar)}, r)
	}
	for symbol, interval := range map[string]market.Interval{"BTC-USD": market.Interval1m, "XTZ-BTC": market.Interval1m, "ETH-USD": market.Interval1d} {
		r := market.Range{Start: market.Interval1d.Floor(now()).AddDate(0, 0, -2), End: now().AddDate(0, 0, 2)}
		s := newSimulator(t)
		requireTruth(t, s, coinbase.New, symbol, market.Grid{Interval: interval, Calendar: market.Calendar247{}}, r)
	}
}

// TestAdaptersLeaveOutLateTrades replays an early close with rows after it, which are bars of no session.
func TestAdaptersLeaveOutLateTrades(t *testing.T) {
	t.Parallel()
	const text = "2023-07-03 12:00,1,1,1,1,1\n2023-07-03 13:00,2,2,2,2,2\n2023-07-05 09:00,2,2,2,2,2\n"
	replay, err := sessionReplay(file(t, "a.csv", text), "AAPL", market.Interval1h, ohlcv, "XNAS")
	require.NoError(t, err)
	july := market.Range{Start: time.Date(2023, 7, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2023, 8, 1, 0, 0, 0, 0, time.UTC)}
	requireTruth(t, newSimulator(t, replay), yahoo.New, "AAPL", market.Grid{Interval: market.Interval1h, Calendar: calendarOf(t, "XNAS")}, july)
}

// opener makes an adapter.
type opener func(providers.Instance, *providers.Client) (providers.Provider, error)

// requireTruth asks for one window after the other, as the platform does, and compares what has settled.
func requireTruth(t *testing.T, s *simulator.Simulator, open opener, symbol string, grid market.Grid, r market.Range) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	p, err := open(providers.Instance{Name: "sim", BaseURL: server.URL}, providers.NewClient(providers.ClientOptions{Now: now}))
	require.NoError(t, err)
	settle := p.Capabilities().Settle
	cleaner := providers.NewCleaner(grid, settle, 0)
	step := func(time.Time) time.Time { return r.End }
	if seconds := p.Capabilities().WindowSeconds[grid.Interval]; seconds > 0 {
		step = func(at time.Time) time.Time { return at.Add(time.Duration(seconds) * time.Second) }
	}
	for _, part := range r.Split(step) {
		request := providers.Request{Symbol: symbol, Grid: grid, Range: part}
		for isFirst := true; isFirst || request.Cursor != ""; isFirst = false {
			page, err := p.Fetch(t.Context(), request)
			require.NoError(t, err)
			rows, err := p.Normalize(page)
			require.NoError(t, err)
			cleaner.Add(rows, part, page.RequestedAt)
			request.Cursor = page.NextCursor
		}
	}
	got := cleaner.Result()
	require.Empty(t, got.Quarantined, symbol)
	want := truth(t, s, symbol, grid.Interval, market.Range{Start: r.Start, End: grid.ClosedBefore(now(), settle)})
	require.NotEmpty(t, want)
	for i := range min(len(want), len(got.Bars)) {
		require.Equal(t, want[i], got.Bars[i], "%s %s", symbol, grid.Interval)
	}
	require.Equal(t, len(want), len(got.Bars), "%s %s", symbol, grid.Interval) //nolint:testifylint // the bars would fill a screen
}
