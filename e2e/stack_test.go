package e2e_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
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
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		temporal.server, temporal.err = startTemporal(ctx, func() (testsuite.DevServerOptions, error) {
			ui := devstack.Port{Use: "the Temporal UI"}
			err := devstack.PickPorts(ctx, &ui)
			temporal.ui = ui.URL()
			return testsuite.DevServerOptions{ExtraArgs: extra, EnableUI: true, UIPort: strconv.Itoa(ui.Number)}, err
		})
	})
	require.NoError(t, temporal.err, "the Temporal CLI is needed: make bin/temporal")
	n := temporal.next.Add(1) - 1
	require.Less(t, int(n), namespaces, "raise the number of namespaces")
	return temporal.server.FrontendHostPort(), fmt.Sprintf("e2e-%d", n)
}

// startTemporal starts a dev server. It picks ports for its inner services and can lose one; then it is started again, with
// options of its own.
func startTemporal(ctx context.Context, options func() (testsuite.DevServerOptions, error)) (server *testsuite.DevServer, err error) {
	for range 3 {
		o, optionsErr := options()
		if optionsErr != nil {
			return nil, optionsErr
		}
		o.ExistingPath, o.LogLevel, o.Stdout, o.Stderr = "../bin/temporal", "error", io.Discard, io.Discard
		o.ClientOptions = &client.Options{Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))}
		if server, err = testsuite.StartDevServer(ctx, o); err == nil {
			return server, nil
		}
	}
	return nil, err
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
