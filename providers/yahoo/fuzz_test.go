package yahoo_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/providers/providertest"
)

// decodeAny reads JSON without knowing what it is; nil for what is no JSON.
func decodeAny(body []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var v any
	if !json.Valid(body) || decoder.Decode(&v) != nil {
		return nil
	}
	return v
}

// stamps returns how many timestamps a body has that was read by decodeAny.
func stamps(v any) int {
	chart, _ := v.(map[string]any)["chart"].(map[string]any)
	results, _ := chart["result"].([]any)
	if len(results) == 0 {
		return 0
	}
	result, _ := results[0].(map[string]any)
	timestamps, _ := result["timestamp"].([]any)
	return len(timestamps)
}

func FuzzNormalize(f *testing.F) {
	for _, name := range []string{
		"1d_new_york.json", "1d_null_live.json", "1d_evening.json", "1d_broken.json", "1m_live.json", "1m_empty.json", "1wk_live.json",
		"1mo_london.json", "no_data.json", "not_found.json", "edge.txt",
	} {
		for i := range len(market.Intervals()) {
			f.Add(i, fixture(f, name))
		}
	}
	c := newClient(f, nil, "")
	f.Fuzz(func(t *testing.T, interval int, body []byte) {
		grid := newYork(t, market.Intervals()[uint(interval)%uint(len(market.Intervals()))])
		if interval < 0 {
			grid.Calendar = market.Calendar247{}
		}
		_, _ = c.Normalize(providers.Page{Body: body, Request: providers.Request{Grid: grid}}) // does not panic
		// Written anew, an object has no member twice, which readers of JSON take differently.
		v := decodeAny(body)
		body, err := json.Marshal(v)
		require.NoError(t, err)
		rows, err := c.Normalize(providers.Page{Body: body, Request: providers.Request{Grid: grid}})
		if err != nil {
			require.Contains(t, []market.Kind{market.KindMalformed, market.KindInvalid}, market.KindOf(err))
			return
		}
		require.Equal(t, stamps(v), total(rows), "no row is lost")
		for _, b := range rows.Bars {
			require.Empty(t, b.Validate())
			require.True(t, grid.Interval.IsIntraday() || grid.Interval.Floor(b.Time).Equal(b.Time))
		}
		for _, q := range rows.Quarantined {
			require.True(t, json.Valid([]byte(q.Value)), q.Value)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"1d_new_york.json", "1d_broken.json", "1d_null_live.json", "1m_empty.json"} {
		f.Add(200, fixture(f, name))
	}
	f.Add(400, fixture(f, "no_data.json"))
	f.Add(404, fixture(f, "not_found.json"))
	f.Add(422, fixture(f, "too_wide.json"))
	f.Add(429, fixture(f, "edge.txt"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			status = 200 // no server can answer anything else
		}
		c := newClient(t, &providertest.Canned{Status: status, Body: body}, "")
		page, err := c.Fetch(t.Context(), request(t))
		require.Equal(t, string(body), string(page.Body))
		require.Empty(t, page.NextCursor)
		if err == nil {
			rows, err := c.Normalize(page)
			require.NoError(t, err)
			require.Equal(t, page.Rows, total(rows))
		}
		_, _, listingErr := c.Listing(t.Context(), "X", "")
		for _, err := range []error{err, listingErr} {
			require.NotEqual(t, market.KindInternal, market.KindOf(err), "%v", err)
			require.GreaterOrEqual(t, market.RetryAfter(err), time.Duration(0))
		}
	})
}
