package delivery_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/delivery"
)

// roundTrip answers instead of the network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answers(status int, err error) *http.Client {
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if err != nil {
			return nil, err
		}
		return &http.Response{StatusCode: status, Status: http.StatusText(status), Body: http.NoBody, Request: r}, nil
	})}
}

func TestVulnSources(t *testing.T) {
	t.Parallel()
	unreachable := errors.New("no route")
	tests := []struct {
		name     string
		given    string
		client   *http.Client
		download error
		wantURL  string
		isFound  bool
	}{
		{"given", "file:///mirror", answers(0, unreachable), unreachable, "file:///mirror", true},
		{"the service", "", answers(http.StatusOK, nil), unreachable, "https://vuln.go.dev", true},
		{"the module proxy, where the service cannot be reached", "", answers(0, unreachable), nil, "file:///mod/vulndb/data/osv", true},
		{"the module proxy, where something else answers", "", answers(http.StatusForbidden, nil), nil, "file:///mod/vulndb/data/osv", true},
		{"nothing", "", answers(0, unreachable), unreachable, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			database, err := delivery.VulnSources{
				Given: tt.given, Client: tt.client,
				Download: func(_ context.Context, module string) (dir, version string, err error) {
					require.Equal(t, "golang.org/x/vulndb", module)
					return "/mod/vulndb", "v0.0.0-20260101000000-abcdef", tt.download
				},
			}.Find(t.Context())
			if !tt.isFound {
				require.ErrorIs(t, err, delivery.ErrNotChecked)
				require.ErrorContains(t, err, "NOT CHECKED")
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.wantURL, database.URL)
			require.NotEmpty(t, database.Origin)
		})
	}
}

func TestDownloadModule_SaysWhatItCannotBring(t *testing.T) {
	t.Parallel()
	_, _, err := delivery.DownloadModule(t.Context(), "not a module")
	require.ErrorContains(t, err, "go mod")
}
