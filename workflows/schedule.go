package workflows

import (
	"context"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

// EnsureSchedules creates the housekeeping schedules: the sweep and the watch for alerts each minute, the maintenance
// each day. An existing schedule is left as it is, so an operator's pause survives.
func (c *Client) EnsureSchedules(ctx context.Context) error {
	for _, options := range []client.ScheduleOptions{
		watchSchedule(),
		{
			ID:   ScheduleSweep,
			Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: time.Minute}}},
			Action: &client.ScheduleWorkflowAction{
				ID: idSweep, Workflow: NameSweep, TaskQueue: QueueMain, WorkflowExecutionTimeout: 15 * time.Minute,
				StaticSummary: "mend backfills whose workflow was ended from outside",
			},
			Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: time.Minute,
			Note: "Housekeeping: looks at unfinished backfills each minute.",
		},
		{
			ID:   ScheduleMaintenance,
			Spec: client.ScheduleSpec{Calendars: []client.ScheduleCalendarSpec{{Hour: []client.ScheduleRange{{Start: 2}}, Minute: []client.ScheduleRange{{Start: 30}}}}, Jitter: 5 * time.Minute},
			Action: &client.ScheduleWorkflowAction{
				ID: idMaintenance, Workflow: NameMaintenance, TaskQueue: QueueMain, WorkflowExecutionTimeout: 2 * time.Hour,
				StaticSummary: "partitions for the time ahead, raw pages past their retention",
			},
			Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: 24 * time.Hour,
			Note: "Housekeeping: daily at 02:30 UTC.",
		},
	} {
		_, err := c.temporal.ScheduleClient().Create(ctx, options)
		if err != nil && !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
			return clientError(err, "create the schedule "+options.ID)
		}
	}
	return nil
}
