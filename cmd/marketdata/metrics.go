package main

import (
	"context"
	"log/slog"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"

	"marketdata/metrics"
)

// newMetrics makes what this process exports at GET /metrics.
func (a *app) newMetrics(logger *slog.Logger) (*metrics.Metrics, error) {
	build := buildVersion()
	return metrics.New(metrics.Options{Version: build.Version, Commit: known(build.Commit), GoVersion: build.Go, Now: a.now, Logger: logger})
}

// temporalMetrics makes the Temporal SDK report to m; an instrument that cannot be made costs its metric only.
func temporalMetrics(ctx context.Context, m *metrics.Metrics, logger *slog.Logger) client.MetricsHandler {
	return opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter: m.Meter(), UseMonotonicCounters: true,
		OnError: func(err error) { logger.WarnContext(ctx, "a metric of the Temporal SDK is not exported", "error", err) },
	})
}
