package metrics_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"marketdata/activities"
	"marketdata/api"
	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
	"marketdata/metrics"
	"marketdata/providers"
	"marketdata/worker"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var (
	_ activities.Recorder = (*metrics.Metrics)(nil)
	_ api.Recorder        = (*metrics.Metrics)(nil)
	_ providers.Recorder  = (*metrics.Metrics)(nil)
	_ worker.Recorder     = (*metrics.Metrics)(nil)
	_ metrics.StateStore  = (*db.DB)(nil)
)

// noon is a Tuesday.
func noon() time.Time { return time.Date(2024, 3, 5, 12, 0, 0, 0, time.UTC) }

func newMetrics(t *testing.T, now func() time.Time) *metrics.Metrics {
	t.Helper()
	m, err := metrics.New(metrics.Options{
		Version: "1.2.3", Commit: "4f2c1e7", GoVersion: "go1.26.8", Now: now,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	require.NoError(t, err)
	return m
}

// scrape returns what GET /metrics answers.
func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, answer.Code)
	return answer.Body.String()
}

// families are the gathered metrics by name.
func families(t *testing.T, g prometheus.Gatherer) map[string]*dto.MetricFamily {
	t.Helper()
	all, err := g.Gather()
	require.NoError(t, err)
	byName := map[string]*dto.MetricFamily{}
	for _, f := range all {
		byName[f.GetName()] = f
	}
	return byName
}

// fakeStore tells a made-up state, or fails.
type fakeStore struct {
	mu      sync.Mutex
	err     error
	looks   int
	tracked []market.TrackedSeries
	look    func(context.Context) // when a look begins; may be nil
}

func (s *fakeStore) PlatformState(ctx context.Context) (market.PlatformState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	if s.look != nil {
		s.look(ctx)
	}
	return market.PlatformState{
		Chunks:       market.ChunkCounts{Total: 15, Pending: 1, Running: 2, Done: 3, Failed: 4, Canceled: 5},
		Backfills:    map[market.BackfillStatus]int64{market.StatusRunning: 1, market.StatusFailed: 2},
		Quarantined:  map[market.Rule]int64{market.RuleMisaligned: 7},
		SyncFailures: []market.SyncFailures{{Provider: "yahoo", Interval: market.Interval1d, Kind: market.KindDenied, Series: 2}},
		Budgets: []market.BudgetState{
			{Provider: "binance", RequestsPerMinute: 1200, WeightPerMinute: 6000, UsedLastMinute: 11, HeldFor: 90 * time.Second, IsPaused: true},
			{Provider: "yahoo", RequestsPerMinute: 30},
		},
	}, s.err
}

func (s *fakeStore) TrackedSeries(context.Context) ([]market.TrackedSeries, error) {
	return s.tracked, nil
}

func (s *fakeStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// instances are the providers of the fake store.
func instances() []market.ProviderInstance {
	instance := func(name string, isEnabled bool, intervals ...market.Interval) market.ProviderInstance {
		return market.ProviderInstance{
			Name: name, Enabled: isEnabled, Capabilities: market.Capabilities{Intervals: intervals, Settle: 5 * time.Second},
		}
	}
	return []market.ProviderInstance{
		instance("binance", true, market.Interval1m, market.Interval1d), instance("yahoo", true, market.Interval1d),
		instance("off", false, market.Interval1m, market.Interval1d),
	}
}

// exercise makes every metric of the platform have a value.
func exercise(t *testing.T, m *metrics.Metrics) {
	t.Helper()
	until := noon().Add(-10 * time.Minute)
	require.NoError(t, m.ExportState(metrics.StateOptions{Providers: instances(), Store: &fakeStore{tracked: []market.TrackedSeries{{
		Instrument: market.InstrumentID{Symbol: "BTCUSDT", Venue: "BINANCE"}, Interval: market.Interval1m, Provider: "binance",
		Calendar: "24x7", CoveredEnd: &until,
	}}}}))
	require.NoError(t, m.ExportLinks(metrics.Links{TemporalUIURL: "https://temporal.example.org/", TemporalNamespace: "prices"}))
	m.RequestBegan()
	m.RequestEnded(http.MethodGet, "/v1/instruments/{id}", http.StatusOK, time.Second)
	m.BarsWritten("binance", market.Interval1m, market.LoadResult{Inserted: 3, Restated: 2, Unchanged: 1})
	m.PageStored("binance", true)
	m.ActivityEnded("FetchChunk", 6, market.KindUnavailable)
	m.RequestSent("binance", "fetch", http.StatusOK, "", time.Second)
	m.BudgetGranted("binance", time.Second)
	m.BudgetRefused("binance", market.KindRateLimited)
	scrape(t, m)
}

func request(t *testing.T) *http.Request {
	t.Helper()
	return httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
}

// discard is a client that does not listen.
type discard struct{}

func (*discard) Header() http.Header         { return http.Header{} }
func (*discard) Write(p []byte) (int, error) { return len(p), nil }
func (*discard) WriteHeader(int)             {}
