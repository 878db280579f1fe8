package providertest

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketdata/market"
	"marketdata/providers"
)

// body is a good page of a few rows.
func (g *rig) body(t *testing.T) string {
	t.Helper()
	page, err := g.provider.Fetch(t.Context(), g.request(g.keys(day(), 6)))
	require.NoError(t, err)
	require.NotZero(t, page.Rows)
	return string(page.Body)
}

func garbage(t *testing.T, g *rig) {
	t.Helper()
	whole := g.body(t)
	for _, body := range []string{
		"", " ", "<!DOCTYPE html><html><body>Checking your browser</body></html>", "Too many requests", "null", "42", `"[]"`,
		`{"unexpected":true}`, "\x00\xff\xfe", whole[:len(whole)/2], whole[:len(whole)-1], whole + whole, whole + "x",
	} {
		g.instead.Store(&Answer{Body: body})
		page, err := g.provider.Fetch(t.Context(), g.request(g.some()))
		require.Equal(t, market.KindMalformed, market.KindOf(err), "%q: %v", body, err)
		require.Equal(t, body, string(page.Body))
		require.Empty(t, page.NextCursor)
		require.Zero(t, page.Rows)
		_, err = g.provider.Normalize(page)
		require.Equal(t, market.KindMalformed, market.KindOf(err), "%q: normalize: %v", body, err)
		if !g.ListsNothing {
			_, err = g.provider.Instruments(t.Context())
			require.Equal(t, market.KindMalformed, market.KindOf(err), "%q: instruments: %v", body, err)
		}
	}
}

func cutBody(t *testing.T, g *rig) {
	t.Helper()
	whole := Answer{Body: g.body(t), IsCut: true}
	g.instead.Store(&whole)
	page, err := g.provider.Fetch(t.Context(), g.request(g.some()))
	require.Equal(t, market.KindUnavailable, market.KindOf(err), "%v", err)
	require.Equal(t, whole.Body, string(page.Body), "what came is kept")
	require.Equal(t, http.StatusOK, page.Status)
}

// damaged changes bytes of a good body at random: whatever comes of it is rows or malformed, twice the same, and every
// bar keeps the invariants of a bar.
func damaged(t *testing.T, g *rig) {
	t.Helper()
	whole := g.body(t)
	rapid.Check(t, func(r *rapid.T) {
		body := []byte(whole)
		for range rapid.IntRange(1, 4).Draw(r, "changes") {
			at := rapid.IntRange(0, len(body)-1).Draw(r, "at")
			body[at] = rapid.SampledFrom([]byte("\x00\"\\[]{},:-+.eE0159 nNx\xff")).Draw(r, "byte")
		}
		body = body[:rapid.IntRange(len(body)/2, len(body)).Draw(r, "length")]
		page := providers.Page{Request: g.request(g.some()), Body: body, Status: http.StatusOK, RequestedAt: g.now()}
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
