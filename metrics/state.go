package metrics

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"marketdata/market"
	"marketdata/market/calendar"
)

const (
	keepState = 10 * time.Second // so long one look at the database serves every scrape, at least
	keepRatio = 20               // and so many times as long as it took, so that looking never fills a connection
	lookTime  = 8 * time.Second  // a look takes at most; below the scrape timeout of Prometheus, which is 10 s
)

// StateStore is what is asked of the database. *db.DB satisfies it.
type StateStore interface {
	// PlatformState counts what the database holds.
	PlatformState(ctx context.Context) (market.PlatformState, error)
	// TrackedSeries returns the intervals that are kept in sync, by instrument, interval and preference of the provider.
	TrackedSeries(ctx context.Context) ([]market.TrackedSeries, error)
}

// StateOptions say where the state of the platform is read, and which providers keep series in sync.
type StateOptions struct {
	Store     StateStore
	Providers []market.ProviderInstance
}

// state collects what the database holds, as of the last refresh.
type state struct {
	StateOptions
	now    func() time.Time
	logger *slog.Logger
	gauges stateGauges

	mu     sync.Mutex
	until  time.Time // when the values are to be read again
	values []prometheus.Metric
}

// stateGauges describe what is collected.
type stateGauges struct {
	up, budget, used, hold, paused, chunks, backfills, quarantined, staleness, stale, failing *prometheus.Desc
}

func newState(o StateOptions, now func() time.Time, logger *slog.Logger) *state {
	gauge := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
	}
	return &state{StateOptions: o, now: now, logger: logger, gauges: stateGauges{
		up:          gauge("database_up", "1 when the database told its state at the last look, else 0, and then nothing else of it is exported."),
		budget:      gauge("provider_budget_per_minute", "What the budget of a provider allows a minute, in requests or weight.", "provider", "unit"),
		used:        gauge("provider_requests_last_minute", "Requests granted by the budget of a provider in the last 60 seconds.", "provider"),
		hold:        gauge("provider_hold_seconds", "For how long no request may be sent to a provider yet, as after a refusal; 0 when it is not held.", "provider"),
		paused:      gauge("provider_paused", "1 while a person has paused the provider, else 0.", "provider"),
		chunks:      gauge("chunks", "Chunks of all backfills, by status.", "status"),
		backfills:   gauge("backfills", "Backfills, by status.", "status"),
		quarantined: gauge("quarantined_rows", "Quarantined rows that no later load has answered, by the rule they broke.", "rule"),
		staleness: gauge("series_staleness_seconds",
			"How long the first bar that a series kept in sync lacks has been due by its calendar; 0 when it is fresh.",
			"instrument", "provider", "interval"),
		failing: gauge("sync_failing_series", "Series kept in sync whose last sync failed, by the kind of the failure.", "provider", "interval", "kind"),
		stale:   gauge("stale_series", "Series kept in sync that lack a bar which has been due for more than three runs of their sync, and 15 minutes at least.", "provider", "interval"),
	}}
}

// Describe is prometheus.Collector.
func (s *state) Describe(out chan<- *prometheus.Desc) {
	g := s.gauges
	for _, d := range []*prometheus.Desc{g.up, g.budget, g.used, g.hold, g.paused, g.chunks, g.backfills, g.quarantined, g.staleness, g.stale, g.failing} {
		out <- d
	}
}

// Collect is prometheus.Collector.
func (s *state) Collect(out chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.values {
		out <- m
	}
}

// refresh looks at the database, unless that was done a short while ago. A scrape that is given up does not spoil
// the look for the next one.
func (s *state) refresh(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if now.Before(s.until) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	up, err := 1.0, error(nil)
	if s.values, err = s.look(ctx, now); err != nil {
		up, s.values = 0, nil
		s.logger.WarnContext(ctx, "the state of the database is not exported", "error", err)
	}
	s.values = append(s.values, gaugeOf(s.gauges.up, up))
	ended := s.now()
	s.until = ended.Add(max(keepState, keepRatio*ended.Sub(now)))
}

func gaugeOf(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func (s *state) look(ctx context.Context, now time.Time) ([]prometheus.Metric, error) {
	platform, err := s.Store.PlatformState(ctx)
	if err != nil {
		return nil, err
	}
	tracked, err := s.Store.TrackedSeries(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Concat(s.counts(platform), s.budgets(platform.Budgets), s.freshness(ctx, tracked, now)), nil
}

// counts exports every status and rule, those without rows as 0.
func (s *state) counts(p market.PlatformState) []prometheus.Metric {
	c, g := p.Chunks, s.gauges
	values := []prometheus.Metric{
		gaugeOf(g.chunks, float64(c.Pending), "pending"), gaugeOf(g.chunks, float64(c.Running), "running"),
		gaugeOf(g.chunks, float64(c.Done), "done"), gaugeOf(g.chunks, float64(c.Failed), "failed"),
		gaugeOf(g.chunks, float64(c.Canceled), "canceled"),
	}
	for _, status := range market.BackfillStatuses() {
		values = append(values, gaugeOf(g.backfills, float64(p.Backfills[status]), string(status)))
	}
	for _, rule := range market.Rules() {
		values = append(values, gaugeOf(g.quarantined, float64(p.Quarantined[rule]), string(rule)))
	}
	for _, f := range p.SyncFailures {
		values = append(values, gaugeOf(g.failing, float64(f.Series), f.Provider, string(f.Interval), string(f.Kind)))
	}
	return values
}

func (s *state) budgets(all []market.BudgetState) []prometheus.Metric {
	var values []prometheus.Metric
	g := s.gauges
	for _, b := range all {
		isPaused := 0.0
		if b.IsPaused {
			isPaused = 1
		}
		values = append(values,
			gaugeOf(g.budget, float64(b.RequestsPerMinute), b.Provider, "request"), gaugeOf(g.used, float64(b.UsedLastMinute), b.Provider),
			gaugeOf(g.hold, b.HeldFor.Seconds(), b.Provider), gaugeOf(g.paused, isPaused, b.Provider))
		if b.WeightPerMinute > 0 {
			values = append(values, gaugeOf(g.budget, float64(b.WeightPerMinute), b.Provider, "weight"))
		}
	}
	return values
}

// freshness measures every series that is kept in sync against its calendar.
func (s *state) freshness(ctx context.Context, tracked []market.TrackedSeries, now time.Time) []prometheus.Metric {
	settles := make(map[string]time.Duration, len(s.Providers))
	for _, p := range s.Providers {
		settles[p.Name] = p.Capabilities.Settle
	}
	type kind struct{ provider, interval string }
	stale := map[kind]int{}
	var values []prometheus.Metric
	for _, series := range market.Synced(tracked, market.CanSync(s.Providers)) {
		age, err := calendar.Staleness(series, settles[series.Provider], now)
		if err != nil { // its calendar is not of this build
			s.logger.WarnContext(ctx, "staleness of a series is not known", "instrument", series.Instrument.String(), "error", err)
			continue
		}
		k := kind{series.Provider, string(series.Interval)}
		if stale[k] += 0; age > market.StaleAfter(series.Interval) {
			stale[k]++
		}
		values = append(values, gaugeOf(s.gauges.staleness, age.Seconds(), series.Instrument.String(), k.provider, k.interval))
	}
	for k, n := range stale {
		values = append(values, gaugeOf(s.gauges.stale, float64(n), k.provider, k.interval))
	}
	return values
}
