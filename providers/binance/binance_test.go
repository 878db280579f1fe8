package binance_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/providers/binance"
	"marketdata/providers/providertest"
)

func TestNewRefusesBaseURLs(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"data-api.binance.vision", "ftp://host", "http://", "http://host?x=1", "::", "http://a b"} {
		_, err := binance.New(providers.Instance{Name: "binance", BaseURL: base}, nil)
		require.Equal(t, market.KindInvalid, market.KindOf(err), base)
	}
}

func TestFetchAsks(t *testing.T) {
	t.Parallel()
	day := market.Range{Start: time.UnixMilli(1577836800000).UTC(), End: time.UnixMilli(1577923200000).UTC()}
	const path = "/api/v3/klines?endTime=1577923199999&interval="
	for _, tc := range []struct {
		name, base, cursor string
		interval           market.Interval
		symbol             string
		want               string
	}{
		{"minutes", "", "", market.Interval1m, "BTCUSDT", "https://data-api.binance.vision" + path + "1m&limit=1000&startTime=1577836800000&symbol=BTCUSDT"},
		{"months", "https://api.binance.us/", "", market.Interval1mo, "BTCUSDT", "https://api.binance.us" + path + "1M&limit=1000&startTime=1577836800000&symbol=BTCUSDT"},
		{"cursor", "http://h/base", "1577840000000", market.Interval1h, "BTCUSDT", "http://h/base" + path + "1h&limit=1000&startTime=1577840000000&symbol=BTCUSDT"},
		{"symbol that needs escapes", "http://h", "", market.Interval1w, "A&b=c d", "http://h" + path + "1w&limit=1000&startTime=1577836800000&symbol=A%26b%3Dc+d"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a := &providertest.Canned{Status: 200, Body: []byte("[]")}
			grid := market.Grid{Interval: tc.interval, Calendar: market.Calendar247{}}
			page, err := newClient(t, a, tc.base).Fetch(t.Context(), providers.Request{Symbol: tc.symbol, Grid: grid, Range: day, Cursor: tc.cursor})
			require.NoError(t, err)
			require.Equal(t, tc.want, a.Request.URL.String())
			require.Equal(t, tc.want, page.URL)
			require.Equal(t, "marketdata/test", a.Request.Header.Get("User-Agent"))
		})
	}
}

func TestFetchRefusesBeforeAsking(t *testing.T) {
	t.Parallel()
	day := market.Range{Start: now().AddDate(0, 0, -1), End: now()}
	for name, r := range map[string]providers.Request{
		"no symbol":        {Grid: minutes(), Range: day},
		"no calendar":      {Symbol: "X", Grid: market.Grid{Interval: market.Interval1m}, Range: day},
		"unknown interval": {Symbol: "X", Grid: market.Grid{Interval: "2m", Calendar: market.Calendar247{}}, Range: day},
		"empty range":      {Symbol: "X", Grid: minutes(), Range: market.Range{Start: now(), End: now()}},
		"cursor":           {Symbol: "X", Grid: minutes(), Range: day, Cursor: "-1"},
		"foreign cursor":   {Symbol: "X", Grid: minutes(), Range: day, Cursor: "next"},
	} {
		a := &providertest.Canned{Status: 200, Body: []byte("[]")}
		_, err := newClient(t, a, "").Fetch(t.Context(), r)
		require.Equal(t, market.KindInvalid, market.KindOf(err), name)
		require.Nil(t, a.Request, name)
	}
}

// klines returns a body whose rows have the open times and nothing else.
func klines(times ...int64) []byte {
	rows := make([]string, len(times))
	for i, ms := range times {
		rows[i] = "[" + strconv.FormatInt(ms, 10) + "]"
	}
	return []byte("[" + strings.Join(rows, ",") + "]")
}

