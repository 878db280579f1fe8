package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"marketdata/activities"
	"marketdata/config"
	"marketdata/metrics"
	"marketdata/worker"
)

func newWorker(a *app) *cobra.Command {
	c := &cobra.Command{ //nolint:gosec // its example shows where a password stands; none is there
		Use:   "worker",
		Short: "Run workflows and activities",
		Long: `Run workflows and activities until SIGINT or SIGTERM; run as many as you like. It waits for the database and for
Temporal, and answers for its health at worker.listen: GET /health and GET /ready; GET /metrics is for Prometheus.`,
		Example: `  MD_DATABASE__URL=postgres://app:secret@127.0.0.1:5432/marketdata marketdata worker
  marketdata worker --config marketdata.yaml --worker-listen 0.0.0.0:8081`,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.databaseConfig(c)
			if err != nil {
				return err
			}
			return a.runWorker(c.Context(), cfg)
		},
	}
	config.AddFlags(c.Flags(), "worker.listen", "database.url", "temporal.address", "temporal.namespace", "temporal.ui_url")
	return c
}

func (a *app) runWorker(ctx context.Context, cfg config.Config) error {
	logger := a.newLogger(cfg.Log)
	m, err := a.newMetrics(logger)
	if err != nil {
		return err
	}
	health := &workerHealth{metrics: m}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error {
		return serve(running, cfg.Worker.Listen, health.handler(), logger, func(address net.Addr) {
			logger.InfoContext(ctx, "worker answers for its health", "address", address.String())
		})
	})
	group.Go(func() error {
		err := a.work(running, cfg, health, logger)
		if isStopped(running, err) {
			return nil
		}
		return err
	})
	return group.Wait()
}

// work connects to everything and polls until ctx ends.
func (a *app) work(ctx context.Context, cfg config.Config, health *workerHealth, logger *slog.Logger) error {
	p, err := a.openPlatform(ctx, cfg, health.metrics, logger)
	if err != nil {
		return err
	}
	defer p.close()
	health.watched.Store(p)
	if err := p.awaitDatabase(ctx); err != nil {
		return err
	}
	if err := p.awaitTemporal(ctx); err != nil {
		return err
	}
	return worker.Run(ctx, worker.Options{
		Client: p.temporal,
		Activities: &activities.Activities{
			Jobs: p.database, Chunks: p.database, Syncs: p.database, Housekeeping: p.database, Providers: p.providers, Workflows: p.workflows,
			Scheduled: p.database, Planner: p.planner(a.now), Reconciler: p.scheduler, Now: a.now, RawRetention: cfg.Retention.RawPage,
			Recorder: health.metrics,
		},
		Alerting:  a.alerting(cfg, p),
		Providers: p.enabledProviders(),
		Logger:    logger,
		OnPolling: func() { health.isPolling.Store(true) },
		Recorder:  health.metrics,
	})
}

// workerHealth answers for a worker. Before it is connected it is alive and not ready.
type workerHealth struct {
	metrics   *metrics.Metrics
	watched   atomic.Pointer[platform]
	isPolling atomic.Bool
}

const checkWithin = 3 * time.Second

func (h *workerHealth) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, r *http.Request) {
		status, answer := http.StatusOK, h.ready(r.Context())
		if answer.Status != "ready" {
			status = http.StatusServiceUnavailable
		}
		answerJSON(w, status, answer)
	})
	mux.Handle("GET /metrics", h.metrics.Handler())
	return mux
}

func (h *workerHealth) ready(ctx context.Context) readiness {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	unknown := check{Error: "not connected yet"}
	checks := map[string]check{"database": unknown, "temporal": unknown, "polling": {OK: h.isPolling.Load()}}
	if p := h.watched.Load(); p != nil {
		checks["database"] = checkOf(p.database.Ping(ctx))
		checks["temporal"] = checkOf(p.workflows.Ping(ctx))
	}
	r := readiness{Status: "ready", Checks: checks}
	for _, c := range checks {
		if !c.OK {
			r.Status = "unavailable"
		}
	}
	return r
}

// checkOf hides the error itself, which may name hosts.
func checkOf(err error) check {
	if err != nil {
		return check{Error: "it does not answer"}
	}
	return check{OK: true}
}

func answerJSON(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}
