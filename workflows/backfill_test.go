package workflows_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"marketdata/activities"
	"marketdata/market"
	"marketdata/worker"
	"marketdata/workflows"
)

// job is a backfill in memory: what the database is to the workflow.
type job struct {
	mu       sync.Mutex
	chunks   map[string][]activities.ChunkRef // by provider
	plan     activities.JobPlan
	status   map[int64]string
	failures map[int64]activities.FailInput
	inFlight map[string]int
	peak     map[string]int
	paused   []string
	closed   []activities.CloseInput
	fetching chan struct{} // told when a fetch hangs; recordings only
}

// newEnvironment is a virtual clock that logs to the test.
func newEnvironment(t *testing.T) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(t.Output(), nil))))
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute) // of real time, on a busy machine
	env.SetWorkerOptions(sdkworker.Options{DeadlockDetectionTimeout: time.Minute})
	return env
}

func newJob(concurrency int, perProvider map[string]int) *job {
	j := &job{
		chunks: map[string][]activities.ChunkRef{}, status: map[int64]string{}, failures: map[int64]activities.FailInput{},
		inFlight: map[string]int{}, peak: map[string]int{},
		plan: activities.JobPlan{Interval: market.Interval1m, Concurrency: concurrency},
	}
	for _, provider := range []string{"alpha", "beta"} {
		for range perProvider[provider] {
			j.plan.Total++
			start := time.Date(2020, time.Month(j.plan.Total), 1, 0, 0, 0, 0, time.UTC)
			j.chunks[provider] = append(j.chunks[provider], activities.ChunkRef{
				ID: int64(j.plan.Total), JobID: "j1", Seq: j.plan.Total, Name: fmt.Sprintf("c%d", j.plan.Total), Provider: provider,
				Instrument: "BTCUSDT.SIM", Interval: market.Interval1m, Start: start, End: start.AddDate(0, 1, 0),
			})
		}
		if perProvider[provider] > 0 {
			j.plan.Providers = append(j.plan.Providers, provider)
		}
	}
	return j
}

func (j *job) planChunks(_ context.Context, in activities.PlanInput) (activities.Plan, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var plan activities.Plan
	for _, c := range j.chunks[in.Provider] {
		if c.Seq > in.AfterSeq && j.status[c.ID] == "" {
			if len(plan.Chunks) == 3 { // small pages, so that several are needed
				plan.IsMore = true
				break
			}
			plan.Chunks = append(plan.Chunks, c)
		}
	}
	return plan, nil
}

func (j *job) closeJob(_ context.Context, in activities.CloseInput) (activities.JobOutcome, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = append(j.closed, in)
	counts := market.ChunkCounts{Total: int64(j.plan.Total)}
	for _, status := range j.status {
		switch status {
		case "done":
			counts.Done++
		case "failed":
			counts.Failed++
		case "canceled":
			counts.Canceled++
		}
	}
	if rest := counts.Total - counts.Done - counts.Failed - counts.Canceled; in.IsCanceled {
		counts.Canceled += rest
	} else {
		counts.Failed += rest
	}
	return activities.JobOutcome{Chunks: counts}, nil
}

// chunk is a ChunkWorkflow that behaves as run says.
func (j *job) chunk(run func(workflow.Context, activities.ChunkRef) error) func(workflow.Context, activities.ChunkRef) (workflows.ChunkResult, error) {
	return func(ctx workflow.Context, c activities.ChunkRef) (workflows.ChunkResult, error) {
		j.inFlight[c.Provider]++
		j.peak[c.Provider] = max(j.peak[c.Provider], j.inFlight[c.Provider])
		err := run(ctx, c)
		j.inFlight[c.Provider]--
		switch {
		case err == nil:
			j.status[c.ID] = "done"
		case temporal.IsCanceledError(err):
			j.status[c.ID] = "canceled"
		}
		return workflows.ChunkResult{}, err
	}
}

// setup returns an environment whose bookkeeping acts on the job and whose chunks behave as run says.
func setup(t *testing.T, j *job, run func(workflow.Context, activities.ChunkRef) error) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	env := newEnvironment(t)
	env.RegisterWorkflowWithOptions(workflows.BackfillWorkflow, workflow.RegisterOptions{Name: workflows.NameBackfill})
	env.RegisterWorkflowWithOptions(j.chunk(run), workflow.RegisterOptions{Name: workflows.NameChunk})
	worker.RegisterBookkeeping(env, &activities.Activities{})
	env.OnActivity("StartJob", mock.Anything, "j1", mock.Anything).Return(func(context.Context, string, bool) (activities.JobPlan, error) { return j.plan, nil })
	env.OnActivity("PlanChunks", mock.Anything, mock.Anything).Return(j.planChunks)
	env.OnActivity("CloseJob", mock.Anything, mock.Anything).Return(j.closeJob)
	env.OnActivity("FailChunk", mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.FailInput) error {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.status[in.ChunkID], j.failures[in.ChunkID] = "failed", in
		return nil
	})
	env.OnActivity("SetJobPaused", mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.PauseInput) error {
		j.paused = append(j.paused, in.Reason)
		return nil
	})
	env.OnActivity("SetJobConcurrency", mock.Anything, mock.Anything).Return(nil)
	return env
}

