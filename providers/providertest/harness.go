package providertest

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
)

// Answer is what a server sends.
type Answer struct {
	Status int // 0 is 200
	Header map[string]string
	Body   string
	IsCut  bool // the connection ends before the announced body does
}

// Harness is an adapter and its provider's way of answering.
type Harness struct {
	New    func(i providers.Instance, client *providers.Client) (providers.Provider, error)
	Symbol string // any symbol in the provider's writing
	// Serve answers a request for a page out of a market whose bars are ascending, as the provider does: with its own
	// bounds, page size and order.
	Serve func(r *http.Request, bars []market.Bar) Answer
	// Encode answers with exactly these bars, in this order, whatever was asked.
	Encode func(grid market.Grid, bars []market.Bar) Answer
	// UnknownSymbol is the answer to a symbol that the provider does not know.
	UnknownSymbol Answer
}

// now is the clock of the suite: a minute of a market that never closes, and half of it gone.
func now() time.Time { return time.Date(2024, 3, 5, 12, 0, 30, 0, time.UTC) }

// rig is a provider before a server of its own.
type rig struct {
	harness  Harness
	provider providers.Provider
	grid     market.Grid
}

func newRig(t *testing.T, h Harness, handler http.HandlerFunc) rig {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client := providers.NewClient(providers.ClientOptions{Version: "test", Now: now})
	p, err := h.New(providers.Instance{Name: "subject", BaseURL: server.URL}, client)
	require.NoError(t, err)
	interval := p.Capabilities().Intervals[0]
	return rig{harness: h, provider: p, grid: market.Grid{Interval: interval, Calendar: market.Calendar247{}}}
}

// always answers every request alike.
func always(a Answer) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { a.write(w) }
}

func (a Answer) write(w http.ResponseWriter) {
	for name, value := range a.Header {
		w.Header().Set(name, value)
	}
	if a.IsCut {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)+1))
	}
	if a.Status != 0 {
		w.WriteHeader(a.Status)
	}
	_, _ = w.Write([]byte(a.Body)) // a client that is gone is part of some cases
}

// market serves the bars as the provider would.
func (h Harness) market(bars []market.Bar) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { h.Serve(r, bars).write(w) }
}

// start returns a key of the grid, some days before now.
func (g rig) start() time.Time { return g.grid.Floor(now().AddDate(0, 0, -10)) }

// bars returns n bars of the grid from the key on, each with prices of its own.
func (g rig) bars(t *testing.T, from time.Time, n int) []market.Bar {
	t.Helper()
	bars := make([]market.Bar, n)
	for i := range bars {
		price, err := market.ParseDecimal(strconv.Itoa(100+i) + ".25")
		require.NoError(t, err)
		trades := int64(i)
		bars[i] = market.Bar{
			Time: from, Open: price, High: price, Low: price, Close: price, Volume: price, Turnover: price, Trades: &trades,
		}
		from = g.grid.Next(from)
	}
	return bars
}

func (g rig) request(asked market.Range) providers.Request {
	return providers.Request{Symbol: g.harness.Symbol, Grid: g.grid, Range: asked}
}

// day is a range that no case depends on.
func (g rig) day() market.Range {
	return market.Range{Start: g.start(), End: g.start().AddDate(0, 0, 1)}
}

// load fetches every page of the range and returns its clean bars with the number of pages. A cursor never repeats.
func (g rig) load(t *testing.T, asked market.Range) (market.NormalPage, int) {
	t.Helper()
	cleaner := providers.NewCleaner(g.grid, g.provider.Capabilities().Settle, 0)
	request, seen := g.request(asked), map[string]bool{}
	for pages := 1; ; pages++ {
		page, err := g.provider.Fetch(t.Context(), request)
		require.NoError(t, err)
		requirePage(t, request, page)
		rows, err := g.provider.Normalize(page)
		require.NoError(t, err)
		require.Equal(t, page.Rows, len(rows.Bars)+len(rows.Quarantined), "every row becomes a bar or a quarantined row")
		cleaner.Add(rows, asked, page.RequestedAt)
		if page.NextCursor == "" {
			return cleaner.Result(), pages
		}
		require.False(t, seen[page.NextCursor], "cursor %q repeats", page.NextCursor)
		seen[page.NextCursor] = true
		request.Cursor = page.NextCursor
	}
}

func requirePage(t *testing.T, r providers.Request, p providers.Page) {
	t.Helper()
	require.Equal(t, r, p.Request)
	require.NotEmpty(t, p.Body)
	require.NotEmpty(t, p.URL)
	require.Equal(t, http.StatusOK, p.Status)
	require.Equal(t, now(), p.RequestedAt)
	require.Equal(t, p.FirstAt.IsZero(), p.LastAt.IsZero())
	require.False(t, p.LastAt.Before(p.FirstAt))
	if !p.FirstAt.IsZero() {
		require.True(t, r.Range.Contains(p.FirstAt) && r.Range.Contains(p.LastAt), "paging looks at rows that were asked for")
	}
}

func requireBars(t *testing.T, want, got []market.Bar) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.True(t, want[i].Time.Equal(got[i].Time), "bar %d is of %s, want %s", i, got[i].Time, want[i].Time)
		require.Equal(t, []market.Decimal{want[i].Open, want[i].High, want[i].Low, want[i].Close},
			[]market.Decimal{got[i].Open, got[i].High, got[i].Low, got[i].Close}, "bar %d", i)
	}
}