func TestPaging(t *testing.T) {
	t.Parallel()
	const first = int64(1577836800000)
	step := time.Minute.Milliseconds()
	full := make([]int64, 1000)
	for i := range full {
		full[i] = first + int64(i)*step
	}
	last := full[999]
	with := func(change func(times []int64)) []int64 {
		times := append([]int64(nil), full...)
		change(times)
		return times
	}
	for _, tc := range []struct {
		name        string
		times       []int64
		end         int64
		cursor      string
		first, last int64
		next        string
	}{
		{name: "not full", times: full[:999], end: last + 1e9, first: first, last: full[998]},
		{name: "full", times: full, end: last + 1e9, first: first, last: last, next: strconv.FormatInt(last+step, 10)},
		{name: "full and at the end", times: full, end: last + step, first: first, last: last},
		{name: "full and one more", times: full, end: last + step + 1, first: first, last: last, next: strconv.FormatInt(last+step, 10)},
		{name: "does not advance", times: full, end: last + 1e9, cursor: strconv.FormatInt(last+step, 10), first: first, last: last},
		{name: "a row of the future", times: with(func(times []int64) { times[999] = last + 1e12 }), end: last + 1e9, first: first, last: full[998], next: strconv.FormatInt(last, 10)},
		{name: "unsorted", times: with(func(times []int64) { times[0], times[999] = times[999], times[0] }), end: last + 1e9, first: first, last: last, next: strconv.FormatInt(last+step, 10)},
		{name: "nothing inside", times: full, end: first, cursor: "5"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a := &providertest.Canned{Status: 200, Body: klines(tc.times...)}
			asked := market.Range{Start: time.UnixMilli(first).UTC(), End: time.UnixMilli(tc.end).UTC()}
			if tc.end == first {
				asked.Start = asked.Start.AddDate(-1, 0, 0)
			}
			page, err := newClient(t, a, "").Fetch(t.Context(), providers.Request{Symbol: "X", Grid: minutes(), Range: asked, Cursor: tc.cursor})
			require.NoError(t, err)
			require.Equal(t, len(tc.times), page.Rows)
			require.Equal(t, tc.next, page.NextCursor)
			if tc.first == 0 {
				require.True(t, page.FirstAt.IsZero() && page.LastAt.IsZero())
				return
			}
			require.Equal(t, tc.first, page.FirstAt.UnixMilli())
			require.Equal(t, tc.last, page.LastAt.UnixMilli())
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	ban := now().Add(3 * time.Minute).UnixMilli()
	for _, tc := range []struct {
		name       string
		status     int
		body       string
		header     http.Header
		kind       market.Kind
		retryAfter time.Duration
		text       string
	}{
		{name: "symbol", status: 400, body: `{"code":-1121,"msg":"Invalid symbol."}`, kind: market.KindNotFound, text: "Invalid symbol."},
		{name: "parameter", status: 400, body: `{"code":-1102,"msg":"Mandatory parameter."}`, kind: market.KindInvalid, text: "code -1102"},
		{name: "weight", status: 400, body: `{"code":-1003,"msg":"Too much request weight used."}`, kind: market.KindRateLimited},
		{name: "ban until", status: 418, body: `{"code":-1003,"msg":"IP banned until ` + strconv.FormatInt(ban, 10) + `. Please"}`, kind: market.KindRateLimited, retryAfter: 3 * time.Minute},
		{name: "ban with Retry-After", status: 418, body: `{"code":-1003,"msg":"IP banned until ` + strconv.FormatInt(ban, 10) + `"}`, header: http.Header{"Retry-After": {"9"}}, kind: market.KindRateLimited, retryAfter: 9 * time.Second},
		{name: "ban that is over", status: 418, body: `{"code":-1003,"msg":"IP banned until 1000"}`, kind: market.KindRateLimited},
		{name: "ban without end", status: 418, body: `{"code":-1003,"msg":"IP banned until 9223372036854775807"}`, kind: market.KindRateLimited, retryAfter: 7 * 24 * time.Hour},
		{name: "region", status: 451, body: `{"code":0,"msg":"Service unavailable from a restricted location"}`, kind: market.KindDenied, text: "MD_PROVIDERS__SIM_BINANCE__BASE_URL"},
		{name: "firewall", status: 403, body: "<html>", kind: market.KindDenied},
		{name: "not there", status: 404, body: "<html>", kind: market.KindInvalid},
		{name: "redirect without a target", status: 304, kind: market.KindMalformed},
		{name: "error in a success", status: 200, body: `{"code":-1121,"msg":"Invalid symbol."}`, kind: market.KindMalformed},
		{name: "control characters", status: 400, body: `{"code":-1,"msg":"a\u0000\nb"}`, kind: market.KindInvalid, text: "a  b"},
		{name: "long message", status: 400, body: `{"code":-1,"msg":"` + strings.Repeat("é", 5000) + `"}`, kind: market.KindInvalid, text: "…"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a := &providertest.Canned{Status: tc.status, Body: []byte(tc.body), Header: tc.header}
			r := providers.Request{Symbol: "X", Grid: minutes(), Range: market.Range{Start: now().AddDate(0, 0, -1), End: now()}}
			page, err := newClient(t, a, "").Fetch(t.Context(), r)
			require.Equal(t, tc.kind, market.KindOf(err), "%v", err)
			require.Equal(t, tc.retryAfter, market.RetryAfter(err))
			require.ErrorContains(t, err, tc.text)
			require.Less(t, len(err.Error()), 500)
			require.Equal(t, tc.body, string(page.Body))
			require.Equal(t, tc.status, page.Status)
		})
	}
}

func TestListing(t *testing.T) {
	t.Parallel()
	a := &providertest.Canned{Status: 200, Body: fixture(t, "klines_1m.json")}
	got, _, err := newClient(t, a, "").Listing(t.Context(), "BTCUSDT", "")
	require.NoError(t, err)
	require.Equal(t, providers.Listing{Symbol: "BTCUSDT", AssetClass: market.AssetCrypto, ListedAt: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}, got)
	require.Equal(t, "interval=1m&limit=1&startTime=0&symbol=BTCUSDT", a.Request.URL.RawQuery)

	got, _, err = newClient(t, &providertest.Canned{Status: 200, Body: []byte("[]")}, "").Listing(t.Context(), "NEW", "")
	require.NoError(t, err)
	require.True(t, got.ListedAt.IsZero())

	for body, kind := range map[string]market.Kind{`[["soon"]]`: market.KindMalformed, "<html>": market.KindMalformed} {
		_, _, err = newClient(t, &providertest.Canned{Status: 200, Body: []byte(body)}, "").Listing(t.Context(), "X", "")
		require.Equal(t, kind, market.KindOf(err), body)
	}
	_, _, err = newClient(t, a, "").Listing(t.Context(), "", "")
	require.Equal(t, market.KindInvalid, market.KindOf(err))
}

func TestInstruments(t *testing.T) {
	t.Parallel()
	a := &providertest.Canned{Status: 200, Body: fixture(t, "exchange_info.json")}
	got, err := newClient(t, a, "").Instruments(t.Context())
	require.NoError(t, err)
	require.Equal(t, []providers.Listing{
		{Symbol: "BTCUSDT", AssetClass: market.AssetCrypto, Currency: "USDT", Name: "BTC/USDT"},
		{Symbol: "ETHBTC", AssetClass: market.AssetCrypto, Currency: "BTC", Name: "ETH/BTC"},
	}, got)
	require.Equal(t, "/api/v3/exchangeInfo", a.Request.URL.RequestURI())
	for _, body := range []string{"[]", "{}", "<html>", `{"symbols":[{"symbol":1}]}`, `{"symbols":null}`} {
		_, err = newClient(t, &providertest.Canned{Status: 200, Body: []byte(body)}, "").Instruments(t.Context())
		require.Equal(t, market.KindMalformed, market.KindOf(err), body)
	}
}
