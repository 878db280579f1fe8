package metrics

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/metric"
)

const (
	namespace = "marketdata"

	maxScrapes = 4 // at once; more are refused with 503
)

// Options is what a process exports of itself. Every field is required.
type Options struct {
	Version   string
	Commit    string
	GoVersion string
	Now       func() time.Time
	Logger    *slog.Logger
}

// Metrics is what one process exports. It is safe for concurrent use.
type Metrics struct {
	*httpMetrics
	*ingestMetrics
	*requestMetrics

	now      func() time.Time
	logger   *slog.Logger
	registry *prometheus.Registry
	state    *state // nil until ExportState
	meter    metric.Meter
	scrape   http.Handler
}

// New makes the registry of a process. Errors: internal.
func New(o Options) (*Metrics, error) {
	m := &Metrics{
		now: o.Now, logger: o.Logger, registry: prometheus.NewRegistry(),
		httpMetrics: newHTTPMetrics(), ingestMetrics: newIngestMetrics(), requestMetrics: newRequestMetrics(),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "1, labelled with the build of the process.",
	}, []string{"version", "commit", "go_version"})
	build.WithLabelValues(o.Version, o.Commit, o.GoVersion).Set(1)
	all := []prometheus.Collector{
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), build,
	}
	all = append(all, m.httpMetrics.collectors()...)
	all = append(all, m.ingestMetrics.collectors()...)
	all = append(all, m.requestMetrics.collectors()...)
	for _, c := range all {
		if err := m.registry.Register(c); err != nil {
			return nil, internal(err)
		}
	}
	var err error
	if m.meter, err = newMeter(m.registry); err != nil {
		return nil, internal(err)
	}
	m.scrape = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
	})
	return m, nil
}

// ExportState exports what the database holds from the first scrape on, which must come later. One process of all does
// so, the API: sums over processes would count it several times. Errors: internal when it is called twice.
func (m *Metrics) ExportState(o StateOptions) error {
	s := newState(o, m.now, m.logger)
	if err := m.registry.Register(s); err != nil {
		return internal(err)
	}
	m.state = s
	return nil
}

// Links is where people look at what is not here. Both are required.
type Links struct {
	TemporalUIURL     string
	TemporalNamespace string
}

// ExportLinks exports, as labels of a gauge that is 1, the addresses that dashboards lead to, so that they are configured once.
// The API does so. Errors: internal when it is called twice.
func (m *Metrics) ExportLinks(l Links) error {
	gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: namespace, Name: "link_info", Help: "1, labelled with where dashboards lead to, as configured.",
	}, []string{"temporal_ui_url", "temporal_namespace"})
	gauge.WithLabelValues(strings.TrimRight(l.TemporalUIURL, "/"), l.TemporalNamespace).Set(1)
	if err := m.registry.Register(gauge); err != nil {
		return internal(err)
	}
	return nil
}

// Gatherer returns what collects all metrics; what the database holds is as of the last scrape.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// Meter is where the Temporal SDK's metrics go.
func (m *Metrics) Meter() metric.Meter { return m.meter }

// Handler answers GET /metrics. A database that does not answer costs the metrics that come from it, nothing else.
func (m *Metrics) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.state != nil {
			m.state.refresh(r.Context())
		}
		m.scrape.ServeHTTP(w, r)
	})
}
