package db

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

const (
	// windowMicroseconds is a minute and a second. Bookings keep the budget in any 61 seconds, so that requests which are
	// sent up to a second after the instant they were booked for keep it in any 60.
	windowMicroseconds = 61e6

	// maxLateness is how long after its instant a booked request may still be sent. The other half of the second is for
	// the way to the provider.
	maxLateness = 500 * time.Millisecond

	pausedRetry = 5 * time.Second // as in rate_take
	missedRetry = 100 * time.Millisecond
)

// TakeBudget books one request from the provider's budget, which all workers share, and returns when it may be sent.
// While the sync lane is busy, the requests of the backfill lane get a fifth of the budget. Errors: rate_limited, with
// nothing booked, when the wait would be longer than MaxWait, unavailable while the provider is paused, both with
// RetryAfter, when to ask again; not_found for a provider without a budget.
func (db *DB) TakeBudget(ctx context.Context, b market.Booking) (market.Slot, error) {
	var isGranted, isPaused bool
	var slot market.Slot
	var retryAfter time.Duration
	const query = "SELECT granted, is_paused, start_at, wait, retry_after FROM rate_take($1, $2, $3, $4)"
	err := db.Pool.QueryRow(ctx, query, b.Provider, b.Weight, b.MaxWait, b.Lane).Scan(&isGranted, &isPaused, &slot.At, &slot.Wait, &retryAfter)
	switch {
	case hasCode(err, noDataFound):
		return market.Slot{}, noBudget(b.Provider)
	case err != nil:
		return market.Slot{}, dbError(err)
	case isGranted:
		return slot, nil
	case isPaused:
		return market.Slot{}, pausedError(b.Provider, retryAfter)
	}
	return market.Slot{}, &market.Error{
		Kind: market.KindRateLimited, RetryAfter: retryAfter,
		Message: fmt.Sprintf("the request budget of provider %s is used up: next request in %s", b.Provider, max(slot.Wait, retryAfter).Round(time.Millisecond)),
	}
}

// ConfirmBudget looks again at a booked request before it is sent, and returns how long it must still wait; 0 when it may
// be sent now. Errors: unavailable when the provider was paused meanwhile, rate_limited when it is held until after the
// slot or the slot was missed, all with RetryAfter; the booking is lost then. not_found for a provider without a budget.
func (db *DB) ConfirmBudget(ctx context.Context, provider string, at time.Time) (time.Duration, error) {
	const query = `
		SELECT paused, greatest(not_before, $2) - $2, greatest(not_before, now_) - now_, $2 - now_
		FROM provider_gate, clock_timestamp() AS now_ WHERE provider = $1`
	var isPaused bool
	var heldBy, holdLeft, wait time.Duration
	err := db.Pool.QueryRow(ctx, query, provider, at).Scan(&isPaused, &heldBy, &holdLeft, &wait)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, noBudget(provider)
	case err != nil:
		return 0, dbError(err)
	case isPaused:
		return 0, pausedError(provider, pausedRetry)
	case heldBy > 0:
		return 0, &market.Error{
			Kind: market.KindRateLimited, RetryAfter: max(holdLeft, missedRetry),
			Message: fmt.Sprintf("provider %s asked to wait: next request in %s", provider, holdLeft.Round(time.Millisecond)),
		}
	case wait < -maxLateness:
		return 0, &market.Error{
			Kind: market.KindRateLimited, RetryAfter: missedRetry,
			Message: fmt.Sprintf("a request to provider %s was booked for %s ago and is too late", provider, -wait.Round(time.Millisecond)),
		}
	}
	return max(0, wait), nil
}

func pausedError(provider string, retryAfter time.Duration) error {
	return &market.Error{
		Kind: market.KindUnavailable, RetryAfter: retryAfter,
		Message: fmt.Sprintf("provider %s is paused: no request is sent until it is resumed", provider),
	}
}

