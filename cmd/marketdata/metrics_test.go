package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWorkerAnswersForItsMetricsBeforeItIsConnected(t *testing.T) {
	t.Parallel()
	a := &app{now: time.Now}
	m, err := a.newMetrics(silent())
	require.NoError(t, err)
	handler := (&workerHealth{metrics: m}).handler()
	ask := func(method string) *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), method, "/metrics", nil))
		return answer
	}
	got := ask(http.MethodGet)
	require.Equal(t, http.StatusOK, got.Code)
	for _, line := range []string{"marketdata_build_info{", "go_goroutines ", "process_start_time_seconds "} {
		require.Contains(t, got.Body.String(), "\n"+line)
	}
	require.NotContains(t, got.Body.String(), "marketdata_database_up", "that is the API's")
	require.Equal(t, http.StatusMethodNotAllowed, ask(http.MethodPost).Code)
}

func TestTemporalSDKReportsToTheRegistryOfTheProcess(t *testing.T) {
	t.Parallel()
	a := &app{now: time.Now}
	m, err := a.newMetrics(silent())
	require.NoError(t, err)
	handler := temporalMetrics(t.Context(), m, silent()).WithTags(map[string]string{"operation": "Poll"})
	handler.Counter("temporal_request").Inc(2)
	handler.Gauge("temporal_num_pollers").Update(3)
	handler.Timer("temporal_request_latency").Record(time.Second)
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	for _, line := range []string{
		"# TYPE temporal_request_total counter", `temporal_request_total{operation="Poll"} 2`, `temporal_num_pollers{operation="Poll"} 3`,
		`temporal_request_latency_seconds_bucket{operation="Poll",le="1"} 1`,
	} {
		require.Contains(t, answer.Body.String(), "\n"+line+"\n")
	}
}
