package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"marketdata/activities"
	"marketdata/alerts"
	"marketdata/api"
	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/devstack"
	"marketdata/market"
	"marketdata/metrics"
	"marketdata/planning"
	"marketdata/providers"
	"marketdata/providers/all"
	"marketdata/simulator"
	"marketdata/worker"
	"marketdata/workflows"
)

const (
	simPrefix    = "sim_" // of the provider instances, one per adapter
	providerName = simPrefix + "binance"
	namespaces   = 64
)

// temporalServer is the dev server of this test process; every stack has a namespace of its own in it.
type temporalServer struct {
	once   sync.Once
	server *testsuite.DevServer
	ui     string // its URL
	err    error
	next   atomic.Int32
}

var temporal temporalServer

func TestMain(m *testing.M) {
	dbtest.Main(m)
	if temporal.server != nil {
		_ = temporal.server.Stop() // its data are in memory
	}
}

// namespace returns the address of the dev server and a namespace nobody else uses.
func namespace(t testing.TB) (address, name string) {
	t.Helper()
	temporal.once.Do(func() {
		extra := []string{
			"--dynamic-config-value", "matching.numTaskqueueReadPartitions=1",
			"--dynamic-config-value", "matching.numTaskqueueWritePartitions=1",
		}
		for i := range namespaces {
			extra = append(extra, "--namespace", fmt.Sprintf("e2e-%d", i))
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		ui := devstack.Port{Use: "the Temporal UI"}
		if temporal.err = devstack.PickPorts(ctx, &ui); temporal.err != nil {
			return
		}
		temporal.ui = ui.URL()
		for range 3 { // it picks ports for its inner services, and can lose one
			temporal.server, temporal.err = testsuite.StartDevServer(ctx, testsuite.DevServerOptions{
				ExistingPath: "../bin/temporal", LogLevel: "error", ExtraArgs: extra, Stdout: io.Discard, Stderr: io.Discard,
				EnableUI: true, UIPort: strconv.Itoa(ui.Number),
				ClientOptions: &client.Options{Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))},
			})
			if temporal.err == nil {
				break
			}
		}
	})
	require.NoError(t, temporal.err, "the Temporal CLI is needed: make bin/temporal")
	n := temporal.next.Add(1) - 1
	require.Less(t, int(n), namespaces, "raise the number of namespaces")
	return temporal.server.FrontendHostPort(), fmt.Sprintf("e2e-%d", n)
}

// stack is the platform over real parts.
type stack struct {
	t         testing.TB
	db        *db.DB
	url       string // of the API
	sim       string // URL of the simulator
	temporal  client.Client
	namespace string
	flows     *workflows.Client
	scheduler *workflows.Scheduler
	offset    atomic.Int64 // how far the clock of all parts but the database runs ahead

	observed // the API and the worker, as two processes would be

	startWorker, stopWorker func()
}

type options struct {
	replays           []*simulator.Replay
	requestsPerMinute int
	isScheduled       bool // tracked intervals get their schedules
	isIdle            bool // no worker runs, see stack.fleet
	webhooks          []alerts.Webhook
	hasReal           bool // real instances too, with the simulator in the place of the network
	keepsLog          bool // every line, for the test to read
}

// start runs the whole stack in this process; it ends with the test.
func start(t testing.TB, o options) *stack {
	t.Helper()
	s := &stack{t: t, db: dbtest.New(t)}
	logger := s.observe(o.keepsLog)
	market247, err := simulator.New(simulator.Options{Seed: 1, Now: s.now, Logger: logger, Replays: o.replays})
	require.NoError(t, err)
	simServer := httptest.NewServer(market247)
	t.Cleanup(simServer.Close)
	s.sim = simServer.URL

	registry := s.registry(o, logger)
	for _, instance := range registry.Instances() {
		require.NoError(t, s.db.EnsureBudget(t.Context(), instance.Name, instance.Capabilities.Pacing))
	}
	address, name := namespace(t)
	s.temporal = s.dial(address, name, s.workerMetrics, logger)
	s.namespace = name
	s.flows = workflows.NewClient(s.temporal, name, "http://ui.example")
	require.NoError(t, s.flows.RegisterSearchAttributes(t.Context()))

	require.NoError(t, s.apiMetrics.ExportState(metrics.StateOptions{Store: s.db, Providers: registry.Instances()}))
	orchestrator := workflows.NewClient(s.dial(address, name, s.apiMetrics, logger), name, "http://ui.example")
	s.scheduler = workflows.NewScheduler(s.flows, s.db, registry.Instances(), logger)
	apiServer := httptest.NewServer(api.New(api.Options{
		Store: s.db, Orchestrator: orchestrator, Scheduler: s.scheduler, Providers: registry.Instances(), Now: s.now, Logger: logger,
		Recorder: s.apiMetrics, Metrics: s.apiMetrics.Handler(), Webhooks: webhookNames(o.webhooks),
	}))
	t.Cleanup(apiServer.Close)
	s.url = apiServer.URL
	if o.isScheduled {
		go s.scheduler.Run(t.Context())
	}
	if !o.isIdle {
		s.work(o, registry, logger)
	}
	return s
}

