package db_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

// syncOf is a sync of bitcoin's minutes at provider zeta over an hour, of which the last ten minutes are asked again.
func syncOf(t *testing.T, d *db.DB) market.SyncRequest {
	t.Helper()
	all, err := d.TrackedSeries(t.Context())
	require.NoError(t, err)
	for _, s := range all {
		if s.Provider == "zeta" && s.Interval == market.Interval1m {
			id := uuid.NewString()
			return market.SyncRequest{
				ID: id, WorkflowID: "sync/zeta/1m-" + id, Provider: "zeta", Interval: market.Interval1m, BatchSize: 1,
				Targets: []market.SyncTarget{{
					Series: s, PriceBasis: market.AdjustmentRaw, Range: span("2024-03-05T10:00:00Z", "2024-03-05T11:00:00Z"),
					Again: at("2024-03-05T10:50:00Z"), Bars: 60,
				}},
			}
		}
	}
	require.FailNow(t, "not tracked")
	return market.SyncRequest{}
}

func createSync(t *testing.T, d *db.DB, r market.SyncRequest) []int64 {
	t.Helper()
	ids, err := d.CreateSync(t.Context(), r)
	require.NoError(t, err)
	return ids
}

func TestCreateSyncAsksForWhatLacksAndForTheLastBarsAgain(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	put(t, d, bitcoin())
	r := syncOf(t, d)
	ids := createSync(t, d, r)
	require.Len(t, ids, 1)
	require.Equal(t, ids, createSync(t, d, r), "repeated it makes nothing new")
	require.Equal(t, r.WorkflowID+"/1", scalar[string](t, d, "SELECT workflow_id FROM ingest_chunk"))
	got := claim(t, d, ids[0], 1)
	require.True(t, got.Chunk.IsSync)
	require.Equal(t, []market.Range{r.Targets[0].Range}, got.Todo)

	exec(t, d, "UPDATE series_coverage SET covered = tstzmultirange(tstzrange($1, $2), tstzrange($3, $4))",
		at("2024-03-05T09:00:00Z"), at("2024-03-05T10:20:00Z"), at("2024-03-05T10:30:00Z"), at("2024-03-05T10:58:00Z"))
	r = syncOf(t, d)
	require.NotZero(t, r.Targets[0].Series.SeriesID)
	got = claim(t, d, createSync(t, d, r)[0], 1)
	require.Equal(t, []market.Range{
		span("2024-03-05T10:20:00Z", "2024-03-05T10:30:00Z"), span("2024-03-05T10:50:00Z", "2024-03-05T11:00:00Z"),
	}, got.Todo)

	_, err := d.Backfill(t.Context(), r.ID)
	require.Equal(t, market.KindNotFound, market.KindOf(err), "a sync is no backfill")
	listed, err := d.Backfills(t.Context(), market.BackfillQuery{Limit: 10})
	require.NoError(t, err)
	require.Empty(t, listed)
	unfinished, err := d.UnfinishedJobs(t.Context(), time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Empty(t, unfinished)
}

func TestSyncAndBackfillDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	put(t, d, bitcoin())
	r := syncOf(t, d)
	ids := createSync(t, d, r)
	claim(t, d, ids[0], 1)
	seriesID := scalar[int64](t, d, "SELECT id FROM series")
	deep := newChunk(t, d, seriesID, span("2024-03-01", "2024-04-01"), market.PolicyMissing)
	claim(t, d, deep, 1)
	claim(t, d, ids[0], 2)
	_, err := d.ClaimChunk(t.Context(), attemptOf(newChunk(t, d, seriesID, span("2024-03-05", "2024-03-06"), market.PolicyMissing), 1), "fetch")
	require.Equal(t, market.KindUnavailable, market.KindOf(err), "two backfills do")
}

