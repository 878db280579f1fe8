package e2e_test

import (
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"marketdata/api"
	"marketdata/db/dbtest"
	"marketdata/market"
	"marketdata/workflows"
)

// begunAfter counts the requests that began after the instant.
func begunAfter(log []logged, at time.Time) int {
	n := 0
	for _, r := range log {
		if r.At.After(at) {
			n++
		}
	}
	return n
}

// TestPausedProviderIsNotAsked: a pause during a running backfill stops every worker within three seconds, and outlives
// the workers and what Temporal knows of it. A resume completes the backfill.
func TestPausedProviderIsNotAsked(t *testing.T) {
	t.Parallel()
	o := options{requestsPerMinute: 600, isIdle: true}
	s := start(t, o)
	stop := s.fleet(4, o)
	s.addInstrument("BTCUSDT")
	b := s.startBackfill(map[string]any{
		"instruments": []string{"BTCUSDT.SIM"}, "interval": "1m", "start": "2023-01-01", "end": "2023-05-01", "concurrency": 32,
	})
	require.Eventually(t, func() bool { return len(s.requestLog()) > 40 }, patience, 100*time.Millisecond)

	answered := s.setPaused(true, "maintenance")
	p := s.provider()
	require.True(t, p.Paused)
	require.Equal(t, "maintenance", p.PausedReason)
	require.Positive(t, p.Budget.Waiting)
	isQuiet := func(d time.Duration) { // beyond the three seconds
		t.Helper()
		during(d, func() { require.Zero(t, begunAfter(s.requestLog(), answered.Add(3*time.Second))) })
	}
	isQuiet(8 * time.Second)
	late := begunAfter(s.requestLog(), answered)

	stop()
	stop = s.fleet(4, o)
	// what a Temporal server that lost its memory knows
	s.dispatch(false, "")
	isQuiet(12 * time.Second)
	require.Contains(t, []string{"running", "waiting"}, s.backfill(b.ID).Status)
	require.True(t, s.provider().Paused)
	s.dispatch(true, "maintenance")

	resumed := s.setPaused(false, "")
	s.dispatch(false, "") // the sweep would see to it, where Temporal was too slow to answer
	require.Empty(t, s.provider().PausedReason)
	require.Eventually(t, func() bool { return begunAfter(s.requestLog(), resumed) > 0 }, patience, 50*time.Millisecond)
	t.Logf("%d requests began after the pause was answered; the first began %s after the resume", late, firstAfter(s.requestLog(), resumed))
	b = s.await(b.ID, isFinished)
	require.Equal(t, "completed", b.Status)
	require.Equal(t, b.Progress.Bars.Expected, b.Progress.Bars.Inserted)
	stop()
}

// dispatch lets the provider's queues stand or run in Temporal, whatever the database says.
func (s *stack) dispatch(isPaused bool, reason string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { // each has three seconds
		return s.flows.PauseProvider(s.t.Context(), providerName, isPaused, reason) == nil
	}, patience, 100*time.Millisecond)
}

func firstAfter(log []logged, at time.Time) time.Duration {
	for _, r := range log {
		if r.At.After(at) {
			return r.At.Sub(at).Round(time.Millisecond)
		}
	}
	return -1
}

// TestPausedProviderIsNotAskedForListings: what somebody waits for stops as well, and says why.
func TestPausedProviderIsNotAskedForListings(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.setPaused(true, "maintenance")
	before := len(s.requestLog())
	s.dispatch(false, "") // workers get the task
	err := s.flows.FindListing(t.Context(), market.InstrumentID{Symbol: "BTCUSDT", Venue: market.VenueSimulated},
		market.ProviderSymbol{Name: providerName, Symbol: "BTCUSDT"})
	require.Equal(t, market.KindUnavailable, market.KindOf(err))
	require.ErrorContains(t, err, "paused")
	require.Len(t, s.requestLog(), before)
}

// TestQueuesFollowTheProvider: a queue that stayed stopped because Temporal was away at the resume is let run by the sweep.
func TestQueuesFollowTheProvider(t *testing.T) {
	t.Parallel()
	s := startWithBTC(t)
	s.dispatch(true, "stale")
	b := s.startBackfill(day("missing"))
	require.NoError(t, s.flows.EnsureSchedules(t.Context()))
	require.Eventually(t, func() bool {
		require.NoError(t, s.temporal.ScheduleClient().GetHandle(t.Context(), workflows.ScheduleSweep).Trigger(t.Context(), client.ScheduleTriggerOptions{}))
		return isFinished(s.backfill(b.ID))
	}, patience, time.Second)
	require.Equal(t, "completed", s.backfill(b.ID).Status)
}

// TestPauseWithoutTemporal: what the database says is enough.
func TestPauseWithoutTemporal(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	require.NoError(t, d.EnsureBudget(t.Context(), providerName, market.Pacing{RequestsPerMinute: 60}))
	logger := slog.New(slog.DiscardHandler)
	away, err := client.NewLazyClient(client.Options{HostPort: "127.0.0.1:1", Logger: log.NewStructuredLogger(logger)})
	require.NoError(t, err)
	t.Cleanup(away.Close)
	server := httptest.NewServer(api.New(api.Options{
		Store: d, Orchestrator: workflows.NewClient(away, "default", ""), Now: time.Now, Logger: logger,
		Providers: []market.ProviderInstance{{Name: providerName, Adapter: "binance", Enabled: true}},
	}))
	t.Cleanup(server.Close)
	s := &stack{t: t, db: d, url: server.URL}
	begun := time.Now()
	answered := s.setPaused(true, "maintenance")
	require.Less(t, answered.Sub(begun), 8*time.Second)
	require.True(t, s.provider().Paused)
	_, err = d.TakeBudget(t.Context(), market.Booking{Provider: providerName, Weight: 1, Lane: market.LaneSync, MaxWait: time.Hour})
	require.Equal(t, market.KindUnavailable, market.KindOf(err))
	s.setPaused(false, "")
	require.False(t, s.provider().Paused)
}