func (s *stack) now() time.Time { return time.Now().Add(time.Duration(s.offset.Load())) }

func (s *stack) registry(o options, logger *slog.Logger) *providers.Registry {
	s.t.Helper()
	if o.requestsPerMinute == 0 {
		o.requestsPerMinute = 600_000
	}
	decorate := func(p providers.Provider) providers.Provider {
		p = providers.WithLog(providers.WithMetrics(p, s.workerMetrics, time.Now), logger)
		return providers.WithMeteredBudget(p, s.db, providers.Sleep, s.workerMetrics)
	}
	var instances []providers.Instance
	for _, adapter := range all.Adapters() {
		instance := providers.Instance{
			Name: simPrefix + adapter.Name, Adapter: adapter.Name, BaseURL: s.sim, Synthetic: true, Enabled: true,
			RequestsPerMinute: o.requestsPerMinute,
		}
		if instance.Name == providerName {
			instance.WeightPerMinute = 40 * o.requestsPerMinute
		}
		instances = append(instances, instance)
		if o.hasReal {
			instance.Name, instance.Synthetic = adapter.Name, false
			instances = append(instances, instance)
		}
	}
	registry, err := providers.NewRegistry(all.Adapters(), instances, providers.NewClient(providers.ClientOptions{Version: "test", Now: s.now}), decorate)
	require.NoError(s.t, err)
	return registry
}

// work runs a worker until the test ends or stopWorker is called.
func (s *stack) work(o options, registry *providers.Registry, logger *slog.Logger) {
	s.t.Helper()
	var names []string
	for _, instance := range registry.Instances() {
		names = append(names, instance.Name)
	}
	s.startWorker = func() {
		ctx, cancel := context.WithCancel(context.Background())
		polling, ended := make(chan struct{}), make(chan error, 1)
		go func() {
			ended <- worker.Run(ctx, worker.Options{
				Client: s.temporal, Providers: names, Logger: logger, OnPolling: func() { close(polling) },
				Recorder: s.workerMetrics,
				Activities: &activities.Activities{
					Jobs: s.db, Chunks: s.db, Syncs: s.db, Housekeeping: s.db, Providers: registry, Workflows: s.flows, RawRetention: time.Hour,
					Scheduled: s.db, Planner: s.planner(registry), Reconciler: s.scheduler, Now: s.now, Recorder: s.workerMetrics,
				},
				Alerting: s.alerting(o, registry),
			})
		}()
		s.stopWorker = func() {
			cancel()
			require.NoError(s.t, <-ended)
		}
		<-polling
	}
	s.startWorker()
	s.t.Cleanup(func() { s.stopWorker() })
}

// planner plans the backfills of schedules.
func (s *stack) planner(registry *providers.Registry) *planning.Planner {
	return &planning.Planner{
		Store: s.db, Listings: s.flows, Providers: registry.Instances(), Now: s.now,
		OnNoListing: func(_ context.Context, target planning.Target, err error) {
			s.t.Logf("listing of %s not found: %v", target.Instrument.ID, err)
		},
	}
}

// answer is what the API said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) into(t testing.TB, v any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(a.body, v), string(a.body))
}

// call makes a request; a body that is not bytes is sent as JSON.
func (s *stack) call(method, target string, body any) answer {
	s.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		reader = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		require.NoError(s.t, err)
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, target, reader)
	require.NoError(s.t, err)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, response.Body.Close()) }()
	text, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	return answer{status: response.StatusCode, header: response.Header, body: text}
}

// listed is an instrument of venue SIM.
type listed struct{ symbol, class, calendar, adapter, code string }

func (s *stack) add(l listed) {
	s.t.Helper()
	got := s.call(http.MethodPost, s.url+"/v1/instruments", map[string]any{
		"symbol": l.symbol, "venue": market.VenueSimulated, "asset_class": l.class, "currency": "USD", "calendar": l.calendar,
		"providers": []any{map[string]string{"name": simPrefix + l.adapter, "symbol": l.code}},
	})
	require.Equal(s.t, http.StatusCreated, got.status, string(got.body))
}

// addInstrument adds a pair of Binance's.
func (s *stack) addInstrument(symbol string) {
	s.t.Helper()
	s.add(listed{symbol: symbol, class: "crypto", calendar: "24x7", adapter: "binance", code: symbol})
}

