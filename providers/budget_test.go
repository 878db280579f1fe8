package providers_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
)

// budget answers each question with the next of what it is told, and with the last ever after. It keeps what it was asked.
type budget struct {
	waits       []time.Duration // of slots
	errs        []error         // of TakeBudget
	left        []time.Duration // of ConfirmBudget
	confirmErrs []error
	holdErr     error

	asked     []market.Booking
	confirmed []time.Time
	held      []time.Duration
}

// nth returns what stands at n, or the last.
func nth[T any](list []T, n int) T {
	var zero T
	if len(list) == 0 {
		return zero
	}
	return list[min(n, len(list)-1)]
}

func (b *budget) TakeBudget(_ context.Context, ask market.Booking) (market.Slot, error) {
	n := len(b.asked)
	b.asked = append(b.asked, ask)
	wait := nth(b.waits, n)
	return market.Slot{At: noon().Add(wait), Wait: wait}, nth(b.errs, n)
}

func (b *budget) ConfirmBudget(_ context.Context, _ string, at time.Time) (time.Duration, error) {
	n := len(b.confirmed)
	b.confirmed = append(b.confirmed, at)
	return nth(b.left, n), nth(b.confirmErrs, n)
}

func (b *budget) HoldProvider(ctx context.Context, _ string, hold time.Duration) error {
	b.held = append(b.held, hold)
	return errors.Join(b.holdErr, ctx.Err())
}

func noSleep(context.Context, time.Duration) error { return nil }

// sleeper sleeps in no time and keeps for how long.
type sleeper struct{ slept []time.Duration }

func (s *sleeper) sleep(_ context.Context, d time.Duration) error {
	s.slept = append(s.slept, d)
	return nil
}

func limited(retryAfter time.Duration) error {
	return &market.Error{Kind: market.KindRateLimited, Message: "used up", RetryAfter: retryAfter}
}

func TestBudgetIsTakenBeforeEveryRequest(t *testing.T) {
	t.Parallel()
	var slept []time.Duration
	s, b := &source{name: "one"}, &budget{waits: []time.Duration{3 * time.Second}}
	p := providers.WithBudget(s, b, func(_ context.Context, d time.Duration) error {
		require.Len(t, b.asked, s.calls+1, "taken, slept, then sent")
		slept = append(slept, d)
		return nil
	})
	require.NoError(t, callAll(t, p))
	require.Equal(t, []int{2, 20, 2}, []int{b.asked[0].Weight, b.asked[1].Weight, b.asked[2].Weight})
	require.Equal(t, []time.Duration{3 * time.Second, 3 * time.Second, 3 * time.Second}, slept)
	require.Equal(t, "one", b.asked[0].Provider)
	require.Len(t, b.confirmed, 3, "looked at again before it was sent")
	require.Equal(t, 3, s.calls)
	require.Empty(t, b.held)
}

func TestBudgetThatIsUsedUp(t *testing.T) {
	t.Parallel()
	s := &source{name: "one"}
	b := &budget{errs: []error{&market.Error{Kind: market.KindRateLimited, Message: "used up", RetryAfter: time.Minute}}}
	_, err := providers.WithBudget(s, b, noSleep).Fetch(t.Context(), page().Request)
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
	_, err := providers.WithBudget(s, &budget{waits: []time.Duration{time.Hour}}, providers.Sleep).Fetch(ctx, page().Request)
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
			got, err := providers.WithBudget(s, b, noSleep).Fetch(t.Context(), page().Request)
			require.Equal(t, page(), got, "the page is evidence")
			require.ErrorIs(t, err, tc.err)
			require.Equal(t, market.KindOf(tc.err), market.KindOf(err))
			require.Equal(t, market.RetryAfter(tc.err), market.RetryAfter(err))
			if tc.held == 0 {
				require.Empty(t, b.held)
				return
			}
			require.Equal(t, []time.Duration{tc.held}, b.held)
			if tc.holdErr != nil {
				require.ErrorIs(t, err, tc.holdErr)
			}
		})
	}
}

