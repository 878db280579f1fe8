package workflows

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"marketdata/market"
)

const (
	// stateTimeout bounds how long a reader waits for the live state of schedules.
	stateTimeout = 5 * time.Second
	statesAtOnce = 8

	// how often and how many times a schedule is looked at before a change counts as lost.
	effectPoll  = 100 * time.Millisecond
	effectPolls = 20
	lookTimeout = 3 * time.Second

	// actTimeout bounds a change; it is below what the API gives a request.
	actTimeout = 20 * time.Second
)

// Create stores the schedule together with its Temporal schedule: both stand, or neither. Errors: conflict when the id
// is taken.
func (s *Scheduler) Create(ctx context.Context, schedule market.Schedule) error {
	options, err := backfillSchedule(schedule)
	if err != nil {
		return err
	}
	if options.Paused = schedule.IsPaused; options.Paused {
		options.Note = "created paused"
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return s.store.CreateSchedule(ctx, schedule, func(ctx context.Context) error { return s.put(ctx, options) })
}

// Delete removes a schedule that came through the API, here and in Temporal; a run that is on goes on. Errors: not_found;
// conflict when the configuration defines it.
func (s *Scheduler) Delete(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return s.store.DeleteSchedule(ctx, id, func(ctx context.Context) error { return s.remove(ctx, TemporalScheduleID(id)) })
}

// Trigger starts a run at once, also while the schedule is paused; while a run is on it is skipped, and counted so.
func (s *Scheduler) Trigger(ctx context.Context, id string) error {
	var before int
	trigger := func(ctx context.Context, h client.ScheduleHandle) error {
		looking, cancel := context.WithTimeout(ctx, lookTimeout)
		defer cancel()
		described, err := h.Describe(looking)
		var unknown *serviceerror.NotFound
		switch {
		case errors.As(err, &unknown):
			return err
		case err != nil:
			before = -1 // whatever is seen next will do
		default:
			before = taken(described)
		}
		return h.Trigger(ctx, client.ScheduleTriggerOptions{})
	}
	return s.act(ctx, id, trigger, func(d *client.ScheduleDescription) bool { return taken(d) > before })
}

// Pause starts no further run until Resume; one that is on goes on. Pausing a paused schedule changes its reason.
func (s *Scheduler) Pause(ctx context.Context, id, reason string) error {
	pause := func(ctx context.Context, h client.ScheduleHandle) error {
		return h.Pause(ctx, client.SchedulePauseOptions{Note: reason})
	}
	return s.act(ctx, id, pause, func(d *client.ScheduleDescription) bool {
		return d.Schedule.State.Paused && (reason == "" || d.Schedule.State.Note == reason)
	})
}

// Resume ends a pause. Runs of the time between are not made up for.
func (s *Scheduler) Resume(ctx context.Context, id string) error {
	resume := func(ctx context.Context, h client.ScheduleHandle) error {
		return h.Unpause(ctx, client.ScheduleUnpauseOptions{Note: "resumed"})
	}
	return s.act(ctx, id, resume, func(d *client.ScheduleDescription) bool { return !d.Schedule.State.Paused })
}

// taken counts what became of the runs of a schedule.
func taken(d *client.ScheduleDescription) int {
	return d.Info.NumActions + d.Info.NumActionsSkippedOverlap
}

// act acts on the Temporal schedule of a defined schedule, one that is not there yet is created first, and waits until it has
// taken effect. Temporal keeps only the latest of the changes that come to a schedule at the same moment, so they are made one
// after the other here, and one that was lost to another process is made again.
func (s *Scheduler) act(
	ctx context.Context, id string, do func(context.Context, client.ScheduleHandle) error, isDone func(*client.ScheduleDescription) bool,
) error {
	ctx, cancel := context.WithTimeout(ctx, actTimeout)
	defer cancel()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return market.Errorf(market.KindUnavailable, "other changes of schedules are not done yet: try again")
	}
	handle := s.client.temporal.ScheduleClient().GetHandle(ctx, TemporalScheduleID(id))
	err := do(ctx, handle)
	var unknown *serviceerror.NotFound
	if errors.As(err, &unknown) {
		if err := s.Reconcile(ctx); err != nil {
			return err
		}
		err = do(ctx, handle)
	}
	for err == nil {
		switch s.awaitEffect(ctx, handle, isDone) {
		case effectTaken, effectUnknown:
			return nil
		case effectLost:
			if ctx.Err() != nil {
				return market.Errorf(market.KindUnavailable, "the change was not taken in time: look at the schedule and try again")
			}
			err = do(ctx, handle)
		}
	}
	return scheduleError(err, "change the schedule")
}

