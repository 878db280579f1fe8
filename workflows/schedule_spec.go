package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"marketdata/activities"
	"marketdata/market"
)

// The bounds of the window in which a run that Temporal could not start is made up for. A run that is later is missed;
// the next one covers its range.
const (
	minCatchup = 10 * time.Second // Temporal's own
	maxCatchup = time.Hour
)

// backfillSchedule is the Temporal schedule of a stored schedule. Its action names it and no more, so that a change of
// what is asked for needs no change here.
func backfillSchedule(s market.Schedule) (client.ScheduleOptions, error) {
	spec, period, err := timing(s)
	if err != nil {
		return client.ScheduleOptions{}, err
	}
	id := TemporalScheduleID(s.ID)
	return client.ScheduleOptions{
		ID: id, Spec: spec, Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: min(max(period, minCatchup), maxCatchup),
		Note: "Backfill schedule " + s.ID,
		Action: &client.ScheduleWorkflowAction{
			ID: id, Workflow: NameScheduledBackfill, TaskQueue: QueueMain, Args: []any{ScheduledBackfillInput{ScheduleID: s.ID}},
			StaticSummary: "schedule " + s.ID,
		},
	}, nil
}

// timing returns when the schedule runs, and its period: of cron the shortest gap between two runs, at most an hour.
func timing(s market.Schedule) (client.ScheduleSpec, time.Duration, error) {
	if s.Every != "" {
		every, err := market.ParseEvery(s.Every)
		return client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}}, every, err
	}
	cron, err := market.ParseCron(s.Cron)
	if err != nil {
		return client.ScheduleSpec{}, 0, err
	}
	var spec client.ScheduleSpec
	for _, d := range cron.Days() {
		spec.Calendars = append(spec.Calendars, client.ScheduleCalendarSpec{
			Minute: rangesOf(d.Minute), Hour: rangesOf(d.Hour), DayOfMonth: rangesOf(d.DayOfMonth), Month: rangesOf(d.Month),
			DayOfWeek: rangesOf(d.DayOfWeek),
		})
	}
	return spec, cron.ShortestGap(), nil
}

// rangesOf writes ascending values as ranges, both ends included as Temporal has them.
func rangesOf(values market.CronField) []client.ScheduleRange {
	var ranges []client.ScheduleRange
	for _, v := range values {
		if n := len(ranges); n > 0 && ranges[n-1].End == v-1 {
			ranges[n-1].End = v
			continue
		}
		ranges = append(ranges, client.ScheduleRange{Start: v, End: v, Step: 1})
	}
	return ranges
}

// syncSchedule is the Temporal schedule that keeps the series of a provider and interval fresh: every interval, at most a
// quarter of an hour, when a bar has just settled.
func syncSchedule(s market.SyncSchedule, settle time.Duration) client.ScheduleOptions {
	const jitter = 5 * time.Second
	every := s.Every()
	id := TemporalScheduleID(s.ID())
	return client.ScheduleOptions{
		ID: id,
		Spec: client.ScheduleSpec{
			Intervals: []client.ScheduleIntervalSpec{{Every: every, Offset: (settle + time.Second).Truncate(time.Second) % every}},
			Jitter:    min(every/10, jitter),
		},
		Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: every,
		Note: fmt.Sprintf("Keeps %s bars of %s fresh", s.Interval, s.Provider),
		Action: &client.ScheduleWorkflowAction{
			ID: id, Workflow: NameSync, TaskQueue: QueueMain, Args: []any{activities.SyncInput{Provider: s.Provider, Interval: s.Interval}},
			StaticSummary: fmt.Sprintf("sync %s %s", s.Provider, s.Interval),
			TypedSearchAttributes: temporal.NewSearchAttributes(
				providerKey().ValueSet(s.Provider), intervalKey().ValueSet(string(s.Interval))),
		},
	}
}

// fingerprint is what of a schedule is ours to define, in a form that is equal for what we send and what Temporal gives
// back. Pause, note and counters are not in it.
func fingerprint(spec client.ScheduleSpec, action client.ScheduleAction, policy client.SchedulePolicies) (string, error) {
	var b strings.Builder
	for _, i := range spec.Intervals {
		fmt.Fprintf(&b, "every %s+%s; ", i.Every, i.Offset)
	}
	for _, c := range spec.Calendars {
		fmt.Fprintf(&b, "at %v %v %v %v %v; ", valuesOf(c.Minute), valuesOf(c.Hour), valuesOf(c.DayOfMonth), valuesOf(c.Month), valuesOf(c.DayOfWeek))
	}
	fmt.Fprintf(&b, "without %d, jitter %s, zone %q, overlap %s, catch up %s, pause on failure %t; ",
		len(spec.Skip), spec.Jitter, spec.TimeZoneName, policy.Overlap, policy.CatchupWindow, policy.PauseOnFailure)
	workflow, isWorkflow := action.(*client.ScheduleWorkflowAction)
	if !isWorkflow {
		return b.String(), nil
	}
	fmt.Fprintf(&b, "%s %v on %s, %s, %q, (", workflow.ID, workflow.Workflow, workflow.TaskQueue, workflow.WorkflowExecutionTimeout, workflow.StaticSummary)
	for _, arg := range workflow.Args {
		payload, isPayload := arg.(*commonpb.Payload)
		if !isPayload {
			var err error
			if payload, err = converter.GetDefaultDataConverter().ToPayload(arg); err != nil {
				return "", market.Errorf(market.KindInternal, "encode the input of %s: %w", workflow.ID, err)
			}
		}
		fmt.Fprintf(&b, "%s ", payload.GetData())
	}
	b.WriteByte(')')
	return b.String(), nil
}

// valuesOf lists what ranges match; Temporal leaves out an end that is the start and a step of 1.
func valuesOf(ranges []client.ScheduleRange) []int {
	var values []int
	for _, r := range ranges {
		for v := r.Start; v <= max(r.Start, r.End); v += max(1, r.Step) {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	return slices.Compact(values)
}
