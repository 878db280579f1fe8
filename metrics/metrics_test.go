package metrics_test

import (
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"marketdata/market"
	"marketdata/metrics"
)

const prefix = "marketdata_"

func TestMetricsKeepTheConventions(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, noon)
	exercise(t, m)
	var own []string
	for name := range families(t, m.Gatherer()) {
		if strings.HasPrefix(name, prefix) {
			own = append(own, name)
		}
	}
	require.NotEmpty(t, own)
	problems, err := testutil.GatherAndLint(m.Gatherer(), own...)
	require.NoError(t, err)
	require.Empty(t, problems)
}

// documented is a line of the tables in docs/metrics.md.
type documented struct{ name, kind, labels string }

func TestDocumentationListsExactlyTheMetrics(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, noon)
	exercise(t, m)
	var want []documented
	for name, family := range families(t, m.Gatherer()) {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		var labels []string
		for _, l := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		slices.Sort(labels)
		want = append(want, documented{name, strings.ToLower(family.GetType().String()), strings.Join(labels, ", ")})
	}
	text, err := os.ReadFile("../docs/metrics.md")
	require.NoError(t, err)
	var got []documented
	for _, row := range regexp.MustCompile("(?m)^\\| `("+prefix+"\\w+)` \\| (\\w+) \\| ([^|]*) \\|").FindAllStringSubmatch(string(text), -1) {
		labels := strings.Split(strings.Trim(row[3], "–"), ", ")
		slices.Sort(labels)
		got = append(got, documented{row[1], row[2], strings.Join(labels, ", ")})
	}
	require.ElementsMatch(t, want, got)
}

// TestAlertRulesAskForMetricsThatExist reads the rules of the documentation as Prometheus would, but for the expressions.
func TestAlertRulesAskForMetricsThatExist(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/metrics.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```yaml\n(groups:.*?)```").FindStringSubmatch(string(text))
	require.NotNil(t, block)
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For string
				Annotations      map[string]string
			}
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(block[1]))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&file))
	tables := strings.ReplaceAll(string(text), block[1], "")
	name := regexp.MustCompile(`\b(marketdata|temporal)_\w+`)
	seen := map[string]bool{}
	for _, rule := range file.Groups[0].Rules {
		require.NotContains(t, seen, rule.Alert)
		seen[rule.Alert] = true
		require.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
		asked := name.FindAllString(rule.Expr, -1)
		require.True(t, len(asked) > 0 || strings.HasPrefix(rule.Expr, "up{"), rule.Alert)
		for _, metric := range asked {
			require.Contains(t, tables, "`"+metric+"`", rule.Alert)
		}
	}
	require.NotEmpty(t, seen)
}

// TestEveryMetricIsExercised keeps the two tests above from missing a metric that has no value there.
func TestEveryMetricIsExercised(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, noon)
	exercise(t, m)
	gathered := families(t, m.Gatherer())
	registry, isRegistry := m.Gatherer().(*prometheus.Registry)
	require.True(t, isRegistry)
	descriptions := make(chan *prometheus.Desc)
	go func() {
		registry.Describe(descriptions)
		close(descriptions)
	}()
	name := regexp.MustCompile(`fqName: "(` + prefix + `\w+)"`)
	var known []string
	for d := range descriptions {
		if match := name.FindStringSubmatch(d.String()); match != nil {
			known = append(known, match[1])
			require.Contains(t, gathered, match[1])
		}
	}
	require.NotEmpty(t, known)
}

func TestEachProcessHasARegistryOfItsOwn(t *testing.T) {
	t.Parallel()
	one, other := newMetrics(t, noon), newMetrics(t, noon)
	one.PageStored("binance", true)
	require.NotContains(t, families(t, other.Gatherer()), "marketdata_pages_stored_total")
	for name := range families(t, prometheus.DefaultGatherer) {
		require.NotContains(t, name, "marketdata")
		require.NotContains(t, name, "temporal")
	}
	text := scrape(t, one)
	for _, line := range []string{
		`marketdata_build_info{commit="4f2c1e7",go_version="go1.26.8",version="1.2.3"} 1`, "go_goroutines ", "process_open_fds ",
	} {
		require.Contains(t, text, "\n"+line)
	}
	require.NotContains(t, text, "marketdata_database_up", "the state is exported where it is asked for")
}

// values returns the samples of a counter or gauge by their label values, joined with spaces in the order of label names.
func values(t *testing.T, m *metrics.Metrics, name string) map[string]float64 {
	t.Helper()
	got := map[string]float64{}
	for _, sample := range families(t, m.Gatherer())[prefix+name].GetMetric() {
		var labels []string
		for _, l := range sample.GetLabel() {
			labels = append(labels, l.GetValue())
		}
		got[strings.Join(labels, " ")] = valueOf(sample)
	}
	return got
}

func valueOf(m *dto.Metric) float64 {
	switch {
	case m.GetCounter() != nil:
		return m.GetCounter().GetValue()
	case m.GetHistogram() != nil:
		return float64(m.GetHistogram().GetSampleCount())
	}
	return m.GetGauge().GetValue()
}

