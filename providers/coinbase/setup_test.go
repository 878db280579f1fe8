package coinbase_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/providers/coinbase"
	"marketdata/providers/providertest"
)

func now() time.Time { return time.Date(2024, 3, 5, 12, 0, 30, 0, time.UTC) }

func gridOf(interval market.Interval) market.Grid {
	return market.Grid{Interval: interval, Calendar: market.Calendar247{}}
}

func hour() market.Range {
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	return market.Range{Start: start, End: start.Add(time.Hour)}
}

// exchange answers every request by a function of it.
type exchange func(r *http.Request) string

func (e exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	return (&providertest.Canned{Status: http.StatusOK, Body: []byte(e(r))}).RoundTrip(r)
}

func newClientAt(tb testing.TB, transport http.RoundTripper, baseURL string, at time.Time) *coinbase.Client {
	tb.Helper()
	client := providers.NewClient(providers.ClientOptions{
		Version: "test", Now: func() time.Time { return at }, Transport: transport,
	})
	p, err := coinbase.New(providers.Instance{Name: "sim_coinbase", BaseURL: baseURL}, client)
	require.NoError(tb, err)
	c, ok := p.(*coinbase.Client)
	require.True(tb, ok)
	return c
}

func newClient(tb testing.TB, transport http.RoundTripper, baseURL string) *coinbase.Client {
	tb.Helper()
	return newClientAt(tb, transport, baseURL, now())
}

func fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	return providertest.Fixture(tb, name)
}

// recording reads an answer of the provider as it was recorded.
func recording(tb testing.TB, name string) []byte {
	tb.Helper()
	return providertest.Recording(tb, "coinbase", name)
}

func normalize(tb testing.TB, body []byte) providers.Rows {
	tb.Helper()
	rows, err := newClient(tb, nil, "").Normalize(providers.Page{Body: body})
	require.NoError(tb, err)
	return rows
}