func TestBudgetKnowsTheLane(t *testing.T) {
	t.Parallel()
	require.Equal(t, providers.LaneBackfill, providers.LaneOf(t.Context()))
	s, b := &source{name: "one"}, &budget{}
	p := providers.WithBudget(s, b, noSleep)
	for _, ctx := range []context.Context{t.Context(), providers.WithLane(t.Context(), providers.LaneSync), providers.WithLane(t.Context(), providers.LaneBackfill)} {
		_, err := p.Fetch(ctx, page().Request)
		require.NoError(t, err)
	}
	require.Equal(t, []market.Booking{
		{Provider: "one", Weight: 2, Lane: market.LaneBackfill, MaxWait: 2 * time.Second},
		{Provider: "one", Weight: 2, Lane: market.LaneSync, MaxWait: time.Second},
		{Provider: "one", Weight: 2, Lane: market.LaneBackfill, MaxWait: 2 * time.Second},
	}, b.asked)
	require.Empty(t, b.confirmed, "what may be sent at once is not looked at twice")
}

func TestBudgetSendsNothingThatWasOvertaken(t *testing.T) {
	t.Parallel()
	paused := &market.Error{Kind: market.KindUnavailable, Message: "paused", RetryAfter: 5 * time.Second}
	for _, tc := range []struct {
		name  string
		b     *budget
		kind  market.Kind
		slept []time.Duration
	}{
		{"paused before", &budget{errs: []error{paused}}, market.KindUnavailable, nil},
		{
			"paused meanwhile", &budget{waits: []time.Duration{time.Second}, confirmErrs: []error{paused}},
			market.KindUnavailable,
			[]time.Duration{time.Second},
		},
		{
			"held meanwhile", &budget{waits: []time.Duration{time.Second}, confirmErrs: []error{limited(time.Minute)}},
			market.KindRateLimited,
			[]time.Duration{time.Second},
		},
		{
			"woken early", &budget{waits: []time.Duration{time.Second}, left: []time.Duration{time.Millisecond, 0}},
			"",
			[]time.Duration{time.Second, time.Millisecond},
		},
		{
			"held for a moment", &budget{waits: []time.Duration{time.Second, 0}, confirmErrs: []error{limited(3 * time.Second)}},
			"",
			[]time.Duration{time.Second, 3 * time.Second},
		},
		{
			"used up for a moment", &budget{errs: []error{limited(time.Millisecond), limited(time.Second), nil}},
			"",
			[]time.Duration{500 * time.Millisecond, time.Second},
		},
		{
			"used up for ten seconds", &budget{errs: []error{limited(4 * time.Second)}},
			market.KindRateLimited,
			[]time.Duration{4 * time.Second, 4 * time.Second},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, sleeps := &source{name: "one"}, &sleeper{}
			_, err := providers.WithBudget(s, tc.b, sleeps.sleep).Fetch(t.Context(), page().Request)
			require.Equal(t, tc.kind, market.KindOf(err))
			require.Equal(t, tc.slept, sleeps.slept)
			if tc.kind == "" {
				require.Equal(t, 1, s.calls)
				return
			}
			require.Zero(t, s.calls)
			require.Positive(t, market.RetryAfter(err), "a retry knows when")
		})
	}
}

// canceling ends the context of its request.
type canceling struct {
	*source

	cancel context.CancelFunc
}

func (c canceling) Fetch(ctx context.Context, r providers.Request) (providers.Page, error) {
	c.cancel()
	return c.source.Fetch(ctx, r)
}

func TestBudgetHoldsAlsoWhenTheRequestIsCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	b := &budget{}
	p := providers.WithBudget(canceling{&source{name: "one", err: limited(9 * time.Second)}, cancel}, b, noSleep)
	_, err := p.Fetch(ctx, page().Request)
	require.NotErrorIs(t, err, context.Canceled)
	require.Equal(t, market.KindRateLimited, market.KindOf(err))
	require.Equal(t, []time.Duration{9 * time.Second}, b.held)
}
