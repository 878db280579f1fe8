package activities_test

import (
	"context"
	"errors"
	"fmt"
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

// store is a chunk in memory.
type store struct {
	activities.ChunkStore // panics on what a test does not expect
	claim                 activities.ChunkClaim
	claimErr              error
	pages                 []market.RawPage
	normal                market.NormalPage
	stages                []string
	loads                 int
}

func (s *store) ClaimChunk(_ context.Context, _ market.Attempt, stage string) (activities.ChunkClaim, error) {
	s.stages = append(s.stages, stage)
	return s.claim, s.claimErr
}

func (s *store) SaveRawPage(ctx context.Context, _ market.Attempt, p market.RawPage) error {
	s.pages = append(s.pages, p)
	return ctx.Err()
}

func (s *store) RawPages(context.Context, int64) ([]market.RawPage, error) { return s.pages, nil }

func (s *store) RawBody(_ context.Context, p market.RawPage) ([]byte, error) {
	return s.pages[p.Page].Body, nil
}

func (s *store) SaveNormalPage(_ context.Context, _ market.Attempt, p market.NormalPage) error {
	s.normal = p
	return nil
}

func (s *store) LoadChunk(_ context.Context, _ market.Attempt, wantRows int64) (market.LoadResult, error) {
	s.loads++
	if wantRows != int64(len(s.normal.Bars)) {
		return market.LoadResult{}, market.Errorf(market.KindInternal, "row count differs")
	}
	return market.LoadResult{Inserted: wantRows}, nil
}

// provider answers as the test says; its pages hold one bar a minute.
type provider struct {
	fetch func(r providers.Request) (providers.Page, error)
	mutex sync.Mutex
	calls int
	// isDrifted says that no row can be read
	isDrifted bool
	intervals []market.Interval
}

func (p *provider) Name() string { return "alpha" }
func (p *provider) Capabilities() market.Capabilities {
	return market.Capabilities{MaxBarsPerPage: 5, Intervals: p.intervals}
}

func (p *provider) Provider(name string) (providers.Provider, error) {
	if name != "alpha" {
		return nil, market.Errorf(market.KindNotFound, "no provider %s", name)
	}
	return p, nil
}

func (p *provider) Instances() []market.ProviderInstance {
	return []market.ProviderInstance{{Name: "alpha", Enabled: true, Capabilities: p.Capabilities()}}
}

func (p *provider) Instruments(context.Context) ([]providers.Listing, error) { return nil, nil }

func (p *provider) Fetch(_ context.Context, r providers.Request) (providers.Page, error) {
	p.mutex.Lock()
	p.calls++
	p.mutex.Unlock()
	return p.fetch(r)
}

// Normalize reads what answer wrote: one bar a minute from FirstAt to LastAt.
func (p *provider) Normalize(page providers.Page) (providers.Rows, error) {
	if string(page.Body) != "ok" {
		return providers.Rows{}, market.Errorf(market.KindMalformed, "not a page: %q", page.Body)
	}
	var rows providers.Rows
	if p.isDrifted {
		for range page.Rows {
			rows.Quarantined = append(rows.Quarantined, market.Quarantined{Rule: market.RuleUnreadable, Value: `["1"]`})
		}
		return rows, nil
	}
	for at := page.FirstAt; page.Rows > 0 && !at.After(page.LastAt); at = at.Add(time.Minute) {
		one, err := market.ParseDecimal("1")
		if err != nil {
			return rows, err
		}
		rows.Bars = append(rows.Bars, market.Bar{Time: at, Open: one, High: one, Low: one, Close: one})
	}
	return rows, nil
}

func start() time.Time { return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) }

// answer is a page of up to five bars from the request's position, with a cursor while there is more.
func answer(r providers.Request) (providers.Page, error) {
	from := r.Range.Start
	if r.Cursor != "" {
		at, err := market.ParseTime(r.Cursor)
		if err != nil {
			return providers.Page{}, err
		}
		from = at
	}
	page := providers.Page{Request: r, Body: []byte("ok"), Status: 200, RequestedAt: start().AddDate(1, 0, 0), FirstAt: from}
	for page.Rows = 0; page.Rows < 5 && from.Before(r.Range.End); from = from.Add(time.Minute) {
		page.Rows++
		page.LastAt = from
	}
	if from.Before(r.Range.End) {
		page.NextCursor = market.FormatTime(from)
	}
	return page, nil
}

