package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"marketdata/market"
)

// requestMetrics count requests to providers and what they wait for.
type requestMetrics struct {
	sent     *prometheus.CounterVec
	duration *prometheus.HistogramVec
	wait     *prometheus.HistogramVec
	refusals *prometheus.CounterVec
}

func newRequestMetrics() *requestMetrics {
	return &requestMetrics{
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "provider_requests_total",
			Help: "Requests sent to providers, by the HTTP status of the answer to a page request and the kind of the failure.",
		}, []string{"provider", "operation", "status", "kind"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "provider_request_duration_seconds", Help: "Time from a request to a provider to its whole answer.",
			Buckets: []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25},
		}, []string{"provider", "operation"}),
		wait: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "budget_wait_seconds", Help: "How long granted requests waited for the budget of their provider.",
			Buckets: []float64{0, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 7, 10},
		}, []string{"provider"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "budget_refusals_total",
			Help: "Requests that were not granted and left to a later attempt: rate_limited is a wait that is too long, unavailable a pause.",
		}, []string{"provider", "kind"}),
	}
}

func (m *requestMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.sent, m.duration, m.wait, m.refusals}
}

// RequestSent counts a request to a provider. status is 0 where no answer to a page request was read; kind is "" without
// a failure.
func (m *requestMetrics) RequestSent(provider, operation string, status int, kind market.Kind, took time.Duration) {
	m.sent.WithLabelValues(provider, operation, statusLabel(status), kindLabel(kind)).Inc()
	m.duration.WithLabelValues(provider, operation).Observe(took.Seconds())
}

// BudgetGranted counts a request that may be sent after the wait.
func (m *requestMetrics) BudgetGranted(provider string, wait time.Duration) {
	m.wait.WithLabelValues(provider).Observe(wait.Seconds())
}

// BudgetRefused counts a request that may not be sent.
func (m *requestMetrics) BudgetRefused(provider string, kind market.Kind) {
	m.refusals.WithLabelValues(provider, kindLabel(kind)).Inc()
}