func TestHTTPLabelsAreBounded(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, noon)
	m.RequestBegan()
	m.RequestBegan()
	require.Equal(t, map[string]float64{"": 2}, values(t, m, "http_requests_in_flight"))
	m.RequestEnded(http.MethodGet, "/v1/instruments/{id}", http.StatusOK, time.Second)
	m.RequestEnded("BREW", "", http.StatusNotFound, time.Second)
	require.Equal(t, map[string]float64{"": 0}, values(t, m, "http_requests_in_flight"))
	m.RequestBegan()
	m.RequestEnded(http.MethodPost, "/v1/backfills", 0, time.Second)
	want := map[string]float64{"GET /v1/instruments/{id} 200": 1, "other unmatched 404": 1, "POST /v1/backfills aborted": 1}
	require.Equal(t, want, values(t, m, "http_requests_total"))
	require.Equal(t, want, values(t, m, "http_request_duration_seconds"))
}

func TestOnlyCommittedLoadsCount(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, noon)
	load := market.LoadResult{Inserted: 5, Restated: 2, Unchanged: 1}
	m.BarsWritten("binance", market.Interval1m, load)
	load.IsRepeat = true
	m.BarsWritten("binance", market.Interval1m, load)
	m.BarsWritten("binance", market.Interval1d, market.LoadResult{Inserted: 1})
	want := map[string]float64{"1m inserted binance": 5, "1m restated binance": 2, "1m unchanged binance": 1, "1d inserted binance": 1, "1d restated binance": 0, "1d unchanged binance": 0}
	require.Equal(t, want, values(t, m, "bars_written_total"))
	require.Equal(t, map[string]float64{"1m binance": 2, "1d binance": 0}, values(t, m, "restatements_total"))
}

func TestAttemptsCountAfterTheFifth(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, noon)
	for attempt := range 7 {
		m.ActivityEnded("FetchChunk", attempt+1, market.KindUnavailable)
	}
	m.ActivityEnded("FetchChunk", 8, "")
	require.Equal(t, map[string]float64{"FetchChunk unavailable": 2, "FetchChunk none": 1}, values(t, m, "activity_attempts_over_five_total"))
}

func TestRequestsToProviders(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, noon)
	m.RequestSent("binance", "fetch", http.StatusOK, "", time.Second)
	m.RequestSent("binance", "fetch", http.StatusTooManyRequests, market.KindRateLimited, time.Second)
	m.RequestSent("binance", "listing", 0, market.KindUnavailable, time.Second)
	m.RequestSent("binance", "fetch", 123456, market.KindMalformed, time.Second)
	require.Equal(t, map[string]float64{
		"none fetch binance 200": 1, "rate_limited fetch binance 429": 1, "unavailable listing binance none": 1, "malformed fetch binance none": 1,
	}, values(t, m, "provider_requests_total"))
	require.Equal(t, map[string]float64{"fetch binance": 3, "listing binance": 1}, values(t, m, "provider_request_duration_seconds"))
	m.PageStored("binance", true)
	m.PageStored("binance", false)
	require.Equal(t, map[string]float64{"readable binance": 1, "unreadable binance": 1}, values(t, m, "pages_stored_total"))
	m.BudgetGranted("binance", 0)
	m.BudgetGranted("binance", time.Second)
	m.BudgetRefused("binance", market.KindUnavailable)
	require.Equal(t, map[string]float64{"binance": 2}, values(t, m, "budget_wait_seconds"))
	require.Equal(t, map[string]float64{"unavailable binance": 1}, values(t, m, "budget_refusals_total"))
}

func TestLinksAreExportedOnce(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, noon)
	require.NotContains(t, scrape(t, m), "link_info", "an API exports them, a worker does not")
	links := metrics.Links{TemporalUIURL: "https://temporal.example.org/ui/", TemporalNamespace: "prices"}
	require.NoError(t, m.ExportLinks(links))
	require.Contains(t, scrape(t, m), "\n"+`marketdata_link_info{temporal_namespace="prices",temporal_ui_url="https://temporal.example.org/ui"} 1`+"\n")
	require.Equal(t, market.KindInternal, market.KindOf(m.ExportLinks(links)))
}

func TestTimersOfTheTemporalSDKAreInSeconds(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, noon)
	histogram, err := m.Meter().Float64Histogram("temporal_request_latency")
	require.NoError(t, err)
	histogram.Record(t.Context(), 0.03)
	family := families(t, m.Gatherer())["temporal_request_latency"]
	require.NotNil(t, family, slices.Collect(maps.Keys(families(t, m.Gatherer()))))
	bounds := map[float64]uint64{}
	for _, b := range family.GetMetric()[0].GetHistogram().GetBucket() {
		bounds[b.GetUpperBound()] = b.GetCumulativeCount()
	}
	require.Equal(t, uint64(0), bounds[0.025])
	require.Equal(t, uint64(1), bounds[0.05])
	require.Contains(t, bounds, 7200.0)
}