type fixture struct {
	env      *testsuite.TestActivityEnvironment
	store    *store
	provider *provider
	a        *activities.Activities
	ref      activities.ChunkRef
}

func setup(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{store: &store{}, provider: &provider{fetch: answer}}
	f.a = &activities.Activities{Chunks: f.store, Providers: f.provider, Now: func() time.Time { return start().AddDate(2, 0, 0) }}
	f.ref = activities.ChunkRef{ID: 7, Provider: "alpha"}
	wanted := market.Range{Start: start(), End: start().Add(12 * time.Minute)}
	f.store.claim = activities.ChunkClaim{
		Chunk: market.Chunk{ID: 7, Calendar: "24x7", Interval: market.Interval1m, Range: wanted, ProviderSymbol: "X"},
		Todo:  []market.Range{wanted},
	}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(t.Output(), nil))))
	f.env = suite.NewTestActivityEnvironment()
	for _, activity := range []any{f.a.FetchChunk, f.a.NormalizeChunk, f.a.UpsertChunk} {
		f.env.RegisterActivity(activity)
	}
	return f
}

func (f *fixture) fetch(t *testing.T) (activities.FetchResult, error) {
	t.Helper()
	value, err := f.env.ExecuteActivity(f.a.FetchChunk, f.ref)
	var result activities.FetchResult
	if err == nil {
		require.NoError(t, value.Get(&result))
	}
	return result, err
}

func TestFetchNormalizeUpsert(t *testing.T) {
	t.Parallel()
	f := setup(t)
	fetched, err := f.fetch(t)
	require.NoError(t, err)
	require.Equal(t, activities.FetchResult{Requests: 3, Rows: 12, Bytes: 6}, fetched)

	value, err := f.env.ExecuteActivity(f.a.NormalizeChunk, f.ref)
	require.NoError(t, err)
	var normal activities.NormalizeResult
	require.NoError(t, value.Get(&normal))
	require.Equal(t, int64(12), normal.Bars)
	require.Equal(t, []market.Range{f.store.claim.Todo[0]}, f.store.normal.Covered)
	require.Equal(t, start().AddDate(1, 0, 0), f.store.normal.ObservedAt, "when the page was asked for, not when it was read")

	value, err = f.env.ExecuteActivity(f.a.UpsertChunk, activities.UpsertInput{Chunk: f.ref, Bars: normal.Bars})
	require.NoError(t, err)
	var done activities.UpsertResult
	require.NoError(t, value.Get(&done))
	require.Equal(t, activities.UpsertResult{Inserted: 12}, done)
	require.Equal(t, []string{"fetch", "normalize", "upsert"}, f.store.stages)
}

func TestFetchResumesAfterTheLastStoredPage(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.provider.fetch = func(r providers.Request) (providers.Page, error) {
		if f.provider.calls == 3 {
			return providers.Page{}, market.Errorf(market.KindUnavailable, "connection refused")
		}
		return answer(r)
	}
	_, err := f.fetch(t)
	require.Error(t, err)
	require.Len(t, f.store.pages, 2)
	result, err := f.fetch(t)
	require.NoError(t, err)
	require.Equal(t, 4, f.provider.calls, "the two stored pages are not asked for again")
	require.Equal(t, 3, result.Requests)
}

func TestFetchAsksNothingWhenAllIsStored(t *testing.T) {
	t.Parallel()
	f := setup(t)
	_, err := f.fetch(t)
	require.NoError(t, err)
	calls := f.provider.calls
	_, err = f.fetch(t)
	require.NoError(t, err)
	require.Equal(t, calls, f.provider.calls)

	f.store.claim.IsDone = true
	_, err = f.fetch(t)
	require.NoError(t, err)
	require.Equal(t, calls, f.provider.calls)
}

func TestUnreadableAnswersAreKeptAndAskedAgainAFewTimes(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.provider.fetch = func(r providers.Request) (providers.Page, error) {
		return providers.Page{Request: r, Body: []byte("<html>"), Status: 200, RequestedAt: start()}, market.Errorf(market.KindMalformed, "HTML where JSON is due")
	}
	for try := 1; try <= 3; try++ {
		_, err := f.fetch(t)
		var failure *temporal.ApplicationError
		require.ErrorAs(t, err, &failure)
		require.Contains(t, failure.Message(), "HTML where JSON is due")
		require.Equal(t, try == 3, failure.NonRetryable(), "try %d", try)
	}
	require.Len(t, f.store.pages, 3)
	for _, p := range f.store.pages {
		require.False(t, p.IsOK)
		require.Equal(t, "<html>", string(p.Body))
	}
	f.provider.fetch = answer
	_, err := f.fetch(t)
	require.NoError(t, err, "a retry by a person goes on")
}

