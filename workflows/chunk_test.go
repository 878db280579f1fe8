package workflows_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"marketdata/activities"
	"marketdata/market"
	"marketdata/worker"
	"marketdata/workflows"
)

// setupChunk returns an environment for chunks whose activities the test stands in for.
func setupChunk(t *testing.T) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	env := newEnvironment(t)
	worker.RegisterWorkflows(env)
	a := &activities.Activities{}
	worker.RegisterBookkeeping(env, a)
	worker.RegisterStorage(env, a)
	worker.RegisterFetching(env, a)
	return env
}

// load runs a chunk, whose fetch is the caller's, to its good end, and returns how long it took by its own clock.
func load(t *testing.T, env *testsuite.TestWorkflowEnvironment) time.Duration {
	t.Helper()
	env.OnActivity("NormalizeChunk", mock.Anything, mock.Anything).Return(activities.NormalizeResult{Bars: 5}, nil)
	env.OnActivity("UpsertChunk", mock.Anything, mock.Anything).Return(activities.UpsertResult{Inserted: 5}, nil)
	start := env.Now()
	env.ExecuteWorkflow(workflows.NameChunk, activities.ChunkRef{ID: 7, Provider: "alpha", Name: "c"})
	require.NoError(t, env.GetWorkflowError())
	return env.Now().Sub(start)
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	env := setupChunk(t)
	attempts := 0
	env.OnActivity("FetchChunk", mock.Anything, mock.Anything).Return(func(context.Context, activities.ChunkRef) (activities.FetchResult, error) {
		if attempts++; attempts <= 3 {
			return activities.FetchResult{}, temporal.NewApplicationErrorWithOptions("429", string(market.KindRateLimited),
				temporal.ApplicationErrorOptions{NextRetryDelay: time.Hour})
		}
		return activities.FetchResult{Requests: 1, Rows: 5}, nil
	})
	took := load(t, env)
	require.GreaterOrEqual(t, took, 3*time.Hour)
}

// TestWorkerThatDiedIsReplacedSoon: however often a chunk has waited for another backfill before, what its worker's death
// left undone is given to another a few seconds after it is noticed.
func TestWorkerThatDiedIsReplacedSoon(t *testing.T) {
	t.Parallel()
	env := setupChunk(t)
	attempts := 0
	env.OnActivity("FetchChunk", mock.Anything, mock.Anything).Return(func(context.Context, activities.ChunkRef) (activities.FetchResult, error) {
		switch attempts++; {
		case attempts <= 7:
			return activities.FetchResult{}, temporal.NewApplicationErrorWithOptions("at work on the same stretch", string(market.KindUnavailable),
				temporal.ApplicationErrorOptions{NextRetryDelay: time.Second})
		case attempts == 8:
			return activities.FetchResult{}, temporal.NewHeartbeatTimeoutError()
		}
		return activities.FetchResult{Requests: 1, Rows: 5}, nil
	})
	took := load(t, env)
	require.Equal(t, 9, attempts)
	require.InDelta(t, 7*1+5, took.Seconds(), 1)
}

func TestChunkRecordsItsFailure(t *testing.T) {
	t.Parallel()
	env := setupChunk(t)
	env.OnActivity("FetchChunk", mock.Anything, mock.Anything).Return(activities.FetchResult{Requests: 1, Rows: 5}, nil)
	env.OnActivity("NormalizeChunk", mock.Anything, mock.Anything).Return(activities.NormalizeResult{},
		temporal.NewNonRetryableApplicationError("page 3: not an array", string(market.KindMalformed), errors.New("cause")))
	var recorded activities.FailInput
	env.OnActivity("FailChunk", mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.FailInput) error {
		recorded = in
		return nil
	})
	env.ExecuteWorkflow(workflows.NameChunk, activities.ChunkRef{ID: 7, Provider: "alpha", Name: "c"})
	var failed *temporal.ApplicationError
	require.ErrorAs(t, env.GetWorkflowError(), &failed)
	require.Equal(t, string(market.KindMalformed), failed.Type())
	require.Equal(t, activities.FailInput{ChunkID: 7, Kind: market.KindMalformed, Message: "page 3: not an array"}, recorded)
}
