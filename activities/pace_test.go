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
