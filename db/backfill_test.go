package db_test

import (
	"testing"

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

func putAll(t testing.TB, d *db.DB, symbols ...string) {
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

func create(t testing.TB, d *db.DB, r market.BackfillRequest) market.Backfill {
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
	_, err = d.StartJob(t.Context(), b.ID, false)
	require.NoError(t, err)
	chunks := openChunks(t, d, b.ID)
	exec(t, d, "UPDATE ingest_chunk SET status = 'done', quarantined = 2 WHERE id = $1", chunks[0].ID)
	require.NoError(t, d.FailChunk(t.Context(), market.ChunkFault{ChunkID: chunks[1].ID, Kind: market.KindMalformed, Message: "drift"}))
	hasKind(t, market.KindConflict, d.RequestCancel(t.Context(), b.ID))

	reopened, err := d.ReopenBackfill(t.Context(), b.ID)
	require.NoError(t, err)
	require.Equal(t, market.StatusRunning, reopened.Status)
	require.Equal(t, market.ChunkCounts{Total: 2, Pending: 1, Done: 1}, reopened.Chunks)
	require.Empty(t, reopened.Failures)
	require.NoError(t, d.FailChunk(t.Context(), market.ChunkFault{ChunkID: chunks[1].ID, Kind: market.KindMalformed, Message: "late word of the run before"}))
	_, _, err = d.CloseJob(t.Context(), market.JobEnd{JobID: b.ID, IsCanceled: false, Message: "late end of the run before"})
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

// TestReopenBackfillAndALateWordAtOnce: the reopening waits for a lock of the chunk's row, and behind it a late word of
// the run before, which must not undo it.
func TestReopenBackfillAndALateWordAtOnce(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	putAll(t, d, "BTC")
	b := create(t, d, requestFor(span("2024-01-01", "2024-02-01"), "first", "BTC"))
	_, err := d.StartJob(t.Context(), b.ID, false)
	require.NoError(t, err)
	chunk := openChunks(t, d, b.ID)[0]
	require.NoError(t, d.FailChunk(t.Context(), market.ChunkFault{ChunkID: chunk.ID, Kind: market.KindDenied, Message: "its own word"}))

	holder, err := d.Pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = holder.Exec(t.Context(), "SELECT FROM ingest_chunk WHERE id = $1 FOR UPDATE", chunk.ID)
	require.NoError(t, err)
	ended := make(chan error, 2)
	go func() { _, err := d.ReopenBackfill(t.Context(), b.ID); ended <- err }()
	waitUntilBlocked(t, d, 1)
	go func() {
		ended <- d.FailChunk(t.Context(), market.ChunkFault{ChunkID: chunk.ID, Kind: market.KindDenied, Message: "late word of the run before"})
	}()
	waitUntilBlocked(t, d, 2)
	require.NoError(t, holder.Rollback(t.Context()))
	require.NoError(t, <-ended)
	require.NoError(t, <-ended)
	again, err := d.Backfill(t.Context(), b.ID)
	require.NoError(t, err)
	require.Equal(t, market.ChunkCounts{Total: 1, Pending: 1}, again.Chunks)
}
