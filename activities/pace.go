package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"

	"marketdata/market"
)

const (
	firstWait   = 2 * time.Second
	longestWait = 5 * time.Minute
)

// fetchProgress is what a heartbeat shows an operator, and all that one attempt tells the next; the truth is in the stored
// pages.
type fetchProgress struct {
	Pages    int       `json:"pages"`
	Rows     int       `json:"rows"`
	At       time.Time `json:"at"`
	Failures int       `json:"failures,omitempty"` // attempts in a row that an error ended which did not say when to try again
}

// progressBefore is how far the attempts before this one had come.
func progressBefore(ctx context.Context) fetchProgress {
	var p fetchProgress
	if activity.HasHeartbeatDetails(ctx) && activity.GetHeartbeatDetails(ctx, &p) != nil {
		return fetchProgress{}
	}
	return p
}

// paced says when to try again after an error that does not say it, an outage above all: 2 s, twice as long after each
// further one in a row, at most 5 minutes. What was stored meanwhile ends the row. Attempts do not count for it: one that
// waited for another backfill of the stretch, or for its budget, says nothing of the provider's health, and must not make
// the next outage a long one, or a first surprise the last.
func (p *fetchProgress) paced(ctx context.Context, err error) error {
	if err == nil || market.RetryAfter(err) > 0 || ctx.Err() != nil || errors.Is(err, errStopping) {
		return err
	}
	p.Failures++
	kind := market.KindOf(err)
	if isFinal(kind, p.Failures) {
		return err
	}
	activity.RecordHeartbeat(ctx, *p)
	wait := firstWait << min(p.Failures-1, 10)
	return &market.Error{Kind: kind, Message: err.Error(), RetryAfter: min(wait, longestWait), Err: err}
}
