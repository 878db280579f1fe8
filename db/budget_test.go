package db_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

// booked is when a request was allowed to begin: between earliest and latest, since the clock that booked it is the
// database's.
type booked struct {
	earliest, latest time.Time
	weight           int
}

func booking(provider string, weight int, maxWait time.Duration) market.Booking {
	return market.Booking{Provider: provider, Weight: weight, Lane: market.LaneBackfill, MaxWait: maxWait}
}

// book takes requests of the weights from many goroutines at once without ever waiting for one; the waits are added up
// instead.
func book(t *testing.T, d *db.DB, provider string, weights []int) []booked {
	t.Helper()
	const workers = 8
	var mu sync.Mutex
	var bookings []booked
	var group sync.WaitGroup
	errs := make(chan error, workers)
	for w := range workers {
		group.Go(func() {
			for i := w; i < len(weights); i += workers {
				before := time.Now()
				slot, err := d.TakeBudget(t.Context(), booking(provider, weights[i], 1000*time.Hour))
				if err != nil {
					errs <- err
					return
				}
				after := time.Now()
				mu.Lock()
				bookings = append(bookings, booked{before.Add(slot.Wait), after.Add(slot.Wait), weights[i]})
				mu.Unlock()
			}
		})
	}
	group.Wait()
	close(errs)
	require.NoError(t, <-errs)
	slices.SortFunc(bookings, func(a, b booked) int { return a.earliest.Compare(b.earliest) })
	return bookings
}

// mostPerMinute returns the greatest weight of requests that were certainly booked for within 61 seconds: a minute, and a
// second for those that are sent late.
func mostPerMinute(bookings []booked, weight func(booked) int) int {
	most, sum, first := 0, 0, 0
	for _, b := range bookings {
		sum += weight(b)
		for b.latest.Sub(bookings[first].earliest) >= 61*time.Second {
			sum -= weight(bookings[first])
			first++
		}
		most = max(most, sum)
	}
	return most
}

func repeat(n int, weights ...int) []int {
	var all []int
	for i := range n {
		all = append(all, weights[i%len(weights)])
	}
	return all
}

func TestTakeBudgetKeepsRequestsPerMinute(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for _, perMinute := range []int{1, 2, 3, 7, 30, 59, 60, 61, 119, 120, 600} {
		t.Run(fmt.Sprint(perMinute), func(t *testing.T) {
			t.Parallel()
			provider := fmt.Sprintf("p%d", perMinute)
			require.NoError(t, d.EnsureBudget(t.Context(), provider, market.Pacing{RequestsPerMinute: perMinute}))
			n := max(6, 2*perMinute+perMinute/2)
			bookings := book(t, d, provider, repeat(n, 1, 50))
			most := mostPerMinute(bookings, func(booked) int { return 1 })
			require.LessOrEqual(t, most, perMinute)
			require.GreaterOrEqual(t, most, perMinute*9/10-1, "the budget is used")
			require.Equal(t, n, scalar[int](t, d, `SELECT sum(requests) FROM rate_usage WHERE provider = $1`, provider))
		})
	}
}

func TestTakeBudgetKeepsWeightPerMinute(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for _, c := range []struct {
		name    string
		pacing  market.Pacing
		weights []int
	}{
		{"mixed", market.Pacing{RequestsPerMinute: 6000, WeightPerMinute: 1200, PageWeight: 2, HeaviestWeight: 40}, repeat(300, 2, 40, 1, 2, 20)},
		{"pages only", market.Pacing{RequestsPerMinute: 6000, WeightPerMinute: 600, PageWeight: 5}, repeat(300, 5)},
		{"one request is all", market.Pacing{RequestsPerMinute: 10, WeightPerMinute: 40, HeaviestWeight: 40}, repeat(12, 40, 1)},
		{"requests are scarcer", market.Pacing{RequestsPerMinute: 20, WeightPerMinute: 6000, PageWeight: 2}, repeat(50, 2)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			provider := "w " + c.name
			require.NoError(t, d.EnsureBudget(t.Context(), provider, c.pacing))
			bookings := book(t, d, provider, c.weights)
			require.LessOrEqual(t, mostPerMinute(bookings, func(b booked) int { return b.weight }), c.pacing.WeightPerMinute)
			require.LessOrEqual(t, mostPerMinute(bookings, func(booked) int { return 1 }), c.pacing.RequestsPerMinute)
		})
	}
}

func TestTakeBudgetRefusesWithoutBooking(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	require.NoError(t, d.EnsureBudget(t.Context(), "p", market.Pacing{RequestsPerMinute: 1}))
	slot, err := d.TakeBudget(t.Context(), booking("p", 1, 0))
	require.NoError(t, err)
	require.Zero(t, slot.Wait)
	before := scalar[time.Time](t, d, `SELECT tat FROM rate_bucket`)

	for range 3 {
		_, err = d.TakeBudget(t.Context(), booking("p", 1, time.Second))
		hasKind(t, market.KindRateLimited, err)
		require.Greater(t, market.RetryAfter(err), time.Second)
		require.LessOrEqual(t, market.RetryAfter(err), time.Minute)
	}
	require.True(t, before.Equal(scalar[time.Time](t, d, `SELECT tat FROM rate_bucket`)))

	slot, err = d.TakeBudget(t.Context(), booking("p", 1, 2*time.Minute))
	require.NoError(t, err)
	require.Greater(t, slot.Wait, time.Second)

	_, err = d.TakeBudget(t.Context(), booking("unknown", 1, time.Minute))
	hasKind(t, market.KindNotFound, err)
}

