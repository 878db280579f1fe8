package providers

import (
	"context"
	"time"

	"marketdata/market"
)

// RequestRecorder counts requests to providers.
type RequestRecorder interface {
	// RequestSent is called after each request. status is that of the answer to a page request, 0 where none was read;
	// kind is that of the failure, "" without one.
	RequestSent(provider, operation string, status int, kind market.Kind, took time.Duration)
}

// BudgetRecorder counts what requests wait for.
type BudgetRecorder interface {
	// BudgetGranted is called when a request is sent after it waited for so long, BudgetRefused when it is not sent.
	BudgetGranted(provider string, waited time.Duration)
	BudgetRefused(provider string, kind market.Kind)
}

// Recorder counts requests and their waits.
type Recorder interface {
	RequestRecorder
	BudgetRecorder
}

// unmetered counts nothing.
type unmetered struct{}

func (unmetered) BudgetGranted(string, time.Duration) {}
func (unmetered) BudgetRefused(string, market.Kind)   {}

// WithMetrics returns p with every request counted. Under WithBudget, what the budget refuses is not sent, so not counted.
func WithMetrics(p Provider, recorder RequestRecorder, now func() time.Time) Provider {
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
