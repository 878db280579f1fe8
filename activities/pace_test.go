package activities_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"marketdata/market"
	"marketdata/providers"
)

// delay is how long after the error a fetch is tried again.
func (f *fixture) delay(t *testing.T, err error) time.Duration {
	t.Helper()
	f.provider.fetch = func(providers.Request) (providers.Page, error) { return providers.Page{}, err }
	_, err = f.fetch(t)
	var failure *temporal.ApplicationError
	require.ErrorAs(t, err, &failure)
	require.False(t, failure.NonRetryable())
	return failure.NextRetryDelay()
}

func TestOutagesAreWaitedOutLongerAndLonger(t *testing.T) {
	t.Parallel()
	f := setup(t)
	away := market.Errorf(market.KindUnavailable, "connection refused")
	require.Equal(t, 2*time.Second, f.delay(t, away), "whatever the attempt: it may have waited for another backfill before")
	for failures, want := range map[int]time.Duration{1: 4 * time.Second, 5: 64 * time.Second, 8: 5 * time.Minute, 1000: 5 * time.Minute} {
		f.env.SetHeartbeatDetails(map[string]int{"failures": failures})
		require.Equal(t, want, f.delay(t, away))
	}
	require.Equal(t, 3*time.Second, f.delay(t, &market.Error{Kind: market.KindUnavailable, Message: "paused", RetryAfter: 3 * time.Second}))
}

func TestWhatIsStoredEndsARowOfFailures(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.env.SetHeartbeatDetails(map[string]int{"failures": 7})
	f.provider.fetch = func(r providers.Request) (providers.Page, error) {
		if f.provider.calls > 1 {
			return providers.Page{}, market.Errorf(market.KindUnavailable, "connection refused")
		}
		return answer(r)
	}
	_, err := f.fetch(t)
	var failure *temporal.ApplicationError
	require.ErrorAs(t, err, &failure)
	require.Len(t, f.store.pages, 1)
	require.Equal(t, 2*time.Second, failure.NextRetryDelay())
}

// TestASurpriseIsFinalTheTenthTime: in a row; attempts that only waited do not count.
func TestASurpriseIsFinalTheTenthTime(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.provider.fetch = func(providers.Request) (providers.Page, error) { return providers.Page{}, errors.New("surprise") }
	for failures, isFinal := range map[int]bool{0: false, 8: false, 9: true} {
		f.env.SetHeartbeatDetails(map[string]int{"failures": failures})
		_, err := f.fetch(t)
		var failure *temporal.ApplicationError
		require.ErrorAs(t, err, &failure)
		require.Equal(t, isFinal, failure.NonRetryable(), "after %d failures", failures)
	}
}

// TestWhatDoesNotSayWhenIsPacedToo: Temporal itself tries again soon, as after the death of a worker.
func TestWhatDoesNotSayWhenIsPacedToo(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for failures, want := range map[int]time.Duration{0: 2 * time.Second, 3: 16 * time.Second} {
		f.env.SetHeartbeatDetails(map[string]int{"failures": failures})
		require.Equal(t, want, f.delay(t, market.Errorf(market.KindRateLimited, "429 without Retry-After")))
		require.Equal(t, want, f.delay(t, errors.New("surprise")))
	}
}
