package grafana_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"

	"marketdata/grafana"
	"marketdata/grafana/macro"
)

// metric is a line of docs/metrics.md, which a test of package metrics compares with what is exported.
type metric struct {
	kind   string
	labels []string
}

func documentedMetrics(t *testing.T) map[string]metric {
	t.Helper()
	text, err := os.ReadFile("../docs/metrics.md")
	require.NoError(t, err)
	all := map[string]metric{
		"process_resident_memory_bytes": {kind: "gauge"}, "process_cpu_seconds_total": {kind: "counter"},
	}
	line := regexp.MustCompile("(?m)^\\| `(marketdata_\\w+)` \\| (counter|gauge|histogram) \\| ([^|]*) \\|")
	word := regexp.MustCompile("`(\\w+)`")
	for _, match := range line.FindAllStringSubmatch(string(text), -1) {
		m := metric{kind: match[2]}
		for _, label := range word.FindAllStringSubmatch(match[3], -1) {
			m.labels = append(m.labels, label[1])
		}
		all[match[1]] = m
	}
	require.Greater(t, len(all), 20)
	return all
}

// checkPromQL says what is wrong with an expression: its syntax, a metric or a label that nobody exports, a counter
// without a rate, a rate of what is no counter.
func checkPromQL(expression string, metrics map[string]metric) error {
	parsed, err := parser.ParseExpr(expression)
	if err != nil {
		return err
	}
	var failure error
	parser.Inspect(parsed, func(node parser.Node, path []parser.Node) error {
		if selector, isSelector := node.(*parser.VectorSelector); isSelector && failure == nil {
			failure = checkSelector(selector, path, metrics)
		}
		if aggregate, isAggregate := node.(*parser.AggregateExpr); isAggregate && failure == nil {
			failure = checkGrouping(aggregate, metrics)
		}
		return nil
	})
	return failure
}

// exported finds the metric of a series' name.
func exported(name string, metrics map[string]metric) (metric, bool) {
	if m, isThere := metrics[name]; isThere {
		return m, m.kind != "histogram"
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && metrics[base].kind == "histogram" {
			return metric{kind: "counter", labels: append([]string{"le"}, metrics[base].labels...)}, true
		}
	}
	return metric{}, false
}

func checkSelector(s *parser.VectorSelector, path []parser.Node, metrics map[string]metric) error {
	m, isThere := exported(s.Name, metrics)
	if !isThere {
		return fmt.Errorf("nobody exports %s", s.Name)
	}
	for _, matcher := range s.LabelMatchers {
		if matcher.Name != "__name__" && !hasLabel(m, matcher.Name) {
			return fmt.Errorf("%s has no label %s", s.Name, matcher.Name)
		}
	}
	isRated := false
	for _, above := range path {
		call, isCall := above.(*parser.Call)
		isRated = isRated || isCall && (call.Func.Name == "rate" || call.Func.Name == "increase")
	}
	if isRated != (m.kind == "counter") {
		return fmt.Errorf("%s is a %s", s.Name, m.kind)
	}
	return nil
}

// checkGrouping wants the labels of a grouping from every metric below it.
func checkGrouping(a *parser.AggregateExpr, metrics map[string]metric) error {
	var failure error
	parser.Inspect(a, func(node parser.Node, _ []parser.Node) error {
		selector, isSelector := node.(*parser.VectorSelector)
		if !isSelector || failure != nil {
			return nil
		}
		m, _ := exported(selector.Name, metrics)
		for _, name := range a.Grouping {
			if !hasLabel(m, name) {
				failure = fmt.Errorf("%s has no label %s to group by", selector.Name, name)
			}
		}
		return nil
	})
	return failure
}

func hasLabel(m metric, name string) bool {
	for _, label := range append([]string{"job", "instance"}, m.labels...) {
		if label == name {
			return true
		}
	}
	return false
}

// promContext expands PromQL with some values.
func promContext() macro.Context {
	end := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	return macro.Context{From: end.Add(-6 * time.Hour), To: end, Interval: 20 * time.Second, Variables: map[string]macro.Value{
		"instruments": macro.Several("AAPL.SIM", "BTCUSDT.SIM"), "providers": macro.Several("sim_binance"), "route": macro.Several("/v1/instruments/{id}/bars", "/health"),
	}}
}

func TestEveryPromQLParses(t *testing.T) {
	t.Parallel()
	metrics, n := documentedMetrics(t), 0
	for _, board := range boards(t) {
		for _, q := range board.Queries() {
			if q.DataSource != grafana.Prometheus || q.Kind != grafana.OfPanel {
				continue
			}
			expression, err := promContext().PromQL(q.Text)
			require.NoError(t, err, label(q))
			require.NoError(t, checkPromQL(expression, metrics), "%s\n%s", label(q), expression)
			n++
		}
	}
	require.Greater(t, n, 12)
}

// TestEveryVariableOfPrometheusParses wants of each that it asks for what is exported.
func TestEveryVariableOfPrometheusParses(t *testing.T) {
	t.Parallel()
	metrics, n := documentedMetrics(t), 0
	for _, board := range boards(t) {
		for _, v := range board.Templating.List {
			if v.DataSource.UID != grafana.Prometheus {
				continue
			}
			expression, name := v.PromQL()
			require.NotEmpty(t, expression, v.Name)
			require.Equal(t, name == "", v.Regex != "", v.Name)
			parsed, err := parser.ParseExpr(expression)
			require.NoError(t, err, v.Name)
			parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
				selector, isSelector := node.(*parser.VectorSelector)
				if !isSelector {
					return nil
				}
				m, isThere := metrics[selector.Name]
				require.True(t, isThere, "%s: nobody exports %s", v.Name, selector.Name)
				require.True(t, name == "" || hasLabel(m, name), "%s: %s has no label %s", v.Name, selector.Name, name)
				return nil
			})
			if name == "" {
				require.NoError(t, checkPromQL(expression, metrics), v.Name)
			}
			n++
		}
	}
	require.Equal(t, 3, n)
}

func TestPromQLIsRefused(t *testing.T) {
	t.Parallel()
	metrics := documentedMetrics(t)
	for _, expression := range []string{
		"sum(rate(marketdata_http_requests_total[5m])", "marketdata_http_request_total", "rate(marketdata_http_requests_total{path=\"/\"}[5m])",
		"marketdata_http_requests_total", "rate(marketdata_http_requests_in_flight[5m])", "sum by (path) (rate(marketdata_http_requests_total[5m]))",
		"marketdata_budget_wait_seconds", "histogram_quantile(0.95, sum by (le, route) (rate(marketdata_budget_wait_seconds_bucket[5m])))",
	} {
		require.Error(t, checkPromQL(expression, metrics), expression)
	}
}
