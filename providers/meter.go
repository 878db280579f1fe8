package providers

import (
	"context"
	"time"

	"marketdata/market"
)

// Recorder counts requests to providers and what they wait for.
type Recorder interface {
	// RequestSent is called after each request. status is that of the answer to a page request, 0 where none was read;
	// kind is that of the failure, "" without one.
	RequestSent(provider, operation string, status int, kind market.Kind, took time.Duration)
	// BudgetGranted is called when a request may be sent after the wait, BudgetRefused when it may not.
	BudgetGranted(provider string, wait time.Duration)
	BudgetRefused(provider string, kind market.Kind)
}

// WithMetrics returns p with every request counted. Under WithBudget, what the budget refuses is not sent, so not counted.
func WithMetrics(p Provider, recorder Recorder, now func() time.Time) Provider {
	return decorate(p, func(ctx context.Context, c call, send func() (Page, error)) (Page, error) {
		began := now()
		page, err := send()
		var kind market.Kind
		if err != nil {
			kind = market.KindOf(err)
		}
		recorder.RequestSent(p.Name(), c.operation, page.Status, kind, now().Sub(began))
		return page, err
	})
}

// meteredBudget counts what a Budget grants and refuses.
type meteredBudget struct {
	Budget
	recorder Recorder
}

// MeterBudget returns b with every answer to a request for budget counted.
func MeterBudget(b Budget, recorder Recorder) Budget {
	return meteredBudget{Budget: b, recorder: recorder}
}

// TakeBudget is Budget.TakeBudget.
func (b meteredBudget) TakeBudget(ctx context.Context, booking market.Booking) (market.Slot, error) {
	slot, err := b.Budget.TakeBudget(ctx, booking)
	if err != nil {
		b.recorder.BudgetRefused(booking.Provider, market.KindOf(err))
		return slot, err
	}
	b.recorder.BudgetGranted(booking.Provider, slot.Wait)
	return slot, nil
}
