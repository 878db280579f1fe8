package grafana_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/stretchr/testify/require"

	"marketdata/grafana"
	"marketdata/grafana/grafanatest"
	"marketdata/metrics"
)

// metricsPage is what an API answers at /metrics whose configuration says so.
func metricsPage(t *testing.T, url, namespace string) []byte {
	t.Helper()
	m, err := metrics.New(metrics.Options{
		Version: "1.2.3", Commit: "4f2c1e7", GoVersion: "go1.26", Now: time.Now, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	require.NoError(t, err)
	if url != "" {
		require.NoError(t, m.ExportLinks(metrics.Links{TemporalUIURL: url, TemporalNamespace: namespace}))
	}
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, answer.Code)
	return answer.Body.Bytes()
}

// scraped is what Prometheus keeps of pages: their series by labels, in the order of scrapes.
type scraped struct {
	storage.LabelQuerier
	series map[string][]chunks.Sample
	labels map[string]labels.Labels
}

// scrape reads a page every minute in [from, to], with Prometheus' own parser.
func (s *scraped) scrape(t *testing.T, page []byte, from, to time.Time) {
	t.Helper()
	parser, err := textparse.New(page, "text/plain; version=0.0.4", nil, textparse.ParserOptions{})
	require.NoError(t, err)
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		if entry != textparse.EntrySeries {
			continue
		}
		var of labels.Labels
		parser.Labels(&of)
		_, _, value := parser.Series()
		of = labels.NewBuilder(of).Set("job", "marketdata-api").Set("instance", "api:8080").Labels()
		s.labels[of.String()] = of
		for at := from; !at.After(to); at = at.Add(time.Minute) {
			s.series[of.String()] = append(s.series[of.String()], grafanatest.NewSample(at, value))
		}
	}
}

func (s *scraped) Querier(int64, int64) (storage.Querier, error) { return s, nil }
func (s *scraped) Close() error                                  { return nil }

func (s *scraped) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	var found []storage.Series
	for key, of := range s.labels {
		if grafanatest.Match(of, matchers) {
			found = append(found, storage.NewListSeries(of, s.series[key]))
		}
	}
	return grafanatest.Found(found...)
}

// chosenOf asks the variable's query at the end of the time range, and takes values out of the result as Grafana does.
func (s *scraped) chosenOf(t *testing.T, v grafana.Variable, end time.Time) []string {
	t.Helper()
	expression, _ := v.PromQL()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, EnableNegativeOffset: true})
	query, err := engine.NewInstantQuery(t.Context(), s, nil, expression, end)
	require.NoError(t, err)
	defer query.Close()
	vector, err := query.Exec(t.Context()).Vector()
	require.NoError(t, err, expression)
	pattern := regexp.MustCompile(strings.TrimSuffix(strings.TrimPrefix(v.Regex, "/"), "/"))
	var chosen []string
	for _, sample := range vector {
		result := fmt.Sprintf("%s %v %d", strings.ReplaceAll(sample.Metric.String(), ", ", ","), sample.F, sample.T)
		if match := pattern.FindStringSubmatch(result); match != nil {
			chosen = append(chosen, match[1])
		}
	}
	return chosen
}

// temporalVariables are those that links to the Temporal UI are made of.
func temporalVariables(t *testing.T) (address, namespace grafana.Variable) {
	t.Helper()
	for _, board := range boards(t) {
		for _, v := range board.Templating.List {
			switch v.Name {
			case "temporal_url":
				address = v
			case "temporal_namespace":
				namespace = v
			}
		}
	}
	require.NotEmpty(t, address.Name)
	require.NotEmpty(t, namespace.Name)
	return address, namespace
}

// TestLinksLeadWhereTheConfigurationSays asks what a real page of metrics says, at any time range: one that ends now, one that
// ended before the first scrape, one of a platform whose address has changed, one without an answer.
func TestLinksLeadWhereTheConfigurationSays(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	address, namespace := temporalVariables(t)
	configured := metricsPage(t, "https://temporal.example.org/ui/", "prices")
	former := metricsPage(t, "http://10.0.0.7:8080", "former")
	for name, tt := range map[string]struct {
		pages          map[time.Duration][]byte // by how long ago their hour of scrapes began
		end            time.Time
		url, namespace string
	}{
		"now":                         {map[time.Duration][]byte{time.Hour: configured}, now, "https://temporal.example.org/ui", "prices"},
		"a range that ended long ago": {map[time.Duration][]byte{time.Hour: configured}, now.AddDate(0, -11, 0), "https://temporal.example.org/ui", "prices"},
		"the API is down":             {map[time.Duration][]byte{10 * time.Hour: configured}, now, "https://temporal.example.org/ui", "prices"},
		"another address since":       {map[time.Duration][]byte{time.Hour: configured, 40 * time.Hour: former}, now, "https://temporal.example.org/ui", "prices"},
		"an API that exports none":    {map[time.Duration][]byte{time.Hour: metricsPage(t, "", "")}, now, "http://127.0.0.1:8233", "default"},
		"nothing was scraped":         {nil, now, "http://127.0.0.1:8233", "default"},
	} {
		s := &scraped{series: map[string][]chunks.Sample{}, labels: map[string]labels.Labels{}}
		for ago, page := range tt.pages {
			s.scrape(t, page, now.Add(-ago), now.Add(time.Hour-ago))
		}
		require.Equal(t, []string{tt.url}, s.chosenOf(t, address, tt.end), name)
		require.Equal(t, []string{tt.namespace}, s.chosenOf(t, namespace, tt.end), name)
	}
	// without Prometheus a variable keeps what the file says
	require.Equal(t, "http://127.0.0.1:8233", address.Current.Value)
	require.Equal(t, "default", namespace.Current.Value)
	require.True(t, address.SkipURL && namespace.SkipURL, "who sends a link to a dashboard does not choose where its links lead")
}

// TestNoLinkHasATypedAddress: every link to Temporal is made of the variables, and no other leaves Grafana.
func TestNoLinkHasATypedAddress(t *testing.T) {
	t.Parallel()
	n := 0
	for _, board := range boards(t) {
		text, err := grafana.Files.ReadFile("dashboards/" + board.File)
		require.NoError(t, err)
		for _, match := range regexp.MustCompile(`"url": "([^"]*)"`).FindAllStringSubmatch(string(text), -1) {
			isTemporal := strings.HasPrefix(match[1], "${temporal_url}/namespaces/${temporal_namespace}/workflows")
			require.True(t, isTemporal || match[1] == "" || strings.HasPrefix(match[1], "/d/"), "%s: %s", board.Title, match[1])
			if isTemporal {
				n++
			}
		}
	}
	require.Equal(t, 2, n)
}
