package providertest

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketdata/market"
	"marketdata/providers"
)

func refusals(t *testing.T, h Harness) {
	t.Helper()
	const page = "<html><body>no</body></html>"
	for _, c := range []struct {
		name       string
		answer     Answer
		kind       market.Kind
		retryAfter time.Duration
	}{
		{"unknown symbol", h.UnknownSymbol, market.KindNotFound, 0},
		{"429 with Retry-After", Answer{Status: 429, Body: page, Header: map[string]string{"Retry-After": "17"}}, market.KindRateLimited, 17 * time.Second},
		{
			"429 with a date",
			Answer{Status: 429, Header: map[string]string{"Retry-After": now().Add(time.Minute).Format(http.TimeFormat)}},
			market.KindRateLimited, time.Minute,
		},
		{"429 without Retry-After", Answer{Status: 429, Body: page}, market.KindRateLimited, 0},
		{"429 with nonsense", Answer{Status: 429, Header: map[string]string{"Retry-After": "-3 soon"}}, market.KindRateLimited, 0},
		{"418", Answer{Status: 418, Body: page, Header: map[string]string{"Retry-After": "120"}}, market.KindRateLimited, 2 * time.Minute},
		{"401", Answer{Status: 401, Body: page}, market.KindDenied, 0},
		{"403", Answer{Status: 403, Body: page}, market.KindDenied, 0},
		{"451", Answer{Status: 451, Body: page}, market.KindDenied, 0},
		{"500", Answer{Status: 500, Body: page}, market.KindUnavailable, 0},
		{"502", Answer{Status: 502}, market.KindUnavailable, 0},
		{"503 with Retry-After", Answer{Status: 503, Body: page, Header: map[string]string{"Retry-After": "5"}}, market.KindUnavailable, 5 * time.Second},
	} {
		g := newRig(t, h, always(c.answer))
		got, err := g.provider.Fetch(t.Context(), g.request(g.day()))
		require.Equal(t, c.kind, market.KindOf(err), "%s: %v", c.name, err)
		require.Equal(t, c.retryAfter, market.RetryAfter(err), c.name)
		require.Equal(t, c.answer.Body, string(got.Body), "%s: the body is evidence", c.name)
		require.NotEmpty(t, got.URL, c.name)
		require.Equal(t, now(), got.RequestedAt, c.name)
		require.Empty(t, got.NextCursor, c.name)
		if finder, ok := g.provider.(providers.ListingFinder); ok {
			_, _, err = finder.Listing(t.Context(), h.Symbol, "")
			require.Equal(t, c.kind, market.KindOf(err), "%s: listing: %v", c.name, err)
		}
		if c.kind != market.KindNotFound {
			_, err = g.provider.Instruments(t.Context())
			require.Equal(t, c.kind, market.KindOf(err), "%s: instruments: %v", c.name, err)
		}
	}
}

func garbage(t *testing.T, h Harness) {
	t.Helper()
	g := newRig(t, h, nil)
	whole := h.Encode(g.grid, g.bars(t, g.start(), 3)).Body
	for _, body := range []string{
		"", " ", "<!DOCTYPE html><html><body>Checking your browser</body></html>", "Too many requests", "null", "42", `"[]"`,
		`{"unexpected":true}`, "\x00\xff\xfe", whole[:len(whole)/2], whole[:len(whole)-1], whole + whole, whole + "x",
	} {
		g := newRig(t, h, always(Answer{Body: body}))
		page, err := g.provider.Fetch(t.Context(), g.request(g.day()))
		require.Equal(t, market.KindMalformed, market.KindOf(err), "%q: %v", body, err)
		require.Equal(t, body, string(page.Body))
		require.Empty(t, page.NextCursor)
		require.Zero(t, page.Rows)
		_, err = g.provider.Normalize(page)
		require.Equal(t, market.KindMalformed, market.KindOf(err), "%q: normalize: %v", body, err)
		_, err = g.provider.Instruments(t.Context())
		require.Equal(t, market.KindMalformed, market.KindOf(err), "%q: instruments: %v", body, err)
	}
}

func cutBody(t *testing.T, h Harness) {
	t.Helper()
	g := newRig(t, h, nil)
	a := h.Encode(g.grid, g.bars(t, g.start(), 3))
	a.IsCut = true
	g = newRig(t, h, always(a))
	page, err := g.provider.Fetch(t.Context(), g.request(g.day()))
	require.Equal(t, market.KindUnavailable, market.KindOf(err), "%v", err)
	require.Equal(t, a.Body, string(page.Body), "what came is kept")
	require.Equal(t, http.StatusOK, page.Status)
}

// damaged changes bytes of a good body at random: whatever comes of it is rows or malformed, twice the same, and every
// bar keeps the invariants of a bar.
func damaged(t *testing.T, h Harness) {
	t.Helper()
	g := newRig(t, h, nil)
	whole := h.Encode(g.grid, g.bars(t, g.start(), 4)).Body
	rapid.Check(t, func(r *rapid.T) {
		body := []byte(whole)
		for range rapid.IntRange(1, 4).Draw(r, "changes") {
			at := rapid.IntRange(0, len(body)-1).Draw(r, "at")
			body[at] = rapid.SampledFrom([]byte("\x00\"\\[]{},:-+.eE0159 nNx\xff")).Draw(r, "byte")
		}
		body = body[:rapid.IntRange(len(body)/2, len(body)).Draw(r, "length")]
		page := providers.Page{Request: g.request(g.day()), Body: body, Status: http.StatusOK, RequestedAt: now()}
		rows, err := g.provider.Normalize(page)
		again, againErr := g.provider.Normalize(page)
		require.Equal(r, rows, again)
		require.Equal(r, market.KindOf(err), market.KindOf(againErr))
		if err != nil {
			require.Equal(r, market.KindMalformed, market.KindOf(err))
		}
		for _, bar := range rows.Bars {
			require.Empty(r, bar.Validate())
		}
		for _, q := range rows.Quarantined {
			require.NotEmpty(r, q.Rule)
			require.LessOrEqual(r, len(q.Value), 4096)
		}
	})
}
