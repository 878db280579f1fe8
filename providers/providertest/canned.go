package providertest

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Canned is a transport that answers every request alike, without a network, and keeps the request.
type Canned struct {
	Status  int
	Header  http.Header
	Body    []byte
	Request *http.Request
}

// RoundTrip is http.RoundTripper.
func (c *Canned) RoundTrip(r *http.Request) (*http.Response, error) {
	c.Request = r
	header := c.Header
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: c.Status, Header: header, Body: io.NopCloser(bytes.NewReader(c.Body)), Request: r}, nil
}

// Fixture reads a file of the test's folder testdata.
func Fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name)) //nolint:gosec // tests name their fixtures
	require.NoError(tb, err)
	return body
}

// Recording reads an answer of a provider as it was recorded. Recordings are not part of the repository: where they are
// absent, the test is skipped, with a word.
func Recording(tb testing.TB, provider, name string) []byte {
	tb.Helper()
	folder := filepath.Join("../../../shared/payloads", provider)
	if _, err := os.Stat(folder); err != nil {
		tb.Skipf("the recorded answers are not here (%s); testdata covers the same ground", folder) //nolint:forbidigo // recordings are not part of the repository
	}
	body, err := os.ReadFile(filepath.Join(folder, name)) //nolint:gosec // tests name their fixtures
	require.NoError(tb, err)
	return body
}
