package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/log"

	"marketdata/market"
	"marketdata/metrics"
	"marketdata/trace"
	"marketdata/workflows"
)

// observed is what the parts of a stack tell of themselves.
type observed struct {
	apiMetrics, workerMetrics *metrics.Metrics
	lines                     *logLines
}

// observe makes the metrics and the log of a stack. Warnings are shown with the test.
func (s *stack) observe(keepsLog bool) *slog.Logger {
	s.t.Helper()
	s.lines = &logLines{}
	var handler slog.Handler = slog.NewTextHandler(s.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})
	if keepsLog {
		kept := slog.NewJSONHandler(s.lines, &slog.HandlerOptions{Level: slog.LevelDebug})
		handler = slog.NewMultiHandler(kept, handler)
	}
	logger := slog.New(trace.NewHandler(handler))
	for _, m := range []**metrics.Metrics{&s.apiMetrics, &s.workerMetrics} {
		var err error
		*m, err = metrics.New(metrics.Options{Version: "test", Commit: "unknown", GoVersion: "go", Now: s.now, Logger: logger})
		require.NoError(s.t, err)
	}
	return logger
}

// dial connects to Temporal as the commands do.
func (s *stack) dial(address, namespace string, m *metrics.Metrics, logger *slog.Logger) client.Client {
	s.t.Helper()
	c, err := client.Dial(client.Options{
		HostPort: address, Namespace: namespace, Logger: log.NewStructuredLogger(logger), ContextPropagators: workflows.Propagators(),
		MetricsHandler: opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{Meter: m.Meter(), UseMonotonicCounters: true}),
	})
	require.NoError(s.t, err)
	s.t.Cleanup(c.Close)
	return c
}

// logLines keeps what was logged as JSON.
type logLines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// all returns the lines so far.
func (l *logLines) all(t testing.TB) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []map[string]any
	for text := range strings.Lines(l.text.String()) {
		var line map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &line), text)
		lines = append(lines, line)
	}
	return lines
}

// request is call with headers.
func (s *stack) request(method, target string, body any, headers map[string]string) answer {
	s.t.Helper()
	text, err := json.Marshal(body)
	require.NoError(s.t, err)
	request, err := http.NewRequestWithContext(s.t.Context(), method, target, bytes.NewReader(text))
	require.NoError(s.t, err)
	request.Header.Set("Content-Type", "application/json")
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, response.Body.Close()) }()
	var read bytes.Buffer
	_, err = read.ReadFrom(response.Body)
	require.NoError(s.t, err)
	return answer{status: response.StatusCode, header: response.Header, body: read.Bytes()}
}

// januaryOf asks for a month of minutes.
func januaryOf(symbol string) map[string]any {
	return map[string]any{
		"instruments": []string{symbol + "." + market.VenueSimulated}, "interval": "1m", "start": "2024-01-01", "end": "2024-02-01",
	}
}

func TestRequestIDReachesEveryLineItCauses(t *testing.T) {
	t.Parallel()
	s := start(t, options{keepsLog: true})
	s.addInstrument("BTCUSDT")
	got := s.request(http.MethodPost, s.url+"/v1/backfills", januaryOf("BTCUSDT"), map[string]string{"X-Request-Id": "ask-1"})
	require.Equal(t, http.StatusAccepted, got.status, string(got.body))
	var b backfill
	got.into(t, &b)
	b = s.await(b.ID, isFinished)
	require.Equal(t, string(market.StatusCompleted), b.Status)
	require.NoError(t, s.temporal.GetWorkflow(t.Context(), b.WorkflowID, "").Get(t.Context(), nil)) // it is closed a little later

	seen := map[string]int{}
	for _, line := range s.lines.all(t) {
		id, _ := line["request_id"].(string)
		workflowID, _ := line["WorkflowID"].(string)
		if strings.HasPrefix(workflowID, b.WorkflowID) && line["ActivityType"] != nil { // ours and the SDK's own
			require.Equal(t, "ask-1", id, line)
		}
		if id == "ask-1" {
			activity, _ := line["ActivityType"].(string)
			seen[fmt.Sprint(line["msg"], " ", activity)]++
		}
	}
	for _, what := range []string{
		"request ", "provider request answered ", "activity done StartJob", "activity done PlanChunks", "activity done FetchChunk",
		"activity done NormalizeChunk", "activity done UpsertChunk", "activity done CloseJob",
	} {
		require.Positive(t, seen[what], "%s: %v", what, seen)
	}

	described, err := s.temporal.DescribeWorkflowExecution(t.Context(), b.WorkflowID, "")
	require.NoError(t, err)
	require.Equal(t, `"ask-1"`, string(described.GetWorkflowExecutionInfo().GetMemo().GetFields()["request_id"].GetData()))
	require.Contains(t, string(described.GetExecutionConfig().GetUserMetadata().GetDetails().GetData()), "ask-1")
}

