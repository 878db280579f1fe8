package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/activities"
	"marketdata/market"
	"marketdata/worker"
	"marketdata/workflows"
)

// hook is a webhook, and its delivery's row, in memory.
type hook struct {
	activities.DeliveryStore // panics on what a test does not expect

	answers   []error // one for each attempt; the last one stays
	sent      int
	status    market.DeliveryStatus
	attempts  int
	lastError string
	raised    market.DeliveryStatus // of the delivery before
	markErr   error                 // of the first try to record that it was told
}

func (h *hook) Receivers() []market.AlertWebhook { return nil }

func (h *hook) Send(context.Context, string, market.Alert, market.AlertEvent) error {
	answer := h.answers[min(h.sent, len(h.answers)-1)]
	h.sent++
	return answer
}

func (h *hook) Alert(_ context.Context, id string) (market.Alert, error) {
	deliveries := []market.AlertDelivery{{AlertRef: resolvedRef(), Status: h.status}}
	if h.raised != "" {
		ref := resolvedRef()
		ref.Event = market.EventRaised
		deliveries = append(deliveries, market.AlertDelivery{AlertRef: ref, Status: h.raised})
		h.raised = market.DeliveryDelivered // by the time of the next look
	}
	return market.Alert{ID: id, Deliveries: deliveries}, nil
}

func (h *hook) NoteAttempt(_ context.Context, _ market.AlertRef, reason string) error {
	h.attempts++
	h.lastError = reason
	return nil
}

func (h *hook) MarkDelivered(context.Context, market.AlertRef) error {
	if err := h.markErr; err != nil {
		h.markErr = nil
		return err
	}
	h.attempts++
	h.status, h.lastError = market.DeliveryDelivered, ""
	return nil
}

func (h *hook) FailDelivery(_ context.Context, _ market.AlertRef, reason string) error {
	h.status, h.lastError = market.DeliveryFailed, reason
	return nil
}

func resolvedRef() market.AlertRef {
	return market.AlertRef{AlertID: "a1", Event: market.EventResolved, Webhook: "ops"}
}

// deliver runs the workflow of the delivery and returns how long it took by its own clock.
func deliver(t *testing.T, h *hook) (time.Duration, error) {
	t.Helper()
	env := newEnvironment(t)
	worker.RegisterWorkflows(env)
	worker.RegisterAlerting(env, &activities.Alerting{Deliveries: h, Sender: h})
	env.SetWorkflowRunTimeout(48 * time.Hour)
	began := env.Now()
	env.ExecuteWorkflow(workflows.NameAlert, activities.AlertInput{AlertRef: resolvedRef()})
	require.True(t, env.IsWorkflowCompleted())
	return env.Now().Sub(began), env.GetWorkflowError()
}

func TestAlertIsRetriedUntilItIsTaken(t *testing.T) {
	t.Parallel()
	busy := market.Errorf(market.KindUnavailable, "webhook ops answered 503")
	rate := &market.Error{Kind: market.KindRateLimited, Message: "webhook ops answered 429", RetryAfter: 10 * time.Minute}
	h := &hook{status: market.DeliveryPending, answers: []error{busy, busy, rate, nil}}
	took, err := deliver(t, h)
	require.NoError(t, err)
	require.Equal(t, market.DeliveryDelivered, h.status)
	require.Equal(t, 4, h.attempts)
	require.InDelta(t, (2 + 4 + 600), took.Seconds(), 1, "2 s, doubled, and then what the receiver asked for")
}

func TestAlertIsGivenUp(t *testing.T) {
	t.Parallel()
	gone := &hook{status: market.DeliveryPending, answers: []error{market.Errorf(market.KindNotFound, "webhook ops answered 410")}}
	_, err := deliver(t, gone)
	require.ErrorContains(t, err, "webhook ops answered 410")
	require.Equal(t, 1, gone.sent)
	require.Equal(t, market.DeliveryFailed, gone.status)
	require.Equal(t, "webhook ops answered 410", gone.lastError)

	slow := &market.Error{Kind: market.KindUnavailable, Message: "webhook ops answered 503", RetryAfter: 10 * time.Hour}
	busy := &hook{status: market.DeliveryPending, answers: []error{slow}}
	took, err := deliver(t, busy)
	require.ErrorContains(t, err, "webhook ops answered 503")
	require.Equal(t, market.DeliveryFailed, busy.status)
	require.Equal(t, 3, busy.sent)
	require.Equal(t, 20*time.Hour, took.Round(time.Minute), "a fourth attempt would be after a day")
}

func TestAlertIsNotSentTwiceAndItsEndNotFirst(t *testing.T) {
	t.Parallel()
	done := &hook{status: market.DeliveryDelivered}
	_, err := deliver(t, done)
	require.NoError(t, err)
	require.Zero(t, done.sent)

	unrecorded := &hook{status: market.DeliveryPending, answers: []error{nil}, markErr: market.Errorf(market.KindUnavailable, "the database is away")}
	_, err = deliver(t, unrecorded)
	require.NoError(t, err)
	require.Equal(t, market.DeliveryDelivered, unrecorded.status)
	require.Equal(t, 1, unrecorded.sent, "the next attempt only records it")

	early := &hook{status: market.DeliveryPending, raised: market.DeliveryPending, answers: []error{nil}}
	took, err := deliver(t, early)
	require.NoError(t, err)
	require.Equal(t, 1, early.sent)
	require.Equal(t, 1, early.attempts, "waiting is no attempt")
	require.Equal(t, 30*time.Second, took.Round(time.Second))
}
