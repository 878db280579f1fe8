package providertest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/market/calendar"
	"marketdata/providers"
	"marketdata/simulator"
)

// Subject is an adapter with a symbol that the simulator has in its format.
type Subject struct {
	New      func(i providers.Instance, client *providers.Client) (providers.Provider, error)
	Symbol   string // as the provider writes it
	Calendar string // the symbol's
	// ListsNothing says that the provider publishes no list of its symbols.
	ListsNothing bool
}

// Answer takes the place of what the simulator would send.
type Answer struct {
	Status int // 0 is 200
	Header map[string]string
	Body   string
	IsCut  bool // the connection ends before the announced body does
}

// rig is a provider before a simulator of its own, under a clock of its own.
type rig struct {
	Subject

	provider providers.Provider
	sim      *simulator.Simulator
	url      string
	calendar market.Calendar
	grid     market.Grid // of the shortest interval; see on
	clock    atomic.Pointer[time.Time]
	requests atomic.Int64
	arrived  chan struct{} // told of every request while there is room
	instead  atomic.Pointer[Answer]
}

// day is a session of every exchange, in a week without holidays; the clock stands some days later.
func day() time.Time { return time.Date(2024, 11, 13, 0, 0, 0, 0, time.UTC) }

func newRig(t *testing.T, s Subject) *rig {
	t.Helper()
	g := &rig{Subject: s, arrived: make(chan struct{}, 1)}
	g.setClock(day().AddDate(0, 0, 6).Add(30 * time.Second))
	var err error
	g.calendar, err = calendar.ByName(s.Calendar)
	require.NoError(t, err)
	g.sim, err = simulator.New(simulator.Options{Seed: 7, Now: g.now})
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(server.Close)
	g.url = server.URL
	client := providers.NewClient(providers.ClientOptions{Version: "test", Now: g.now})
	g.provider, err = s.New(providers.Instance{Name: "subject", BaseURL: server.URL}, client)
	require.NoError(t, err)
	return g.on(g.provider.Capabilities().Intervals[0])
}

func (g *rig) now() time.Time { return *g.clock.Load() }

func (g *rig) setClock(t time.Time) { g.clock.Store(&t) }

// on lets the requests that follow be for the interval.
func (g *rig) on(interval market.Interval) *rig {
	g.grid = market.Grid{Interval: interval, Calendar: g.calendar}
	return g
}

// serve is the simulator, unless an answer takes its place.
func (g *rig) serve(w http.ResponseWriter, r *http.Request) {
	g.requests.Add(1)
	select {
	case g.arrived <- struct{}{}:
	default:
	}
	if a := g.instead.Load(); a != nil {
		a.write(w)
		return
	}
	g.sim.ServeHTTP(w, r)
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

// fault makes the simulator misbehave, and nothing else of before.
func (g *rig) fault(t *testing.T, rule simulator.Fault) {
	t.Helper()
	for _, method := range []string{http.MethodDelete, http.MethodPost} {
		body, err := json.Marshal([]simulator.Fault{rule})
		require.NoError(t, err)
		record := httptest.NewRecorder()
		g.sim.ServeHTTP(record, httptest.NewRequestWithContext(t.Context(), method, "/_sim/faults", bytes.NewReader(body)))
		require.Less(t, record.Code, 300, record.Body)
	}
}

// heal ends the misbehaviour.
func (g *rig) heal(t *testing.T) {
	t.Helper()
	record := httptest.NewRecorder()
	g.sim.ServeHTTP(record, httptest.NewRequestWithContext(t.Context(), http.MethodDelete, "/_sim/faults", http.NoBody))
	require.Less(t, record.Code, 300)
}

// truth is what the market holds in a range of keys, closed by now.
func (g *rig) truth(t *testing.T, r market.Range) []market.Bar {
	t.Helper()
	bars, err := g.sim.Truth(g.Symbol, g.grid.Interval, r)
	require.NoError(t, err)
	return bars
}

// keys is the range of n keys of the grid from the first one at or after start.
func (g *rig) keys(start time.Time, n int) market.Range {
	r := market.Range{Start: g.grid.Ceil(start)}
	r.End = r.Start
	for range n {
		r.End = g.grid.Next(r.End)
	}
	return r
}

// some is a range of a few keys that no case depends on.
func (g *rig) some() market.Range { return g.keys(day(), 20) }

func (g *rig) request(asked market.Range) providers.Request {
	return providers.Request{Symbol: g.Symbol, Grid: g.grid, Range: asked}
}

// load asks for the range as the platform does, window by window and page by page, and returns its clean bars.
func (g *rig) load(t *testing.T, asked market.Range) market.NormalPage {
	t.Helper()
	c := g.provider.Capabilities()
	cleaner := providers.NewCleaner(g.grid, c.Settle, 0)
	for _, window := range providers.Windows(c, g.grid.Interval, asked) {
		seen := map[string]bool{"": true}
		for request := g.request(window); ; {
			page, err := g.provider.Fetch(t.Context(), request)
			require.NoError(t, err)
			g.requirePage(t, request, page)
			rows, err := g.provider.Normalize(page)
			require.NoError(t, err)
			require.Equal(t, page.Rows, count(rows), "every row is a bar, quarantined, or dropped with a reason")
			cleaner.Add(rows, window, page.RequestedAt)
			if request.Cursor = page.NextCursor; request.Cursor == "" {
				break
			}
			require.False(t, seen[request.Cursor], "cursor %q repeats", request.Cursor)
			seen[request.Cursor] = true
		}
	}
	return cleaner.Result()
}

func count(rows providers.Rows) int {
	n := len(rows.Bars) + len(rows.Quarantined)
	for _, dropped := range rows.Dropped {
		n += dropped
	}
	return n
}

func (g *rig) requirePage(t *testing.T, r providers.Request, p providers.Page) {
	t.Helper()
	require.Equal(t, r, p.Request)
	require.NotEmpty(t, p.Body)
	require.NotEmpty(t, p.URL)
	require.Equal(t, g.now(), p.RequestedAt)
	require.Equal(t, p.FirstAt.IsZero(), p.LastAt.IsZero())
	require.False(t, p.LastAt.Before(p.FirstAt))
	if !p.FirstAt.IsZero() {
		require.True(t, r.Range.Contains(p.FirstAt) && r.Range.Contains(p.LastAt), "paging looks at rows that were asked for")
	}
}

func requireBars(t *testing.T, want, got []market.Bar) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		require.True(t, want[i].Time.Equal(got[i].Time), "bar %d is of %s, want %s", i, got[i].Time, want[i].Time)
		require.Equal(t, prices(want[i]), prices(got[i]), "bar %d of %s", i, want[i].Time)
	}
	require.Len(t, got, len(want))
}

func prices(b market.Bar) [5]string {
	return [5]string{b.Open.String(), b.High.String(), b.Low.String(), b.Close.String(), b.Volume.String()}
}