func noBudget(provider string) error {
	return market.Errorf(market.KindNotFound, "provider %q has no request budget", provider)
}

// HoldProvider keeps every worker from sending requests to the provider for that long, by the database's clock; where it is
// held for longer already, nothing changes. Errors: not_found for a provider without a budget.
func (db *DB) HoldProvider(ctx context.Context, provider string, hold time.Duration) error {
	tag, err := db.Pool.Exec(ctx, `
		UPDATE provider_gate SET not_before = greatest(not_before, clock_timestamp() + $2::interval) WHERE provider = $1`, provider, hold)
	if err == nil && tag.RowsAffected() == 0 {
		return noBudget(provider)
	}
	return dbError(err)
}

// EnsureBudget creates the provider's budget or adapts it to the pacing. What was booked, a hold and a pause stay.
// Errors: invalid when the pacing allows no request.
func (db *DB) EnsureBudget(ctx context.Context, provider string, p market.Pacing) error {
	heaviest := max(1, p.PageWeight, p.HeaviestWeight)
	if p.RequestsPerMinute < 1 {
		return market.Errorf(market.KindInvalid, "provider %s: requests per minute must be at least 1, not %d", provider, p.RequestsPerMinute)
	}
	if p.WeightPerMinute < 0 || p.WeightPerMinute > 0 && p.WeightPerMinute < heaviest {
		return market.Errorf(market.KindInvalid, "provider %s: weight per minute %d does not allow its heaviest request of %d",
			provider, p.WeightPerMinute, heaviest)
	}
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO provider_gate (provider) VALUES ($1) ON CONFLICT (provider) DO NOTHING", provider)
		if err != nil {
			return err
		}
		// the same lock that rate_take holds, so that nothing is booked by half of a change
		if _, err := tx.Exec(ctx, "SELECT FROM provider_gate WHERE provider = $1 FOR UPDATE", provider); err != nil {
			return err
		}
		if err := ensureBucket(ctx, tx, provider, bucketOf("request", p.RequestsPerMinute, 1)); err != nil {
			return err
		}
		if p.WeightPerMinute > 0 {
			return ensureBucket(ctx, tx, provider, bucketOf("weight", p.WeightPerMinute, heaviest))
		}
		_, err = tx.Exec(ctx, "DELETE FROM rate_bucket WHERE provider = $1 AND unit = 'weight'", provider)
		return err
	})
	return dbError(err)
}

// bucket is a GCRA: burst units at once, then one unit per interval.
type bucket struct {
	unit       string
	perMinute  int
	burst      int
	intervalUS float64
}

// bucketOf returns the bucket by which at most perMinute units begin in any 61 seconds: those of the burst, and in 61
// seconds what flows in besides it. The burst is a second's worth, and at least the heaviest request. Where nothing is
// left beside the burst, one unit per minute flows in. Whole microseconds, rounded up, keep the database's rounding of
// intervals from adding up.
func bucketOf(unit string, perMinute, heaviest int) bucket {
	burst := max(heaviest, perMinute/60)
	return bucket{
		unit: unit, perMinute: perMinute, burst: burst,
		intervalUS: math.Ceil(windowMicroseconds / float64(max(1, perMinute-burst))),
	}
}

func ensureBucket(ctx context.Context, tx pgx.Tx, provider string, b bucket) error {
	const query = `
		INSERT INTO rate_bucket AS r (provider, unit, per_minute, burst, interval_us) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (provider, unit) DO UPDATE
		SET per_minute = EXCLUDED.per_minute, burst = EXCLUDED.burst, interval_us = EXCLUDED.interval_us
		WHERE (r.per_minute, r.burst, r.interval_us) IS DISTINCT FROM (EXCLUDED.per_minute, EXCLUDED.burst, EXCLUDED.interval_us)`
	_, err := tx.Exec(ctx, query, provider, b.unit, b.perMinute, float64(b.burst), b.intervalUS)
	return err
}
