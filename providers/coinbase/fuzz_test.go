package coinbase_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/providers/providertest"
)

func FuzzNormalize(f *testing.F) {
	for _, name := range []string{"candles_1m.json", "candles_broken.json", "products.json"} {
		f.Add(fixture(f, name))
	}
	f.Add([]byte(`[["\\\"]",{"a":"}"},[[]]],[]]`))
	f.Add([]byte(`{"message":"NotFound"}`))
	c := newClient(f, nil, "")
	f.Fuzz(func(t *testing.T, body []byte) {
		rows, err := c.Normalize(providers.Page{Body: body})
		var want [][]json.RawMessage
		isCandles := json.Unmarshal(body, &want) == nil && want != nil
		for _, row := range want {
			isCandles = isCandles && row != nil
		}
		if !isCandles {
			require.Equal(t, market.KindMalformed, market.KindOf(err))
			return
		}
		require.NoError(t, err)
		require.Equal(t, len(want), len(rows.Bars)+len(rows.Quarantined), "no row is lost")
		for _, b := range rows.Bars {
			require.Empty(t, b.Validate())
		}
		for _, q := range rows.Quarantined {
			require.LessOrEqual(t, len(q.Value), 4096)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(200, fixture(f, "candles_1m.json"), "")
	f.Add(200, fixture(f, "products.json"), "1-15-0")
	f.Add(429, []byte(`{"message":"Public rate limit exceeded"}`), "4-5-1455840000")
	f.Add(404, []byte(`{"message":"NotFound"}`), "x")
	r := providers.Request{Symbol: "X", Grid: gridOf("1m"), Range: hour()}
	f.Fuzz(func(t *testing.T, status int, body []byte, cursor string) {
		if status < 200 || status > 599 {
			status = 200 // no server can answer anything else
		}
		c := newClient(t, &providertest.Canned{Status: status, Body: body}, "")
		page, err := c.Fetch(t.Context(), r)
		require.Equal(t, string(body), string(page.Body))
		if err == nil {
			rows, err := c.Normalize(page)
			require.NoError(t, err)
			require.Equal(t, page.Rows, len(rows.Bars)+len(rows.Quarantined))
		}
		_, instrumentsErr := c.Instruments(t.Context())
		_, next, listingErr := c.Listing(t.Context(), "X", cursor)
		require.True(t, next == "" || next != cursor, "a search goes on")
		for _, err := range []error{err, instrumentsErr, listingErr} {
			require.NotEqual(t, market.KindInternal, market.KindOf(err), "%v", err)
			require.GreaterOrEqual(t, market.RetryAfter(err), time.Duration(0))
		}
	})
}
