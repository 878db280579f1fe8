package providers

import (
	"context"
	"errors"
	"time"

	"marketdata/market"
)

const (
	maxBudgetWait = 10 * time.Second // a longer wait is the caller's to schedule
	defaultHold   = time.Minute      // after a refusal that does not say for how long
)

// Budget is a request budget that all workers share.
type Budget interface {
	// TakeBudget books one request of the weight and returns how long to wait before sending it. Errors: rate_limited
	// with RetryAfter when that is longer than maxWait, in which case nothing is booked.
	TakeBudget(ctx context.Context, provider string, weight int, maxWait time.Duration) (time.Duration, error)
	// HoldProvider keeps every worker from sending requests before the instant.
	HoldProvider(ctx context.Context, provider string, until time.Time) error
}

// WithBudget returns p with every request booked from the budget before it is sent, waiting with sleep (see Sleep) for
// up to 10 seconds. When the provider answers rate_limited, it is held for all workers as long as it asks, or a minute.
// Errors: also those of the budget, before any request.
func WithBudget(p Provider, budget Budget, sleep func(context.Context, time.Duration) error, now func() time.Time) Provider {
	return decorate(p, func(ctx context.Context, c call, send func() (Page, error)) (Page, error) {
		wait, err := budget.TakeBudget(ctx, p.Name(), c.weight, maxBudgetWait)
		if err != nil {
			return Page{}, err
		}
		if wait > 0 {
			if err := sleep(ctx, wait); err != nil {
				return Page{}, market.Errorf(market.KindUnavailable, "stopped while waiting for the request budget of %s: %w", p.Name(), err)
			}
		}
		page, err := send()
		if market.KindOf(err) != market.KindRateLimited {
			return page, err
		}
		hold := market.RetryAfter(err)
		if hold <= 0 {
			hold = defaultHold
		}
		if holdErr := budget.HoldProvider(ctx, p.Name(), now().Add(hold)); holdErr != nil {
			return page, errors.Join(err, holdErr)
		}
		return page, err
	})
}

// Sleep waits for d or until ctx is done. Errors: those of ctx.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
