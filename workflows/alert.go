package workflows

import (
	"context"
	"net/url"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketdata/activities"
	"marketdata/market"
)

// WatchWorkflow looks at what is the matter and raises and resolves alerts; a schedule starts it each minute.
func WatchWorkflow(ctx workflow.Context) (activities.WatchResult, error) {
	var a *activities.Alerting
	var result activities.WatchResult
	err := workflow.ExecuteActivity(withHousekeeping(ctx, "raise and resolve alerts"), a.WatchAlerts).Get(ctx, &result)
	return result, err
}

// AlertWorkflow tells one webhook of one event of an alert, for up to a day. It ends failed when the receiver refuses
// for good or the day is over; the delivery's row then says why.
func AlertWorkflow(ctx workflow.Context, in activities.AlertInput) error {
	var a *activities.Alerting
	err := workflow.ExecuteActivity(withSending(ctx, in.AlertRef), a.SendAlert, in).Get(ctx, nil)
	if err == nil || temporal.IsCanceledError(err) {
		return err
	}
	_, in.Reason = activities.Failure(err)
	recording := withBookkeeping(ctx, "record that it is given up")
	if unrecorded := workflow.ExecuteActivity(recording, a.FailAlert, in).Get(ctx, nil); unrecorded != nil {
		return unrecorded
	}
	return err
}

// watchSchedule looks for alerts each minute.
func watchSchedule() client.ScheduleOptions {
	return client.ScheduleOptions{
		ID:   ScheduleWatch,
		Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: time.Minute, Offset: 30 * time.Second}}},
		Action: &client.ScheduleWorkflowAction{
			ID: idWatch, Workflow: NameWatch, TaskQueue: QueueMain, WorkflowExecutionTimeout: 15 * time.Minute,
			StaticSummary: "raise and resolve alerts",
		},
		Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: time.Minute,
		Note: "Alerts: looks each minute at failed backfills, stale series, paused and refused providers.",
	}
}

// StartAlert starts the workflow of a stored delivery; already running is no error.
func (c *Client) StartAlert(ctx context.Context, ref market.AlertRef) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := c.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: ref.WorkflowID(), TaskQueue: QueueMain, StaticSummary: "tell " + ref.Webhook + ": " + string(ref.Event),
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		// the same run for whoever asks twice
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, NameAlert, activities.AlertInput{AlertRef: ref})
	return clientError(err, "start the delivery of an alert")
}

// QueryURL links to the list of the workflows that match a query in the Temporal UI.
func (c *Client) QueryURL(query string) string {
	values := url.Values{"query": {query}}
	return c.uiURL + "/namespaces/" + url.PathEscape(c.namespace) + "/workflows?" + values.Encode()
}
