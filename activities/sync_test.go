package activities_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"marketdata/activities"
	"marketdata/market"
	"marketdata/providers"
)

// syncs keeps syncs in memory.
type syncs struct {
	activities.SyncStore // panics on what a test does not expect
	tracked              []market.TrackedSeries
	open                 []market.OpenSync
	retries              map[int64]market.SyncRetry
	isPaused             bool
	heldUntil            time.Time
	created              []market.SyncRequest
	closed               []string
	purged               []int64 // what each purge drops
	purgedBefore         time.Time
}

func (s *syncs) TrackedSeries(context.Context) ([]market.TrackedSeries, error) { return s.tracked, nil }

func (s *syncs) OpenSyncs(context.Context, string, market.Interval, time.Time) ([]market.OpenSync, error) {
	return s.open, nil
}

func (s *syncs) CloseSync(_ context.Context, id, _ string) (market.SyncOutcome, error) {
	s.closed = append(s.closed, id)
	return market.SyncOutcome{Failures: []market.ChunkFailure{{
		Instrument: market.InstrumentID{Symbol: "BTC", Venue: "X"}, Kind: market.KindDenied, Message: "key refused",
	}}}, nil
}

func (s *syncs) SyncRetries(context.Context, time.Time) (map[int64]market.SyncRetry, error) {
	return s.retries, nil
}

func (s *syncs) ProviderHold(context.Context, string) (isPaused bool, until time.Time, err error) {
	return s.isPaused, s.heldUntil, nil
}

func (s *syncs) CreateSync(_ context.Context, r market.SyncRequest) ([]int64, error) {
	s.created = append(s.created, r)
	ids := make([]int64, len(r.Targets))
	for i := range ids {
		ids[i] = int64(i + 1)
	}
	return ids, nil
}

func (s *syncs) PurgeSyncs(_ context.Context, before time.Time, _ int) (int64, error) {
	s.purgedBefore = before
	dropped := s.purged[0]
	s.purged = s.purged[1:]
	return dropped, nil
}

func newEnvironment(t *testing.T, registered ...any) *testsuite.TestActivityEnvironment {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(t.Output(), nil))))
	env := suite.NewTestActivityEnvironment()
	for _, activity := range registered {
		env.RegisterActivity(activity)
	}
	return env
}

// run executes an activity and reads its result.
func run[T any](t *testing.T, env *testsuite.TestActivityEnvironment, activity any, input any) (T, error) {
	t.Helper()
	var result T
	value, err := env.ExecuteActivity(activity, input)
	if err == nil {
		require.NoError(t, value.Get(&result))
	}
	return result, err
}

