package chaos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
)

// silent swallows what the SDK says while its server is down.
func silent() log.Logger { return log.NewStructuredLogger(slog.New(slog.DiscardHandler)) }

// flows looks at the workflows of one namespace, as an operator does.
type flows struct {
	client    client.Client
	namespace string
}

func dialFlows(address, namespace string) (*flows, error) {
	c, err := client.NewLazyClient(client.Options{HostPort: address, Namespace: namespace, Logger: silent()})
	if err != nil {
		return nil, fmt.Errorf("temporal: %w", err)
	}
	return &flows{client: c, namespace: namespace}, nil
}

func (f *flows) close() { f.client.Close() }

// holder returns the process that runs the activity of the workflow, and whether one does.
func (f *flows) holder(ctx context.Context, workflowID, activityID string) (pid int, isHeld bool, err error) {
	described, err := f.client.DescribeWorkflowExecution(ctx, workflowID, "")
	if err != nil {
		return 0, false, fmt.Errorf("describe %s: %w", workflowID, err)
	}
	for _, a := range described.GetPendingActivities() {
		if a.GetActivityId() != activityID || a.GetState() != enumspb.PENDING_ACTIVITY_STATE_STARTED {
			continue
		}
		text, _, _ := strings.Cut(a.GetLastWorkerIdentity(), "@") // pid@host@queue, as the SDK names itself
		if pid, err = strconv.Atoi(text); err != nil {
			return 0, false, fmt.Errorf("worker %q is not named by its process", a.GetLastWorkerIdentity())
		}
		return pid, true, nil
	}
	return 0, false, nil
}

// waits returns how often the pending activity of the workflow was begun, and the kind and message of its last failure.
func (f *flows) waits(ctx context.Context, workflowID string) (number int, kind, message string, err error) {
	described, err := f.client.DescribeWorkflowExecution(ctx, workflowID, "")
	if err != nil {
		return 0, "", "", fmt.Errorf("describe %s: %w", workflowID, err)
	}
	for _, a := range described.GetPendingActivities() {
		failure := a.GetLastFailure()
		return int(a.GetAttempt()), failure.GetApplicationFailureInfo().GetType(), failure.GetMessage(), nil
	}
	return 0, "", "", nil
}

// Attempts is how often a step was begun, and the message with which the last attempt but one ended, "" where there was
// only one.
type Attempts struct {
	Number      int
	LastFailure string
}

// attempts returns those of each activity of the workflow's latest run, by activity id, of those that ended.
func (f *flows) attempts(ctx context.Context, workflowID string) (map[string]Attempts, error) {
	attempts, ids := map[string]Attempts{}, map[int64]string{}
	events := f.client.GetWorkflowHistory(ctx, workflowID, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return nil, fmt.Errorf("history of %s: %w", workflowID, err)
		}
		if scheduled := event.GetActivityTaskScheduledEventAttributes(); scheduled != nil {
			ids[event.GetEventId()] = scheduled.GetActivityId()
		}
		if started := event.GetActivityTaskStartedEventAttributes(); started != nil {
			attempts[ids[started.GetScheduledEventId()]] = Attempts{
				Number: int(started.GetAttempt()), LastFailure: started.GetLastFailure().GetMessage(),
			}
		}
	}
	return attempts, nil
}

// failure returns the kind and the message with which the latest run of a workflow failed, both "" where it did not. It
// waits for the run's end.
func (f *flows) failure(ctx context.Context, workflowID string) (kind, message string, err error) {
	err = f.client.GetWorkflow(ctx, workflowID, "").Get(ctx, nil)
	var application *temporal.ApplicationError
	if errors.As(err, &application) {
		return application.Type(), application.Message(), nil
	}
	return "", "", err
}

// isRunning tells whether the latest run of a workflow has not ended.
func (f *flows) isRunning(ctx context.Context, workflowID string) (bool, error) {
	described, err := f.client.DescribeWorkflowExecution(ctx, workflowID, "")
	if err != nil {
		return false, fmt.Errorf("describe %s: %w", workflowID, err)
	}
	return described.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, nil
}

// running returns how many workflows of backfills have not ended, as the list of workflows shows it.
func (f *flows) running(ctx context.Context) (int64, error) {
	answer, err := f.client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Namespace: f.namespace, Query: `ExecutionStatus = "Running" AND WorkflowType IN ("BackfillWorkflow", "ChunkWorkflow")`,
	})
	if err != nil {
		return 0, fmt.Errorf("count workflows: %w", err)
	}
	return answer.GetCount(), nil
}
