package binance_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/providers/binance"
	"marketdata/providers/providertest"
)

func now() time.Time { return time.Date(2024, 3, 5, 12, 0, 30, 0, time.UTC) }

func minutes() market.Grid {
	return market.Grid{Interval: market.Interval1m, Calendar: market.Calendar247{}}
}

func newClient(tb testing.TB, transport http.RoundTripper, baseURL string) *binance.Client {
	tb.Helper()
	client := providers.NewClient(providers.ClientOptions{Version: "test", Now: now, Transport: transport})
	p, err := binance.New(providers.Instance{Name: "sim_binance", BaseURL: baseURL}, client)
	require.NoError(tb, err)
	c, ok := p.(*binance.Client)
	require.True(tb, ok)
	return c
}

func fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	return providertest.Fixture(tb, name)
}

// recording reads an answer of the provider as it was recorded.
func recording(tb testing.TB, name string) []byte {
	tb.Helper()
	return providertest.Recording(tb, "binance", name)
}

func normalize(tb testing.TB, body []byte) providers.Rows {
	tb.Helper()
	rows, err := newClient(tb, nil, "").Normalize(providers.Page{Body: body})
	require.NoError(tb, err)
	return rows
}