func minute(ctx workflow.Context, _ activities.ChunkRef) error {
	return workflow.Sleep(ctx, time.Minute)
}

func TestBackfillCompletes(t *testing.T) {
	t.Parallel()
	j := newJob(2, map[string]int{"alpha": 10, "beta": 4})
	env := setup(t, j, minute)
	env.ExecuteWorkflow(workflows.NameBackfill, workflows.BackfillInput{JobID: "j1"})
	require.NoError(t, env.GetWorkflowError())
	var outcome activities.JobOutcome
	require.NoError(t, env.GetWorkflowResult(&outcome))
	require.Equal(t, market.ChunkCounts{Total: 14, Done: 14}, outcome.Chunks)
	require.Equal(t, map[string]int{"alpha": 2, "beta": 2}, j.peak, "the window is per provider")
}

func TestDeadProviderHoldsNoOther(t *testing.T) {
	t.Parallel()
	j := newJob(2, map[string]int{"alpha": 4, "beta": 9})
	var betaDone time.Time
	env := setup(t, j, func(ctx workflow.Context, c activities.ChunkRef) error {
		if c.Provider == "alpha" {
			return workflow.Sleep(ctx, 48*time.Hour)
		}
		betaDone = workflow.Now(ctx)
		return workflow.Sleep(ctx, time.Minute)
	})
	start := env.Now()
	env.ExecuteWorkflow(workflows.NameBackfill, workflows.BackfillInput{JobID: "j1"})
	require.NoError(t, env.GetWorkflowError())
	require.Less(t, betaDone.Sub(start), time.Hour, "beta is done while alpha still waits")
}

func TestFailedChunkIsRecordedAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	j := newJob(2, map[string]int{"alpha": 6})
	env := setup(t, j, func(ctx workflow.Context, c activities.ChunkRef) error {
		if c.Seq == 2 {
			return temporal.NewNonRetryableApplicationError("key refused", string(market.KindDenied), nil)
		}
		return minute(ctx, c)
	})
	env.ExecuteWorkflow(workflows.NameBackfill, workflows.BackfillInput{JobID: "j1"})
	var failed *temporal.ApplicationError
	require.ErrorAs(t, env.GetWorkflowError(), &failed)
	require.Equal(t, workflows.FailurePartial, failed.Type())
	require.NotEmpty(t, j.failures[2].RunID, "another run may be at work on the chunk by now")
	require.Equal(t, activities.FailInput{ChunkID: 2, RunID: j.failures[2].RunID, Kind: market.KindDenied, Message: "key refused"}, j.failures[2])
	require.Equal(t, "done", j.status[6])
}

func TestErrorBudget(t *testing.T) {
	t.Parallel()
	j := newJob(1, map[string]int{"alpha": 9})
	j.plan.MaxFailed = 2
	env := setup(t, j, func(workflow.Context, activities.ChunkRef) error {
		return temporal.NewNonRetryableApplicationError("no", string(market.KindMalformed), nil)
	})
	env.ExecuteWorkflow(workflows.NameBackfill, workflows.BackfillInput{JobID: "j1"})
	var failed *temporal.ApplicationError
	require.ErrorAs(t, env.GetWorkflowError(), &failed)
	require.Equal(t, workflows.FailureErrorBudget, failed.Type())
	require.Len(t, j.failures, 3, "the third failure exceeds the budget, the rest is given up")
	require.Len(t, j.closed, 1)
	require.Contains(t, j.closed[0].Message, "max_failed is 2")
}

