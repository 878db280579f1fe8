package all_test

import (
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/providers/all"
)

func TestAdapters(t *testing.T) {
	t.Parallel()
	adapters := all.Adapters()
	require.True(t, slices.IsSortedFunc(adapters, func(a, b providers.Adapter) int {
		return slices.Compare([]byte(a.Name), []byte(b.Name))
	}))
	instances := make([]providers.Instance, len(adapters))
	for i, a := range adapters {
		instances[i] = providers.Instance{Name: "my_" + a.Name, Adapter: a.Name, APIKey: "key"}
	}
	client := providers.NewClient(providers.ClientOptions{Now: func() time.Time { return time.Time{} }})
	r, err := providers.NewRegistry(adapters, instances, client, nil)
	require.NoError(t, err)
	require.Len(t, r.Instances(), len(adapters))
	for _, i := range r.Instances() {
		p, err := r.Provider(i.Name)
		require.NoError(t, err)
		require.Equal(t, i.Name, p.Name())
		require.Subset(t, market.Intervals(), i.Capabilities.Intervals)
	}
}

// recorder answers every request with an empty object and keeps its URL.
type recorder struct{ asked []*url.URL }

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	r.asked = append(r.asked, request.URL)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}")), Request: request, Header: http.Header{}}, nil
}

// TestOnlyConfigurationChoosesTheHost: whatever an instrument is called at a provider, and whatever stands in a cursor that came
// from an answer, every adapter asks the configured host below the configured path.
func TestOnlyConfigurationChoosesTheHost(t *testing.T) {
	t.Parallel()
	const base = "https://provider.example:8443/below"
	hostile := []string{
		"@evil.example/", "//evil.example/", "http://evil.example/", "/../../../", "..", ".", "../..", "?host=evil.example", "#", "%2e%2e%2f", "\\evil.example",
		"A&symbol=B", "A?x=http://evil.example", "a\r\nHost: evil.example", "169.254.169.254", "BTCUSDT",
	}
	day := market.Range{Start: time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC), End: time.Date(2024, 1, 3, 0, 0, 0, 0, time.UTC)}
	for _, adapter := range all.Adapters() {
		t.Run(adapter.Name, func(t *testing.T) {
			t.Parallel()
			seen := &recorder{}
			client := providers.NewClient(providers.ClientOptions{Now: func() time.Time { return day.End.AddDate(0, 1, 0) }, Transport: seen})
			p, err := adapter.New(providers.Instance{Name: adapter.Name, Adapter: adapter.Name, BaseURL: base}, client)
			require.NoError(t, err)
			_, _ = p.Instruments(t.Context()) // an empty object is no answer; here it counts who was asked
			finder, isFinder := p.(providers.ListingFinder)
			for _, text := range hostile {
				for _, interval := range p.Capabilities().Intervals {
					r := providers.Request{Symbol: text, Grid: market.Grid{Interval: interval, Calendar: market.Calendar247{}}, Range: day}
					_, _ = p.Fetch(t.Context(), r)
					r.Symbol, r.Cursor = "BTCUSDT", text
					_, _ = p.Fetch(t.Context(), r)
				}
				if isFinder {
					_, _, _ = finder.Listing(t.Context(), text, "")
					_, _, _ = finder.Listing(t.Context(), "BTCUSDT", text)
				}
			}
			require.Greater(t, len(seen.asked), len(hostile))
			for _, asked := range seen.asked {
				require.Equal(t, "https://provider.example:8443", asked.Scheme+"://"+asked.Host, asked.String())
				require.Nil(t, asked.User)
				require.Empty(t, asked.Fragment)
				require.True(t, strings.HasPrefix(asked.EscapedPath(), "/below/"), asked.String())
				require.True(t, strings.HasPrefix(path.Clean(asked.EscapedPath()), "/below/"), "it climbs out of the base URL's path: %s", asked)
			}
		})
	}
}
