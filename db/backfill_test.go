package db_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

// twoProviders is an instrument listed at the providers first and second.
func twoProviders(symbol string) market.Instrument {
	return market.Instrument{
		ID: market.InstrumentID{Symbol: symbol, Venue: "TEST"}, AssetClass: market.AssetCrypto, Currency: "USDT", Calendar: "24x7",
		Providers: []market.ProviderSymbol{{Name: "first", Symbol: symbol + "-1"}, {Name: "second", Symbol: symbol + "-2"}},
	}
}

func putAll(t *testing.T, d *db.DB, symbols ...string) {
	t.Helper()
	for _, symbol := range symbols {
		_, isNew, err := d.PutInstrument(t.Context(), twoProviders(symbol))
		require.NoError(t, err)
		require.True(t, isNew)
	}
}

// requestFor asks for one-minute bars of the instruments at the provider.
func requestFor(r market.Range, provider string, symbols ...string) market.BackfillRequest {
	q := market.BackfillRequest{
		ID: uuid.Must(uuid.NewV7()).String(), Interval: market.Interval1m, Range: r, Policy: market.PolicyMissing, Concurrency: 4,
	}
	for _, symbol := range symbols {
		q.Series = append(q.Series, market.BackfillTarget{
			Instrument: twoProviders(symbol).ID, Provider: provider, PriceBasis: market.AdjustmentRaw, Range: r,
		})
	}
	return q
}

func create(t *testing.T, d *db.DB, r market.BackfillRequest) market.Backfill {
	t.Helper()
	b, isReplay, err := d.CreateBackfill(t.Context(), r)
	require.NoError(t, err)
	require.False(t, isReplay)
	return b
}

func openChunks(t *testing.T, d *db.DB, id string) []market.Chunk {
	t.Helper()
	chunks, err := d.OpenChunks(t.Context(), id, "first", 0, 1000)
	require.NoError(t, err)
	return chunks
}

// coverAll makes the series of BTC covered over the range.
func coverAll(t *testing.T, d *db.DB, r market.Range) {
	t.Helper()
	exec(t, d, "UPDATE series_coverage SET covered = covered + tstzmultirange(tstzrange($1, $2)), version = version + 1", r.Start, r.End)
}

func TestCreateBackfillPlansWantedMinusCovered(t *testing.T) {
	t.Parallel()
	// Six cells of a month each, any subset of which is covered.
	months := []string{"2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01", "2024-06-01", "2024-07-01"}
	d := dbtest.New(t)
	putAll(t, d, "BTC")
	create(t, d, requestFor(span("2023-01-01", "2023-01-02"), "first", "BTC"))
	for subset := range 64 {
		exec(t, d, "UPDATE series_coverage SET covered = '{}'")
		var want []market.Range
		for i := range 6 {
			cell := span(months[i], months[i+1])
			if subset&(1<<i) != 0 {
				coverAll(t, d, cell)
			} else {
				want = append(want, cell)
			}
		}
		r := requestFor(span(months[0], months[6]), "first", "BTC")
		b := create(t, d, r)
		var got []market.Range
		expected := int64(0)
		for i, c := range openChunks(t, d, b.ID) {
			require.Equal(t, i+1, c.Seq)
			require.Equal(t, fmt.Sprintf("BTC.TEST-1m-%s", c.Range.Start.Format("20060102")), c.Name)
			got = append(got, c.Range)
			expected += int64(c.Range.End.Sub(c.Range.Start) / time.Minute)
		}
		require.Equal(t, want, got)
		require.Equal(t, int64(len(want)), b.Chunks.Total)
		require.Equal(t, expected, b.Bars.Expected)
		if len(want) == 0 {
			require.Equal(t, market.StatusCompleted, b.Status)
			require.Equal(t, b.CreatedAt, *b.FinishedAt)
		} else {
			require.Equal(t, market.StatusStarting, b.Status)
		}
		exec(t, d, "UPDATE ingest_chunk SET status = 'done'")
	}
}