func TestCloseSyncTellsEachSeriesHowItWent(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	put(t, d, bitcoin())
	state := func() (failures int, kind string, retry time.Duration, hasSynced bool) {
		t.Helper()
		var seconds float64
		require.NoError(t, d.Pool.QueryRow(t.Context(), `SELECT failures, coalesce(error_kind, ''),
			CASE WHEN retry_at = '-infinity' THEN 0 ELSE extract(epoch FROM retry_at - clock_timestamp()) END::float8, synced_at IS NOT NULL FROM series_sync`).
			Scan(&failures, &kind, &seconds, &hasSynced))
		return failures, kind, time.Duration(seconds * float64(time.Second)), hasSynced
	}
	fail := func(kind market.Kind) {
		t.Helper()
		r := syncOf(t, d)
		ids := createSync(t, d, r)
		claim(t, d, ids[0], 1)
		if kind != "" {
			require.NoError(t, d.FailChunk(t.Context(), market.ChunkFault{ChunkID: ids[0], RunID: attemptOf(ids[0], 1).RunID, Kind: kind, Message: "key refused"}))
		}
		for range 2 { // closing again changes nothing
			outcome, err := d.CloseSync(t.Context(), r.ID, "its run ended")
			require.NoError(t, err)
			require.Equal(t, market.ChunkCounts{Total: 1, Failed: 1}, outcome.Chunks)
			require.Len(t, outcome.Failures, 1)
		}
	}
	begun := time.Now()
	fail(market.KindMalformed)
	_, _, retry, _ := state()
	require.LessOrEqual(t, retry, time.Minute, "the first refusal too")
	require.GreaterOrEqual(t, retry, time.Minute-time.Since(begun)-time.Second)
	exec(t, d, "DELETE FROM series_sync")
	fail("")
	failures, kind, retry, hasSynced := state()
	require.Equal(t, 1, failures)
	require.Equal(t, "unavailable", kind)
	require.Zero(t, retry, "an outage is tried again with the next run")
	require.False(t, hasSynced)

	fail(market.KindDenied)
	failures, kind, first, _ := state()
	require.Equal(t, 2, failures)
	require.Equal(t, "denied", kind)
	fail(market.KindDenied)
	_, _, second, _ := state()
	require.Greater(t, second, first+30*time.Second, "a refusal is asked again ever less often")
	retries, err := d.SyncRetries(t.Context(), time.Now())
	require.NoError(t, err)
	require.Len(t, retries, 1)

	r := syncOf(t, d)
	open, err := d.OpenSyncs(t.Context(), "zeta", market.Interval1m, time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Empty(t, open)
	ids := createSync(t, d, r)
	open, err = d.OpenSyncs(t.Context(), "", "", time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, []market.OpenSync{{ID: r.ID, WorkflowID: r.WorkflowID}}, open)
	claim(t, d, ids[0], 1)
	target := r.Targets[0].Range
	require.NoError(t, d.SaveNormalPage(t.Context(), attemptOf(ids[0], 1), page(target, at("2024-03-05T11:00:10Z"), bar(target.Start, "1", ""))))
	_, err = d.LoadChunk(t.Context(), attemptOf(ids[0], 1), 1)
	require.NoError(t, err)
	outcome, err := d.CloseSync(t.Context(), r.ID, "")
	require.NoError(t, err)
	require.Equal(t, int64(1), outcome.Chunks.Done)
	require.Equal(t, int64(1), outcome.Bars.Inserted)
	failures, kind, retry, hasSynced = state()
	require.Zero(t, failures)
	require.Empty(t, kind)
	require.Zero(t, retry)
	require.True(t, hasSynced)

	dropped, err := d.PurgeSyncs(t.Context(), time.Now().Add(time.Hour), 100)
	require.NoError(t, err)
	require.Equal(t, int64(5), dropped, "what failed is covered by now")
	require.Equal(t, int64(1), scalar[int64](t, d, "SELECT count(*) FROM load"), "receipts stay")
	_, err = d.CloseSync(t.Context(), uuid.NewString(), "")
	require.Equal(t, market.KindNotFound, market.KindOf(err))
}

func TestOlderStretchOfASyncDoesNotHoldUpNewBars(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	put(t, d, bitcoin())
	r := syncOf(t, d)
	older := r.Targets[0]
	older.Range, older.IsCatchup = span("2024-02-01", "2024-02-02"), true
	older.Again = older.Range.End
	r.Targets = append(r.Targets, older)
	ids := createSync(t, d, r)
	require.Len(t, ids, 2)
	claim(t, d, ids[0], 1)
	newest := r.Targets[0].Range
	require.NoError(t, d.SaveNormalPage(t.Context(), attemptOf(ids[0], 1), page(newest, at("2024-03-05T11:00:10Z"), bar(newest.Start, "1", ""))))
	_, err := d.LoadChunk(t.Context(), attemptOf(ids[0], 1), 1)
	require.NoError(t, err)
	claim(t, d, ids[1], 1)
	require.NoError(t, d.SaveNormalPage(t.Context(), attemptOf(ids[1], 1), page(older.Range, at("2024-03-05T11:00:10Z"))))
	require.NoError(t, d.FailChunk(t.Context(), market.ChunkFault{ChunkID: ids[1], RunID: "run", Kind: market.KindInvalid, Message: "beyond 30 days"}))
	_, err = d.CloseSync(t.Context(), r.ID, "")
	require.NoError(t, err)
	require.Zero(t, scalar[int64](t, d, "SELECT count(*) FROM normal_page"), "what nobody will load is dropped")
	retries, err := d.SyncRetries(t.Context(), time.Now())
	require.NoError(t, err)
	require.Len(t, retries, 1)
	for _, retry := range retries {
		require.False(t, retry.Newest.After(time.Now()))
		require.True(t, retry.Catchup.After(time.Now()))
	}
	require.Zero(t, scalar[int64](t, d, "SELECT sum(failures) FROM series_sync"))
}

func TestPurgeSyncsKeepsWhatTellsWhyBarsAreMissing(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	put(t, d, bitcoin())
	r := syncOf(t, d)
	createSync(t, d, r)
	_, err := d.CloseSync(t.Context(), r.ID, "its run ended")
	require.NoError(t, err)
	dropped, err := d.PurgeSyncs(t.Context(), time.Now().Add(time.Hour), 100)
	require.NoError(t, err)
	require.Zero(t, dropped)
}

func TestProviderHold(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	_, _, err := d.ProviderHold(t.Context(), "alpha")
	require.Equal(t, market.KindNotFound, market.KindOf(err))
	require.NoError(t, d.EnsureBudget(t.Context(), "alpha", market.Pacing{RequestsPerMinute: 60}))
	isPaused, until, err := d.ProviderHold(t.Context(), "alpha")
	require.NoError(t, err)
	require.False(t, isPaused)
	require.Zero(t, until)
	require.NoError(t, d.HoldProvider(t.Context(), "alpha", time.Hour))
	require.NoError(t, d.SetProviderPaused(t.Context(), "alpha", true, "why"))
	isPaused, until, err = d.ProviderHold(t.Context(), "alpha")
	require.NoError(t, err)
	require.True(t, isPaused)
	require.WithinDuration(t, time.Now().Add(time.Hour), until, time.Minute)
}
