package api_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/api"
)

// recorder keeps what it is told.
type recorder struct {
	mu    sync.Mutex
	began int
	ended []string
}

func (r *recorder) RequestBegan() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.began++
}

func (r *recorder) RequestEnded(method, route string, status int, _ time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, fmt.Sprintf("%s %s %d", method, route, status))
}

func TestRequestsAreCountedByThePatternOfTheirRoute(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, method, target, body, want string }{
		{"a route", http.MethodGet, "/health", "", "GET /health 200"},
		{"HEAD", http.MethodHead, "/health", "", "HEAD /health 200"},
		{"a path parameter", http.MethodGet, "/v1/instruments/A.B", "", "GET /v1/instruments/{id} 404"},
		{"a method the path lacks", http.MethodDelete, "/v1/instruments", "", "DELETE /v1/instruments 405"},
		{"no such path", http.MethodGet, "/v2/secret?key=secret", "", "GET  404"},
		{"no such path and method", "BREW", "/secret", "", "BREW  404"},
		{"refused before it is routed", http.MethodGet, "/v1/instruments/A.B?x=%zz", "", "GET /v1/instruments/{id} 422"},
		{"a body that is refused", http.MethodPost, "/v1/backfills", strings.Repeat("x", 2<<20), "POST /v1/backfills 413"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w, r := newWorld(), &recorder{}
			w.options.Recorder = r
			server := httptest.NewServer(api.New(w.options))
			send(t, server, tc.method, tc.target, tc.body)
			server.Close() // the handler has returned
			require.Equal(t, 1, r.began)
			require.Equal(t, []string{tc.want}, r.ended)
		})
	}
}

func TestMetricsAreServedWithoutBeingCountedOrLogged(t *testing.T) {
	t.Parallel()
	w, r := newWorld(), &recorder{}
	w.options.Recorder = r
	w.options.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "up 1\n") })
	server := httptest.NewServer(api.New(w.options))
	got := send(t, server, http.MethodGet, "/metrics", "")
	refused := send(t, server, http.MethodPost, "/metrics", "")
	document := send(t, server, http.MethodGet, "/openapi.json", "")
	server.Close()
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, "up 1\n", got.body)
	require.Equal(t, http.StatusMethodNotAllowed, refused.status)
	require.Equal(t, "GET, HEAD", refused.header.Get("Allow"))
	require.NotContains(t, document.body, "/metrics")
	require.Equal(t, []string{"GET /openapi.json 200"}, r.ended)
	require.NotContains(t, w.log.String(), `"route":"/metrics"`)

	require.Equal(t, http.StatusNotFound, newWorld().do(t, http.MethodGet, "/metrics", "").status, "where nothing is exported")
}

func TestABackfillKeepsTheIDOfItsRequest(t *testing.T) {
	t.Parallel()
	w, requests := backfillWorld()
	got := w.do(t, http.MethodPost, "/v1/backfills", backfillJSON("", ""), "X-Request-Id", "me")
	require.Equal(t, http.StatusAccepted, got.status, got.body)
	require.Equal(t, "me", (*requests)[0].RequestID)
}
