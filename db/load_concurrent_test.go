package db_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/db/dbtest"
	"marketdata/market"
)

func TestLoadSameChunkAtOnce(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	series := newSeries(t, d, market.Interval1m)
	r := span("2024-01-01", "2024-02-01")
	id := newChunk(t, d, series, r, market.PolicyAll)
	claim(t, d, id, 1)
	require.NoError(t, d.SaveNormalPage(t.Context(), attemptOf(id, 1), page(r, at("2024-03-01"), minutes(r.Start, 2000)...)))
	type outcome struct {
		result market.LoadResult
		err    error
	}
	outcomes := make(chan outcome, 6)
	for range cap(outcomes) {
		go func() {
			result, err := d.LoadChunk(t.Context(), attemptOf(id, 1), 2000)
			outcomes <- outcome{result, err}
		}()
	}
	commits := 0
	for range cap(outcomes) {
		got := <-outcomes
		require.NoError(t, got.err)
		if !got.result.IsRepeat {
			commits++
		}
		got.result.IsRepeat = false
		require.Equal(t, market.LoadResult{Inserted: 2000, Version: 1}, got.result)
	}
	require.Equal(t, 1, commits, "one of them committed, the others tell its result")
	require.Equal(t, 2000, scalar[int](t, d, `SELECT count(*) FROM bar`))
	require.Equal(t, 1, scalar[int](t, d, `SELECT count(*) FROM load`))
}

// Chunks of several jobs that overlap each other over two cells of the grid, committed in any order, leave the values
// that were observed last and count every bar once as inserted.
func TestLoadOverlappingChunksAtOnce(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	series := newSeries(t, d, market.Interval1h)
	whole := span("2023-12-01", "2024-02-01")
	hours := int(whole.End.Sub(whole.Start) / time.Hour)
	const jobs = 8
	type work struct{ id, rows int64 }
	var works []work
	for n := range jobs {
		var bars []market.Bar
		for h := n; h < hours-jobs+n; h++ {
			bars = append(bars, bar(whole.Start.Add(time.Duration(h)*time.Hour), string(rune('1'+n)), ""))
		}
		r := market.Range{Start: bars[0].Time, End: bars[len(bars)-1].Time.Add(time.Hour)}
		id := newChunk(t, d, series, r, market.PolicyAll)
		exec(t, d, `UPDATE ingest_chunk SET updated_at = now() - interval '1 hour'`) // the others count as dead
		claim(t, d, id, 1)
		require.NoError(t, d.SaveNormalPage(t.Context(), attemptOf(id, 1), page(r, at("2024-03-01").AddDate(0, 0, n), bars...)))
		works = append(works, work{id, int64(len(bars))})
	}
	results := make(chan market.LoadResult, jobs)
	errs := make(chan error, jobs)
	for _, w := range works {
		go func() {
			result, err := d.LoadChunk(t.Context(), attemptOf(w.id, 1), w.rows)
			results <- result
			errs <- err
		}()
	}
	var inserted, restated int64
	versions := map[int64]bool{}
	for range jobs {
		require.NoError(t, <-errs)
		r := <-results
		inserted, restated, versions[r.Version] = inserted+r.Inserted, restated+r.Restated, true
	}
	require.Equal(t, int64(hours-1), inserted)
	require.Equal(t, restated, scalar[int64](t, d, `SELECT count(*) FROM bar_revision`))
	require.Len(t, versions, jobs)
	for i, b := range stored(t, d, series) {
		require.Equal(t, string(rune('1'+min(i, jobs-1))), b.Close.String(), "bar %d", i)
	}
	require.Zero(t, scalar[int](t, d, `SELECT count(*) FROM bar b JOIN load l ON l.id = b.load_id WHERE l.version IS NULL`))
}

// A load that is canceled by the server while it waits, as by a statement timeout, is one to try again.
func TestLoadCanceledWhileItWaits(t *testing.T) {
	t.Parallel()
	s := newFencing(t, span("2024-01-01", "2024-02-01"), at("2024-03-01"))
	tx, err := s.d.Pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT FROM ingest_chunk WHERE id = $1 FOR UPDATE`, s.id)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		_, err := s.d.LoadChunk(t.Context(), attemptOf(s.id, 2), 2)
		done <- err
	}()
	waitUntilBlocked(t, s.d, 1)
	for isDone := false; !isDone; { // one that looks for a deadlock just now does not wait for a lock
		exec(t, s.d, `
			SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
		select {
		case err := <-done:
			hasKind(t, market.KindUnavailable, err)
			isDone = true
		case <-time.After(10 * time.Millisecond):
		}
	}
	require.NoError(t, tx.Rollback(t.Context()))
	_, err = s.d.LoadChunk(t.Context(), attemptOf(s.id, 2), 2)
	require.NoError(t, err)
}
