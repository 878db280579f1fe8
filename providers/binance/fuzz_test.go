package binance_test

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
	for _, name := range []string{"klines_1m.json", "klines_1m_microseconds.json", "klines_1m_broken.json", "exchange_info.json"} {
		f.Add(fixture(f, name))
	}
	f.Add([]byte(`[["\\\"]",{"a":"}"},[[]]],[]]`))
	c := newClient(f, nil, "")
	f.Fuzz(func(t *testing.T, body []byte) {
		rows, err := c.Normalize(providers.Page{Body: body})
		var want [][]json.RawMessage
		isKlines := json.Unmarshal(body, &want) == nil && want != nil
		for _, row := range want {
			isKlines = isKlines && row != nil
		}
		if !isKlines {
			require.Equal(t, market.KindMalformed, market.KindOf(err))
			return
		}
		require.NoError(t, err)
		require.Equal(t, len(want), len(rows.Bars)+len(rows.Quarantined), "no row is lost")
		for _, b := range rows.Bars {
			require.Empty(t, b.Validate())
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(200, fixture(f, "klines_1m.json"))
	f.Add(200, fixture(f, "exchange_info.json"))
	f.Add(418, []byte(`{"code":-1003,"msg":"IP banned until 1785050129644."}`))
	f.Add(400, []byte(`{"code":-1121,"msg":"Invalid symbol."}`))
	start := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	r := providers.Request{Symbol: "X", Grid: minutes(), Range: market.Range{Start: start, End: start.AddDate(0, 0, 1)}}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
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
		_, _, listingErr := c.Listing(t.Context(), "X", "")
		for _, err := range []error{err, instrumentsErr, listingErr} {
			require.NotEqual(t, market.KindInternal, market.KindOf(err), "%v", err)
			require.GreaterOrEqual(t, market.RetryAfter(err), time.Duration(0))
		}
	})
}
