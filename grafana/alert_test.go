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
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute})
	for _, tt := range []struct {
		minutes int
		fires   bool
	}{{-1, false}, {0, true}, {1, true}, {14, true}, {16, false}, {59, false}, {61, true}, {73, true}, {76, false}, {180, false}} {
		query, err := engine.NewInstantQuery(t.Context(), s, nil, rule(t, "MarketdataProviderRefuses"), after(tt.minutes))
		require.NoError(t, err)
		vector, err := query.Exec(t.Context()).Vector()
		require.NoError(t, err)
		var fires []string
		for _, sample := range vector {
			fires = append(fires, sample.Metric.String())
		}
		query.Close()
		if tt.fires {
			require.Equal(t, []string{`{kind="denied", provider="binance"}`}, fires, "%d minutes after the first", tt.minutes)
		} else {
			require.Empty(t, fires, "%d minutes after the first", tt.minutes)
		}
	}
}
