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
	holdTimeout   = 10 * time.Second // of storing a refusal

	// How far ahead the lanes book. A request of the sync lane finds at most what backfills booked before it came, and
	// the shorter reach leaves a backfill its turn however many requests for the sync lane wait.
	backfillAhead = 2 * time.Second
	syncAhead     = time.Second

	// How long a refused request waits at least before it asks again, so that many of them do not load the database.
	backfillAskAgain = 500 * time.Millisecond
	syncAskAgain     = 100 * time.Millisecond
)

// Budget is a request budget that all workers share.
type Budget interface {
	// TakeBudget books one request and returns when it may be sent. Errors: rate_limited, with nothing booked, when it
	// could not be sent within MaxWait; unavailable while the provider is paused; both with RetryAfter.
	TakeBudget(ctx context.Context, b market.Booking) (market.Slot, error)
	// ConfirmBudget looks again at a booked request before it is sent, and returns how long it must still wait. Errors:
	// unavailable when the provider was paused meanwhile; rate_limited when it is held or the slot was missed; both with
	// RetryAfter, and the booking is lost.
	ConfirmBudget(ctx context.Context, provider string, at time.Time) (time.Duration, error)
	// HoldProvider keeps every worker from sending requests for that long.
	HoldProvider(ctx context.Context, provider string, hold time.Duration) error
}

// WithBudget returns p with every request booked from the budget, in the lane of its context, before it is sent. It waits
// with sleep (see Sleep) and asks again for up to 10 seconds, and sends nothing that a pause or a hold has overtaken. When
// the provider answers rate_limited, it is held for all workers as long as it asks, or a minute.
// Errors: also those of the budget, before any request.
func WithBudget(p Provider, budget Budget, sleep func(context.Context, time.Duration) error) Provider {
	return WithMeteredBudget(p, budget, sleep, unmetered{})
}

// WithMeteredBudget is WithBudget with every wait counted.
func WithMeteredBudget(p Provider, budget Budget, sleep func(context.Context, time.Duration) error, recorder BudgetRecorder) Provider {
	return decorate(p, func(ctx context.Context, c call, send func() (Page, error)) (Page, error) {
		q := queue{budget: budget, sleep: sleep, left: maxBudgetWait}
		if err := q.await(ctx, p.Name(), c.weight); err != nil {
			recorder.BudgetRefused(p.Name(), market.KindOf(err))
			return Page{}, err
		}
		recorder.BudgetGranted(p.Name(), maxBudgetWait-q.left)
		page, err := send()
		if market.KindOf(err) != market.KindRateLimited {
			return page, err
		}
		hold := market.RetryAfter(err)
		if hold <= 0 {
			hold = defaultHold
		}
		// also when the request's own context ends: the other workers must know
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), holdTimeout)
		defer cancel()
		if holdErr := budget.HoldProvider(ctx, p.Name(), hold); holdErr != nil {
			return page, errors.Join(err, holdErr)
		}
		return page, err
	})
}

// queue is one request waiting for its budget.
type queue struct {
	budget Budget
	sleep  func(context.Context, time.Duration) error
	left   time.Duration // that may be waited before the caller has to schedule the rest
}

// await returns when the request may be sent. Errors: those of the budget; unavailable when ctx ends.
func (q *queue) await(ctx context.Context, provider string, weight int) error {
	b := market.Booking{Provider: provider, Weight: weight, Lane: LaneOf(ctx), MaxWait: backfillAhead}
	askAgain := backfillAskAgain
	if b.Lane == LaneSync {
		b.MaxWait, askAgain = syncAhead, syncAskAgain
	}
	for {
		err := q.try(ctx, b)
		wait := max(market.RetryAfter(err), askAgain)
		if market.KindOf(err) != market.KindRateLimited || wait > q.left {
			return err
		}
		if err := q.pause(ctx, provider, wait); err != nil {
			return err
		}
	}
}

// try books a request, waits for its turn and looks again before it is sent: much can have happened meanwhile.
func (q *queue) try(ctx context.Context, b market.Booking) error {
	slot, err := q.budget.TakeBudget(ctx, b)
	for err == nil && slot.Wait > 0 {
		if err := q.pause(ctx, b.Provider, slot.Wait); err != nil {
			return err
		}
		slot.Wait, err = q.budget.ConfirmBudget(ctx, b.Provider, slot.At)
	}
	return err
}

func (q *queue) pause(ctx context.Context, provider string, d time.Duration) error {
	q.left -= d
	if err := q.sleep(ctx, d); err != nil {
		return market.Errorf(market.KindUnavailable, "stopped while waiting for the request budget of %s: %w", provider, err)
	}
	return nil
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
