package grafana_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// rule returns the expression of an alert rule.
func rule(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../deploy/prometheus/alerts.yml")
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	for _, group := range file.Groups {
		for _, r := range group.Rules {
			if r.Alert == name {
				return r.Expr
			}
		}
	}
	require.Fail(t, "no rule "+name)
	return ""
}

// TestTheFirstRefusalAlerts: a counter with labels is not there before its first event, and then it is 1. Each refusal alerts
// for a quarter of an hour.
func TestTheFirstRefusalAlerts(t *testing.T) {
	t.Parallel()
	s := &scraped{series: map[string][]chunks.Sample{}, labels: map[string]labels.Labels{}}
	noon := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	after := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	scrape := func(kind string, count, from, to int) {
		s.scrape(t, fmt.Appendf(nil, "# TYPE marketdata_provider_requests_total counter\n"+
			"marketdata_provider_requests_total{kind=%q,operation=\"fetch\",provider=\"binance\",status=\"x\"} %d\n", kind, count), after(from), after(to))
	}
	scrape("none", 7, -60, 180)
	scrape("denied", 1, 0, 59)
	scrape("denied", 2, 60, 180)
	for _, tt := range []struct {
		minutes int
		fires   bool
	}{{-1, false}, {0, true}, {1, true}, {14, true}, {16, false}, {59, false}, {61, true}, {73, true}, {76, false}, {180, false}} {
		var want []string
		if tt.fires {
			want = []string{`{kind="denied", provider="binance"}`}
		}
		require.Equal(t, want, alerting(t, s, "MarketdataProviderRefuses", after(tt.minutes)), "%d minutes after the first", tt.minutes)
	}
}

// TestRestatementsOfTheFirstLoadAlert: the counter of a provider begins with what the first load of a process restated.
func TestRestatementsOfTheFirstLoadAlert(t *testing.T) {
	t.Parallel()
	s := &scraped{series: map[string][]chunks.Sample{}, labels: map[string]labels.Labels{}}
	noon := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	for provider, count := range map[string]int{"many": 1500, "few": 3} {
		s.scrape(t, fmt.Appendf(nil, "# TYPE marketdata_restatements_total counter\nmarketdata_restatements_total{interval=\"1d\",provider=%q} %d\n",
			provider, count), noon, noon.Add(3*time.Hour))
	}
	many := []string{`{provider="many"}`}
	require.Equal(t, many, alerting(t, s, "MarketdataRestatements", noon.Add(time.Minute)))
	require.Equal(t, many, alerting(t, s, "MarketdataRestatements", noon.Add(59*time.Minute)))
	require.Empty(t, alerting(t, s, "MarketdataRestatements", noon.Add(2*time.Hour)))
}

// alerting returns the labels of what a rule alerts of at an instant.
func alerting(t *testing.T, s *scraped, name string, at time.Time) []string {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute})
	query, err := engine.NewInstantQuery(t.Context(), s, nil, rule(t, name), at)
	require.NoError(t, err)
	defer query.Close()
	vector, err := query.Exec(t.Context()).Vector()
	require.NoError(t, err)
	var labelled []string
	for _, sample := range vector {
		labelled = append(labelled, sample.Metric.String())
	}
	return labelled
}
