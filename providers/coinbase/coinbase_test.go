package coinbase_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/providers/coinbase"
	"marketdata/providers/providertest"
)

func TestNewRefusesBaseURLs(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"api.exchange.coinbase.com", "ftp://host", "http://", "http://host?x=1", "::", "http://a b"} {
		_, err := coinbase.New(providers.Instance{Name: "coinbase", BaseURL: base}, nil)
		require.Equal(t, market.KindInvalid, market.KindOf(err), base)
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	c := newClient(t, nil, "")
	got := c.Capabilities()
	require.Equal(t, "sim_coinbase", c.Name())
	require.Equal(t, map[market.Interval]int64{"1m": 18000, "5m": 90000, "15m": 270000, "1h": 1080000, "1d": 25920000}, got.WindowSeconds)
	require.Equal(t, 310*time.Second, got.Settle, "answers may be 5 minutes old")
	require.Equal(t, got, c.Capabilities())
	got.WindowSeconds[market.Interval1m] = 1
	require.NotEqual(t, got, c.Capabilities(), "nobody can change it")
}

func TestFetchAsks(t *testing.T) {
	t.Parallel()
	const start = int64(1704067200) // 2024-01-01
	path := func(granularity, start, end int64) string {
		return "/products/BTC-USD/candles?end=" + strconv.FormatInt(end, 10) + "&granularity=" + strconv.FormatInt(granularity, 10) +
			"&start=" + strconv.FormatInt(start, 10)
	}
	at := func(seconds int64) time.Time { return time.Unix(start+seconds, 0).UTC() }
	for _, tc := range []struct {
		name       string
		base       string
		symbol     string
		interval   market.Interval
		start, end time.Time
		want       string
	}{
		{name: "299 minutes", interval: "1m", start: at(0), end: at(299 * 60), want: path(60, start, start+298*60)},
		{name: "300 minutes", interval: "1m", start: at(0), end: at(300 * 60), want: path(60, start, start+299*60)},
		{name: "300 minutes off the grid", interval: "1m", start: at(30), end: at(300*60 + 30), want: path(60, start+30, start+300*60)},
		{name: "300 of 5 minutes", interval: "5m", start: at(0), end: at(300 * 300), want: path(300, start, start+299*300)},
		{name: "300 of 15 minutes", interval: "15m", start: at(0), end: at(300 * 900), want: path(900, start, start+299*900)},
		{name: "300 hours", interval: "1h", start: at(0), end: at(300 * 3600), want: path(3600, start, start+299*3600)},
		{name: "300 days", interval: "1d", start: at(0), end: at(300 * 86400), want: path(86400, start, start+299*86400)},
		{name: "one key", interval: "1m", start: at(60), end: at(120), want: path(60, start+60, start+60)},
		{name: "an end just after a key", interval: "1m", start: at(0), end: at(60).Add(1), want: path(60, start, start+60)},
		{name: "a start within a second", interval: "1m", start: at(0).Add(1), end: at(120), want: path(60, start+1, start+60)},
		{name: "no key", interval: "1m", start: at(10), end: at(50), want: path(60, start+10, start+10)},
		{name: "before 1970", interval: "1m", start: time.Unix(-600, 0), end: time.Unix(-60, 0), want: path(60, 0, 0)},
		{name: "another base", base: "http://h/base/", interval: "1m", start: at(0), end: at(60), want: "http://h/base" + path(60, start, start)},
		{name: "a symbol that needs escapes", symbol: "A/b?c d", interval: "1m", start: at(0), end: at(60), want: strings.Replace(path(60, start, start), "BTC-USD", "A%2Fb%3Fc%20d", 1)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a := &providertest.Canned{Status: 200, Body: []byte("[]")}
			if tc.symbol == "" {
				tc.symbol = "BTC-USD"
			}
			if tc.base == "" {
				tc.want = "https://api.exchange.coinbase.com" + tc.want
			}
			r := providers.Request{Symbol: tc.symbol, Grid: gridOf(tc.interval), Range: market.Range{Start: tc.start, End: tc.end}}
			page, err := newClient(t, a, tc.base).Fetch(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, tc.want, a.Request.URL.String())
			require.Equal(t, providers.Page{Request: r, Body: []byte("[]"), URL: tc.want, Status: 200, RequestedAt: now()}, page)
			require.Equal(t, "marketdata/test", a.Request.Header.Get("User-Agent"))
		})
	}
}