func TestTakeBudgetWhilePaused(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	require.NoError(t, d.EnsureBudget(t.Context(), "p", market.Pacing{RequestsPerMinute: 60}))
	exec(t, d, `UPDATE provider_gate SET paused = true, paused_reason = 'maintenance'`)
	_, err := d.TakeBudget(t.Context(), booking("p", 1, time.Hour))
	hasKind(t, market.KindUnavailable, err)
	require.ErrorContains(t, err, "provider p is paused")
	require.GreaterOrEqual(t, market.RetryAfter(err), 5*time.Second)
	require.Zero(t, scalar[int](t, d, `SELECT count(*) FROM rate_usage`))

	exec(t, d, `UPDATE provider_gate SET paused = false`)
	slot, err := d.TakeBudget(t.Context(), booking("p", 1, 0))
	require.NoError(t, err)
	require.Zero(t, slot.Wait)
}

func TestHoldProvider(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	require.NoError(t, d.EnsureBudget(t.Context(), "p", market.Pacing{RequestsPerMinute: 6000, WeightPerMinute: 6000}))
	until := time.Now().Add(30 * time.Hour)
	require.NoError(t, d.HoldProvider(t.Context(), "p", 30*time.Hour))
	require.NoError(t, d.HoldProvider(t.Context(), "p", 29*time.Hour), "an earlier end changes nothing")

	held := time.Now().Add(30 * time.Hour)
	_, err := d.TakeBudget(t.Context(), booking("p", 1, time.Minute))
	hasKind(t, market.KindRateLimited, err)
	require.Greater(t, market.RetryAfter(err), 29*time.Hour)
	for range 5 {
		before := time.Now()
		slot, err := d.TakeBudget(t.Context(), booking("p", 1, 1000*time.Hour))
		require.NoError(t, err)
		require.False(t, time.Now().Add(slot.Wait).Before(until.Truncate(time.Microsecond)))
		require.True(t, before.Add(slot.Wait).Before(held.Add(2*time.Second)), "soon after it ends")
	}
	hasKind(t, market.KindNotFound, d.HoldProvider(t.Context(), "unknown", time.Hour))
}

func TestEnsureBudgetKeepsWhatIsLive(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	state := func() string {
		return scalar[string](t, d, `
			SELECT concat_ws(' ', g.paused, g.paused_reason, g.not_before, string_agg(b.unit || ' ' || b.tat, ' ' ORDER BY b.unit))
			FROM provider_gate g JOIN rate_bucket b USING (provider) GROUP BY g.provider`)
	}
	pacing := market.Pacing{RequestsPerMinute: 60, WeightPerMinute: 600, PageWeight: 2}
	require.NoError(t, d.EnsureBudget(t.Context(), "p", pacing))
	_, err := d.TakeBudget(t.Context(), booking("p", 2, 0))
	require.NoError(t, err)
	require.NoError(t, d.HoldProvider(t.Context(), "p", 1000*time.Hour))
	exec(t, d, `UPDATE provider_gate SET paused = true, paused_reason = 'why'`)
	before := state()
	require.Contains(t, before, "why")

	require.NoError(t, d.EnsureBudget(t.Context(), "p", pacing))
	require.Equal(t, before, state())
	pacing.RequestsPerMinute, pacing.WeightPerMinute = 120, 1200
	require.NoError(t, d.EnsureBudget(t.Context(), "p", pacing))
	require.Equal(t, before, state())
	require.Equal(t, "request 120 2, weight 1200 20", scalar[string](t, d, `
		SELECT string_agg(concat_ws(' ', unit, per_minute, burst), ', ' ORDER BY unit) FROM rate_bucket`))

	pacing.WeightPerMinute = 0
	require.NoError(t, d.EnsureBudget(t.Context(), "p", pacing))
	require.Equal(t, "request", scalar[string](t, d, `SELECT string_agg(unit, ',') FROM rate_bucket`))
}

func TestEnsureBudgetRefuses(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for name, pacing := range map[string]market.Pacing{
		"none": {}, "negative": {RequestsPerMinute: -1}, "negative weight": {RequestsPerMinute: 1, WeightPerMinute: -1},
		"page too heavy":    {RequestsPerMinute: 1, WeightPerMinute: 1, PageWeight: 2},
		"request too heavy": {RequestsPerMinute: 1, WeightPerMinute: 10, PageWeight: 2, HeaviestWeight: 11},
	} {
		hasKindNamed(t, name, market.KindInvalid, d.EnsureBudget(t.Context(), "p", pacing))
	}
}