func TestPauseResumeAndConcurrency(t *testing.T) {
	t.Parallel()
	j := newJob(1, map[string]int{"alpha": 8})
	env := setup(t, j, minute)
	var paused, resumed workflows.Progress
	refuse := func(name string) func(error) {
		return func(err error) { require.Fail(t, "update "+name+" was rejected", err) }
	}
	done := func(into *workflows.Progress) func(any, error) {
		return func(v any, err error) {
			require.NoError(t, err)
			if into != nil {
				*into = v.(workflows.Progress)
			}
		}
	}
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow(workflows.UpdatePause, "u1", &testsuite.TestUpdateCallback{OnAccept: func() {}, OnReject: refuse("pause"), OnComplete: done(&paused)}, "exchange maintenance")
	}, 90*time.Second)
	env.RegisterDelayedCallback(func() {
		require.Len(t, j.status, 2, "what was in flight finished, nothing new was handed out")
		env.UpdateWorkflow(workflows.UpdateConcurrency, "u2", &testsuite.TestUpdateCallback{OnAccept: func() {}, OnReject: refuse("concurrency"), OnComplete: done(nil)}, 3)
		env.UpdateWorkflow(workflows.UpdateResume, "u3", &testsuite.TestUpdateCallback{OnAccept: func() {}, OnReject: refuse("resume"), OnComplete: done(&resumed)})
	}, time.Hour)
	env.ExecuteWorkflow(workflows.NameBackfill, workflows.BackfillInput{JobID: "j1"})
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, "exchange maintenance", paused.PauseReason)
	require.Empty(t, resumed.PauseReason)
	require.Equal(t, []string{"exchange maintenance", ""}, j.paused, "the database knew before the caller did")
	require.Equal(t, 3, j.peak["alpha"])
}

func TestUpdatesAreValidated(t *testing.T) {
	t.Parallel()
	j := newJob(1, map[string]int{"alpha": 2})
	env := setup(t, j, minute)
	rejected := map[string]string{}
	try := func(id, name string, args ...any) {
		env.UpdateWorkflow(name, id, &testsuite.TestUpdateCallback{
			OnAccept:   func() { require.Fail(t, id+" was accepted") },
			OnReject:   func(err error) { rejected[id] = err.Error() },
			OnComplete: func(any, error) {},
		}, args...)
	}
	env.RegisterDelayedCallback(func() {
		try("no reason", workflows.UpdatePause, "  ")
		try("not paused", workflows.UpdateResume)
		try("zero", workflows.UpdateConcurrency, 0)
		try("too many", workflows.UpdateConcurrency, 65)
	}, 10*time.Second)
	env.ExecuteWorkflow(workflows.NameBackfill, workflows.BackfillInput{JobID: "j1"})
	require.NoError(t, env.GetWorkflowError())
	require.Len(t, rejected, 4)
	require.Contains(t, rejected["too many"], "not within 1 and 64")
}

func TestCancelSettlesEverything(t *testing.T) {
	t.Parallel()
	j := newJob(2, map[string]int{"alpha": 6})
	env := setup(t, j, minute)
	env.RegisterDelayedCallback(env.CancelWorkflow, 90*time.Second)
	env.ExecuteWorkflow(workflows.NameBackfill, workflows.BackfillInput{JobID: "j1"})
	require.True(t, temporal.IsCanceledError(env.GetWorkflowError()), env.GetWorkflowError())
	require.Len(t, j.closed, 1)
	require.True(t, j.closed[0].IsCanceled)
	require.Equal(t, map[int64]string{1: "done", 2: "done", 3: "canceled", 4: "canceled"}, j.status)
}

func TestContinueAsNewByDrain(t *testing.T) {
	t.Parallel()
	j := newJob(2, map[string]int{"alpha": 8})
	env := setup(t, j, minute)
	env.RegisterDelayedCallback(func() { env.SetContinueAsNewSuggested(true) }, 90*time.Second)
	env.ExecuteWorkflow(workflows.NameBackfill, workflows.BackfillInput{JobID: "j1"})
	require.True(t, workflow.IsContinueAsNewError(env.GetWorkflowError()), env.GetWorkflowError())
	require.Len(t, j.status, 4, "the window was drained before the next run")
	require.Empty(t, j.closed)

	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, env.GetWorkflowError(), &next)
	second := setup(t, j, minute)
	second.ExecuteWorkflow(workflows.NameBackfill, workflows.BackfillInput{JobID: "j1", Carry: &workflows.Carry{Runs: 1, Positions: map[string]int{"alpha": 4}}})
	require.NoError(t, second.GetWorkflowError())
	require.Len(t, j.status, 8)
}

func TestDrainIsGivenUpWhileAChunkWaitsOnAnOutage(t *testing.T) {
	t.Parallel()
	j := newJob(1, map[string]int{"alpha": 2, "beta": 40})
	env := setup(t, j, func(ctx workflow.Context, c activities.ChunkRef) error {
		if c.Seq == 1 {
			return workflow.Sleep(ctx, 3*time.Hour)
		}
		return minute(ctx, c)
	})
	env.RegisterDelayedCallback(func() {
		env.SetCurrentHistoryLength(4100)
		env.SetContinueAsNewSuggested(true)
	}, 90*time.Second)
	env.ExecuteWorkflow(workflows.NameBackfill, workflows.BackfillInput{JobID: "j1"})
	require.NoError(t, env.GetWorkflowError(), "the run ends by itself: the other provider was not held up by the drain")
	require.Len(t, j.status, 42)
}
