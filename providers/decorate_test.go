package providers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
)

// source is a provider that answers everything with one page and one error, and counts requests.
type source struct {
	name  string
	page  providers.Page
	err   error
	calls int
}

func (s *source) Name() string { return s.name }

func (*source) Capabilities() market.Capabilities {
	return market.Capabilities{Pacing: market.Pacing{RequestsPerMinute: 60, WeightPerMinute: 100, PageWeight: 2, HeaviestWeight: 20}}
}

func (s *source) Instruments(context.Context) ([]providers.Listing, error) {
	s.calls++
	return []providers.Listing{{Symbol: "X"}}, s.err
}

func (s *source) Fetch(context.Context, providers.Request) (providers.Page, error) {
	s.calls++
	return s.page, s.err
}

func (*source) Normalize(providers.Page) (providers.Rows, error) {
	return providers.Rows{LaterWins: true}, nil
}

func (s *source) Listing(_ context.Context, symbol, cursor string) (providers.Listing, string, error) {
	s.calls++
	return providers.Listing{Symbol: symbol}, cursor, s.err
}

func page() providers.Page {
	return providers.Page{
		Request: providers.Request{Symbol: "X", Grid: market.Grid{Interval: market.Interval1m, Calendar: market.Calendar247{}}, Range: market.Range{Start: minute(0), End: minute(5)}},
		Body:    []byte("[1]"), URL: "https://h/p?token=" + secret, Status: 200, RequestedAt: noon(), Rows: 1,
	}
}

// callAll sends one request of each kind and returns their errors joined.
func callAll(t *testing.T, p providers.Provider) error {
	t.Helper()
	finder, ok := p.(providers.ListingFinder)
	require.True(t, ok, "a decorator keeps what a provider can do")
	_, fetchErr := p.Fetch(t.Context(), page().Request)
	_, instrumentsErr := p.Instruments(t.Context())
	_, _, listingErr := finder.Listing(t.Context(), "X", "")
	return errors.Join(fetchErr, instrumentsErr, listingErr)
}

func TestDecoratorsPassAnswersOn(t *testing.T) {
	t.Parallel()
	s := &source{name: "one", page: page()}
	p := providers.WithBudget(s, &budget{}, noSleep)
	p = providers.WithLog(providers.WithRecording(p, t.TempDir()), slog.New(slog.DiscardHandler))
	require.Equal(t, "one", p.Name())
	require.Equal(t, s.Capabilities(), p.Capabilities())
	got, err := p.Fetch(t.Context(), page().Request)
	require.NoError(t, err)
	require.Equal(t, page(), got)
	listings, err := p.Instruments(t.Context())
	require.NoError(t, err)
	require.Equal(t, []providers.Listing{{Symbol: "X"}}, listings)
	finder, ok := p.(providers.ListingFinder)
	require.True(t, ok)
	listing, _, err := finder.Listing(t.Context(), "Y", "")
	require.NoError(t, err)
	require.Equal(t, "Y", listing.Symbol)
	rows, err := p.Normalize(got)
	require.NoError(t, err)
	require.True(t, rows.LaterWins)

	plain := providers.WithBudget(struct{ providers.Provider }{s}, &budget{}, noSleep)
	_, ok = plain.(providers.ListingFinder)
	require.False(t, ok, "a decorator adds nothing to what a provider can do")
}

func TestLog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := &source{name: "one", page: page()}
	require.NoError(t, callAll(t, providers.WithLog(s, logger)))
	s.err = market.Errorf(market.KindDenied, "no key")
	require.Error(t, callAll(t, providers.WithLog(s, logger)))
	require.NotContains(t, out.String(), secret)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 6)
	var answered, failed map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &answered))
	require.NoError(t, json.Unmarshal([]byte(lines[3]), &failed))
	require.Equal(t, "DEBUG", answered["level"])
	require.Equal(t, "fetch", answered["operation"])
	require.InDelta(t, 1, answered["rows"], 0)
	require.Equal(t, "WARN", failed["level"])
	require.Equal(t, "denied", failed["kind"])
	require.Equal(t, "one", failed["provider"])
}

func TestRecording(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := &source{name: "one", page: page()}
	p := providers.WithRecording(s, dir)
	for range 2 {
		require.NoError(t, callAll(t, p))
	}
	bodies, err := filepath.Glob(filepath.Join(dir, "one-*.body"))
	require.NoError(t, err)
	require.Len(t, bodies, 2, "pages of one moment do not replace each other")
	body, err := os.ReadFile(bodies[0])
	require.NoError(t, err)
	require.Equal(t, "[1]", string(body))
	origin, err := os.ReadFile(strings.TrimSuffix(bodies[0], ".body") + ".json")
	require.NoError(t, err)
	require.JSONEq(t, `{"url":"https://h/p?token=redacted","status":200,"requested_at":"2024-01-01T12:00:00Z","symbol":"X",
		"interval":"1m","range":{"start":"2020-01-01T00:00:00Z","end":"2020-01-01T00:05:00Z"}}`, string(origin))

	s.page, s.err = providers.Page{}, market.Errorf(market.KindUnavailable, "no answer")
	_, err = p.Fetch(t.Context(), page().Request)
	require.Equal(t, s.err, err, "without an answer there is nothing to keep")
}

func TestRecordingThatCannotBeKept(t *testing.T) {
	t.Parallel()
	p := providers.WithRecording(&source{name: "one", page: page()}, filepath.Join(t.TempDir(), "absent"))
	got, err := p.Fetch(t.Context(), page().Request)
	require.Equal(t, market.KindInternal, market.KindOf(err))
	require.Equal(t, page(), got)
}
