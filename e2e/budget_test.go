package e2e_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/market/calendar"
	"marketdata/providers"
)

// mostWithin returns the most requests that began within a window, wherever it begins.
func mostWithin(log []logged, window time.Duration) int {
	most, first := 0, 0
	for i, r := range log {
		for r.At.Sub(log[first].At) >= window {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// TestBudgetHoldsAtEverySecond runs four workers for more than a minute into a provider that fails now and then and once
// asks everybody to wait, and reads in the simulator's log when requests really began.
func TestBudgetHoldsAtEverySecond(t *testing.T) {
	t.Parallel()
	const (
		perMinute  = 120
		burst      = 2 // perMinute / 60
		perSecond  = 2
		retryAfter = 5 * time.Second
		duration   = 76 * time.Second
		late       = time.Second // a request may be sent so much later than it was confirmed
	)
	o := options{requestsPerMinute: perMinute, isIdle: true}
	s := start(t, o)
	s.fleet(4, o)
	s.addInstrument("BTCUSDT")
	s.fault(map[string]any{"fault": "server_error", "path": klines, "probability": 0.1},
		map[string]any{"fault": "cut", "path": klines, "probability": 0.05},
		map[string]any{"fault": "rate_limit", "path": klines, "after": 50, "count": 1, "retry_after_seconds": int(retryAfter / time.Second)})
	b := s.startBackfill(map[string]any{
		"instruments": []string{"BTCUSDT.SIM"}, "interval": "1m", "start": "2021-01-01", "end": "2024-01-01", "concurrency": 32,
	})
	var log []logged
	require.Eventually(t, func() bool {
		log = s.requestLog()
		return len(log) > 0 && log[len(log)-1].At.Sub(log[0].At) > duration
	}, patience, 2*time.Second)
	require.False(t, isFinished(s.backfill(b.ID)), "the load was full to the end")

	refused := slices.IndexFunc(log, func(r logged) bool { return r.Status == 429 })
	require.Positive(t, refused)
	var end time.Time
	require.NoError(t, s.db.Pool.QueryRow(t.Context(), "SELECT not_before FROM provider_gate WHERE provider = $1", providerName).Scan(&end))
	held := end.Add(-retryAfter) // when the workers could know
	require.True(t, held.After(log[refused].At))
	require.Less(t, held.Sub(log[refused].At), 5*time.Second, "who was refused tells it at once")
	for _, r := range log[refused+1:] {
		require.False(t, r.At.After(held.Add(late)) && r.At.Before(end), "a request began %s after all were asked to wait", r.At.Sub(held))
	}
	failed := 0
	for _, r := range log {
		if r.Status >= 500 {
			failed++
		}
	}
	most := mostWithin(log, time.Minute)
	t.Logf("%d requests in %s, %d failed; at most %d in any minute and %d in any second", len(log),
		log[len(log)-1].At.Sub(log[0].At).Round(time.Second), failed, most, mostWithin(log, time.Second))
	require.LessOrEqual(t, most, perMinute)
	require.GreaterOrEqual(t, most, perMinute*8/10, "the budget is used, but for the wait")
	require.LessOrEqual(t, mostWithin(log, time.Second), burst+perSecond)
	require.Positive(t, failed)
}

// barsOf asks for an hour of bars.
func barsOf(t *testing.T, symbol string) providers.Request {
	t.Helper()
	grid, err := calendar.GridOf(market.Interval1m, "24x7")
	require.NoError(t, err)
	first := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	return providers.Request{Symbol: symbol, Grid: grid, Range: market.Range{Start: first, End: first.Add(time.Hour)}}
}

// ownProvider is the provider as a worker process of its own has it.
func (s *stack) ownProvider(o options) providers.Provider {
	s.t.Helper()
	p, err := s.registry(o, slog.New(slog.DiscardHandler)).Provider(providerName)
	require.NoError(s.t, err)
	return p
}

// ask fetches bars with several requests at once, each again and again, for as long as ctx lives. It returns how long each
// request waited for its budget.
func ask(ctx context.Context, p providers.Provider, request providers.Request, atOnce int) (waits []time.Duration, err error) {
	var mu sync.Mutex
	var group sync.WaitGroup
	for range atOnce {
		group.Go(func() {
			for ctx.Err() == nil {
				wanted := time.Now()
				page, fetchErr := p.Fetch(context.WithoutCancel(ctx), request)
				mu.Lock()
				if fetchErr == nil {
					waits = append(waits, page.RequestedAt.Sub(wanted))
				} else if market.KindOf(fetchErr) != market.KindRateLimited {
					err = errors.Join(err, fetchErr)
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return waits, err
}

// TestSyncNeverWaitsBehindABackfill lets a deep backfill of four workers have the whole budget, and then lets today's bars
// want all of it.
func TestSyncNeverWaitsBehindABackfill(t *testing.T) {
	t.Parallel()
	const deep, fresh = "BTCUSDT", "ETHUSDT"
	o := options{requestsPerMinute: 1200, isIdle: true}
	s := start(t, o)
	backfill, stopBackfill := context.WithCancel(t.Context())
	ended := make(chan error, 4)
	for range cap(ended) {
		p, request := s.ownProvider(o), barsOf(t, deep)
		go func() {
			_, err := ask(backfill, p, request, 16)
			ended <- err
		}()
	}
	require.Eventually(t, func() bool { return len(s.requestLog()) > 80 }, patience, 50*time.Millisecond)

	sync, stopSync := context.WithTimeout(providers.WithLane(t.Context(), providers.LaneSync), 8*time.Second)
	defer stopSync()
	begun := time.Now()
	waits, err := ask(sync, s.ownProvider(o), barsOf(t, fresh), 30)
	require.NoError(t, err)
	over := begun.Add(8 * time.Second)
	stopBackfill()
	for range cap(ended) {
		require.NoError(t, <-ended)
	}

	count := map[string]int{}
	for _, r := range s.requestLog() {
		if r.At.After(begun.Add(3*time.Second)) && r.At.Before(over) { // what was booked before the sync came has been sent
			count[r.symbol()]++
		}
	}
	require.GreaterOrEqual(t, len(waits), 30)
	t.Logf("in 5 s, %d requests of the sync lane and %d of the backfill; the first was sent %s after it was wanted, and 30 within %s",
		count[fresh], count[deep], waits[0].Round(time.Millisecond), slices.Max(waits[:30]).Round(time.Millisecond))
	require.Less(t, waits[0], 3*time.Second, "2 s that were booked, and a moment")
	// Four times as many are booked, but what is not sent in time is lost to its lane: by the number of those who ask it would be half.
	require.GreaterOrEqual(t, count[fresh], 3*count[deep], "four fifths are for the sync lane")
	require.Greater(t, 8*count[deep], count[fresh], "the backfill is not starved")
	require.Greater(t, count[fresh]+count[deep], 80, "together they use the budget")
}

// TestRefusalHoldsAllWorkers: what one worker is told holds for the others, for a minute where the provider does not say.
func TestRefusalHoldsAllWorkers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		retryAfter int // seconds; 0: the provider does not say
		least      time.Duration
	}{
		{name: "for as long as it says", retryAfter: 3, least: 3 * time.Second},
		{name: "for a minute", least: time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := options{isIdle: true}
			s := start(t, o)
			request := barsOf(t, "BTCUSDT")
			fetch := func(p providers.Provider) error {
				_, err := p.Fetch(t.Context(), request)
				return err
			}
			one, other := s.ownProvider(o), s.ownProvider(o)
			require.NoError(t, fetch(other))
			s.fault(map[string]any{"fault": "rate_limit", "path": klines, "count": 1, "retry_after_seconds": tc.retryAfter})
			refused := time.Now()
			require.Equal(t, market.KindRateLimited, market.KindOf(fetch(one)))
			notBefore := s.provider().Budget.NotBefore
			require.NotNil(t, notBefore)
			require.False(t, notBefore.Before(refused.Add(tc.least).Truncate(time.Second)))

			err := fetch(other)
			if tc.least > 10*time.Second { // longer than a request waits by itself
				require.Equal(t, market.KindRateLimited, market.KindOf(err))
				require.Greater(t, market.RetryAfter(err), tc.least/2)
				require.Len(t, s.requestLog(), 2)
				return
			}
			require.NoError(t, err)
			log := s.requestLog()
			require.Len(t, log, 3)
			require.GreaterOrEqual(t, log[2].At.Sub(log[1].At), tc.least)
		})
	}
}
