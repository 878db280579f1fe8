package yahoo_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/providers/providertest"
	"marketdata/providers/yahoo"
)

// request asks for two weeks of days.
func request(tb testing.TB) providers.Request {
	tb.Helper()
	return providers.Request{
		Symbol: "EXA", Grid: newYork(tb, market.Interval1d), Range: market.Range{Start: day(2024, 1, 1), End: day(2024, 1, 15)},
	}
}

func TestNewRefusesBaseURLs(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"query2.finance.yahoo.com", "ftp://host", "http://", "http://host?x=1", "::", "http://a b"} {
		_, err := yahoo.New(providers.Instance{Name: "yahoo", BaseURL: base}, nil)
		require.Equal(t, market.KindInvalid, market.KindOf(err), base)
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	c := newClient(t, nil, "").Capabilities()
	require.Zero(t, c.MaxBarsPerPage)
	require.Equal(t, market.AdjustmentSplit, c.PriceBasis)
	require.ElementsMatch(t, market.AssetClasses(), c.AssetClasses)
	require.NotContains(t, c.Intervals, market.Interval4h)
	for _, interval := range c.Intervals {
		require.Equal(t, interval.IsIntraday(), c.WindowSeconds[interval] > 0, interval)
	}
}

func TestFetchAsks(t *testing.T) {
	t.Parallel()
	at := func(month time.Month, d int) time.Time { return day(2024, month, d) }
	for _, tc := range []struct {
		name, base, symbol string
		interval           market.Interval
		start, end         time.Time
		want               string // path, then period1, period2 and interval
	}{
		{"index", "", "^GSPC", market.Interval1d, at(1, 2), at(1, 4), "https://query2.finance.yahoo.com/v8/finance/chart/%5EGSPC 2024-01-01 2024-01-05 1d"},
		{"currency", "http://h", "EURUSD=X", market.Interval1h, at(1, 2), at(1, 4), "http://h/v8/finance/chart/EURUSD=X 2024-01-02 2024-01-04 1h"},
		{"base with a path", "http://h/base/", "BTC-USD", market.Interval1m, at(1, 2), at(1, 4), "http://h/base/v8/finance/chart/BTC-USD 2024-01-02 2024-01-04 1m"},
		{"symbol that needs escapes", "http://h", "A/b?c d", market.Interval30m, at(1, 2), at(1, 4), "http://h/v8/finance/chart/A%2Fb%3Fc%20d 2024-01-02 2024-01-04 30m"},
		{"weeks", "http://h", "BRK-B", market.Interval1w, at(1, 8), at(1, 16), "http://h/v8/finance/chart/BRK-B 2024-01-01 2024-01-29 1wk"},
		{"weeks that end on a key", "http://h", "BRK-B", market.Interval1w, at(1, 8), at(1, 15), "http://h/v8/finance/chart/BRK-B 2024-01-01 2024-01-22 1wk"},
		{"months", "http://h", "VOD.L", market.Interval1mo, at(3, 1), at(5, 1), "http://h/v8/finance/chart/VOD.L 2024-02-01 2024-06-01 1mo"},
		{"fractions of seconds", "http://h", "X", market.Interval5m, at(1, 2).Add(time.Millisecond), at(1, 4).Add(-time.Millisecond), "http://h/v8/finance/chart/X 2024-01-02 2024-01-04 5m"},
		{"before 1970", "http://h", "X", market.Interval1d, day(1962, 1, 2), day(1970, 1, 1), "http://h/v8/finance/chart/X 1962-01-01 1970-01-02 1d"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a := &providertest.Canned{Status: 400, Body: fixture(t, "no_data.json")}
			grid := newYork(t, tc.interval)
			page, err := newClient(t, a, tc.base).Fetch(t.Context(), providers.Request{Symbol: tc.symbol, Grid: grid, Range: market.Range{Start: tc.start, End: tc.end}})
			require.NoError(t, err)
			want := strings.Fields(tc.want)
			path, query, _ := strings.Cut(a.Request.URL.String(), "?")
			require.Equal(t, want[0], path)
			require.Equal(t, "events=div%2Csplits%2CcapitalGains&includePrePost=false&interval="+want[3]+
				"&period1="+epoch(t, want[1])+"&period2="+epoch(t, want[2]), query)
			require.Equal(t, a.Request.URL.String(), page.URL)
			require.True(t, strings.HasPrefix(a.Request.UserAgent(), "Mozilla/5.0 "))
		})
	}
}

