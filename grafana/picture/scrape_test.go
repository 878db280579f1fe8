package picture_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/stretchr/testify/require"

	"marketdata/grafana"
	"marketdata/grafana/grafanatest"
	"marketdata/grafana/macro"
	"marketdata/grafana/picture"
)

const scrapeEvery = 15 * time.Second

// sampled is a series of a made-up scrape: its labels, and its value some seconds after the first scrape.
type sampled struct {
	labels []string
	value  func(seconds float64) float64
}

// wave goes up and down around a mean, in hours.
func wave(mean, swing, hours, phase float64) func(float64) float64 {
	return func(s float64) float64 { return mean + swing*math.Sin(2*math.Pi*s/(hours*3600)+phase) }
}

// grown is the counter whose rate is the wave: its integral.
func grown(mean, swing, hours, phase float64) func(float64) float64 {
	k := 2 * math.Pi / (hours * 3600)
	return func(s float64) float64 { return mean*s + swing/k*(math.Cos(phase)-math.Cos(k*s+phase)) }
}

// scrapes are what Prometheus would have read of a small stack.
func scrapes() []sampled {
	var all []sampled
	add := func(value func(float64) float64, pairs ...string) { all = append(all, sampled{pairs, value}) }
	for i, r := range []struct {
		route      string
		rate, slow float64
	}{{"/v1/instruments/{id}/bars", 38, 1}, {"/v1/backfills/{id}", 6, 0.3}, {"/v1/instruments", 4, 0.2}, {"/ready", 1, 0.05}} {
		phase := float64(i)
		for _, s := range []struct {
			status string
			share  float64
		}{{"200", 0.985}, {"404", 0.012}, {"503", 0.003 * r.slow}} {
			at := []string{"job", "marketdata-api", "instance", "api:8080", "method", "GET", "route", r.route, "status", s.status}
			mean, swing := r.rate*s.share, r.rate*s.share*0.4
			add(grown(mean, swing, 5, phase), append([]string{"__name__", "marketdata_http_requests_total"}, at...)...)
			for _, b := range []struct {
				le    string
				share float64
			}{{"0.005", 0.45}, {"0.01", 0.7}, {"0.025", 0.9}, {"0.05", 0.965}, {"0.1", 0.99}, {"0.25", 0.998}, {"+Inf", 1}} {
				part := 1 - (1-b.share)*(0.35+0.65*r.slow)
				add(grown(mean*part, swing*part, 5, phase), append([]string{"__name__", "marketdata_http_request_duration_seconds_bucket", "le", b.le}, at...)...)
			}
		}
	}
	add(wave(3, 2, 1.3, 0), "__name__", "marketdata_http_requests_in_flight", "job", "marketdata-api", "instance", "api:8080")
	add(wave(1, 0, 1, 0), "__name__", "marketdata_database_up", "job", "marketdata-api", "instance", "api:8080")
	for i, process := range []string{"api:8080", "worker-1:8081", "worker-2:8081"} {
		job, n := "marketdata-"+strings.TrimRight(strings.Split(process, ":")[0], "-12"), float64(i)
		add(wave(60e6+n*70e6, 12e6, 2, n), "__name__", "process_resident_memory_bytes", "job", job, "instance", process)
		add(grown(0.2+n*0.15, 0.1, 3, n), "__name__", "process_cpu_seconds_total", "job", job, "instance", process)
	}
	for i, provider := range []string{"sim_binance", "sim_coinbase", "sim_yahoo"} {
		n := float64(i)
		add(wave(700/(1+n*6), 400/(1+n*6), 40, n), "__name__", "marketdata_provider_requests_last_minute", "provider", provider)
		add(grown(0.02+0.01*n, 0.015, 30, n), "__name__", "marketdata_provider_requests_total", "provider", provider, "kind", "unavailable", "operation", "fetch", "status", "503")
		for _, b := range []struct {
			le    string
			share float64
		}{{"0.1", 0.6}, {"1", 0.9 - 0.1*n}, {"10", 0.97}, {"+Inf", 1}} {
			add(grown(5*b.share, 2*b.share, 30, n), "__name__", "marketdata_budget_wait_seconds_bucket", "provider", provider, "le", b.le)
		}
	}
	add(func(s float64) float64 { return math.Max(0, s-23.75*86400) }, "__name__", "marketdata_series_staleness_seconds", "instrument", "ETHUSDT.SIM", "provider", "sim_binance", "interval", "1m")
	add(func(s float64) float64 { return math.Mod(s, 5400) / 5 }, "__name__", "marketdata_series_staleness_seconds", "instrument", "BTCUSDT.SIM", "provider", "sim_coinbase", "interval", "1m")
	add(wave(0, 0, 1, 0), "__name__", "marketdata_series_staleness_seconds", "instrument", "AAPL.SIM", "provider", "sim_yahoo", "interval", "1d")
	return all
}

// store answers a query engine from the made-up scrapes, over a stretch of time.
type store struct {
	storage.LabelQuerier
	from, to time.Time
	every    time.Duration
}

var (
	_ storage.Queryable = store{}
	_ storage.Querier   = store{}
)

func (s store) Querier(int64, int64) (storage.Querier, error) { return s, nil }

func (store) Close() error { return nil }

func (s store) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	var found []storage.Series
	for _, m := range scrapes() {
		if !grafanatest.Match(labels.FromStrings(m.labels...), matchers) {
			continue
		}
		var samples []chunks.Sample
		for t := s.from; !t.After(s.to); t = t.Add(s.every) {
			samples = append(samples, grafanatest.NewSample(t, m.value(t.Sub(s.from).Seconds())))
		}
		found = append(found, storage.NewListSeries(labels.FromStrings(m.labels...), samples))
	}
	return grafanatest.Found(found...)
}

// scraped runs PromQL with Prometheus' own engine over the made-up scrapes.
func scraped(t *testing.T, c macro.Context, target grafana.Target, isStat bool) picture.Table {
	t.Helper()
	step := max(c.To.Sub(c.From)/180, scrapeEvery).Truncate(scrapeEvery)
	every := scrapeEvery
	if c.To.Sub(c.From) > 24*time.Hour {
		step, every = step.Truncate(time.Minute), max(step.Truncate(time.Minute)/4, time.Minute)
	}
	c.Interval = step
	expression, err := c.PromQL(target.Expr)
	require.NoError(t, err)
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 50_000_000, Timeout: time.Minute, LookbackDelta: 2*every + step})
	query, err := engine.NewRangeQuery(t.Context(), store{from: c.From, to: c.To, every: every}, nil, expression, c.From.Add(step), c.To, step)
	require.NoError(t, err)
	defer query.Close()
	matrix, err := query.Exec(t.Context()).Matrix()
	require.NoError(t, err, expression)
	require.NotEmpty(t, matrix, expression)
	table := picture.Table{{Name: "time"}, {Name: "metric"}, {Name: "value"}}
	for _, series := range matrix {
		for _, f := range series.Floats {
			table[0].Values = append(table[0].Values, time.UnixMilli(f.T).UTC())
			table[1].Values = append(table[1].Values, legendOf(target, series.Metric))
			table[2].Values = append(table[2].Values, f.F)
		}
	}
	if isStat {
		table[1].Name = "name"
	}
	return table
}

// legendOf writes the name of a series as the legend of the target wants it.
func legendOf(target grafana.Target, metric labels.Labels) string {
	name := target.LegendFormat
	if name == "__auto" {
		return "value"
	}
	metric.Range(func(l labels.Label) { name = strings.ReplaceAll(name, "{{"+l.Name+"}}", l.Value) })
	return name
}