// backfill is the API's answer, as far as the tests look at it.
type backfill struct {
	ID           string `json:"id"`
	Status       string `json:"status"`
	WorkflowID   string `json:"workflow_id"`
	PausedReason string `json:"paused_reason"`
	Progress     struct {
		Percent  float64            `json:"percent"`
		Requests int64              `json:"requests"`
		Chunks   market.ChunkCounts `json:"chunks"`
		Bars     market.BarCounts   `json:"bars"`
	} `json:"progress"`
	Failures []struct {
		Kind    string `json:"kind"`
		Message string `json:"message"`
	} `json:"failures"`
}

func (s *stack) startBackfill(request map[string]any) backfill {
	s.t.Helper()
	got := s.call(http.MethodPost, s.url+"/v1/backfills", request)
	require.Equal(s.t, http.StatusAccepted, got.status, string(got.body))
	var b backfill
	got.into(s.t, &b)
	require.Equal(s.t, "/v1/backfills/"+b.ID, got.header.Get("Location"))
	return b
}

func (s *stack) backfill(id string) backfill {
	s.t.Helper()
	got := s.call(http.MethodGet, s.url+"/v1/backfills/"+id, nil)
	require.Equal(s.t, http.StatusOK, got.status, string(got.body))
	var b backfill
	got.into(s.t, &b)
	return b
}

// await polls until the backfill is as wanted.
func (s *stack) await(id string, isReached func(backfill) bool) backfill {
	s.t.Helper()
	var b backfill
	require.Eventually(s.t, func() bool {
		b = s.backfill(id)
		return isReached(b)
	}, 3*time.Minute, 50*time.Millisecond, "backfill %s", id)
	return b
}

func isFinished(b backfill) bool { return market.BackfillStatus(b.Status).IsFinished() }

func (s *stack) run(request map[string]any) backfill {
	s.t.Helper()
	return s.await(s.startBackfill(request).ID, isFinished)
}

// fault makes the simulator misbehave.
func (s *stack) fault(rules ...map[string]any) {
	s.t.Helper()
	got := s.call(http.MethodPost, s.sim+"/_sim/faults", rules)
	require.Less(s.t, got.status, 300, string(got.body))
}

func (s *stack) healSimulator() {
	s.t.Helper()
	require.Less(s.t, s.call(http.MethodDelete, s.sim+"/_sim/faults", nil).status, 300)
}

// requests is how many requests for bars the simulator has had.
func (s *stack) requests() int {
	s.t.Helper()
	var stats struct {
		Requests int `json:"requests"`
	}
	s.call(http.MethodGet, s.sim+"/_sim/stats?log=0", nil).into(s.t, &stats)
	return stats.Requests
}

// truth is what the simulator's market holds.
func (s *stack) truth(code, interval, start, end string) []bar {
	s.t.Helper()
	query := url.Values{"symbol": {code}, "interval": {interval}, "start": {start}, "end": {end}}
	got := s.call(http.MethodGet, s.sim+"/_sim/bars?"+query.Encode(), nil)
	require.Equal(s.t, http.StatusOK, got.status, string(got.body))
	var truth struct {
		Bars []bar `json:"bars"`
	}
	got.into(s.t, &truth)
	return truth.Bars
}

type hole struct {
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	Reason string    `json:"reason"`
}

type bar struct {
	TS                     time.Time   `json:"ts"`
	Open, High, Low, Close json.Number //nolint:tagliatelle // matched without case
	Volume                 json.Number `json:"volume"`
}

type page struct {
	Data []bar `json:"data"`
	Meta struct {
		Returned   int    `json:"returned"`
		Complete   bool   `json:"complete"`
		Missing    []hole `json:"missing"`
		Provider   string `json:"provider"`
		Adjustment string `json:"adjustment"`
	} `json:"meta"`
	NextCursor *string `json:"next_cursor"`
}

func (s *stack) page(query string) page {
	s.t.Helper()
	got := s.call(http.MethodGet, s.url+"/v1/instruments/"+query, nil)
	require.Equal(s.t, http.StatusOK, got.status, string(got.body))
	var p page
	got.into(s.t, &p)
	require.Len(s.t, p.Data, p.Meta.Returned)
	return p
}

// sharedFile is a file of real data beside the repository; the test is skipped, with a word, where it is absent.
func sharedFile(t testing.TB, name string) string {
	t.Helper()
	path := "../../shared/" + name
	if _, err := os.Stat(path); err != nil {
		t.Skipf("real data %s are not on this machine; the made-up fixture covers the same ground", name) //nolint:forbidigo // says so, and is covered
	}
	return path
}