func TestFetchRefusesBeforeAsking(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(r *providers.Request){
		"no symbol":        func(r *providers.Request) { r.Symbol = "" },
		"symbol of dots":   func(r *providers.Request) { r.Symbol = ".." },
		"no calendar":      func(r *providers.Request) { r.Grid.Calendar = nil },
		"four hours":       func(r *providers.Request) { r.Grid.Interval = market.Interval4h },
		"unknown interval": func(r *providers.Request) { r.Grid.Interval = "2m" },
		"empty range":      func(r *providers.Request) { r.Range.End = r.Range.Start },
		"cursor":           func(r *providers.Request) { r.Cursor = "1" },
	} {
		a, r := &providertest.Canned{Status: 200, Body: []byte(whole)}, request(t)
		change(&r)
		page, err := newClient(t, a, "").Fetch(t.Context(), r)
		require.Equal(t, market.KindInvalid, market.KindOf(err), name)
		require.Nil(t, a.Request, name)
		require.Equal(t, r.Symbol, page.Request.Symbol)
	}
}

func TestFetchCounts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, file  string
		interval    market.Interval
		start, end  time.Time
		rows        int
		first, last time.Time
	}{
		{"days", "1d_null_live.json", market.Interval1d, day(2024, 1, 1), day(2024, 2, 1), 6, day(2024, 1, 8), day(2024, 1, 12)},
		{"days outside do not count", "1d_null_live.json", market.Interval1d, day(2024, 1, 9), day(2024, 1, 11), 6, day(2024, 1, 9), day(2024, 1, 10)},
		{"no day inside", "1d_null_live.json", market.Interval1d, day(2023, 1, 9), day(2023, 1, 11), 6, time.Time{}, time.Time{}},
		{
			"the live row of minutes has no key", "1m_live.json", market.Interval1m, day(2024, 1, 12), day(2024, 1, 13), 6,
			time.Date(2024, 1, 12, 14, 30, 0, 0, time.UTC), time.Date(2024, 1, 12, 14, 34, 0, 0, time.UTC),
		},
		{"stamps that cannot be read", "1d_broken.json", market.Interval1d, day(2024, 1, 1), day(2025, 1, 1), 16, day(2024, 2, 5), day(2024, 2, 20)},
		{"no rows", "1m_empty.json", market.Interval1m, day(2024, 1, 12), day(2024, 1, 13), 0, time.Time{}, time.Time{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			body := fixture(t, tc.file)
			r := providers.Request{Symbol: "X", Grid: newYork(t, tc.interval), Range: market.Range{Start: tc.start, End: tc.end}}
			c := newClient(t, &providertest.Canned{Status: 200, Body: body}, "")
			page, err := c.Fetch(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, providers.Page{
				Request: r, Body: body, URL: page.URL, Status: 200, RequestedAt: now(), Rows: tc.rows, FirstAt: tc.first, LastAt: tc.last,
			}, page)
			rows, err := c.Normalize(page)
			require.NoError(t, err)
			require.Equal(t, tc.rows, total(rows))
		})
	}
}

// total returns how many rows became something.
func total(rows providers.Rows) int {
	n := len(rows.Bars) + len(rows.Quarantined)
	for _, dropped := range rows.Dropped {
		n += dropped
	}
	return n
}

func TestNoDataIsAnEmptyPage(t *testing.T) {
	t.Parallel()
	body := fixture(t, "no_data.json")
	for _, status := range []int{200, 400, 422} {
		c := newClient(t, &providertest.Canned{Status: status, Body: body}, "")
		page, err := c.Fetch(t.Context(), request(t))
		require.NoError(t, err)
		require.Zero(t, page.Rows)
		require.Equal(t, status, page.Status)
		require.Equal(t, string(body), string(page.Body))
		rows, err := c.Normalize(page)
		require.NoError(t, err)
		require.Zero(t, total(rows))
	}
	_, err := newClient(t, &providertest.Canned{Status: 503, Body: body}, "").Fetch(t.Context(), request(t))
	require.Equal(t, market.KindUnavailable, market.KindOf(err), "a server that fails does not know")
}

