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
	running    []market.ChunkRun
	ends       []market.JobEnd
	faults     []market.ChunkFault
}

func (j *jobs) UnfinishedJobs(_ context.Context, before time.Time) ([]market.UnfinishedJob, error) {
	j.before = before
	return j.unfinished, nil
}

func (j *jobs) RunningChunks(context.Context, string) ([]market.ChunkRun, error) {
	return j.running, nil
}

func (j *jobs) CloseJob(_ context.Context, end market.JobEnd) (market.ChunkCounts, market.BarCounts, error) {
	j.ends = append(j.ends, end)
	return market.ChunkCounts{}, market.BarCounts{}, nil
}

func (j *jobs) FailChunk(_ context.Context, f market.ChunkFault) error {
	j.faults = append(j.faults, f)
	return nil
}

// flows are workflows by id.
type flows struct {
	states   map[string]activities.WorkflowState
	started  []string
	canceled []string
	queues   map[string]string // why the queues of a provider are stopped; "" when they run
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

func (f *flows) CancelWorkflow(_ context.Context, id string) error {
	f.canceled = append(f.canceled, id)
	return nil
}

func execute(t *testing.T, activity any, args ...any) (activities.SweepResult, error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(t.Output(), nil))))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(activity)
	value, err := env.ExecuteActivity(activity, args...)
	var result activities.SweepResult
	if err == nil && value.HasValue() {
		require.NoError(t, value.Get(&result))
	}
	return result, err
}

func TestSweepMendsWhatDoesNotMatch(t *testing.T) {
	t.Parallel()
	const (
		running, stuck, canceled, ended, unknown = activities.WorkflowRunning, activities.WorkflowStuck, activities.WorkflowCanceled,
			activities.WorkflowEnded, activities.WorkflowUnknown
	)
	now := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name  string
		state activities.WorkflowState
		job   market.UnfinishedJob
		chunk activities.WorkflowState // of a quiet chunk that is marked running; "" for none
		want  string
	}{
		{name: "at work", state: running, want: "left"},
		{name: "its workflow task fails", state: stuck, want: "left"},
		{name: "never started", state: unknown, want: "started"},
		{name: "ended", state: ended, want: "failed"},
		{name: "terminated", state: canceled, want: "canceled"},
		{name: "reopened, its next run did not start", state: ended, job: market.UnfinishedJob{IsReopened: true}, want: "started"},
		{name: "reopened after it was terminated", state: canceled, job: market.UnfinishedJob{IsReopened: true}, want: "started"},
		{name: "reopened and at work", state: running, job: market.UnfinishedJob{IsReopened: true}, want: "left"},
		{name: "a chunk at work", state: running, chunk: running, want: "left"},
		{name: "a chunk terminated beside a parent that cannot record it", state: stuck, chunk: canceled, want: "chunk failed"},
		{name: "a chunk reset while its parent ran, then terminated", state: running, chunk: canceled, want: "chunk failed"},
		{name: "a chunk at work when its parent ended", state: ended, chunk: running, want: "failed but for the chunk"},
		{name: "a chunk that died with its parent", state: canceled, chunk: canceled, want: "canceled"},
		{name: "a chunk reset after its parent's end", state: ended, job: market.UnfinishedJob{IsClosed: true}, chunk: running, want: "left"},
		{name: "the same, terminated", state: ended, job: market.UnfinishedJob{IsClosed: true}, chunk: canceled, want: "chunk failed"},
		{name: "the same, of a terminated parent", state: canceled, job: market.UnfinishedJob{IsClosed: true}, chunk: canceled, want: "chunk failed"},
		{name: "a chunk reset when its parent is long forgotten", state: unknown, job: market.UnfinishedJob{IsClosed: true}, chunk: running, want: "left"},
		{name: "the same, gone", state: unknown, job: market.UnfinishedJob{IsClosed: true}, chunk: ended, want: "chunk failed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.job.ID, tc.job.WorkflowID, tc.job.HasPending = "job", "flow", tc.chunk == ""
			f := &flows{states: map[string]activities.WorkflowState{"flow": tc.state, "chunk": tc.chunk}}
			j := &jobs{}
			if tc.chunk != "" {
				tc.job.Quiet = []market.ChunkRun{{ChunkID: 7, WorkflowID: "chunk", RunID: "run"}}
				j.running = tc.job.Quiet
			}
			j.unfinished = []market.UnfinishedJob{{ID: "first", WorkflowID: "broken"}, tc.job}
			a := &activities.Activities{
				Jobs: j, Syncs: &syncs{}, Workflows: f, Housekeeping: &housekeeper{}, Now: func() time.Time { return now },
			}
			_, err := execute(t, a.SweepJobs)
			kind, message := activities.Failure(err)
			require.Equal(t, market.KindUnavailable, kind)
			require.Contains(t, message, "backfill first", "one that cannot be looked at is told of, and holds up no other")
			require.Equal(t, now.Add(-30*time.Second), j.before)
			require.Empty(t, f.canceled)
			require.Equal(t, tc.want, mended(t, j, f, tc.chunk != ""))
		})
	}
}

// mended says in a word what the sweep did.
func mended(t *testing.T, j *jobs, f *flows, hasChunk bool) string {
	t.Helper()
	require.LessOrEqual(t, len(f.started)+len(j.ends)+len(j.faults), 1)
	switch {
	case len(f.started) > 0:
		require.Equal(t, []string{"job"}, f.started)
		return "started"
	case len(j.faults) > 0:
		require.Equal(t, "run", j.faults[0].RunID)
		require.Equal(t, market.KindInternal, j.faults[0].Kind)
		return "chunk failed"
	case len(j.ends) > 0:
		got := map[bool]string{true: "canceled", false: "failed"}[j.ends[0].IsCanceled]
		if hasChunk && len(j.ends[0].DeadRuns) == 0 {
			got += " but for the chunk"
		}
		return got
	}
	return "left"
}

func TestCloseJobLeavesChunksThatRunByThemselves(t *testing.T) {
	t.Parallel()
	for _, isCanceled := range []bool{false, true} {
		f := &flows{states: map[string]activities.WorkflowState{"alive": activities.WorkflowRunning, "dead": activities.WorkflowCanceled}}
		j := &jobs{running: []market.ChunkRun{{ChunkID: 1, WorkflowID: "alive", RunID: "a"}, {ChunkID: 2, WorkflowID: "dead", RunID: "d"}}}
		a := &activities.Activities{Jobs: j, Workflows: f}
		_, err := execute(t, a.CloseJob, activities.CloseInput{JobID: "job", IsCanceled: isCanceled, Message: "why"})
		require.NoError(t, err)
		require.Equal(t, []market.JobEnd{{JobID: "job", IsCanceled: isCanceled, Message: "why", DeadRuns: []string{"d"}}}, j.ends)
		require.Equal(t, isCanceled, len(f.canceled) == 1, "a canceled backfill cancels what runs by itself")
	}
}

// housekeeper notes what the daily maintenance asks for.
type housekeeper struct {
	bars  market.Range
	raw   time.Time
	purge time.Time

	records time.Time

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

func (h *housekeeper) PurgeRecords(_ context.Context, before time.Time) error {
	h.records = before
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
	require.Equal(t, now.AddDate(0, 0, -90), h.records)
	require.Empty(t, s.purged, "some at a time until nothing is left")
}
