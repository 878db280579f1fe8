package yahoo_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/providers/providertest"
)

// whole is a chart of one row; the tests below break one part of it.
const whole = `{"chart":{"result":[{"meta":{"exchangeTimezoneName":"America/New_York","regularMarketTime":1,"dataGranularity":"1d"},` +
	`"timestamp":[1704724200],"indicators":{"quote":[{"open":[1],"high":[1],"low":[1],"close":[1],"volume":[1]}]}}],"error":null}}`

func TestMalformedCharts(t *testing.T) {
	t.Parallel()
	const quote = "chart.result[0].indicators.quote[0]"
	for _, tc := range []struct{ name, old, replacement, want string }{
		{"empty", whole, "", "0 bytes are not complete JSON"},
		{"text", whole, "Edge: Too Many Requests", "not complete JSON"},
		{"HTML", whole, " <!DOCTYPE html>", "HTML of"},
		{"cut", `}}],"error":null}}`, "", "not complete JSON"},
		{"array", whole, "[]", "chart data are an array, want an object"},
		{"number", whole, "1", "chart data are a number, want an object"},
		{"other object", `"chart"`, `"finance"`, "chart is missing"},
		{"retyped chart", whole, `{"chart":[]}`, "chart is an array, want an object"},
		{"no result", `"result"`, `"results"`, "chart.result is missing"},
		{"result null", whole, `{"chart":{"result":null,"error":null}}`, "chart.result is null, want an array"},
		{"result empty", whole, `{"chart":{"result":[],"error":null}}`, "chart.result[0] is missing"},
		{"result of numbers", whole, `{"chart":{"result":[1],"error":null}}`, "chart.result[0] is a number, want an object"},
		{"error text", `"error":null`, `"error":"no"`, "chart.error is a string, want an object"},
		{"no meta", `"meta"`, `"Meta"`, "chart.result[0].meta is missing"},
		{"no zone", "exchangeTimezoneName", "timezone", "chart.result[0].meta.exchangeTimezoneName is missing"},
		{"zone of a number", `"America/New_York"`, "5", "chart.result[0].meta.exchangeTimezoneName is a number, want a string"},
		{"unknown zone", "America/New_York", "Mars/Olympus", `chart.result[0].meta.exchangeTimezoneName is "Mars/Olympus", which is no known time zone`},
		{"empty zone", "America/New_York", "", `is "", which is no known time zone`},
		{"zone of the machine", "America/New_York", "Local", `is "Local", which is no known time zone`},
		{"zone outside", "America/New_York", "../etc/passwd", "which is no known time zone"},
		{"granularity", `"1d"`, `"1wk"`, `chart.result[0].meta.dataGranularity is "1wk", want that of 1d`},
		{"unknown granularity", `"1d"`, `"2h"`, `dataGranularity is "2h", want that of 1d`},
		{"retyped granularity", `"1d"`, `true`, "chart.result[0].meta.dataGranularity is a boolean, want a string"},
		{"retyped time", `"regularMarketTime":1`, `"regularMarketTime":"1"`, "chart.result[0].meta.regularMarketTime is a string, want a number"},
		{"retyped stamps", "[1704724200]", `"1704724200"`, "chart.result[0].timestamp is a string, want an array"},
		{"no stamps", `"timestamp"`, `"timestamps"`, quote + ".open has 1 elements, and chart.result[0].timestamp has 0"},
		{"no indicators", `"indicators"`, `"indicator"`, "chart.result[0].indicators is missing"},
		{"no quote", `"quote"`, `"quotes"`, "chart.result[0].indicators.quote is missing"},
		{"quote null", `[{"open":[1],"high":[1],"low":[1],"close":[1],"volume":[1]}]`, "[null]", quote + " is null, want an object"},
		{"no open", `"open"`, `"Open"`, quote + ".open is missing"},
		{"no volume", `"volume"`, `"v"`, quote + ".volume is missing"},
		{"retyped high", `"high":[1]`, `"high":"1"`, quote + ".high is a string, want an array"},
		{"null low", `"low":[1]`, `"low":null`, quote + ".low is null, want an array"},
		{"short close", `"close":[1]`, `"close":[]`, quote + ".close has 0 elements, and chart.result[0].timestamp has 1"},
		{"long volume", `"volume":[1]`, `"volume":[1,[2,3],4]`, quote + ".volume has 3 elements, and chart.result[0].timestamp has 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, whole, tc.old)
			body := []byte(strings.Replace(whole, tc.old, tc.replacement, 1))
			r := request(t)
			_, err := newClient(t, nil, "").Normalize(providers.Page{Body: body, Request: r})
			require.Equal(t, market.KindMalformed, market.KindOf(err), "%v", err)
			require.ErrorContains(t, err, tc.want)

			page, fetchErr := newClient(t, &providertest.Canned{Status: 200, Body: body}, "").Fetch(t.Context(), r)
			require.Equal(t, err, fetchErr)
			require.Equal(t, string(body), string(page.Body))
		})
	}
}

func TestToleratedCharts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, old, replacement string
		rows                   int
	}{
		{"whole", "", "", 1},
		{"unknown fields", `"meta":{`, `"more":[1],"meta":{"x":{},`, 1},
		{"no error", `,"error":null`, "", 1},
		{"no granularity", `,"dataGranularity":"1d"`, "", 1},
		{"no latest time", `"regularMarketTime":1,`, "", 1},
		{"latest time null", `"regularMarketTime":1`, `"regularMarketTime":null`, 1},
		{"no rows", whole[strings.Index(whole, `,"timestamp"`):], `,"indicators":{"quote":[{}]}}]}}`, 0},
		{"empty arrays", whole[strings.Index(whole, `"timestamp"`):], `"timestamp":[],"indicators":{"quote":[{"open":[],"volume":null}]}}]}}`, 0},
		{"stamps null", whole[strings.Index(whole, `"timestamp"`):], `"timestamp":null,"indicators":{"quote":[{}]}}]}}`, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, whole, tc.old)
			rows := normalize(t, []byte(strings.Replace(whole, tc.old, tc.replacement, 1)), newYork(t, market.Interval1d))
			require.Len(t, rows.Bars, tc.rows)
			require.Empty(t, rows.Quarantined)
			require.Empty(t, rows.Dropped)
		})
	}
}

func TestGranularities(t *testing.T) {
	t.Parallel()
	for granularity, interval := range map[string]market.Interval{
		"1m": market.Interval1m, "5m": market.Interval5m, "15m": market.Interval15m, "30m": market.Interval30m, "60m": market.Interval1h,
		"1h": market.Interval1h, "1d": market.Interval1d, "1wk": market.Interval1w, "1mo": market.Interval1mo,
	} {
		body := []byte(strings.Replace(whole, `"1d"`, `"`+granularity+`"`, 1))
		require.Len(t, normalize(t, body, newYork(t, interval)).Bars, 1, granularity)
	}
	_, err := newClient(t, nil, "").Normalize(providers.Page{
		Body:    []byte(strings.Replace(whole, `"1d"`, `"60m"`, 1)),
		Request: providers.Request{Grid: newYork(t, market.Interval30m)},
	})
	require.ErrorContains(t, err, `is "60m", want that of 30m`, "Yahoo does so at times")
}

func TestNormalizeNeedsAGrid(t *testing.T) {
	t.Parallel()
	for _, grid := range []market.Grid{{}, {Interval: market.Interval1d}, always(market.Interval4h)} {
		_, err := newClient(t, nil, "").Normalize(providers.Page{Body: []byte(whole), Request: providers.Request{Grid: grid}})
		require.Equal(t, market.KindInvalid, market.KindOf(err))
	}
}