func TestCreateBackfillCutsPiecesOfACell(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	putAll(t, d, "BTC")
	b := create(t, d, requestFor(span("2024-01-01", "2024-01-02"), "first", "BTC"))
	exec(t, d, "UPDATE ingest_chunk SET status = 'done' WHERE job_id = $1", b.ID)
	coverAll(t, d, span("2024-01-01T10:00:00Z", "2024-01-01T11:00:00Z"))
	r := requestFor(span("2024-01-01", "2024-01-02"), "first", "BTC")
	chunks := openChunks(t, d, create(t, d, r).ID)
	require.Len(t, chunks, 2)
	require.Equal(t, "BTC.TEST-1m-20240101", chunks[0].Name)
	require.Equal(t, "BTC.TEST-1m-20240101-2", chunks[1].Name)
	exec(t, d, "UPDATE ingest_chunk SET status = 'done'")

	r = requestFor(span("2024-01-01", "2024-01-02"), "first", "BTC")
	r.Policy = market.PolicyAll
	r.Series = append(r.Series, r.Series[0])
	r.Series[1].Provider = "second"
	b = create(t, d, r)
	require.Equal(t, int64(2), b.Chunks.Total)
	require.Equal(t, "BTC.TEST-first-1m-20240101", openChunks(t, d, b.ID)[0].Name, "two providers of one instrument are told apart")
	require.Len(t, b.Series, 2)
}

func TestCreateBackfillAtOnce(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	putAll(t, d, "BTC", "ETH")
	range1 := span("2024-01-01", "2024-02-01")
	var group sync.WaitGroup
	errs, ids, replays := make([]error, 8), make([]string, 8), make([]bool, 8)
	for i := range errs {
		group.Go(func() {
			_, _, errs[i] = d.CreateBackfill(context.Background(), requestFor(range1, "first", "BTC")) //nolint:usetesting // a goroutine
		})
	}
	group.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
			continue
		}
		var conflict *market.ConflictError
		require.ErrorAs(t, err, &conflict)
		require.NotEmpty(t, conflict.BackfillID)
	}
	require.Equal(t, 1, made)

	keyed := func() market.BackfillRequest {
		r := requestFor(range1, "first", "ETH")
		r.IdempotencyKey, r.RequestHash = "key", "hash"
		return r
	}
	for i := range ids {
		group.Go(func() {
			b, isReplay, err := d.CreateBackfill(context.Background(), keyed()) //nolint:usetesting // a goroutine
			ids[i], replays[i], errs[i] = b.ID, isReplay, err
		})
	}
	group.Wait()
	replayed := 0
	for i := range ids {
		require.NoError(t, errs[i])
		require.Equal(t, ids[0], ids[i])
		if replays[i] {
			replayed++
		}
	}
	require.Equal(t, 7, replayed)
	other := keyed()
	other.RequestHash = "another"
	_, _, err := d.CreateBackfill(t.Context(), other)
	hasKind(t, market.KindInvalid, err)
	_, _, err = d.CreateBackfill(t.Context(), requestFor(range1, "first", "NONE"))
	hasKind(t, market.KindNotFound, err)
}

// TestCreateBackfillInOppositeOrder: two requests for the same new series cannot deadlock.
func TestCreateBackfillInOppositeOrder(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	var forth, back []string
	for i := range 40 {
		forth = append(forth, fmt.Sprintf("A%02d", i))
		back = append(back, fmt.Sprintf("A%02d", 39-i))
	}
	putAll(t, d, forth...)
	errs := make([]error, 2)
	var group sync.WaitGroup
	for i, r := range []market.BackfillRequest{
		requestFor(span("2024-01-01", "2024-02-01"), "first", forth...), requestFor(span("2024-01-01", "2024-03-01"), "first", back...),
	} {
		group.Go(func() { _, _, errs[i] = d.CreateBackfill(context.Background(), r) }) //nolint:usetesting // a goroutine
	}
	group.Wait()
	require.NoError(t, errs[0])
	require.NoError(t, errs[1])
}

