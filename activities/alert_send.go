package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"marketdata/market"
)

// raisedFirst is how often the news that an alert is over asks whether the alert itself was told.
const raisedFirst = 30 * time.Second

// How long a delivery waits between attempts.
const (
	firstAlertWait   = 2 * time.Second
	longestAlertWait = 5 * time.Minute
)

// attend looks after a delivery: it starts its workflow where none runs, and gives it up where a person ended it.
func (a *Alerting) attend(ctx context.Context, ref market.AlertRef) (isStarted bool, err error) {
	state, err := a.Workflows.WorkflowState(ctx, ref.WorkflowID())
	if err != nil {
		return false, err
	}
	switch state {
	case WorkflowCanceled:
		return false, a.Deliveries.FailDelivery(ctx, ref, "its workflow was canceled or terminated; reset it to try again")
	case WorkflowUnknown, WorkflowEnded:
		if err := a.Workflows.StartAlert(ctx, ref); err != nil {
			return false, err
		}
		isStarted = true
	case WorkflowRunning, WorkflowStuck:
	}
	return isStarted, a.Deliveries.NoteDelivery(ctx, ref)
}

// SendAlert tells a webhook of an event and records how it went. What is delivered is not sent again. Errors: of the
// sender, by whose kind Temporal retries; not_found.
func (a *Alerting) SendAlert(ctx context.Context, in AlertInput) error {
	return temporalError(ctx, a.send(ctx, in.AlertRef))
}

func (a *Alerting) send(ctx context.Context, ref market.AlertRef) error {
	alert, err := a.Deliveries.Alert(ctx, ref.AlertID)
	if err != nil {
		return err
	}
	for _, d := range alert.Deliveries {
		isOurs := d.Webhook == ref.Webhook
		switch {
		case isOurs && d.Event == ref.Event && d.Status == market.DeliveryDelivered:
			return nil
		case isOurs && d.Event != ref.Event && ref.Event == market.EventResolved && d.Status == market.DeliveryPending:
			return &market.Error{
				Kind: market.KindUnavailable, RetryAfter: raisedFirst, Message: "that it is over waits until the alert itself is delivered",
			}
		}
	}
	if activity.HasHeartbeatDetails(ctx) { // sent by an attempt that could not record it
		return a.Deliveries.MarkDelivered(ctx, ref)
	}
	if err := a.Sender.Send(ctx, ref.Webhook, alert, ref.Event); err != nil {
		if noted := a.Deliveries.NoteAttempt(ctx, ref, err.Error()); noted != nil {
			activity.GetLogger(ctx).Warn("attempt not counted", "alert", ref.AlertID, "webhook", ref.Webhook, "error", noted.Error())
		}
		return patiently(err, activity.GetInfo(ctx).Attempt)
	}
	activity.RecordHeartbeat(ctx, "sent")
	return a.Deliveries.MarkDelivered(ctx, ref)
}

// patiently lets a receiver that asks for a short wait again and again be asked ever less often all the same: 2 s, twice as
// long after each attempt, at most 5 minutes, or as long as it asks for where that is longer.
func patiently(err error, attempt int32) error {
	asked := market.RetryAfter(err)
	grown := min(firstAlertWait<<min(max(attempt-1, 0), 10), longestAlertWait)
	if asked == 0 || asked >= grown {
		return err
	}
	return &market.Error{Kind: market.KindOf(err), Message: err.Error(), RetryAfter: grown, Err: err}
}

// FailAlert records that a delivery is given up.
func (a *Alerting) FailAlert(ctx context.Context, in AlertInput) error {
	return temporalError(ctx, a.Deliveries.FailDelivery(ctx, in.AlertRef, in.Reason))
}
