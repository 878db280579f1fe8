package db_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

// plannedChunk is a chunk as it is stored.
type plannedChunk struct {
	name     string
	r        market.Range
	expected int64
}

// planned returns the chunks of a job in order.
func planned(t *testing.T, d *db.DB, jobID string) []plannedChunk {
	t.Helper()
	rows, err := d.Pool.Query(t.Context(), "SELECT name, start_at, end_at, expected FROM ingest_chunk WHERE job_id = $1 ORDER BY seq", jobID)
	require.NoError(t, err)
	defer rows.Close()
	var all []plannedChunk
	for rows.Next() {
		var c plannedChunk
		require.NoError(t, rows.Scan(&c.name, &c.r.Start, &c.r.End, &c.expected))
		c.r = market.Range{Start: c.r.Start.UTC(), End: c.r.End.UTC()}
		all = append(all, c)
	}
	require.NoError(t, rows.Err())
	return all
}

// dayRange draws a range of whole days around two cells' border.
func dayRange(t *rapid.T, name string) market.Range {
	first := rapid.IntRange(0, 100).Draw(t, name+" start")
	start := at("2023-12-01").AddDate(0, 0, first)
	return market.Range{Start: start, End: start.AddDate(0, 0, rapid.IntRange(1, 60).Draw(t, name+" days"))}
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
			_, _, errs[i] = d.CreateBackfill(context.Background(), requestFor(range1, "first", "BTC"))
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
			b, isReplay, err := d.CreateBackfill(context.Background(), keyed())
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
		group.Go(func() { _, _, errs[i] = d.CreateBackfill(context.Background(), r) })
	}
	group.Wait()
	require.NoError(t, errs[0])
	require.NoError(t, errs[1])
}

func TestCreateBackfillPlansExactlyWhatIsMissing(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	putAll(t, d, "BTC")
	create(t, d, requestFor(span("2020-01-01", "2020-01-02"), "first", "BTC"))
	rapid.Check(t, func(rt *rapid.T) {
		exec(t, d, "DELETE FROM ingest_job")
		exec(t, d, "UPDATE series_coverage SET covered = '{}'")
		isCovered := map[time.Time]bool{}
		for n := range rapid.IntRange(0, 4).Draw(rt, "stretches") {
			r := dayRange(rt, fmt.Sprint("covered ", n))
			coverAll(t, d, r)
			for day := r.Start; day.Before(r.End); day = day.AddDate(0, 0, 1) {
				isCovered[day] = true
			}
		}
		wanted := dayRange(rt, "wanted")
		request := requestFor(wanted, "first", "BTC")
		request.Policy = rapid.SampledFrom([]market.BackfillPolicy{market.PolicyMissing, market.PolicyAll}).Draw(rt, "policy")
		b := create(t, d, request)

		var days []time.Time
		var expected int64
		names := map[string]bool{}
		for _, c := range planned(t, d, b.ID) {
			require.False(t, names[c.name], c.name)
			names[c.name] = true
			require.False(t, c.r.End.After(market.Interval1m.ChunkStep(c.r.Start)), "%s leaves its cell", c.r)
			require.Equal(t, c.expected, int64(c.r.End.Sub(c.r.Start)/time.Minute))
			expected += c.expected
			for day := c.r.Start; day.Before(c.r.End); day = day.AddDate(0, 0, 1) {
				days = append(days, day)
			}
		}
		var want []time.Time
		for day := wanted.Start; day.Before(wanted.End); day = day.AddDate(0, 0, 1) {
			if request.Policy == market.PolicyAll || !isCovered[day] {
				want = append(want, day)
			}
		}
		require.Equal(t, want, days)
		require.Equal(t, expected, b.Bars.Expected)
		require.Equal(t, len(want) == 0, b.Status == market.StatusCompleted)
	})
}

func TestCreateBackfillOfManyChunks(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	symbols := manySymbols()
	putAll(t, d, symbols...)
	b := create(t, d, requestFor(span("2005-01-01", "2025-01-01"), "first", symbols...))
	require.Equal(t, int64(60_000), b.Chunks.Total)
	require.Len(t, b.Series, len(symbols))
	require.Equal(t, int64(240), b.Series[249].Chunks.Total)
}

func manySymbols() []string {
	symbols := make([]string, 250)
	for n := range symbols {
		symbols[n] = fmt.Sprintf("S%03d", n)
	}
	return symbols
}

// BenchmarkCreateBackfill asks for twenty years of one-minute bars of 250 instruments: 60,000 chunks.
func BenchmarkCreateBackfill(b *testing.B) {
	d := dbtest.New(b)
	symbols := manySymbols()
	putAll(b, d, symbols...)
	chunks := int64(0)
	for b.Loop() {
		chunks += create(b, d, requestFor(span("2005-01-01", "2025-01-01"), "first", symbols...)).Chunks.Total
	}
	b.ReportMetric(float64(chunks)/b.Elapsed().Seconds(), "chunks/s")
}
