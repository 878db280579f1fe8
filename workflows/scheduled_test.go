package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"marketdata/activities"
	"marketdata/market"
	"marketdata/worker"
	"marketdata/workflows"
)

const scheduledJob = "0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d"

// running is a BackfillWorkflow of a test.
type running func(workflow.Context, workflows.BackfillInput) (activities.JobOutcome, error)

// setupScheduled returns an environment for a run of the schedule nightly, which plans as said and whose backfill behaves
// as given.
func setupScheduled(t *testing.T, planned activities.ScheduledBackfill, err error, backfill running) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	env := newEnvironment(t)
	env.RegisterWorkflowWithOptions(workflows.ScheduledBackfillWorkflow, workflow.RegisterOptions{Name: workflows.NameScheduledBackfill})
	env.RegisterWorkflowWithOptions(backfill, workflow.RegisterOptions{Name: workflows.NameBackfill})
	worker.RegisterBookkeeping(env, &activities.Activities{})
	started := time.Date(2024, 3, 1, 3, 0, 0, 0, time.UTC)
	env.SetStartTime(started)
	env.OnActivity("PlanScheduledBackfill", mock.Anything, mock.MatchedBy(func(in activities.ScheduledInput) bool {
		return in.ScheduleID == "nightly" && !in.RunAt.Before(started)
	})).Return(planned, err)
	return env
}

func runScheduled(env *testsuite.TestWorkflowEnvironment) (workflows.ScheduledBackfillResult, error) {
	env.ExecuteWorkflow(workflows.NameScheduledBackfill, workflows.ScheduledBackfillInput{ScheduleID: "nightly"})
	var result workflows.ScheduledBackfillResult
	if err := env.GetWorkflowError(); err != nil {
		return result, err
	}
	return result, env.GetWorkflowResult(&result)
}

// never is a backfill that must not run.
func never(t *testing.T) running {
	t.Helper()
	return func(workflow.Context, workflows.BackfillInput) (activities.JobOutcome, error) {
		t.Error("a backfill ran")
		return activities.JobOutcome{}, nil
	}
}

func twoChunks() activities.ScheduledBackfill {
	return activities.ScheduledBackfill{JobID: scheduledJob, Interval: "1d", Chunks: 2, Message: "Backfill."}
}

func TestScheduledBackfillRunsAsItsBackfill(t *testing.T) {
	t.Parallel()
	outcome := activities.JobOutcome{Chunks: market.ChunkCounts{Total: 2, Done: 2}}
	for name, c := range map[string]struct {
		ends error
		want string // type of the failure
	}{
		"done":   {nil, ""},
		"failed": {temporal.NewNonRetryableApplicationError("1 of 2 chunks are not done", workflows.FailurePartial, nil), workflows.FailurePartial},
		"budget": {temporal.NewNonRetryableApplicationError("gave up", workflows.FailureErrorBudget, nil), workflows.FailureErrorBudget},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := setupScheduled(t, twoChunks(), nil, func(ctx workflow.Context, in workflows.BackfillInput) (activities.JobOutcome, error) {
				require.Equal(t, scheduledJob, in.JobID)
				require.Equal(t, market.BackfillWorkflowID(scheduledJob), workflow.GetInfo(ctx).WorkflowExecution.ID)
				return outcome, c.ends
			})
			result, err := runScheduled(env)
			if c.want == "" {
				require.NoError(t, err)
				require.Equal(t, workflows.ScheduledBackfillResult{JobID: scheduledJob, Message: "Backfill.", Outcome: outcome}, result)
				return
			}
			var failed *temporal.ApplicationError
			require.ErrorAs(t, err, &failed)
			require.Equal(t, c.want, failed.Type())
			require.Contains(t, failed.Message(), scheduledJob)
		})
	}
}

func TestScheduledBackfillWithNothingToDoIsGreen(t *testing.T) {
	t.Parallel()
	env := setupScheduled(t, activities.ScheduledBackfill{JobID: scheduledJob, Message: "Nothing to do."}, nil, never(t))
	result, err := runScheduled(env)
	require.NoError(t, err)
	require.Equal(t, "Nothing to do.", result.Message)
}

func TestScheduledBackfillThatCannotBePlannedFails(t *testing.T) {
	t.Parallel()
	env := setupScheduled(t, activities.ScheduledBackfill{}, temporal.NewNonRetryableApplicationError("no such instrument: X.Y", string(market.KindNotFound), nil), never(t))
	_, err := runScheduled(env)
	kind, message := activities.Failure(err)
	require.Equal(t, market.KindNotFound, kind)
	require.Equal(t, "no such instrument: X.Y", message)
}

func TestScheduledBackfillWaitsForOneThatRunsAlready(t *testing.T) {
	t.Parallel()
	runs := 0
	env := setupScheduled(t, twoChunks(), nil, func(ctx workflow.Context, _ workflows.BackfillInput) (activities.JobOutcome, error) {
		if runs++; runs == 1 { // the sweep's
			return activities.JobOutcome{}, workflow.Sleep(ctx, 5*time.Second)
		}
		return activities.JobOutcome{Chunks: market.ChunkCounts{Done: 2}}, nil
	})
	env.ExecuteWorkflow(func(ctx workflow.Context) (workflows.ScheduledBackfillResult, error) {
		other := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: market.BackfillWorkflowID(scheduledJob)})
		started := workflow.ExecuteChildWorkflow(other, workflows.NameBackfill, workflows.BackfillInput{JobID: scheduledJob}).GetChildWorkflowExecution()
		if err := started.Get(ctx, nil); err != nil {
			return workflows.ScheduledBackfillResult{}, err
		}
		return workflows.ScheduledBackfillWorkflow(ctx, workflows.ScheduledBackfillInput{ScheduleID: "nightly"})
	})
	require.NoError(t, env.GetWorkflowError())
	var result workflows.ScheduledBackfillResult
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, 2, runs)
	require.EqualValues(t, 2, result.Outcome.Chunks.Done)
}

func TestScheduledBackfillIsCanceledBothWays(t *testing.T) {
	t.Parallel()
	waits := func(ctx workflow.Context, _ workflows.BackfillInput) (activities.JobOutcome, error) {
		return activities.JobOutcome{}, workflow.Sleep(ctx, time.Hour)
	}
	for name, cancel := range map[string]func(*testsuite.TestWorkflowEnvironment){
		"the run": func(env *testsuite.TestWorkflowEnvironment) { env.CancelWorkflow() },
		"its backfill": func(env *testsuite.TestWorkflowEnvironment) {
			env.CancelWorkflowByID(market.BackfillWorkflowID(scheduledJob), "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := setupScheduled(t, twoChunks(), nil, waits)
			env.RegisterDelayedCallback(func() { cancel(env) }, time.Minute)
			_, err := runScheduled(env)
			require.True(t, temporal.IsCanceledError(err), "%v", err)
		})
	}
}
