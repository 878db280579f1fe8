package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"marketdata/config"
	"marketdata/db"
	"marketdata/market"
	"marketdata/metrics"
	"marketdata/planning"
	"marketdata/providers"
	"marketdata/providers/all"
	"marketdata/workflows"
)

// attemptWithin bounds one attempt to connect.
const attemptWithin = 10 * time.Second

// platform is what the API and the worker are built from.
type platform struct {
	database  *db.DB
	temporal  client.Client // connects when first used
	workflows *workflows.Client
	scheduler *workflows.Scheduler
	schedules []market.Schedule // of the configuration
	providers *providers.Registry
	metrics   *metrics.Metrics
	logger    *slog.Logger
}

// openPlatform builds everything, reporting to m; nothing is connected until it is used.
func (a *app) openPlatform(ctx context.Context, cfg config.Config, m *metrics.Metrics, logger *slog.Logger) (*platform, error) {
	database, err := db.Open(ctx, cfg.Database.URL.Reveal(), db.Options{})
	if err != nil {
		return nil, err
	}
	p := &platform{database: database, metrics: m, schedules: cfg.BackfillSchedules(), logger: logger}
	p.temporal, err = client.NewLazyClient(client.Options{
		HostPort: cfg.Temporal.Address, Namespace: cfg.Temporal.Namespace, Logger: log.NewStructuredLogger(logger),
		ContextPropagators: workflows.Propagators(), MetricsHandler: temporalMetrics(ctx, m, logger),
	})
	if err != nil {
		database.Close()
		return nil, fmt.Errorf("temporal: %w", err)
	}
	p.workflows = workflows.NewClient(p.temporal, cfg.Temporal.Namespace, cfg.Temporal.UIURL)
	if p.providers, err = a.newRegistry(cfg, database, m, logger); err != nil {
		p.close()
		return nil, err
	}
	p.scheduler = workflows.NewScheduler(p.workflows, database, p.providers.Instances(), logger)
	return p, nil
}

// newRegistry makes every configured provider, with a budget, a log and counters around its requests.
func (a *app) newRegistry(
	cfg config.Config, budget providers.Budget, recorder providers.Recorder, logger *slog.Logger,
) (*providers.Registry, error) {
	instances := make([]providers.Instance, 0, len(cfg.Providers))
	for name, p := range cfg.Providers {
		instances = append(instances, providers.Instance{
			Name: name, Adapter: p.Adapter, BaseURL: p.BaseURL, APIKey: p.APIKey.Reveal(), Enabled: p.Enabled, Synthetic: p.Synthetic,
			RequestsPerMinute: p.RequestsPerMinute, WeightPerMinute: p.WeightPerMinute,
		})
	}
	requests := providers.NewClient(providers.ClientOptions{Version: buildVersion().Version, Now: a.now})
	return providers.NewRegistry(all.Adapters(), instances, requests, func(p providers.Provider) providers.Provider {
		if dir := cfg.Providers[p.Name()].RecordDir; dir != "" {
			p = providers.WithRecording(p, dir)
		}
		p = providers.WithMetrics(p, recorder, a.now)
		return providers.WithMeteredBudget(providers.WithLog(p, logger), budget, providers.Sleep, recorder)
	})
}

// adapterNames returns the names of the adapters of this build.
func adapterNames() []string {
	adapters := all.Adapters()
	names := make([]string, len(adapters))
	for i, adapter := range adapters {
		names[i] = adapter.Name
	}
	return names
}

// enabledProviders returns the instances that workers fetch from.
func (p *platform) enabledProviders() []string {
	var names []string
	for _, instance := range p.providers.Instances() {
		if instance.Enabled {
			names = append(names, instance.Name)
		}
	}
	return names
}

func (p *platform) close() {
	p.temporal.Close()
	p.database.Close()
}

// awaitDatabase waits until the database answers and has every migration of this build, and gives every provider
// instance its request budget.
func (p *platform) awaitDatabase(ctx context.Context) error {
	return connect(ctx, p.logger, "database", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, attemptWithin)
		defer cancel()
		pending, err := p.database.MigrationsPending(ctx)
		if err == nil && pending > 0 {
			err = fmt.Errorf("%d migrations are pending: run 'marketdata migrate up'", pending)
		}
		if err != nil {
			return err
		}
		for _, instance := range p.providers.Instances() {
			if err := p.database.EnsureBudget(ctx, instance.Name, instance.Capabilities.Pacing); err != nil {
				return err
			}
		}
		return nil
	})
}

// planner plans the backfills of schedules.
func (p *platform) planner(now func() time.Time) *planning.Planner {
	return &planning.Planner{
		Store: p.database, Listings: p.workflows, Providers: p.providers.Instances(), Now: now,
		OnNoListing: func(ctx context.Context, t planning.Target, err error) {
			p.logger.WarnContext(ctx, "listing not found", "instrument", t.Instrument.ID.String(), "provider", t.Provider.Name, "error", err.Error())
		},
	}
}

// awaitTemporal waits until Temporal answers, makes the search attributes known and the housekeeping scheduled, and brings
// the schedules in line with the configuration and the tracked series.
func (p *platform) awaitTemporal(ctx context.Context) error {
	err := connect(ctx, p.logger, "temporal", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, attemptWithin)
		defer cancel()
		if err := p.workflows.RegisterSearchAttributes(ctx); err != nil {
			return err
		}
		return p.workflows.EnsureSchedules(ctx)
	})
	if err != nil {
		return err
	}
	return connect(ctx, p.logger, "schedules", p.reconcileSchedules)
}

// reconcileSchedules returns only errors that pass: the database is not migrated yet, or something does not answer. A
// schedule that cannot be set keeps nobody from working; the sweep of each minute tries it again.
func (p *platform) reconcileSchedules(ctx context.Context) error {
	err := p.scheduler.Configure(ctx, p.schedules)
	if err == nil {
		err = p.scheduler.Reconcile(ctx)
	}
	if err != nil && market.KindOf(err) != market.KindUnavailable {
		p.logger.ErrorContext(ctx, "schedules not reconciled", "error", err.Error())
		return nil
	}
	return err
}
