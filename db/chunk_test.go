package db_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/db/dbtest"
	"marketdata/market"
)

func TestClaimChunk(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	series := newSeries(t, d, market.Interval1m)
	r := span("2024-01-01", "2024-02-01")
	id := newChunk(t, d, series, r, market.PolicyMissing)

	got, err := d.ClaimChunk(t.Context(), attemptOf(id, 3), "fetch")
	require.NoError(t, err)
	require.False(t, got.IsDone)
	require.Equal(t, []market.Range{r}, got.Todo)
	require.Equal(t, "24x7 1m fake missing", got.Chunk.Calendar+" "+string(got.Chunk.Interval)+" "+got.Chunk.Provider+" "+string(got.Chunk.Policy))
	require.Equal(t, r, got.Chunk.Range)
	require.Equal(t, series, got.Chunk.SeriesID)
	require.NotEmpty(t, got.Chunk.ProviderSymbol)
	require.Equal(t, "TEST", got.Chunk.Instrument.Venue)
	require.Equal(t, "running fetch 3 run backfill/x/chunk", scalar[string](t, d, `
		SELECT concat_ws(' ', status, stage, attempt, run_id, workflow_id) FROM ingest_chunk WHERE id = $1 AND started_at IS NOT NULL`, id))

	_, err = d.ClaimChunk(t.Context(), attemptOf(404, 1), "fetch")
	hasKind(t, market.KindNotFound, err)
}

func TestClaimChunkFixesWhatIsToDo(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	series := newSeries(t, d, market.Interval1m)
	r := span("2024-01-01", "2024-02-01")
	id := newChunk(t, d, series, r, market.PolicyMissing)
	all := newChunk(t, d, series, r, market.PolicyAll)
	middle := span("2024-01-10", "2024-01-20")
	loadPage(t, d, series, middle, page(middle, at("2024-03-01")))

	holes := []market.Range{span("2024-01-01", "2024-01-10"), span("2024-01-20", "2024-02-01")}
	require.Equal(t, holes, claim(t, d, id, 1).Todo)
	exec(t, d, "UPDATE series_coverage SET covered = covered + tstzmultirange(tstzrange($1, $2))", holes[0].Start, holes[0].End)
	require.Equal(t, holes[1:], claim(t, d, id, 2).Todo, "what another backfill has loaded is not asked again")
	require.NoError(t, d.SaveRawPage(t.Context(), attemptOf(id, 2), market.RawPage{
		Range: holes[1], IsOK: true, URL: "u", Status: 200, RequestedAt: time.Now(), Body: []byte("x"),
	}))
	exec(t, d, `UPDATE series_coverage SET covered = '{}'`)
	require.Equal(t, holes[1:], claim(t, d, id, 3).Todo, "an attempt resumes what the first answer began")
	exec(t, d, `UPDATE ingest_chunk SET status = 'failed' WHERE id = $1`, id)
	require.Equal(t, []market.Range{r}, claim(t, d, all, 1).Todo)
}

func TestClaimChunkWithNothingToDo(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	series := newSeries(t, d, market.Interval1m)
	r := span("2024-01-01", "2024-02-01")
	loadPage(t, d, series, r, page(r, at("2024-03-01"), minutes(r.Start, 2)...))

	id := newChunk(t, d, series, r, market.PolicyMissing)
	require.Empty(t, claim(t, d, id, 1).Todo)
	require.NoError(t, d.SaveNormalPage(t.Context(), attemptOf(id, 1), market.NormalPage{ObservedAt: at("2024-03-02")}))
	result, err := d.LoadChunk(t.Context(), attemptOf(id, 1), 0)
	require.NoError(t, err)
	require.Equal(t, market.LoadResult{Version: 2}, result)
	require.Zero(t, scalar[int](t, d, `SELECT count(*) FROM bar_withdrawal`))
}

func TestClaimChunkThatIsDoneChangesNothing(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	r := span("2024-01-01", "2024-02-01")
	id := newChunk(t, d, newSeries(t, d, market.Interval1m), r, market.PolicyAll)
	claim(t, d, id, 1)
	require.NoError(t, d.SaveNormalPage(t.Context(), attemptOf(id, 1), page(r, at("2024-03-01"))))
	_, err := d.LoadChunk(t.Context(), attemptOf(id, 1), 0)
	require.NoError(t, err)
	before := scalar[string](t, d, `SELECT c::text FROM ingest_chunk c WHERE id = $1`, id)

	got := claim(t, d, id, 2)
	require.True(t, got.IsDone)
	require.Equal(t, id, got.Chunk.ID)
	require.Equal(t, before, scalar[string](t, d, `SELECT c::text FROM ingest_chunk c WHERE id = $1`, id))
}

func TestClaimChunkAgainAfterFailure(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"failed", "canceled"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			d := dbtest.New(t)
			id := newChunk(t, d, newSeries(t, d, market.Interval1m), span("2024-01-01", "2024-02-01"), market.PolicyAll)
			claim(t, d, id, 1)
			exec(t, d, `UPDATE ingest_chunk SET status = $1, error_kind = 'denied', error = 'no', finished_at = now()`, status)
			claim(t, d, id, 2)
			require.True(t, scalar[bool](t, d, `
				SELECT status = 'running' AND error_kind IS NULL AND error IS NULL AND finished_at IS NULL FROM ingest_chunk`))
		})
	}
}