// TestFetchAsksForWindows asks for anything that fits into a window: every key of the range is in [start, end], no key
// outside it is, and the bounds are less than 300 candles apart.
func TestFetchAsksForWindows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		a := &providertest.Canned{Status: 200, Body: []byte("[]")}
		c := newClient(t, a, "")
		capabilities := c.Capabilities()
		grid := gridOf(rapid.SampledFrom(capabilities.Intervals).Draw(r, "interval"))
		window := capabilities.WindowSeconds[grid.Interval] * int64(time.Second)
		asked := market.Range{Start: time.Unix(0, rapid.Int64Range(0, now().UnixNano()).Draw(r, "start")).UTC()}
		asked.End = asked.Start.Add(time.Duration(rapid.Int64Range(1, window).Draw(r, "length")))
		_, err := c.Fetch(t.Context(), providers.Request{Symbol: "X", Grid: grid, Range: asked})
		require.NoError(r, err)
		bound := func(name string) time.Time {
			seconds, err := strconv.ParseInt(a.Request.URL.Query().Get(name), 10, 64)
			require.NoError(r, err)
			return time.Unix(seconds, 0).UTC()
		}
		start, end := bound("start"), bound("end")
		first := grid.Ceil(asked.Start)
		if !first.Before(asked.End) {
			require.Equal(r, start, end, "there is no key to ask for")
			return
		}
		require.Equal(r, first, grid.Ceil(start))
		require.Equal(r, grid.Floor(asked.End.Add(-1)), end)
		require.LessOrEqual(r, end.Sub(start), time.Duration(window)-1)
	})
}

func TestFetchRefusesBeforeAsking(t *testing.T) {
	t.Parallel()
	good := providers.Request{Symbol: "X", Grid: gridOf(market.Interval1m), Range: hour()}
	for name, change := range map[string]func(r *providers.Request){
		"no symbol":             func(r *providers.Request) { r.Symbol = "" },
		"no calendar":           func(r *providers.Request) { r.Grid.Calendar = nil },
		"a calendar with gaps":  func(r *providers.Request) { r.Grid.Calendar = weekdays{} },
		"unknown interval":      func(r *providers.Request) { r.Grid.Interval = "2m" },
		"interval not served":   func(r *providers.Request) { r.Grid.Interval = market.Interval30m },
		"weeks":                 func(r *providers.Request) { r.Grid.Interval = market.Interval1w },
		"empty range":           func(r *providers.Request) { r.Range.End = r.Range.Start },
		"reversed range":        func(r *providers.Request) { r.Range.End = r.Range.Start.Add(-time.Hour) },
		"301 minutes":           func(r *providers.Request) { r.Range.End = r.Range.Start.Add(301 * time.Minute) },
		"300 minutes and a bit": func(r *providers.Request) { r.Range.End = r.Range.Start.Add(300*time.Minute + 1) },
		"all of time":           func(r *providers.Request) { r.Range = market.Range{End: now().AddDate(900, 0, 0)} },
		"cursor":                func(r *providers.Request) { r.Cursor = "1704067200" },
	} {
		r := good
		change(&r)
		a := &providertest.Canned{Status: 200, Body: []byte("[]")}
		_, err := newClient(t, a, "").Fetch(t.Context(), r)
		require.Equal(t, market.KindInvalid, market.KindOf(err), name)
		require.Nil(t, a.Request, name)
	}
}

// weekdays is a calendar that does not go on all the time.
type weekdays struct{ market.Calendar247 }

func (weekdays) IsContinuous() bool { return false }

