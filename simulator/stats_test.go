package simulator_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// report is the body of /_sim/stats.
type report struct {
	Requests int            `json:"requests"`
	ByPath   map[string]int `json:"by_path"`
	ByStatus map[string]int `json:"by_status"`
	BySymbol map[string]int `json:"by_symbol"`
	Log      []struct {
		At     time.Time `json:"at"`
		Path   string    `json:"path"`
		Query  string    `json:"query"`
		Status int       `json:"status"`
	} `json:"log"`
}

func statistics(t *testing.T, s http.Handler, query string) (r report) {
	t.Helper()
	w := get(t, s, "/_sim/stats"+query)
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &r))
	return r
}

func TestStatistics(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	misbehave(t, s, `{"fault":"rate_limit","after":1,"count":1,"path":"/api/v3/klines"}`)
	for range 3 {
		get(t, s, "/api/v3/klines?"+page)
	}
	get(t, s, "/api/v3/ping")
	r := statistics(t, s, "")
	require.Equal(t, 4, r.Requests, "requests of /_sim/ do not count")
	require.Equal(t, map[string]int{"/api/v3/klines": 3, "/api/v3/ping": 1}, r.ByPath)
	require.Equal(t, map[string]int{"200": 3, "429": 1}, r.ByStatus)
	require.Equal(t, map[string]int{"BTCUSDT": 3}, r.BySymbol)
	require.Len(t, r.Log, 4)
	require.Equal(t, page, r.Log[1].Query)
	require.Equal(t, 429, r.Log[1].Status)
	require.Equal(t, now(), r.Log[1].At)

	require.Empty(t, statistics(t, s, "?log=0").Log)
	require.Len(t, statistics(t, s, "?since=2024-06-12").Log, 4)
	require.Empty(t, statistics(t, s, "?since=2024-06-13").Log)
	require.Equal(t, http.StatusBadRequest, get(t, s, "/_sim/stats?since=monday").Code)

	require.Equal(t, http.StatusNoContent, call(t, s, http.MethodDelete, "/_sim/stats", "").Code)
	require.Zero(t, statistics(t, s, "").Requests)
}

func TestTheLogIsARing(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	const size, more = 100_000, 5
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v3/klines?symbol=NOPE", nil)
	require.NoError(t, err)
	for range size {
		s.ServeHTTP(discard{header: http.Header{}}, r)
	}
	for range more {
		get(t, s, "/api/v3/ping")
	}
	got := statistics(t, s, "")
	require.Equal(t, size+more, got.Requests)
	require.Len(t, got.Log, size)
	require.Equal(t, "/api/v3/klines", got.Log[size-more-1].Path)
	require.Equal(t, "/api/v3/ping", got.Log[size-more].Path, "the latest come last")
}

// discard is a client that does not look.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// TestWhoHasAnAnswerFindsItCounted looks at the statistics when the first byte of an answer is on its way.
func TestWhoHasAnAnswerFindsItCounted(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	misbehave(t, s, `[{"fault":"cut","path":"/api/v3/exchangeInfo"},{"fault":"rate_limit","path":"/api/v3/time"}]`)
	for i, target := range []string{"/api/v3/klines?" + page, "/api/v3/ping", "/api/v3/klines?symbol=NOPE", "/api/v3/exchangeInfo", "/api/v3/time"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
		require.NoError(t, err)
		w := &watcher{discard: discard{header: http.Header{}}, look: func() report { return statistics(t, s, "") }}
		s.ServeHTTP(w, r)
		require.Equal(t, i+1, w.seen.Requests, target)
		require.Equal(t, r.URL.Path, w.seen.Log[i].Path)
		require.Equal(t, i+1, statistics(t, s, "").Requests, "it is counted once")
	}
	require.Equal(t, map[string]int{"200": 3, "400": 1, "429": 1}, statistics(t, s, "").ByStatus)
}

// watcher is a client that looks at the statistics as an answer begins.
type watcher struct {
	discard
	look func() report
	seen report
}

func (w *watcher) Write(b []byte) (int, error) {
	if w.seen.Log == nil {
		w.seen = w.look()
	}
	return len(b), nil
}