func TestErrors(t *testing.T) {
	t.Parallel()
	refused := func(code, description string) string {
		return `{"chart":{"result":null,"error":{"code":"` + code + `","description":"` + description + `"}}}`
	}
	for _, tc := range []struct {
		name       string
		status     int
		body       string
		header     http.Header
		interval   market.Interval
		kind       market.Kind
		retryAfter time.Duration
		text       string
	}{
		{name: "unknown symbol", status: 404, body: string(fixture(t, "not_found.json")), kind: market.KindNotFound, text: "sim_yahoo answered HTTP 404: Not Found: No data found, symbol may be delisted"},
		{name: "too wide", status: 422, body: string(fixture(t, "too_wide.json")), interval: market.Interval1m, kind: market.KindInvalid, text: "Only 8 days worth of 1m granularity data are allowed to be fetched per request. Yahoo has 1m bars of the last 30 days"},
		{name: "too old", status: 400, body: refused("Bad Request", "The requested range must be within the last 60 days."), interval: market.Interval15m, kind: market.KindInvalid, text: "within the last 60 days. Yahoo has 15m bars of the last 60 days"},
		{name: "too old hours", status: 422, body: refused("Unprocessable Entity", "1h data not available"), interval: market.Interval1h, kind: market.KindInvalid, text: "of the last 730 days"},
		{name: "throttled", status: 429, body: string(fixture(t, "edge.txt")), header: http.Header{"Retry-After": {"9"}}, kind: market.KindRateLimited, retryAfter: 9 * time.Second, text: "HTTP 429: Edge: Too Many Requests"},
		{name: "throttled without a time", status: 429, body: "<html>", kind: market.KindRateLimited, text: "HTTP 429"},
		{name: "key", status: 401, body: refused("Unauthorized", "Invalid Crumb"), kind: market.KindDenied, text: "Invalid Crumb"},
		{name: "firewall", status: 403, body: "<html>", kind: market.KindDenied, text: "MD_PROVIDERS__SIM_YAHOO__BASE_URL"},
		{name: "region", status: 451, kind: market.KindDenied},
		{name: "down", status: 502, body: "Bad Gateway", kind: market.KindUnavailable, text: "HTTP 502: Bad Gateway"},
		{name: "busy", status: 503, header: http.Header{"Retry-After": {"3"}}, kind: market.KindUnavailable, retryAfter: 3 * time.Second},
		{name: "no error object", status: 400, body: `{"a":1}`, kind: market.KindInvalid, text: "HTTP 400"},
		{name: "redirect without a target", status: 304, kind: market.KindMalformed},
		{name: "success without a chart", status: 204, kind: market.KindMalformed},
		{name: "HTML in a success", status: 200, body: "<html>", kind: market.KindMalformed},
		{name: "not found in a success", status: 200, body: string(fixture(t, "not_found.json")), kind: market.KindNotFound},
		{name: "bad request in a success", status: 200, body: refused("Bad Request", "Invalid input"), kind: market.KindInvalid},
		{name: "throttled in a success", status: 200, body: refused("Too Many Requests", ""), kind: market.KindRateLimited},
		{name: "failure in a success", status: 200, body: refused("Internal Server Error", ""), kind: market.KindUnavailable},
		{name: "unknown code in a success", status: 200, body: refused("surprise", ""), kind: market.KindMalformed, text: "surprise"},
		{name: "control characters", status: 400, body: refused(`a\u0000\n`, "b"), kind: market.KindInvalid, text: "a  : b"},
		{name: "long message", status: 400, body: refused("", strings.Repeat("é", 5000)), kind: market.KindInvalid, text: "…"},
		{name: "long text", status: 400, body: strings.Repeat("é", 5000), kind: market.KindInvalid, text: "…"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a, r := &providertest.Canned{Status: tc.status, Body: []byte(tc.body), Header: tc.header}, request(t)
			if tc.interval != "" {
				r.Grid.Interval = tc.interval
			}
			c := newClient(t, a, "")
			page, err := c.Fetch(t.Context(), r)
			require.Equal(t, tc.kind, market.KindOf(err), "%v", err)
			require.Equal(t, tc.retryAfter, market.RetryAfter(err))
			require.ErrorContains(t, err, tc.text)
			require.Less(t, len(err.Error()), 500)
			require.Equal(t, tc.body, string(page.Body))
			require.Equal(t, tc.status, page.Status)

			_, err = c.Normalize(page)
			require.Equal(t, market.KindMalformed, market.KindOf(err), "what was refused holds no rows: %v", err)
		})
	}
}

func TestRefusalsRecorded(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		file   string
		status int
		kind   market.Kind
	}{
		{"error_400_no_data_for_window.json", 400, ""},
		{"error_404_not_found.json", 404, market.KindNotFound},
		{"error_422_1m_window_too_wide.json", 422, market.KindInvalid},
		{"error_429_edge.txt", 429, market.KindRateLimited},
	} {
		_, err := newClient(t, &providertest.Canned{Status: tc.status, Body: recording(t, tc.file)}, "").Fetch(t.Context(), request(t))
		require.Equal(t, tc.kind, market.KindOf(err), "%s: %v", tc.file, err)
	}
}

func TestInstrumentsAreNotListed(t *testing.T) {
	t.Parallel()
	a := &providertest.Canned{Status: 200, Body: []byte(whole)}
	_, err := newClient(t, a, "").Instruments(t.Context())
	require.Equal(t, market.KindInvalid, market.KindOf(err))
	require.Nil(t, a.Request)
}