func TestFetchRegardsRowsInsideTheRange(t *testing.T) {
	t.Parallel()
	minute := func(n int) string {
		return "[" + strconv.FormatInt(hour().Start.Unix()+int64(n)*60, 10) + ",1,1,1,1,1]"
	}
	at := func(n int) time.Time { return hour().Start.Add(time.Duration(n) * time.Minute) }
	for _, tc := range []struct {
		name        string
		rows        []string
		first, last time.Time
	}{
		{name: "none"},
		{name: "newest first", rows: []string{minute(59), minute(30), minute(0)}, first: at(0), last: at(59)},
		{name: "oldest first", rows: []string{minute(3), minute(4)}, first: at(3), last: at(4)},
		{name: "more than was asked for", rows: []string{minute(60), minute(59), minute(7), minute(-1)}, first: at(7), last: at(59)},
		{name: "nothing of what was asked for", rows: []string{minute(61), minute(60), minute(-1)}},
		{name: "unreadable ones", rows: []string{minute(9), "[]", `["1704067200"]`, `[null,1]`, `[-5]`}, first: at(9), last: at(9)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a := &providertest.Canned{Status: 200, Body: []byte("[" + strings.Join(tc.rows, ",") + "]")}
			page, err := newClient(t, a, "").Fetch(t.Context(), providers.Request{Symbol: "X", Grid: gridOf("1m"), Range: hour()})
			require.NoError(t, err)
			require.Equal(t, len(tc.rows), page.Rows)
			require.Empty(t, page.NextCursor)
			require.Equal(t, tc.first, page.FirstAt)
			require.Equal(t, tc.last, page.LastAt)
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		status     int
		body       string
		header     http.Header
		kind       market.Kind
		retryAfter time.Duration
		text       string
	}{
		{name: "symbol", status: 404, body: `{"message":"NotFound"}`, kind: market.KindNotFound, text: "sim_coinbase answered HTTP 404: NotFound"},
		{name: "not of the exchange", status: 404, body: "<html>", kind: market.KindInvalid},
		{name: "parameter", status: 400, body: `{"message":"Unsupported granularity"}`, kind: market.KindInvalid, text: "Unsupported granularity"},
		{name: "key", status: 401, body: `{"message":"invalid signature"}`, kind: market.KindDenied, text: "invalid signature. Candles need no key"},
		{name: "firewall", status: 403, body: "<html>", kind: market.KindDenied, text: "MD_PROVIDERS__SIM_COINBASE__BASE_URL"},
		{name: "region", status: 451, kind: market.KindDenied},
		{name: "rate", status: 429, body: `{"message":"Public rate limit exceeded"}`, kind: market.KindRateLimited, text: "Public rate limit exceeded"},
		{name: "rate with Retry-After", status: 429, body: "slow down", header: http.Header{"Retry-After": {"7"}}, kind: market.KindRateLimited, retryAfter: 7 * time.Second},
		{name: "server", status: 500, body: `{"message":"Internal server error"}`, kind: market.KindUnavailable, text: "Internal server error"},
		{name: "maintenance", status: 503, header: http.Header{"Retry-After": {"60"}}, kind: market.KindUnavailable, retryAfter: time.Minute},
		{name: "redirect without a target", status: 304, kind: market.KindMalformed},
		{name: "message in a success", status: 200, body: `{"message":"NotFound"}`, kind: market.KindMalformed, text: "NotFound"},
		{name: "HTML in a success", status: 200, body: `<html>`, kind: market.KindMalformed, text: "HTML"},
		{name: "cut", status: 200, body: `[[1704067200,1,1,1,1,1],[17`, kind: market.KindMalformed},
		{name: "message of another type", status: 400, body: `{"message":{"a":1}}`, kind: market.KindInvalid},
		{name: "control characters", status: 400, body: `{"message":"a\u0000\nb"}`, kind: market.KindInvalid, text: "a  b"},
		{name: "long message", status: 400, body: `{"message":"` + strings.Repeat("é", 5000) + `"}`, kind: market.KindInvalid, text: "…"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a := &providertest.Canned{Status: tc.status, Body: []byte(tc.body), Header: tc.header}
			c := newClient(t, a, "")
			page, err := c.Fetch(t.Context(), providers.Request{Symbol: "X", Grid: gridOf("1m"), Range: hour()})
			require.Equal(t, tc.kind, market.KindOf(err), "%v", err)
			require.Equal(t, tc.retryAfter, market.RetryAfter(err))
			require.ErrorContains(t, err, tc.text)
			require.Less(t, len(err.Error()), 500)
			require.Equal(t, tc.body, string(page.Body))
			require.Equal(t, tc.status, page.Status)
			require.Zero(t, page.Rows)
			_, _, err = c.Listing(t.Context(), "X", "")
			require.Equal(t, tc.kind, market.KindOf(err), "listing: %v", err)
		})
	}
}

func TestRefusalsRecorded(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		file   string
		status int
		kind   market.Kind
		text   string
	}{
		{"error_400_exceeds_300.json", 400, market.KindInvalid, "exceeds 300"},
		{"error_400_unsupported_granularity.json", 400, market.KindInvalid, "Unsupported granularity"},
		{"error_404_not_found.json", 404, market.KindNotFound, "NotFound"},
		{"error_429.json", 429, market.KindRateLimited, "rate limit exceeded"},
	} {
		t.Run(tc.file, func(t *testing.T) {
			t.Parallel()
			a := &providertest.Canned{Status: tc.status, Body: recording(t, tc.file)}
			_, err := newClient(t, a, "").Fetch(t.Context(), providers.Request{Symbol: "X", Grid: gridOf("1m"), Range: hour()})
			require.Equal(t, tc.kind, market.KindOf(err), "%v", err)
			require.ErrorContains(t, err, tc.text)
		})
	}
}
