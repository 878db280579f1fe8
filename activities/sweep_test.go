package activities_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"marketdata/activities"
	"marketdata/market"
)

// jobs are unfinished backfills in memory.
type jobs struct {
	activities.JobStore // panics on what a test does not expect

	unfinished []market.UnfinishedJob
	before     time.Time
	closed     map[string]bool // canceled or not
}

func (j *jobs) UnfinishedJobs(_ context.Context, before time.Time) ([]market.UnfinishedJob, error) {
	j.before = before
	return j.unfinished, nil
}

func (j *jobs) CloseJob(_ context.Context, id string, isCanceled bool, _ string) (market.ChunkCounts, market.BarCounts, error) {
	j.closed[id] = isCanceled
	return market.ChunkCounts{}, market.BarCounts{}, nil
}

// flows are workflows by id.
type flows struct {
	states  map[string]activities.WorkflowState
	started []string
	queues  map[string]string // why the queues of a provider are stopped; "" when they run
}

func (f *flows) WorkflowState(_ context.Context, id string) (activities.WorkflowState, error) {
	if id == "broken" {
		return "", market.Errorf(market.KindUnavailable, "Temporal is away")
	}
	return f.states[id], nil
}

func (f *flows) RestartBackfill(_ context.Context, id string) error {
	f.started = append(f.started, id)
	return nil
}

func (f *flows) PauseProvider(_ context.Context, provider string, isPaused bool, reason string) error {
	if provider == "broken" {
		return market.Errorf(market.KindUnavailable, "Temporal is away")
	}
	if !isPaused {
		reason = ""
	}
	f.queues[provider] = reason
	return nil
}

func execute(t *testing.T, activity any) (activities.SweepResult, error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(t.Output(), nil))))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(activity)
	value, err := env.ExecuteActivity(activity)
	var result activities.SweepResult
	if err == nil && value.HasValue() {
		require.NoError(t, value.Get(&result))
	}
	return result, err
}

func TestSweepMendsWhatDoesNotMatch(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name       string
		state      activities.WorkflowState
		isReopened bool
		chunk      activities.WorkflowState // of a chunk that is marked running; "" for none
		want       string
	}{
		{name: "at work", state: activities.WorkflowRunning, want: "left"},
		{name: "never started", state: activities.WorkflowUnknown, want: "started"},
		{name: "ended", state: activities.WorkflowEnded, want: "failed"},
		{name: "terminated", state: activities.WorkflowCanceled, want: "canceled"},
		{name: "reopened, its next run did not start", state: activities.WorkflowEnded, isReopened: true, want: "started"},
		{name: "reopened after it was terminated", state: activities.WorkflowCanceled, isReopened: true, want: "started"},
		{name: "a chunk reset after its parent's end", state: activities.WorkflowEnded, chunk: activities.WorkflowRunning, want: "left"},
		{name: "a chunk that died with its parent", state: activities.WorkflowCanceled, chunk: activities.WorkflowCanceled, want: "canceled"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			job := market.UnfinishedJob{ID: "job", WorkflowID: "flow", IsReopened: tc.isReopened}
			f := &flows{states: map[string]activities.WorkflowState{"flow": tc.state, "chunk": tc.chunk}}
			if tc.chunk != "" {
				job.RunningChunkIDs = []string{"chunk"}
			}
			j := &jobs{closed: map[string]bool{}, unfinished: []market.UnfinishedJob{{ID: "first", WorkflowID: "broken"}, job}}
			a := &activities.Activities{
				Jobs: j, Syncs: &syncs{}, Workflows: f, Housekeeping: &housekeeper{}, Now: func() time.Time { return now },
			}
			_, err := execute(t, a.SweepJobs)
			kind, message := activities.Failure(err)
			require.Equal(t, market.KindUnavailable, kind)
			require.Contains(t, message, "backfill first", "one that cannot be looked at is told of, and holds up no other")
			require.Equal(t, now.Add(-2*time.Minute), j.before)
			got := "left"
			if isCanceled, isClosed := j.closed["job"]; isClosed {
				got = map[bool]string{true: "canceled", false: "failed"}[isCanceled]
			}
			if len(f.started) > 0 {
				require.Equal(t, []string{"job"}, f.started)
				got = "started"
			}
			require.Equal(t, tc.want, got)
		})
	}
}

// housekeeper notes what the daily maintenance asks for.
type housekeeper struct {
	bars  market.Range
	raw   time.Time
	purge time.Time

	providers map[string]market.ProviderState
	err       error
}

func (h *housekeeper) ProviderStates(context.Context) (map[string]market.ProviderState, error) {
	return h.providers, h.err
}

func (h *housekeeper) EnsureBarPartitions(_ context.Context, r market.Range) error {
	h.bars = r
	return nil
}

func (h *housekeeper) EnsureRawPagePartitions(_ context.Context, now time.Time) error {
	h.raw = now
	return nil
}

func (h *housekeeper) PurgeRawPages(_ context.Context, before time.Time) (int64, error) {
	h.purge = before
	return 0, nil
}

func TestSweepStopsAndStartsQueuesAsProvidersArePaused(t *testing.T) {
	t.Parallel()
	f, h := &flows{queues: map[string]string{}}, &housekeeper{providers: map[string]market.ProviderState{
		"stopped": {Paused: true, PausedReason: "maintenance"}, "running": {}, "broken": {Paused: true},
	}}
	a := &activities.Activities{Jobs: &jobs{}, Syncs: &syncs{}, Workflows: f, Housekeeping: h, Now: time.Now}
	_, err := execute(t, a.SweepJobs)
	_, message := activities.Failure(err)
	require.Contains(t, message, "provider broken", "one that cannot be reached is told of, and holds up no other")
	require.Equal(t, map[string]string{"stopped": "maintenance", "running": ""}, f.queues)

	h.err = market.Errorf(market.KindUnavailable, "no database")
	_, err = execute(t, a.SweepJobs)
	_, message = activities.Failure(err)
	require.Contains(t, message, "no database")
}

func TestMaintain(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 5, 1, 2, 30, 0, 0, time.UTC)
	h := &housekeeper{}
	s := &syncs{purged: []int64{500, 500, 3}}
	a := &activities.Activities{Housekeeping: h, Syncs: s, Now: func() time.Time { return now }, RawRetention: 24 * time.Hour}
	_, err := execute(t, a.Maintain)
	require.NoError(t, err)
	require.Equal(t, market.Range{Start: now, End: now.AddDate(2, 0, 0)}, h.bars)
	require.Equal(t, now, h.raw)
	require.Equal(t, now.Add(-24*time.Hour), h.purge)
	require.Equal(t, now.AddDate(0, 0, -7), s.purgedBefore)
	require.Empty(t, s.purged, "some at a time until nothing is left")
}
