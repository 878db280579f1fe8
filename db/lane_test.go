package db_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

// laneBooking is a request that was granted to a lane.
type laneBooking struct {
	booked

	lane market.Lane
}

// bookLanes lets both lanes ask in a random order from many goroutines, without ever waiting: share is how many of ten ask
// for the sync lane. Refused requests do not ask again.
func bookLanes(t *testing.T, d *db.DB, provider string, asks, share int, seed uint64) []laneBooking {
	t.Helper()
	const workers = 6
	var mu sync.Mutex
	var bookings []laneBooking
	var group sync.WaitGroup
	errs := make(chan error, workers)
	for w := range workers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(w))) //nolint:gosec // any order will do
			for range asks / workers {
				b := market.Booking{Provider: provider, Weight: 1 + random.IntN(3), Lane: market.LaneBackfill, MaxWait: 1000 * time.Hour}
				if random.IntN(10) < share {
					b.Lane = market.LaneSync
				}
				before := time.Now()
				slot, err := d.TakeBudget(t.Context(), b)
				if err != nil && (b.Lane == market.LaneSync || market.KindOf(err) != market.KindRateLimited) {
					errs <- err
					return
				}
				if err == nil {
					after := time.Now()
					mu.Lock()
					bookings = append(bookings, laneBooking{booked{before.Add(slot.Wait), after.Add(slot.Wait), b.Weight}, b.Lane})
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	close(errs)
	require.NoError(t, <-errs)
	slices.SortFunc(bookings, func(a, b laneBooking) int { return a.earliest.Compare(b.earliest) })
	return bookings
}

func TestLanesShareOneBudget(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for share := 1; share <= 9; share += 2 {
		for name, pacing := range map[string]market.Pacing{
			"requests": {RequestsPerMinute: 120},
			"weights":  {RequestsPerMinute: 6000, WeightPerMinute: 240, HeaviestWeight: 3},
		} {
			t.Run(fmt.Sprintf("%s %d of 10", name, share), func(t *testing.T) {
				t.Parallel()
				provider := fmt.Sprintf("%s%d", name, share)
				require.NoError(t, d.EnsureBudget(t.Context(), provider, pacing))
				_, err := d.TakeBudget(t.Context(), market.Booking{Provider: provider, Weight: 1, Lane: market.LaneSync, MaxWait: time.Hour})
				require.NoError(t, err)
				// From now on the sync lane is busy.
				exec(t, d, `UPDATE provider_gate SET sync_until = now() + interval '1 hour' WHERE provider = $1`, provider)
				bookings := bookLanes(t, d, provider, 900, share, uint64(share)) //nolint:gosec // a small number
				all := make([]booked, len(bookings))
				backfill, total := 0, 0
				for i, b := range bookings {
					all[i] = b.booked
					cost := 1
					if pacing.WeightPerMinute > 0 {
						cost = b.weight
					}
					total += cost
					if b.lane == market.LaneBackfill {
						backfill += cost
					}
				}
				require.LessOrEqual(t, mostPerMinute(all, func(booked) int { return 1 }), pacing.RequestsPerMinute)
				if pacing.WeightPerMinute > 0 {
					require.LessOrEqual(t, mostPerMinute(all, func(b booked) int { return b.weight }), pacing.WeightPerMinute)
				}
				require.LessOrEqual(t, 5*(backfill-3), total, "the sync lane gets at least four fifths, but for the first request")
				require.Positive(t, backfill, "a backfill is never starved")
				if share < 6 { // one that asks more seldom than its turn comes gets less
					require.Greater(t, 7*backfill, total, "a backfill that asks gets its fifth")
				}
			})
		}
	}
}

func TestBackfillLaneHasAllWithoutSync(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	require.NoError(t, d.EnsureBudget(t.Context(), "p", market.Pacing{RequestsPerMinute: 60}))
	ask := func(lane market.Lane) error {
		_, err := d.TakeBudget(t.Context(), market.Booking{Provider: "p", Weight: 1, Lane: lane, MaxWait: 200 * time.Second})
		return err
	}
	for range 50 {
		require.NoError(t, ask(market.LaneBackfill))
	}
	require.NoError(t, ask(market.LaneSync))
	err := ask(market.LaneBackfill)
	hasKind(t, market.KindRateLimited, err)
	require.LessOrEqual(t, market.RetryAfter(err), 5*time.Second, "its turn comes with the fifth request")
	for range 5 {
		require.NoError(t, ask(market.LaneSync))
	}
	require.NoError(t, ask(market.LaneBackfill))
	hasKind(t, market.KindRateLimited, ask(market.LaneBackfill))
	require.True(t, scalar[bool](t, d, `SELECT sync_until BETWEEN now() AND now() + interval '6 seconds' FROM provider_gate`))

	exec(t, d, `UPDATE provider_gate SET sync_until = now() - interval '1 second'`)
	for range 5 {
		require.NoError(t, ask(market.LaneBackfill), "the sync lane is idle again")
	}
	require.Error(t, ask("other"))
}

func TestSyncThatIsRefusedCountsAsBusy(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	require.NoError(t, d.EnsureBudget(t.Context(), "p", market.Pacing{RequestsPerMinute: 1}))
	isBusy := func() bool { return scalar[bool](t, d, `SELECT sync_until > now() FROM provider_gate`) }
	_, err := d.TakeBudget(t.Context(), booking("p", 1, 0))
	require.NoError(t, err)
	require.False(t, isBusy())
	_, err = d.TakeBudget(t.Context(), market.Booking{Provider: "p", Weight: 1, Lane: market.LaneSync})
	hasKind(t, market.KindRateLimited, err)
	require.True(t, isBusy())
}

// TestFormerWorkersTakeFromTheBudget: workers of the version before lanes may run beside this one.
func TestFormerWorkersTakeFromTheBudget(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	require.NoError(t, d.EnsureBudget(t.Context(), "p", market.Pacing{RequestsPerMinute: 60}))
	const former = `SELECT granted FROM (SELECT granted, wait, is_paused FROM rate_take('p', 1, interval '10 seconds')) AS f`
	require.True(t, scalar[bool](t, d, former))
	require.True(t, scalar[bool](t, d, `SELECT backfill_tat > now() FROM provider_gate`))
}

func TestConfirmBudget(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	require.NoError(t, d.EnsureBudget(t.Context(), "p", market.Pacing{RequestsPerMinute: 60}))
	now := scalar[time.Time](t, d, "SELECT clock_timestamp()")
	confirm := func(at time.Time) (time.Duration, error) { return d.ConfirmBudget(t.Context(), "p", at) }

	wait, err := confirm(now.Add(time.Hour))
	require.NoError(t, err)
	require.InDelta(t, time.Hour, wait, float64(time.Minute))
	for isPrompt := false; !isPrompt; { // the moment between is the machine's, and may be longer than is allowed
		begun := time.Now()
		wait, err = confirm(scalar[time.Time](t, d, "SELECT clock_timestamp()"))
		isPrompt = time.Since(begun) < 400*time.Millisecond
	}
	require.NoError(t, err)
	require.Zero(t, wait)
	_, err = confirm(now.Add(-time.Minute))
	hasKind(t, market.KindRateLimited, err)
	require.ErrorContains(t, err, "too late")
	require.Positive(t, market.RetryAfter(err))

	require.NoError(t, d.HoldProvider(t.Context(), "p", 30*time.Minute))
	_, err = confirm(now.Add(time.Minute))
	hasKind(t, market.KindRateLimited, err)
	require.ErrorContains(t, err, "asked to wait")
	require.InDelta(t, 30*time.Minute, market.RetryAfter(err), float64(time.Minute))
	_, err = confirm(now.Add(time.Hour))
	require.NoError(t, err, "it was booked for after the hold")

	require.NoError(t, d.SetProviderPaused(t.Context(), "p", true, ""))
	_, err = confirm(now.Add(time.Hour))
	hasKind(t, market.KindUnavailable, err)
	require.ErrorContains(t, err, "provider p is paused")
	require.Equal(t, 5*time.Second, market.RetryAfter(err))
	_, err = d.ConfirmBudget(t.Context(), "unknown", now)
	hasKind(t, market.KindNotFound, err)
}
