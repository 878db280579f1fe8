package providertest

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/simulator"
)

// refusals are told in the provider's own words.
func refusals(t *testing.T, g *rig) {
	t.Helper()
	for _, c := range []struct {
		rule       simulator.Fault
		kind       market.Kind
		retryAfter time.Duration
	}{
		{simulator.Fault{Fault: "rate_limit", RetryAfterSeconds: 17}, market.KindRateLimited, 17 * time.Second},
		{simulator.Fault{Fault: "rate_limit"}, market.KindRateLimited, 0},
		{simulator.Fault{Fault: "unauthorized"}, market.KindDenied, 0},
		{simulator.Fault{Fault: "restricted"}, market.KindDenied, 0},
		{simulator.Fault{Fault: "server_error"}, market.KindUnavailable, 0},
		{simulator.Fault{Fault: "server_error", RetryAfterSeconds: 5}, market.KindUnavailable, 5 * time.Second},
		{simulator.Fault{Fault: "html"}, market.KindMalformed, 0},
		{simulator.Fault{Fault: "cut"}, market.KindUnavailable, 0},
	} {
		g.fault(t, c.rule)
		page, err := g.provider.Fetch(t.Context(), g.request(g.some()))
		require.Equal(t, c.kind, market.KindOf(err), "%s: %v", c.rule.Fault, err)
		require.Equal(t, c.retryAfter, market.RetryAfter(err), c.rule.Fault)
		require.NotEmpty(t, page.Body, "%s: the body is evidence", c.rule.Fault)
	}
	g.heal(t)
	unknown := g.request(g.some())
	unknown.Symbol = "NOSUCH"
	_, err := g.provider.Fetch(t.Context(), unknown)
	require.Equal(t, market.KindNotFound, market.KindOf(err), "%v", err)
	if finder, ok := g.provider.(providers.ListingFinder); ok {
		_, _, err = finder.Listing(t.Context(), "NOSUCH", "")
		require.Equal(t, market.KindNotFound, market.KindOf(err), "listing: %v", err)
	}
}

// foreignRefusals come from what stands between: proxies, firewalls, load balancers.
func foreignRefusals(t *testing.T, g *rig) {
	t.Helper()
	const page = "<html><body>no</body></html>"
	for _, c := range []struct {
		name       string
		answer     Answer
		kind       market.Kind
		retryAfter time.Duration
	}{
		{"429 with Retry-After", Answer{Status: 429, Body: page, Header: map[string]string{"Retry-After": "17"}}, market.KindRateLimited, 17 * time.Second},
		{
			"429 with a date",
			Answer{Status: 429, Header: map[string]string{"Retry-After": g.now().Add(time.Minute).Format(http.TimeFormat)}},
			market.KindRateLimited, time.Minute - time.Duration(g.now().Nanosecond()),
		},
		{"429 without Retry-After", Answer{Status: 429, Body: page}, market.KindRateLimited, 0},
		{"429 with nonsense", Answer{Status: 429, Header: map[string]string{"Retry-After": "-3 soon"}}, market.KindRateLimited, 0},
		{"401", Answer{Status: 401, Body: page}, market.KindDenied, 0},
		{"403", Answer{Status: 403, Body: page}, market.KindDenied, 0},
		{"451", Answer{Status: 451, Body: page}, market.KindDenied, 0},
		{"500", Answer{Status: 500, Body: page}, market.KindUnavailable, 0},
		{"502", Answer{Status: 502}, market.KindUnavailable, 0},
		{"503 with Retry-After", Answer{Status: 503, Body: page, Header: map[string]string{"Retry-After": "5"}}, market.KindUnavailable, 5 * time.Second},
	} {
		g.instead.Store(&c.answer)
		got, err := g.provider.Fetch(t.Context(), g.request(g.some()))
		require.Equal(t, c.kind, market.KindOf(err), "%s: %v", c.name, err)
		require.Equal(t, c.retryAfter, market.RetryAfter(err), c.name)
		require.Equal(t, c.answer.Body, string(got.Body), "%s: the body is evidence", c.name)
		require.NotEmpty(t, got.URL, c.name)
		require.Equal(t, g.now(), got.RequestedAt, c.name)
		require.Empty(t, got.NextCursor, c.name)
		if finder, ok := g.provider.(providers.ListingFinder); ok {
			_, _, err = finder.Listing(t.Context(), g.Symbol, "")
			require.Equal(t, c.kind, market.KindOf(err), "%s: listing: %v", c.name, err)
		}
		if !g.ListsNothing {
			_, err = g.provider.Instruments(t.Context())
			require.Equal(t, c.kind, market.KindOf(err), "%s: instruments: %v", c.name, err)
		}
	}
}

func cancelled(t *testing.T, g *rig) {
	t.Helper()
	g.fault(t, simulator.Fault{Fault: "slow", DelayMS: 60_000})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-g.arrived
		cancel()
	}()
	_, err := g.provider.Fetch(ctx, g.request(g.some()))
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, market.KindUnavailable, market.KindOf(err))
}

func oneRequest(t *testing.T, g *rig) {
	t.Helper()
	g.instead.Store(&Answer{Status: http.StatusServiceUnavailable})
	_, err := g.provider.Fetch(t.Context(), g.request(g.some()))
	require.Error(t, err)
	require.EqualValues(t, 1, g.requests.Load(), "a provider does not retry")
	_, err = g.provider.Instruments(t.Context())
	require.Error(t, err)
	if g.ListsNothing {
		require.Equal(t, market.KindInvalid, market.KindOf(err))
		require.EqualValues(t, 1, g.requests.Load(), "what is not published is not asked for")
		return
	}
	require.EqualValues(t, 2, g.requests.Load())
}

// badRequests are refused before anything is sent.
func badRequests(t *testing.T, g *rig) {
	t.Helper()
	good := g.request(g.some())
	for name, change := range map[string]func(*providers.Request){
		"no symbol":           func(r *providers.Request) { r.Symbol = "" },
		"no calendar":         func(r *providers.Request) { r.Grid.Calendar = nil },
		"an unknown interval": func(r *providers.Request) { r.Grid.Interval = "2m" },
		"an empty range":      func(r *providers.Request) { r.Range.End = r.Range.Start },
		"a foreign cursor":    func(r *providers.Request) { r.Cursor = "next please" },
	} {
		bad := good
		change(&bad)
		_, err := g.provider.Fetch(t.Context(), bad)
		require.Equal(t, market.KindInvalid, market.KindOf(err), "%s: %v", name, err)
	}
	require.Zero(t, g.requests.Load())
}