func TestARetryCarriesTheRequestIDOfItsBackfill(t *testing.T) {
	t.Parallel()
	s := start(t, options{keepsLog: true})
	s.addInstrument("ETHUSDT")
	s.fault(map[string]any{"fault": "html", "symbol": "ETHUSDT"})
	got := s.request(http.MethodPost, s.url+"/v1/backfills", januaryOf("ETHUSDT"), map[string]string{"X-Request-Id": "ask-2"})
	require.Equal(t, http.StatusAccepted, got.status, string(got.body))
	var b backfill
	got.into(t, &b)
	b = s.await(b.ID, isFinished)
	require.Equal(t, string(market.StatusFailed), b.Status)
	s.awaitEnd(b.WorkflowID) // what its steps did is logged just after it is stored
	isFailure := func(line map[string]any) bool {
		return line["msg"] == "activity attempt failed" && line["kind"] == string(market.KindMalformed) && line["request_id"] == "ask-2"
	}
	require.True(t, hasLine(s.lines.all(t), isFailure))

	s.healSimulator()
	got = s.request(http.MethodPost, s.url+"/v1/backfills/"+b.ID+"/retry", nil, map[string]string{"X-Request-Id": "again"})
	require.Less(t, got.status, 300, string(got.body))
	b = s.await(b.ID, isFinished)
	require.Equal(t, string(market.StatusCompleted), b.Status)
	s.awaitEnd(b.WorkflowID)
	require.True(t, hasLine(s.lines.all(t), func(line map[string]any) bool {
		return line["msg"] == "activity done" && line["ActivityType"] == "UpsertChunk" && line["request_id"] == "ask-2"
	}))
	require.False(t, hasLine(s.lines.all(t), func(line map[string]any) bool {
		return line["request_id"] == "again" && line["ActivityType"] != nil
	}))
}

func hasLine(lines []map[string]any, is func(map[string]any) bool) bool {
	for _, line := range lines {
		if is(line) {
			return true
		}
	}
	return false
}

// scrape returns what a handler answers to GET /metrics.
func scrape(ctx context.Context, t testing.TB, m *metrics.Metrics) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, answer.Code)
	return answer.Body.String()
}

func TestMetricsAfterABackfill(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.addInstrument("SOLUSDT")
	b := s.run(januaryOf("SOLUSDT"))
	require.Equal(t, string(market.StatusCompleted), b.Status)
	require.NoError(t, s.temporal.GetWorkflow(t.Context(), b.WorkflowID, "").Get(t.Context(), nil))
	s.call(http.MethodGet, s.url+"/v1/secret?token=secret", nil)

	got := s.call(http.MethodGet, s.url+"/metrics", nil)
	require.Equal(t, http.StatusOK, got.status)
	api, work := string(got.body), scrape(t.Context(), t, s.workerMetrics)
	for _, line := range []string{
		`marketdata_http_requests_total{method="POST",route="/v1/backfills",status="202"} 1`,
		`marketdata_http_requests_total{method="GET",route="unmatched",status="404"} 1`,
		`marketdata_http_requests_in_flight 0`,
		`marketdata_database_up 1`,
		`marketdata_chunks{status="done"} 1`,
		`marketdata_chunks{status="failed"} 0`,
		`marketdata_backfills{status="completed"} 1`,
		`marketdata_provider_budget_per_minute{provider="sim_binance",unit="request"} 600000`,
		`marketdata_provider_paused{provider="sim_binance"} 0`,
		`marketdata_quarantined_rows{rule="unreadable"} 0`,
	} {
		require.Contains(t, api, "\n"+line+"\n")
	}
	for _, line := range []string{
		`marketdata_bars_written_total{interval="1m",outcome="inserted",provider="sim_binance"} 44640`,
		`marketdata_bars_written_total{interval="1m",outcome="restated",provider="sim_binance"} 0`,
		`marketdata_restatements_total{interval="1m",provider="sim_binance"} 0`,
	} {
		require.Contains(t, work, "\n"+line+"\n")
	}
	requests := regexp.MustCompile(`(?m)^marketdata_pages_stored_total\{outcome="readable",provider="sim_binance"\} (\d+)$`).FindStringSubmatch(work)
	require.NotNil(t, requests, work)
	require.Contains(t, work, `marketdata_provider_requests_total{kind="none",operation="fetch",provider="sim_binance",status="200"} `+requests[1]+"\n")
	require.NotContains(t, work, "marketdata_database_up", "one process exports what the database holds")
	require.Regexp(t, `(?m)^temporal_request_total\{.*operation="StartWorkflowExecution".*\} 1$`, api)
	require.Regexp(t, `(?m)^temporal_activity_execution_latency_seconds_count\{activity_type="UpsertChunk".*\} 1$`, work)
	require.Regexp(t, `(?m)^temporal_workflow_completed_total\{.*workflow_type="ChunkWorkflow"\} 1$`, work)
	require.NotContains(t, api+work, "secret")
	require.NotContains(t, api+work, "SOLUSDT", "no instrument that is not kept in sync")
	requireDocumented(t, api+work)
}

// requireDocumented holds the names of a scrape against docs/metrics.md.
func requireDocumented(t testing.TB, scraped string) {
	t.Helper()
	text, err := os.ReadFile("../docs/metrics.md")
	require.NoError(t, err)
	documented := map[string]bool{}
	for _, name := range regexp.MustCompile("`((?:marketdata|temporal)_\\w+)`").FindAllStringSubmatch(string(text), -1) {
		documented[name[1]] = true
	}
	for _, kind := range regexp.MustCompile(`(?m)^# TYPE (\w+) `).FindAllStringSubmatch(scraped, -1) {
		if name := kind[1]; !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			require.Contains(t, documented, name)
		}
	}
}
