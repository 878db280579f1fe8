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
	"time"

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

// budget grants what it is told and keeps what it was asked.
type budget struct {
	wait, maxWait time.Duration
	err, holdErr  error
	provider      string
	weights       []int
	held          []time.Time
}

func (b *budget) TakeBudget(_ context.Context, provider string, weight int, maxWait time.Duration) (time.Duration, error) {
	b.provider, b.maxWait, b.weights = provider, maxWait, append(b.weights, weight)
	return b.wait, b.err
}

func (b *budget) HoldProvider(_ context.Context, _ string, until time.Time) error {
	b.held = append(b.held, until)
	return b.holdErr
}

func noSleep(context.Context, time.Duration) error { return nil }

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
	p := providers.WithBudget(s, &budget{}, noSleep, noon)
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

	plain := providers.WithBudget(struct{ providers.Provider }{s}, &budget{}, noSleep, noon)
	_, ok = plain.(providers.ListingFinder)
	require.False(t, ok, "a decorator adds nothing to what a provider can do")
}

func TestBudgetIsTakenBeforeEveryRequest(t *testing.T) {
	t.Parallel()
	var slept []time.Duration
	s, b := &source{name: "one"}, &budget{wait: 3 * time.Second}
	p := providers.WithBudget(s, b, func(_ context.Context, d time.Duration) error {
		require.Len(t, b.weights, s.calls+1, "taken, slept, then sent")
		slept = append(slept, d)
		return nil
	}, noon)
	require.NoError(t, callAll(t, p))
	require.Equal(t, []int{2, 20, 2}, b.weights)
	require.Equal(t, []time.Duration{3 * time.Second, 3 * time.Second, 3 * time.Second}, slept)
	require.Equal(t, "one", b.provider)
	require.Equal(t, 10*time.Second, b.maxWait)
	require.Equal(t, 3, s.calls)
	require.Empty(t, b.held)
}

func TestBudgetThatIsUsedUp(t *testing.T) {
	t.Parallel()
	s := &source{name: "one"}
	b := &budget{err: &market.Error{Kind: market.KindRateLimited, Message: "used up", RetryAfter: time.Minute}}
	_, err := providers.WithBudget(s, b, noSleep, noon).Fetch(t.Context(), page().Request)
	require.Equal(t, market.KindRateLimited, market.KindOf(err))
	require.Equal(t, time.Minute, market.RetryAfter(err))
	require.Zero(t, s.calls)
	require.Empty(t, b.held, "our own budget is no refusal of the provider")
}

func TestBudgetStopsWaitingWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &source{name: "one"}
	_, err := providers.WithBudget(s, &budget{wait: time.Hour}, providers.Sleep, noon).Fetch(ctx, page().Request)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, market.KindUnavailable, market.KindOf(err))
	require.Zero(t, s.calls)
	require.NoError(t, providers.Sleep(t.Context(), time.Nanosecond))
}

func TestBudgetHoldsAProviderThatRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		err     error
		held    time.Duration // 0: not held
		holdErr error
	}{
		{"asked for a time", &market.Error{Kind: market.KindRateLimited, RetryAfter: 9 * time.Second}, 9 * time.Second, nil},
		{"asked for none", &market.Error{Kind: market.KindRateLimited}, time.Minute, nil},
		{"the hold fails too", &market.Error{Kind: market.KindRateLimited, RetryAfter: time.Second}, time.Second, errors.New("no database")},
		{"down", &market.Error{Kind: market.KindUnavailable, RetryAfter: time.Second}, 0, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, b := &source{name: "one", page: page(), err: tc.err}, &budget{holdErr: tc.holdErr}
			got, err := providers.WithBudget(s, b, noSleep, noon).Fetch(t.Context(), page().Request)
			require.Equal(t, page(), got, "the page is evidence")
			require.ErrorIs(t, err, tc.err)
			require.Equal(t, market.KindOf(tc.err), market.KindOf(err))
			require.Equal(t, market.RetryAfter(tc.err), market.RetryAfter(err))
			if tc.held == 0 {
				require.Empty(t, b.held)
				return
			}
			require.Equal(t, []time.Time{noon().Add(tc.held)}, b.held)
			if tc.holdErr != nil {
				require.ErrorIs(t, err, tc.holdErr)
			}
		})
	}
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