func TestPlanSync(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 3, 5, 10, 1, 30, 0, time.UTC)
	fresh, old := now.Truncate(time.Minute), now.Truncate(time.Minute).Add(-time.Hour)
	series := func(symbol string, id int64, until *time.Time) market.TrackedSeries {
		return market.TrackedSeries{
			Instrument: market.InstrumentID{Symbol: symbol, Venue: "X"}, Interval: "1m", Provider: "alpha", Calendar: "24x7", SeriesID: id, CoveredUntil: until, CoveredEnd: until,
		}
	}
	plan := func(t *testing.T, s *syncs, f *flows) activities.SyncPlan {
		t.Helper()
		a := &activities.Activities{Syncs: s, Workflows: f, Providers: &provider{intervals: []market.Interval{"1m"}}, Now: func() time.Time { return now }}
		got, err := run[activities.SyncPlan](t, newEnvironment(t, a.PlanSync), a.PlanSync, activities.SyncInput{Provider: "alpha", Interval: "1m"})
		require.NoError(t, err)
		return got
	}
	t.Run("batches of fifty", func(t *testing.T) {
		t.Parallel()
		s := &syncs{retries: map[int64]market.SyncRetry{7: {Newest: now.Add(time.Minute)}}, tracked: []market.TrackedSeries{series("FRESH", 500, &fresh)}}
		for i := range 104 {
			s.tracked = append(s.tracked, series("S"+string(rune('A'+i%26))+string(rune('A'+i/26)), int64(i), &old))
		}
		other := series("OTHER", 600, &old)
		other.Provider = "beta"
		s.tracked = append(s.tracked, other)
		got := plan(t, s, &flows{})
		require.Equal(t, 105, got.Series)
		require.Equal(t, 103, got.Due)
		require.Equal(t, 1, got.Delayed, "it was refused a short while ago")
		require.Len(t, got.Batches, 3)
		require.Equal(t, []int64{101, 102, 103}, got.Batches[2].ChunkIDs)
		require.Equal(t, got.JobID, s.created[0].ID)
		require.NotEmpty(t, got.JobID)
	})
	t.Run("older stretches come after the newest bars, of some", func(t *testing.T) {
		t.Parallel()
		s := &syncs{retries: map[int64]market.SyncRetry{3: {Catchup: now.Add(time.Hour)}}}
		long := now.Truncate(time.Minute).AddDate(0, -1, 0)
		for i := range 60 {
			s.tracked = append(s.tracked, series("S"+string(rune('A'+i%26))+string(rune('A'+i/26)), int64(i), &long))
		}
		lost := series("LOST", 70, &long)
		lost.Calendar = "nowhere"
		s.tracked = append(s.tracked, lost)
		got := plan(t, s, &flows{})
		require.Equal(t, 110, got.Due)
		require.Equal(t, 1, got.Delayed)
		for i, target := range s.created[0].Targets {
			require.Equal(t, i >= 60, target.IsCatchup)
		}
	})
	t.Run("all up to date", func(t *testing.T) {
		t.Parallel()
		s := &syncs{tracked: []market.TrackedSeries{series("FRESH", 500, &fresh)}}
		require.Equal(t, activities.SyncPlan{Series: 1, Reason: "every series is up to date"}, plan(t, s, &flows{}))
		require.Empty(t, s.created)
	})
	t.Run("paused", func(t *testing.T) {
		t.Parallel()
		s := &syncs{tracked: []market.TrackedSeries{series("A", 1, &old)}, isPaused: true}
		require.Equal(t, "provider alpha is paused", plan(t, s, &flows{}).Reason)
		require.Empty(t, s.created)
	})
	t.Run("held for long", func(t *testing.T) {
		t.Parallel()
		s := &syncs{tracked: []market.TrackedSeries{series("A", 1, &old)}, heldUntil: now.Add(time.Hour)}
		require.Equal(t, "provider alpha asked to wait until 2024-03-05T11:01:30Z", plan(t, s, &flows{}).Reason)
	})
	t.Run("an earlier run was terminated", func(t *testing.T) {
		t.Parallel()
		s := &syncs{tracked: []market.TrackedSeries{series("A", 1, &old)}, open: []market.OpenSync{{ID: "dead", WorkflowID: "w"}}}
		got := plan(t, s, &flows{states: map[string]activities.WorkflowState{"w": activities.WorkflowCanceled}})
		require.Equal(t, 1, got.Due)
		require.Equal(t, []string{"dead"}, s.closed)
	})
	t.Run("an earlier run is at work", func(t *testing.T) {
		t.Parallel()
		s := &syncs{tracked: []market.TrackedSeries{series("A", 1, &old)}, open: []market.OpenSync{{ID: "busy", WorkflowID: "w"}}}
		got := plan(t, s, &flows{states: map[string]activities.WorkflowState{"w": activities.WorkflowRunning}})
		require.Equal(t, "another run of this sync is at work", got.Reason)
		require.Empty(t, s.closed)
		require.Empty(t, s.created)
	})
}

// shelf holds a store per chunk.
type shelf struct {
	activities.ChunkStore
	chunks map[int64]*store
}

func (s *shelf) ClaimChunk(ctx context.Context, a market.Attempt, stage string) (activities.ChunkClaim, error) {
	return s.chunks[a.ChunkID].ClaimChunk(ctx, a, stage)
}

func (s *shelf) SaveRawPage(ctx context.Context, a market.Attempt, p market.RawPage) error {
	p.ID = a.ChunkID
	return s.chunks[a.ChunkID].SaveRawPage(ctx, a, p)
}