func TestClaimChunkWhileAnotherJobIsAtWork(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	series := newSeries(t, d, market.Interval1m)
	first := newChunk(t, d, series, span("2024-01-01", "2024-01-20"), market.PolicyAll)
	second := newChunk(t, d, series, span("2024-01-10", "2024-02-01"), market.PolicyAll)
	adjacent := newChunk(t, d, series, span("2024-01-20", "2024-01-25"), market.PolicyAll)
	other := newChunk(t, d, newSeries(t, d, market.Interval1m), span("2024-01-01", "2024-02-01"), market.PolicyAll)
	claim(t, d, first, 1)
	claim(t, d, first, 2)
	claim(t, d, adjacent, 1)
	claim(t, d, other, 1)
	exec(t, d, `UPDATE ingest_chunk SET status = 'failed' WHERE id = $1`, adjacent)

	_, err := d.ClaimChunk(t.Context(), attemptOf(second, 1), "fetch")
	hasKind(t, market.KindUnavailable, err)
	require.Equal(t, time.Second, market.RetryAfter(err))
	require.Equal(t, "pending", scalar[string](t, d, `SELECT status FROM ingest_chunk WHERE id = $1`, second))

	exec(t, d, `UPDATE ingest_chunk SET updated_at = now() - interval '16 minutes' WHERE id = $1`, first)
	claim(t, d, second, 1)
	_, err = d.ClaimChunk(t.Context(), attemptOf(first, 3), "fetch")
	hasKind(t, market.KindUnavailable, err)
}

func TestClaimChunksOfTwoJobsAtOnce(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	series := newSeries(t, d, market.Interval1m)
	r := span("2024-01-01", "2024-02-01")
	const jobs = 8
	errs := make(chan error, jobs)
	for range jobs {
		id := newChunk(t, d, series, r, market.PolicyAll)
		go func() {
			_, err := d.ClaimChunk(t.Context(), attemptOf(id, 1), "fetch")
			errs <- err
		}()
	}
	claimed := 0
	for range jobs {
		if err := <-errs; err == nil {
			claimed++
		} else {
			hasKind(t, market.KindUnavailable, err)
		}
	}
	require.Equal(t, 1, claimed)
	require.Equal(t, 1, scalar[int](t, d, `SELECT count(*) FROM ingest_chunk WHERE status = 'running'`))
}

func TestClaimChunkWaitsForAClaimInTheSameCell(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	series := newSeries(t, d, market.Interval1m)
	first := newChunk(t, d, series, span("2024-01-01", "2024-01-20"), market.PolicyAll)
	second := newChunk(t, d, series, span("2024-01-10", "2024-01-15"), market.PolicyAll)
	nextCell := newChunk(t, d, series, span("2024-02-01", "2024-02-02"), market.PolicyAll)
	tx, err := d.Pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT FROM ingest_chunk WHERE id = $1 FOR UPDATE`, first)
	require.NoError(t, err)
	claims := func(id int64) chan error {
		done := make(chan error, 1)
		go func() {
			_, err := d.ClaimChunk(t.Context(), attemptOf(id, 1), "fetch")
			done <- err
		}()
		return done
	}
	firstDone := claims(first) // stops at its row, in the middle of its claim
	waitUntilBlocked(t, d, 1)
	secondDone := claims(second)
	waitUntilBlocked(t, d, 2)
	require.NoError(t, <-claims(nextCell))

	require.NoError(t, tx.Rollback(t.Context()))
	require.NoError(t, <-firstDone)
	hasKind(t, market.KindUnavailable, <-secondDone)
}

func TestLateAttemptIsRefused(t *testing.T) {
	t.Parallel()
	r := span("2024-01-01", "2024-02-01")
	now := at("2024-03-01")
	writes := map[string]func(s fencing, a market.Attempt) error{
		"raw page": func(s fencing, a market.Attempt) error {
			return s.d.SaveRawPage(s.t.Context(), a, market.RawPage{Page: a.Number, Range: r, RequestedAt: now, IsOK: true, Body: []byte("{}")})
		},
		"normal page": func(s fencing, a market.Attempt) error {
			return s.d.SaveNormalPage(s.t.Context(), a, page(r, now, minutes(r.Start, 3)...))
		},
		"load": func(s fencing, a market.Attempt) error {
			_, err := s.d.LoadChunk(s.t.Context(), a, 2)
			return err
		},
	}
	for name, write := range writes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFencing(t, r, now)
			before := s.state()

			hasKind(t, market.KindConflict, write(s, attemptOf(s.id, 1)))
			hasKind(t, market.KindConflict, write(s, market.Attempt{ChunkID: s.id}))
			require.Equal(t, before, s.state())
			require.NoError(t, write(s, attemptOf(s.id, 2)))
		})
		t.Run(name+", overtaken while it waits", func(t *testing.T) {
			t.Parallel()
			s := newFencing(t, r, now)
			// another connection holds the chunk in the middle of a claim; the write waits for it and then sees its token
			tx, err := s.d.Pool.Begin(t.Context())
			require.NoError(t, err)
			_, err = tx.Exec(t.Context(), `UPDATE ingest_chunk SET attempt_token = 'newer' WHERE id = $1`, s.id)
			require.NoError(t, err)
			done := make(chan error, 1)
			go func() { done <- write(s, attemptOf(s.id, 2)) }()
			waitUntilBlocked(t, s.d, 1)
			require.NoError(t, tx.Commit(t.Context()))
			hasKind(t, market.KindConflict, <-done)
		})
	}
	t.Run("done", func(t *testing.T) {
		t.Parallel()
		s := newFencing(t, r, now)
		_, err := s.d.LoadChunk(t.Context(), attemptOf(s.id, 2), 2)
		require.NoError(t, err)
		hasKind(t, market.KindConflict, writes["raw page"](s, attemptOf(s.id, 2)))
		hasKind(t, market.KindConflict, writes["normal page"](s, attemptOf(s.id, 2)))
	})
}
