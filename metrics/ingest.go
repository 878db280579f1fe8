package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"marketdata/market"
)

// manyAttempts is how many attempts an activity may take before they are counted: by then somebody should look.
const manyAttempts = 5

// ingestMetrics count what activities brought into the database.
type ingestMetrics struct {
	bars         *prometheus.CounterVec
	restatements *prometheus.CounterVec
	pages        *prometheus.CounterVec
	attempts     *prometheus.CounterVec
}

func newIngestMetrics() *ingestMetrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	return &ingestMetrics{
		bars:         counter("bars_written_total", "Bars of committed loads, by what became of them.", "provider", "interval", "outcome"),
		restatements: counter("restatements_total", "Stored bars that a committed load changed.", "provider", "interval"),
		pages:        counter("pages_stored_total", "Answers of providers that were committed, by whether they could be read.", "provider", "outcome"),
		attempts: counter("activity_attempts_over_five_total",
			"Ended attempts of activities after the fifth, by the kind of their failure.", "activity", "kind"),
	}
}

func (m *ingestMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.bars, m.restatements, m.pages, m.attempts}
}

// BarsWritten counts a committed load. One that only repeats the answer of an earlier commit is not counted again.
func (m *ingestMetrics) BarsWritten(provider string, interval market.Interval, r market.LoadResult) {
	if r.IsRepeat {
		return
	}
	m.bars.WithLabelValues(provider, string(interval), "inserted").Add(float64(r.Inserted))
	m.bars.WithLabelValues(provider, string(interval), "restated").Add(float64(r.Restated))
	m.bars.WithLabelValues(provider, string(interval), "unchanged").Add(float64(r.Unchanged))
	m.restatements.WithLabelValues(provider, string(interval)).Add(float64(r.Restated))
}

// PageStored counts a committed answer of a provider.
func (m *ingestMetrics) PageStored(provider string, isReadable bool) {
	outcome := "readable"
	if !isReadable {
		outcome = "unreadable"
	}
	m.pages.WithLabelValues(provider, outcome).Inc()
}

// ActivityEnded counts the attempts that should make somebody look.
func (m *ingestMetrics) ActivityEnded(activity string, attempt int, kind market.Kind) {
	if attempt > manyAttempts {
		m.attempts.WithLabelValues(activity, kindLabel(kind)).Inc()
	}
}

// kindLabel is the kind of a failure, or "none".
func kindLabel(kind market.Kind) string {
	if kind == "" {
		return "none"
	}
	return string(kind)
}

// statusLabel is an HTTP status, or "none" where no answer was read.
func statusLabel(status int) string {
	if status < 100 || status > 999 {
		return "none"
	}
	return strconv.Itoa(status)
}
