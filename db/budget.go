package db

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

const microsecondsPerMinute = 60e6

// TakeBudget books one request of a weight from the provider's budget, which all workers share, and returns how long the
// caller must wait before sending it. Nothing is booked when that is more than maxWait: rate_limited, or while the
// provider is paused: unavailable; both with RetryAfter. Errors: also not_found for a provider without a budget.
func (db *DB) TakeBudget(ctx context.Context, provider string, weight int, maxWait time.Duration) (time.Duration, error) {
	var isGranted, isPaused bool
	var wait time.Duration
	err := db.Pool.QueryRow(ctx, "SELECT granted, wait, is_paused FROM rate_take($1, $2, $3)", provider, weight, maxWait).
		Scan(&isGranted, &wait, &isPaused)
	switch {
	case hasCode(err, noDataFound):
		return 0, market.Errorf(market.KindNotFound, "provider %q has no request budget", provider)
	case err != nil:
		return 0, dbError(err)
	case isGranted:
		return wait, nil
	case isPaused:
		return 0, &market.Error{
			Kind: market.KindUnavailable, RetryAfter: wait,
			Message: fmt.Sprintf("provider %s is paused: no request is sent until it is resumed", provider),
		}
	}
	return 0, &market.Error{
		Kind: market.KindRateLimited, RetryAfter: wait,
		Message: fmt.Sprintf("the request budget of provider %s is used up: next request in %s", provider, wait.Round(time.Millisecond)),
	}
}

// HoldProvider keeps every worker from sending requests to the provider before the instant; an earlier one than is
// stored changes nothing. Errors: not_found for a provider without a budget.
func (db *DB) HoldProvider(ctx context.Context, provider string, until time.Time) error {
	tag, err := db.Pool.Exec(ctx, "UPDATE provider_gate SET not_before = greatest(not_before, $2) WHERE provider = $1", provider, until)
	if err == nil && tag.RowsAffected() == 0 {
		return market.Errorf(market.KindNotFound, "provider %q has no request budget", provider)
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

// bucketOf returns the bucket by which at most perMinute units begin in any 60 seconds: those of the burst, and in 60
// seconds what flows in besides it. The burst is a second's worth, and at least the heaviest request. Where nothing is
// left beside the burst, one unit per minute flows in. Whole microseconds, rounded up, keep the database's rounding of
// intervals from adding up.
func bucketOf(unit string, perMinute, heaviest int) bucket {
	burst := max(heaviest, perMinute/60)
	return bucket{
		unit: unit, perMinute: perMinute, burst: burst,
		intervalUS: math.Ceil(microsecondsPerMinute / float64(max(1, perMinute-burst))),
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