func (s *shelf) RawPages(ctx context.Context, id int64) ([]market.RawPage, error) {
	return s.chunks[id].RawPages(ctx, id)
}

func (s *shelf) RawBody(ctx context.Context, p market.RawPage) ([]byte, error) {
	return s.chunks[p.ID].RawBody(ctx, p)
}

func (s *shelf) SaveNormalPage(ctx context.Context, a market.Attempt, p market.NormalPage) error {
	return s.chunks[a.ChunkID].SaveNormalPage(ctx, a, p)
}

func (s *shelf) LoadChunk(ctx context.Context, a market.Attempt, want int64) (market.LoadResult, error) {
	return s.chunks[a.ChunkID].LoadChunk(ctx, a, want)
}

// failures keeps why chunks failed.
type failures struct {
	activities.JobStore
	mutex  sync.Mutex
	kinds  map[int64]market.Kind
	broken error
}

func (f *failures) FailChunk(_ context.Context, fault market.ChunkFault) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.kinds[fault.ChunkID] = fault.Kind
	return f.broken
}

// batch is three series of alpha: what fetch does is the test's.
func batch(fetch func(symbol string) error) (*activities.Activities, *failures, activities.SyncWork) {
	s := &shelf{chunks: map[int64]*store{}}
	f := &failures{kinds: map[int64]market.Kind{}}
	work := activities.SyncWork{Batch: activities.SyncBatch{JobID: "job", Provider: "alpha"}}
	wanted := market.Range{Start: start(), End: start().Add(4 * time.Minute)}
	for i, symbol := range []string{"A", "B", "C"} {
		id := int64(i + 1)
		s.chunks[id] = &store{claim: activities.ChunkClaim{
			Chunk: market.Chunk{ID: id, Calendar: "24x7", Interval: market.Interval1m, Range: wanted, ProviderSymbol: symbol},
			Todo:  []market.Range{wanted},
		}}
		work.Chunks = append(work.Chunks, activities.SyncChunk{ID: id})
	}
	var mutex sync.Mutex
	p := &provider{fetch: func(r providers.Request) (providers.Page, error) {
		mutex.Lock()
		defer mutex.Unlock()
		if err := fetch(r.Symbol); err != nil {
			return providers.Page{}, err
		}
		return answer(r)
	}}
	return &activities.Activities{Chunks: s, Jobs: f, Providers: p, Now: func() time.Time { return start().AddDate(2, 0, 0) }}, f, work
}

func TestSyncBatchGoesOnWithoutTheOneThatFails(t *testing.T) {
	t.Parallel()
	a, failed, work := batch(func(symbol string) error {
		if symbol == "B" {
			return market.Errorf(market.KindNotFound, "no symbol B")
		}
		return nil
	})
	env := newEnvironment(t, a.FetchSync, a.NormalizeSync, a.UpsertSync)
	fetched, err := run[activities.SyncStep](t, env, a.FetchSync, work)
	require.NoError(t, err)
	require.Equal(t, []activities.SyncChunk{{ID: 1}, {ID: 3}}, fetched.Chunks)
	require.Equal(t, []int64{2}, fetched.Failed)
	require.Equal(t, market.KindNotFound, fetched.Kind)
	require.Equal(t, "no symbol B", fetched.Message)
	require.Equal(t, 2, fetched.Requests)
	require.Equal(t, map[int64]market.Kind{2: market.KindNotFound}, failed.kinds)

	work.Chunks = fetched.Chunks
	normal, err := run[activities.SyncStep](t, env, a.NormalizeSync, work)
	require.NoError(t, err)
	require.Equal(t, []activities.SyncChunk{{ID: 1, Bars: 4}, {ID: 3, Bars: 4}}, normal.Chunks)
	work.Chunks = normal.Chunks
	done, err := run[activities.SyncStep](t, env, a.UpsertSync, work)
	require.NoError(t, err)
	require.Equal(t, activities.UpsertResult{Inserted: 8}, done.Upserted)
}