func TestNormalizeFailsOnADriftedPageAndRunsAgainForFree(t *testing.T) {
	t.Parallel()
	f := setup(t)
	_, err := f.fetch(t)
	require.NoError(t, err)
	f.store.pages[1].Body = []byte("drifted")
	calls := f.provider.calls
	_, err = f.env.ExecuteActivity(f.a.NormalizeChunk, f.ref)
	kind, message := activities.Failure(err)
	require.Equal(t, market.KindMalformed, kind)
	require.Equal(t, `page 1: not a page: "drifted"`, message)
	f.store.pages[1].Body = []byte("ok")
	_, err = f.env.ExecuteActivity(f.a.NormalizeChunk, f.ref)
	require.NoError(t, err)
	require.Equal(t, calls, f.provider.calls)
}

func TestFetchStopsBetweenPages(t *testing.T) {
	t.Parallel()
	f := setup(t)
	stop := make(chan struct{})
	f.env.SetWorkerStopChannel(stop)
	f.provider.fetch = func(r providers.Request) (providers.Page, error) {
		close(stop)
		return answer(r)
	}
	_, err := f.fetch(t)
	var failure *temporal.ApplicationError
	require.ErrorAs(t, err, &failure)
	require.False(t, failure.NonRetryable())
	require.Equal(t, time.Second, failure.NextRetryDelay())
	require.Len(t, f.store.pages, 1, "the page at hand is kept")
}

// TestErrorsKeepTheirKind: what Temporal gets is the outermost error, with the kind as its type.
func TestErrorsKeepTheirKind(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err     error
		kind    market.Kind
		isFinal bool
		wait    time.Duration
	}{
		{err: market.Errorf(market.KindInvalid, "bad interval"), kind: market.KindInvalid, isFinal: true},
		{err: market.Errorf(market.KindNotFound, "no such symbol"), kind: market.KindNotFound, isFinal: true},
		{err: market.Errorf(market.KindConflict, "late attempt"), kind: market.KindConflict, isFinal: true},
		{err: market.Errorf(market.KindDenied, "region"), kind: market.KindDenied, isFinal: true},
		{err: &market.Error{Kind: market.KindRateLimited, Message: "429", RetryAfter: time.Minute}, kind: market.KindRateLimited, wait: time.Minute},
		{err: fmt.Errorf("page 3: %w", &market.Error{Kind: market.KindUnavailable, Message: "503", RetryAfter: 2 * time.Second}), kind: market.KindUnavailable, wait: 2 * time.Second},
		{err: errors.New("surprise"), kind: market.KindInternal, wait: 2 * time.Second},
	} {
		t.Run(tc.err.Error(), func(t *testing.T) {
			t.Parallel()
			f := setup(t)
			f.store.claimErr = tc.err
			_, err := f.fetch(t)
			var failure *temporal.ApplicationError
			require.ErrorAs(t, err, &failure)
			require.Equal(t, string(tc.kind), failure.Type())
			require.Equal(t, tc.isFinal, failure.NonRetryable())
			require.Equal(t, tc.wait, failure.NextRetryDelay())
			kind, message := activities.Failure(err)
			require.Equal(t, tc.kind, kind)
			require.Equal(t, tc.err.Error(), message)
		})
	}
}

// TestNormalizeFailsWhereNoRowCanBeRead: an answer that says nothing does not count as one.
func TestNormalizeFailsWhereNoRowCanBeRead(t *testing.T) {
	t.Parallel()
	f := setup(t)
	_, err := f.env.ExecuteActivity(f.a.FetchChunk, f.ref)
	require.NoError(t, err)
	f.provider.isDrifted = true
	_, err = f.env.ExecuteActivity(f.a.NormalizeChunk, f.ref)
	require.ErrorContains(t, err, string(market.KindMalformed))
	require.ErrorContains(t, err, `none of 12 rows is a bar`)
	require.Empty(t, f.store.normal.Covered)
	f.provider.isDrifted = false
	_, err = f.env.ExecuteActivity(f.a.NormalizeChunk, f.ref)
	require.NoError(t, err, "a mended parser reads the stored pages")
}