func TestStatusIsDerivedFromChunks(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	putAll(t, d, "BTC")
	b := create(t, d, requestFor(span("2024-01-01", "2024-03-01"), "first", "BTC"))
	for _, tc := range []struct {
		name, first, second string
		job                 string
		quarantined         int
		want                market.BackfillStatus
	}{
		{name: "nothing began", first: "pending", second: "pending", want: market.StatusStarting},
		{name: "its workflow began", first: "pending", second: "pending", job: "started_at = now()", want: market.StatusRunning},
		{name: "a chunk began", first: "running", second: "pending", want: market.StatusRunning},
		{name: "a reset chunk runs after the end", first: "done", second: "running", job: "closed_at = now()", want: market.StatusRunning},
		{name: "paused", first: "done", second: "pending", job: "paused_reason = 'x'", want: market.StatusPaused},
		{name: "paused, but over", first: "done", second: "done", job: "paused_reason = 'x'", want: market.StatusCompleted},
		{name: "done", first: "done", second: "done", want: market.StatusCompleted},
		{name: "done with gaps", first: "done", second: "done", quarantined: 1, want: market.StatusCompletedWithGaps},
		{name: "one failed", first: "done", second: "failed", quarantined: 1, want: market.StatusFailed},
		{name: "failed before canceled", first: "canceled", second: "failed", want: market.StatusFailed},
		{name: "canceled by a person", first: "canceled", second: "failed", job: "cancel_requested_at = now()", want: market.StatusCanceled},
		{name: "canceled chunk", first: "done", second: "canceled", want: market.StatusCanceled},
		{name: "cancel came too late", first: "done", second: "done", job: "cancel_requested_at = now()", want: market.StatusCompleted},
	} {
		exec(t, d, "UPDATE ingest_job SET started_at = NULL, paused_reason = NULL, cancel_requested_at = NULL, closed_at = NULL")
		if tc.job != "" {
			exec(t, d, "UPDATE ingest_job SET "+tc.job)
		}
		exec(t, d, "UPDATE ingest_chunk SET status = CASE seq WHEN 1 THEN $1 ELSE $2 END, quarantined = $3", tc.first, tc.second, tc.quarantined)
		got, err := d.Backfill(t.Context(), b.ID)
		require.NoError(t, err)
		require.Equal(t, tc.want, got.Status, tc.name)
		require.Equal(t, got.Status.IsFinished(), got.FinishedAt != nil, tc.name)
		listed, err := d.Backfills(t.Context(), market.BackfillQuery{Status: tc.want, Limit: 5})
		require.NoError(t, err)
		require.Len(t, listed, 1, tc.name)
	}
}

func TestBackfillsPage(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	putAll(t, d, "BTC", "ETH")
	var ids []string
	for i, symbol := range []string{"BTC", "ETH", "BTC"} {
		start := at("2024-01-01").AddDate(0, i, 0)
		ids = append(ids, create(t, d, requestFor(market.Range{Start: start, End: start.AddDate(0, 0, 1)}, "first", symbol)).ID)
	}
	list := func(q market.BackfillQuery) (got []string) {
		all, err := d.Backfills(t.Context(), q)
		require.NoError(t, err)
		for _, b := range all {
			got = append(got, b.ID)
		}
		return got
	}
	require.Equal(t, []string{ids[2], ids[1]}, list(market.BackfillQuery{Limit: 2}))
	require.Equal(t, []string{ids[0]}, list(market.BackfillQuery{Limit: 2, After: ids[1]}))
	btc := twoProviders("BTC").ID
	require.Equal(t, []string{ids[2], ids[0]}, list(market.BackfillQuery{Limit: 9, Instrument: &btc}))
	_, err := d.Backfill(t.Context(), uuid.NewString())
	hasKind(t, market.KindNotFound, err)
	_, err = d.Backfill(t.Context(), "'; DROP TABLE bar")
	hasKind(t, market.KindNotFound, err)
}