func TestSyncBatchWaitsForTheBudgetAndAsksNothingTwice(t *testing.T) {
	t.Parallel()
	asked := map[string]int{}
	isEmpty := true
	a, failed, work := batch(func(symbol string) error {
		if symbol == "C" {
			return market.Errorf(market.KindDenied, "not in the plan")
		}
		if symbol == "B" && isEmpty {
			return &market.Error{Kind: market.KindRateLimited, Message: "used up", RetryAfter: 7 * time.Second}
		}
		asked[symbol]++
		return nil
	})
	env := newEnvironment(t, a.FetchSync)
	_, err := run[activities.SyncStep](t, env, a.FetchSync, work)
	var failure *temporal.ApplicationError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, "rate_limited", failure.Type())
	require.Equal(t, 7*time.Second, failure.NextRetryDelay())
	isEmpty = false
	env.SetHeartbeatDetails(activities.SyncStep{Failed: []int64{3}, Kind: market.KindDenied, Message: "not in the plan"})
	clear(failed.kinds)
	got, err := run[activities.SyncStep](t, env, a.FetchSync, work)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"A": 1, "B": 1}, asked)
	require.Equal(t, []int64{3}, got.Failed)
	require.Equal(t, "not in the plan", got.Message)
	require.Empty(t, failed.kinds, "what failed is not tried again")
}

func TestSyncBatchLeavesAnOutageToTheNextRun(t *testing.T) {
	t.Parallel()
	a, failed, work := batch(func(symbol string) error {
		if symbol == "A" {
			return market.Errorf(market.KindUnavailable, "502")
		}
		return nil
	})
	env := newEnvironment(t, a.FetchSync)
	_, err := run[activities.SyncStep](t, env, a.FetchSync, work)
	require.Error(t, err, "the first attempts are tried again")
	require.Empty(t, failed.kinds)
}

func TestSyncBatchEndsWhenALaterAttemptTookOver(t *testing.T) {
	t.Parallel()
	a, failed, work := batch(func(string) error { return market.Errorf(market.KindConflict, "taken over") })
	_, err := run[activities.SyncStep](t, newEnvironment(t, a.FetchSync), a.FetchSync, work)
	require.Error(t, err)
	require.Empty(t, failed.kinds)
}

func TestFailAndCloseSync(t *testing.T) {
	t.Parallel()
	f, s := &failures{kinds: map[int64]market.Kind{}}, &syncs{}
	a := &activities.Activities{Jobs: f, Syncs: s}
	env := newEnvironment(t, a.FailSync, a.CloseSync)
	_, err := env.ExecuteActivity(a.FailSync, activities.FailSyncInput{ChunkIDs: []int64{1, 2}, Kind: market.KindUnavailable, Message: "timeout"})
	require.NoError(t, err)
	require.Len(t, f.kinds, 2)
	f.broken = market.Errorf(market.KindUnavailable, "the database is away")
	_, err = env.ExecuteActivity(a.FailSync, activities.FailSyncInput{ChunkIDs: []int64{1}})
	require.Error(t, err)
	outcome, err := run[activities.SyncOutcome](t, env, a.CloseSync, activities.CloseSyncInput{JobID: "job"})
	require.NoError(t, err)
	require.Equal(t, "BTC.X: denied: key refused", outcome.FirstFailure)
	require.Equal(t, []string{"job"}, s.closed)
}

func TestSweepClosesSyncsWhoseWorkflowEnded(t *testing.T) {
	t.Parallel()
	s := &syncs{open: []market.OpenSync{{ID: "dead", WorkflowID: "gone"}, {ID: "busy", WorkflowID: "w"}}}
	f := &flows{states: map[string]activities.WorkflowState{"w": activities.WorkflowRunning, "gone": activities.WorkflowCanceled}}
	a := &activities.Activities{Jobs: &jobs{}, Syncs: s, Workflows: f, Housekeeping: &housekeeper{}, Now: start}
	result, err := execute(t, a.SweepJobs)
	require.NoError(t, err)
	require.Equal(t, activities.SweepResult{Looked: 2, Closed: 1}, result)
	require.Equal(t, []string{"dead"}, s.closed)
	s.open = []market.OpenSync{{ID: "x", WorkflowID: "broken"}}
	_, err = execute(t, a.SweepJobs)
	require.ErrorContains(t, err, "Temporal is away")
}