// effect is what is seen of a change that Temporal has accepted.
type effect int

const (
	effectUnknown effect = iota // the schedule could not be looked at
	effectTaken
	effectLost // it is as it was
)

// awaitEffect looks at the schedule for a while. A look that takes long, as on a busy server, says nothing.
func (s *Scheduler) awaitEffect(ctx context.Context, h client.ScheduleHandle, isDone func(*client.ScheduleDescription) bool) effect {
	seen := effectUnknown
	tick := time.NewTicker(effectPoll)
	defer tick.Stop()
	for range effectPolls {
		looking, cancel := context.WithTimeout(ctx, lookTimeout)
		described, err := h.Describe(looking)
		cancel()
		switch {
		case err == nil && isDone(described):
			return effectTaken
		case err == nil:
			seen = effectLost
		case ctx.Err() != nil:
			return seen
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return seen
		}
	}
	return seen
}

// States returns the live state of schedules by id; one that is not in Temporal yet, or could not be read, is left out.
func (s *Scheduler) States(ctx context.Context, ids []string) (map[string]market.ScheduleState, error) {
	ctx, cancel := context.WithTimeout(ctx, stateTimeout)
	defer cancel()
	if err := s.client.Ping(ctx); err != nil {
		return nil, err
	}
	states := make([]*market.ScheduleState, len(ids))
	failures := make([]error, len(ids))
	slots := make(chan struct{}, statesAtOnce)
	var wait sync.WaitGroup
	for i, id := range ids {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			states[i], failures[i] = s.state(ctx, id)
		})
	}
	wait.Wait()
	byID := make(map[string]market.ScheduleState, len(ids))
	for i, state := range states {
		if state != nil {
			byID[ids[i]] = *state
		}
	}
	return byID, errors.Join(failures...)
}

// state returns the state of one schedule, nil when Temporal does not know it.
func (s *Scheduler) state(ctx context.Context, id string) (*market.ScheduleState, error) {
	described, err := s.client.temporal.ScheduleClient().GetHandle(ctx, TemporalScheduleID(id)).Describe(ctx)
	var unknown *serviceerror.NotFound
	if errors.As(err, &unknown) {
		return nil, nil //nolint:nilnil // it is reconciled later
	}
	if err != nil {
		return nil, scheduleError(err, "describe the schedule")
	}
	info := described.Info
	state := market.ScheduleState{Skipped: int64(info.NumActionsSkippedOverlap), Missed: int64(info.NumActionsMissedCatchupWindow)}
	if described.Schedule.State.Paused {
		state.IsPaused, state.PausedReason = true, described.Schedule.State.Note
	} else if len(info.NextActionTimes) > 0 {
		next := info.NextActionTimes[0].UTC()
		state.NextRunAt = &next
	}
	if n := len(info.RecentActions); n > 0 {
		last := info.RecentActions[n-1]
		at := last.ActualTime.UTC()
		state.LastRunAt = &at
		if last.StartWorkflowResult != nil {
			if state.LastStatus, err = s.statusOf(ctx, last.StartWorkflowResult.WorkflowID); err != nil {
				return nil, err
			}
		}
	}
	return &state, nil
}

// statusOf says in one word what became of a run: of its latest continuation, whose id no other run has. "" when Temporal
// has forgotten it.
func (s *Scheduler) statusOf(ctx context.Context, workflowID string) (string, error) {
	described, err := s.client.temporal.DescribeWorkflowExecution(ctx, workflowID, "")
	var unknown *serviceerror.NotFound
	if errors.As(err, &unknown) {
		return "", nil
	}
	if err != nil {
		return "", clientError(err, "describe the run")
	}
	switch described.GetWorkflowExecutionInfo().GetStatus() {
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		return "completed", nil
	case enumspb.WORKFLOW_EXECUTION_STATUS_FAILED:
		return "failed", nil
	case enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return "canceled", nil
	case enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return "terminated", nil
	case enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return "timed_out", nil
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED,
		enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW, enumspb.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED:
		return "running", nil
	}
	return "running", nil
}

// URL links to the schedule in the Temporal UI.
func (s *Scheduler) URL(id string) string {
	return fmt.Sprintf("%s/namespaces/%s/schedules/%s", s.client.uiURL, url.PathEscape(s.client.namespace), url.PathEscape(TemporalScheduleID(id)))
}