func TestReopenBackfill(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	putAll(t, d, "BTC")
	b := create(t, d, requestFor(span("2024-01-01", "2024-03-01"), "first", "BTC"))
	_, err := d.ReopenBackfill(t.Context(), b.ID)
	hasKind(t, market.KindConflict, err)
	require.NoError(t, d.RequestCancel(t.Context(), b.ID))
	_, err = d.StartJob(t.Context(), b.ID)
	require.NoError(t, err)
	chunks := openChunks(t, d, b.ID)
	exec(t, d, "UPDATE ingest_chunk SET status = 'done', quarantined = 2 WHERE id = $1", chunks[0].ID)
	require.NoError(t, d.FailChunk(t.Context(), chunks[1].ID, market.KindMalformed, "drift"))
	hasKind(t, market.KindConflict, d.RequestCancel(t.Context(), b.ID))

	reopened, err := d.ReopenBackfill(t.Context(), b.ID)
	require.NoError(t, err)
	require.Equal(t, market.StatusRunning, reopened.Status)
	require.Equal(t, market.ChunkCounts{Total: 2, Pending: 1, Done: 1}, reopened.Chunks)
	require.Empty(t, reopened.Failures)
	require.NoError(t, d.FailChunk(t.Context(), chunks[1].ID, market.KindMalformed, "late word of the run before"))
	_, _, err = d.CloseJob(t.Context(), b.ID, false, "late end of the run before")
	require.NoError(t, err)
	again, err := d.Backfill(t.Context(), b.ID)
	require.NoError(t, err)
	require.Equal(t, int64(1), again.Chunks.Pending, "the run before is not heard any more")

	exec(t, d, "UPDATE ingest_chunk SET status = 'done'")
	reopened, err = d.ReopenBackfill(t.Context(), b.ID)
	require.NoError(t, err)
	require.Equal(t, int64(1), reopened.Chunks.Pending, "only the chunk with quarantined rows")
	exec(t, d, "UPDATE ingest_chunk SET status = 'done'")
	_, err = d.ReopenBackfill(t.Context(), b.ID)
	hasKind(t, market.KindConflict, err)
}

func TestJob(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	putAll(t, d, "BTC", "ETH")
	r := requestFor(span("2024-01-01", "2024-04-01"), "first", "BTC", "ETH")
	r.Series[1].Provider = "second"
	r.MaxFailed = 7
	b := create(t, d, r)
	plan, err := d.StartJob(t.Context(), b.ID)
	require.NoError(t, err)
	require.Equal(t, market.JobPlan{Interval: market.Interval1m, Concurrency: 4, MaxFailed: 7, Total: 6, Providers: []string{"first", "second"}}, plan)
	page1, err := d.OpenChunks(t.Context(), b.ID, "second", 0, 2)
	require.NoError(t, err)
	require.Equal(t, []int{4, 5}, []int{page1[0].Seq, page1[1].Seq})
	page2, err := d.OpenChunks(t.Context(), b.ID, "second", 5, 2)
	require.NoError(t, err)
	require.Len(t, page2, 1)

	reason := "maintenance"
	require.NoError(t, d.SetJobPaused(t.Context(), b.ID, &reason))
	require.NoError(t, d.SetJobConcurrency(t.Context(), b.ID, 9))
	plan, err = d.StartJob(t.Context(), b.ID)
	require.NoError(t, err)
	require.Equal(t, reason, plan.PauseReason)
	require.Equal(t, 9, plan.Concurrency)

	require.NoError(t, d.FailChunk(t.Context(), page1[0].ID, market.KindDenied, "451"))
	require.NoError(t, d.FailChunk(t.Context(), page1[0].ID, market.KindInternal, "its workflow was terminated"))
	require.NoError(t, d.CancelChunk(t.Context(), page1[1].ID))
	require.NoError(t, d.CancelChunk(t.Context(), page1[0].ID), "a failed one stays failed")
	got, err := d.Backfill(t.Context(), b.ID)
	require.NoError(t, err)
	require.Len(t, got.Failures, 1)
	require.Equal(t, market.KindDenied, got.Failures[0].Kind, "what it said itself is closer to the cause")
	require.Equal(t, "backfill/"+b.ID+"/"+page1[0].Name, got.Failures[0].WorkflowID)

	jobs, err := d.UnfinishedJobs(t.Context(), time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Len(t, jobs, 1)
	require.True(t, jobs[0].IsStarted)
	jobs, err = d.UnfinishedJobs(t.Context(), time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.Empty(t, jobs)

	counts, _, err := d.CloseJob(t.Context(), b.ID, false, "gave up")
	require.NoError(t, err)
	require.Equal(t, market.ChunkCounts{Total: 6, Failed: 5, Canceled: 1}, counts)
	again, _, err := d.CloseJob(t.Context(), b.ID, true, "twice")
	require.NoError(t, err)
	require.Equal(t, counts, again)
}
