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

// paced says when to try a fetch again after an error that does not say it, an outage above all: 2 s, twice as long after
// each further one in a row, at most 5 minutes. Attempts do not count for it: one that waited for another backfill of the
// stretch, or for its budget, says nothing of the provider's health, and must not make the next outage a long one.
func paced(ctx context.Context, err error) error {
	if err == nil || market.RetryAfter(err) > 0 || ctx.Err() != nil || errors.Is(err, errStopping) {
		return err
	}
	kind := market.KindOf(err)
	if isFinal(kind, activity.GetInfo(ctx).Attempt) {
		return err
	}
	var last fetchProgress
	if activity.HasHeartbeatDetails(ctx) && activity.GetHeartbeatDetails(ctx, &last) != nil {
		last = fetchProgress{}
	}
	last.Failures++
	activity.RecordHeartbeat(ctx, last)
	wait := firstWait << min(last.Failures-1, 10)
	return &market.Error{Kind: kind, Message: err.Error(), RetryAfter: min(wait, longestWait), Err: err}
}
