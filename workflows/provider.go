package workflows

import (
	"context"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
)

// dispatchTimeout is short: whoever pauses a provider waits, and the provider is paused without it.
const dispatchTimeout = 3 * time.Second

// PauseProvider stops the dispatch of the provider's fetch and sync queues, or lets them run again. A queue that is as
// wanted already is left alone.
func (c *Client) PauseProvider(ctx context.Context, provider string, isPaused bool, reason string) error {
	ctx, cancel := context.WithTimeout(ctx, dispatchTimeout)
	defer cancel()
	return clientError(errors.Join(
		c.setDispatch(ctx, FetchQueue(provider), isPaused, reason),
		c.setDispatch(ctx, SyncQueue(provider), isPaused, reason),
	), "set the dispatch rate")
}

func (c *Client) setDispatch(ctx context.Context, queue string, isPaused bool, reason string) error {
	described, err := c.temporal.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
		Namespace: c.namespace, TaskQueue: &taskqueuepb.TaskQueue{Name: queue},
		TaskQueueType: enumspb.TASK_QUEUE_TYPE_ACTIVITY, ReportConfig: true,
	})
	if err != nil {
		return err
	}
	current := described.GetConfig().GetQueueRateLimit()
	isStopped := current.GetRateLimit() != nil && current.GetRateLimit().GetRequestsPerSecond() == 0
	if isStopped == isPaused && (!isPaused || current.GetMetadata().GetReason() == reason) {
		return nil
	}
	limit := &workflowservice.UpdateTaskQueueConfigRequest_RateLimitUpdate{Reason: reason}
	if isPaused {
		limit.RateLimit = &taskqueuepb.RateLimit{RequestsPerSecond: 0}
	}
	_, err = c.temporal.WorkflowService().UpdateTaskQueueConfig(ctx, &workflowservice.UpdateTaskQueueConfigRequest{
		Namespace: c.namespace, Identity: "marketdata", TaskQueue: queue,
		TaskQueueType: enumspb.TASK_QUEUE_TYPE_ACTIVITY, UpdateQueueRateLimit: limit,
	})
	return err
}
