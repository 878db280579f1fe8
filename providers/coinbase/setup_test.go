package coinbase_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/providers/coinbase"
)

// recorded is the folder of answers of the provider as they were recorded; it is not part of the repository.
const recorded = "../../../shared/payloads/coinbase"

func now() time.Time { return time.Date(2024, 3, 5, 12, 0, 30, 0, time.UTC) }

func gridOf(interval market.Interval) market.Grid {
	return market.Grid{Interval: interval, Calendar: market.Calendar247{}}
}

func hour() market.Range {
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	return market.Range{Start: start, End: start.Add(time.Hour)}
}

// answer is one canned answer; the request it was given to is kept.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	request *http.Request
}

func (a *answer) RoundTrip(r *http.Request) (*http.Response, error) {
	a.request = r
	header := a.header
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: a.status, Header: header, Body: io.NopCloser(bytes.NewReader(a.body)), Request: r}, nil
}

// exchange answers every request by a function of it.
type exchange func(r *http.Request) string

func (e exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	return (&answer{status: http.StatusOK, body: []byte(e(r))}).RoundTrip(r)
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
	body, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(tb, err)
	return body
}

// recording reads an answer of the folder of recorded ones, or skips the test where there is no such folder.
func recording(tb testing.TB, name string) []byte {
	tb.Helper()
	if _, err := os.Stat(recorded); err != nil {
		tb.Skipf("the recorded answers are not here (%s); testdata covers the same ground", recorded) //nolint:forbidigo // recordings are not part of the repository
	}
	body, err := os.ReadFile(filepath.Join(recorded, name))
	require.NoError(tb, err)
	return body
}

func normalize(tb testing.TB, body []byte) providers.Rows {
	tb.Helper()
	rows, err := newClient(tb, nil, "").Normalize(providers.Page{Body: body})
	require.NoError(tb, err)
	return rows
}
