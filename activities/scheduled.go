package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/activity"

	"marketdata/market"
	"marketdata/planning"
)

// ScheduleStore is what a scheduled backfill needs of the database. *db.DB satisfies it.
type ScheduleStore interface {
	// Schedule returns one. Errors: not_found.
	Schedule(ctx context.Context, id string) (market.Schedule, error)
	// Backfill returns one with everything counted. Errors: not_found.
	Backfill(ctx context.Context, id string) (market.Backfill, error)
	// CreateBackfill stores the job and its chunks. Errors: *market.ConflictError with the id of an unfinished backfill
	// of one of the series with the same interval and range, not_found.
	CreateBackfill(ctx context.Context, r market.BackfillRequest) (b market.Backfill, isReplay bool, err error)
}

// Reconciler brings the schedules of Temporal in line with their definitions. workflows.Scheduler satisfies it.
type Reconciler interface {
	Reconcile(ctx context.Context) error
}

// ScheduledInput names the schedule of a run and when the run began.
type ScheduledInput struct {
	ScheduleID string    `json:"schedule_id"`
	RunAt      time.Time `json:"run_at"`
}

// ScheduledBackfill is the backfill that a run of a schedule stored. Without chunks nothing is to do, and Message says why.
type ScheduledBackfill struct {
	JobID    string          `json:"job_id,omitempty"`
	Interval market.Interval `json:"interval,omitempty"`
	Chunks   int64           `json:"chunks"`
	Message  string          `json:"message"`
}

// PlanScheduledBackfill plans and stores the backfill of a schedule's run. A repeated attempt finds what an earlier one
// stored. Instruments that have no bar in the range (not listed yet, delisted) are left out; where an instrument or its
// provider is not known, nothing is stored. Errors: not_found and invalid for these.
func (a *Activities) PlanScheduledBackfill(ctx context.Context, in ScheduledInput) (ScheduledBackfill, error) {
	planned, err := a.planScheduled(ctx, in)
	return planned, temporalError(ctx, err)
}

func (a *Activities) planScheduled(ctx context.Context, in ScheduledInput) (ScheduledBackfill, error) {
	jobID := uuid.NewSHA1(uuid.NameSpaceURL, []byte("schedule "+activity.GetInfo(ctx).WorkflowExecution.RunID)).String()
	stored, err := a.Scheduled.Backfill(ctx, jobID)
	if err == nil {
		return scheduledBackfill(stored, nil), nil
	}
	if market.KindOf(err) != market.KindNotFound {
		return ScheduledBackfill{}, err
	}
	schedule, err := a.Scheduled.Schedule(ctx, in.ScheduleID)
	if market.KindOf(err) == market.KindNotFound {
		return ScheduledBackfill{Message: "Nothing to do: the schedule was deleted."}, nil
	}
	if err != nil {
		return ScheduledBackfill{}, err
	}
	if schedule.Fault != "" {
		return ScheduledBackfill{}, market.Errorf(market.KindInvalid, "the stored schedule %s cannot be read: %s", schedule.ID, schedule.Fault)
	}
	request := planning.Request{
		Instruments: schedule.Instruments, Interval: schedule.Interval, Range: schedule.Range.Range(in.RunAt, schedule.Interval),
		Provider: schedule.Provider, Policy: schedule.Policy,
	}
	targets, leftOut, err := a.targets(ctx, request)
	if err != nil {
		return ScheduledBackfill{}, err
	}
	if len(targets) == 0 {
		return ScheduledBackfill{Message: "Nothing to do. " + sentence(leftOut)}, nil
	}
	job := market.BackfillRequest{
		ID: jobID, Interval: request.Interval, Range: request.Range, Policy: schedule.Policy, Concurrency: schedule.Concurrency,
		MaxFailed: schedule.MaxFailed, ScheduleID: schedule.ID,
	}
	for _, t := range targets {
		job.Series = append(job.Series, t.Backfill())
	}
	stored, _, err = a.Scheduled.CreateBackfill(ctx, job)
	var conflict *market.ConflictError
	if errors.As(err, &conflict) {
		return ScheduledBackfill{Message: "Nothing to do: backfill " + conflict.BackfillID + " loads the same range at this moment."}, nil
	}
	if err != nil {
		return ScheduledBackfill{}, err
	}
	return scheduledBackfill(stored, leftOut), nil
}

// targets plans the request. leftOut says why instruments have no bar in the range.
func (a *Activities) targets(ctx context.Context, r planning.Request) (targets []planning.Target, leftOut []string, err error) {
	targets, err = a.Planner.Plan(ctx, r)
	leftOut, err = outside(err)
	if err != nil {
		return nil, nil, err
	}
	targets, err = a.Planner.ClipToListings(ctx, targets, r)
	more, err := outside(err)
	return targets, append(leftOut, more...), err
}

// outside returns the messages of an error that says only that instruments have no bar in the range, and every other
// error as it is.
func outside(err error) ([]string, error) {
	var wrong *planning.Error
	if !errors.As(err, &wrong) {
		return nil, err
	}
	var messages []string
	for _, f := range wrong.Faults {
		if !f.IsOutside {
			return nil, err
		}
		messages = append(messages, f.Message)
	}
	return messages, nil
}

func scheduledBackfill(b market.Backfill, leftOut []string) ScheduledBackfill {
	s := ScheduledBackfill{JobID: b.ID, Interval: b.Interval, Chunks: b.Chunks.Total}
	s.Message = fmt.Sprintf("Backfill %s: %d chunks of %d series, %s.", b.ID, b.Chunks.Total, len(b.Series), b.Range)
	if b.Chunks.Total == 0 {
		s.Message = fmt.Sprintf("Nothing to do: nothing is missing of %s (backfill %s).", b.Range, b.ID)
	}
	if len(leftOut) > 0 {
		s.Message += " Left out: " + sentence(leftOut)
	}
	return s
}

// sentence joins messages, at most five of them: they travel through Temporal.
func sentence(messages []string) string {
	const most = 5
	text := strings.Join(messages[:min(most, len(messages))], "; ")
	if more := len(messages) - most; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text + "."
}
