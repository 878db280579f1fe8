package main

import (
	"context"
	"log/slog"
	"net"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"marketdata/api"
	"marketdata/config"
	"marketdata/metrics"
)

func newAPI(a *app) *cobra.Command {
	c := &cobra.Command{ //nolint:gosec // its example shows where a password stands; none is there
		Use:   "api",
		Short: "Serve the HTTP API",
		Long:  "Serve the HTTP API until SIGINT or SIGTERM. GET /ready tells whether the database and Temporal answer; without Temporal it serves reads\nand refuses backfills. GET /metrics is for Prometheus.",
		Example: `  MD_DATABASE__URL=postgres://app:secret@127.0.0.1:5432/marketdata marketdata api
  marketdata api --config marketdata.yaml --api-listen 0.0.0.0:8080`,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.databaseConfig(c)
			if err != nil {
				return err
			}
			return a.runAPI(c.Context(), cfg)
		},
	}
	config.AddFlags(c.Flags(), "api.listen", "database.url", "temporal.address", "temporal.namespace", "temporal.ui_url")
	return c
}

// databaseConfig loads the configuration of a command that cannot do without a database.
func (a *app) databaseConfig(c *cobra.Command) (config.Config, error) {
	cfg, err := a.loadConfig(c)
	if err != nil {
		return config.Config{}, err
	}
	return cfg, cfg.Require("database.url")
}

func (a *app) runAPI(ctx context.Context, cfg config.Config) error {
	logger := a.newLogger(cfg.Log)
	m, err := a.newMetrics(logger)
	if err != nil {
		return err
	}
	if err := m.ExportLinks(metrics.Links{TemporalUIURL: cfg.Temporal.UIURL, TemporalNamespace: cfg.Temporal.Namespace}); err != nil {
		return err
	}
	p, err := a.openPlatform(ctx, cfg, m, logger)
	if err != nil {
		return err
	}
	defer p.close()
	if err := m.ExportState(metrics.StateOptions{Store: p.database, Providers: p.providers.Instances()}); err != nil {
		return err
	}
	handler := api.New(api.Options{
		Store: p.database, Orchestrator: p.workflows, Scheduler: p.scheduler, Providers: p.providers.Instances(), Now: a.now,
		Logger: logger, Version: buildVersion(), Recorder: m, Metrics: m.Handler(), Webhooks: webhookNames(cfg), URL: cfg.API.URL,
	})
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error {
		return serve(running, cfg.API.Listen, handler, logger, func(address net.Addr) {
			logger.InfoContext(ctx, "api listens", "address", address.String(), "config", slog.AnyValue(cfg))
		})
	})
	group.Go(func() error { return p.awaitDatabase(running) })
	group.Go(func() error { return p.awaitTemporal(running) })
	group.Go(func() error {
		p.scheduler.Run(running)
		return nil
	})
	if err := group.Wait(); !isStopped(ctx, err) {
		return err
	}
	return nil
}
