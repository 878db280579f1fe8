package chaos_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/chaos"
	"marketdata/market"
)

func TestWorkerKilledInFetch(t *testing.T) {
	t.Parallel()
	p := platform(t, 2)
	var b chaos.Backfill
	together(func() {
		begun, c := begin(t, p, pair("BTCUSDT"), 10*time.Second)
		w, err := p.AwaitHolder(t.Context(), c, fetch, soon)
		require.NoError(t, err)
		w.Kill()
		require.Len(t, p.Workers(), 1)
		b = begun
	})
	finish(t, p, b, twoDays)
	requireSecondAttempt(t, p, b, fetch)
}

func TestWorkerKilledInNormalize(t *testing.T) {
	t.Parallel()
	p := platform(t, 2)
	var b chaos.Backfill
	together(func() {
		begun, c := begin(t, p, pair("ETHUSDT"), delay)
		hold, err := p.Audit().HoldNormalize(t.Context(), c)
		require.NoError(t, err)
		heldAt(t, p, begun, normalize).Kill()
		hold.Release(t.Context())
		b = begun
	})
	finish(t, p, b, twoDays)
	requireSecondAttempt(t, p, b, normalize)
}

func TestWorkerKilledInUpsert(t *testing.T) {
	t.Parallel()
	p := platform(t, 2)
	var b chaos.Backfill
	together(func() {
		begun, c := begin(t, p, pair("BNBUSDT"), delay)
		hold, err := p.Audit().HoldUpsert(t.Context(), c)
		require.NoError(t, err)
		heldAt(t, p, begun, upsert).Kill()
		hold.Release(t.Context())
		b = begun
	})
	finish(t, p, b, twoDays)
	requireSecondAttempt(t, p, b, upsert)
}

// TestFrozenWorkerIsFenced: a worker stands still while it reads what it is to normalize, so long that Temporal gives its
// work to another. When it goes on, what it has is refused.
func TestFrozenWorkerIsFenced(t *testing.T) {
	t.Parallel()
	p := platform(t, 2)
	b, frozen := frozenInNormalize(t, p, pair("XRPUSDT"))
	before := onlyChunk(t, p, b)
	b, err := p.AwaitBackfill(t.Context(), b.ID, recovery)
	require.NoError(t, err)
	after := onlyChunk(t, p, b)
	require.NotEqual(t, before.Token, after.Token, "another attempt loaded the chunk")
	require.NoError(t, frozen.Thaw())
	require.Eventually(t, func() bool {
		log, err := os.ReadFile(frozen.LogFile())
		require.NoError(t, err)
		return bytes.Contains(log, []byte("was taken over by a later attempt"))
	}, soon, 100*time.Millisecond, "the late attempt is refused")
	require.Equal(t, after, onlyChunk(t, p, b))
	finish(t, p, b, twoDays)
}

// frozenInNormalize starts a backfill, freezes the worker that reads its pages, and keeps every other from reading them.
func frozenInNormalize(t *testing.T, p *chaos.Platform, target chaos.Target) (chaos.Backfill, *chaos.Worker) {
	t.Helper()
	shared.alone.RLock()
	defer shared.alone.RUnlock()
	b, _ := begin(t, p, target, delay)
	hold, err := p.Audit().HoldPages(t.Context())
	require.NoError(t, err)
	w := heldAt(t, p, b, normalize)
	require.NoError(t, w.Freeze())
	hold.Release(t.Context())
	return b, w
}

// TestWorkerStoppedHandsBack: a worker that is asked to stop hands its chunk back at the next page.
func TestWorkerStoppedHandsBack(t *testing.T) {
	t.Parallel()
	p := platform(t, 2)
	var b chaos.Backfill
	var stopped time.Time
	together(func() {
		begun, c := begin(t, p, pair("DOGEUSDT"), delay)
		w, err := p.AwaitHolder(t.Context(), c, fetch, soon)
		require.NoError(t, err)
		stopped = time.Now()
		w.Stop()
		b = begun
	})
	b, err := p.AwaitBackfill(t.Context(), b.ID, soon+delay)
	require.NoError(t, err)
	require.Less(t, time.Since(stopped), time.Minute, "before the heartbeat timeout")
	finish(t, p, b, twoDays)
	requireSecondAttempt(t, p, b, fetch)
}

// TestWorkerReplacedByAnotherBuild: the chunk begins under one build of the product and ends under another.
func TestWorkerReplacedByAnotherBuild(t *testing.T) {
	t.Parallel()
	p := platform(t, 1)
	var b chaos.Backfill
	together(func() {
		begun, c := begin(t, p, pair("SOLUSDT"), delay)
		w, err := p.AwaitHolder(t.Context(), c, fetch, soon)
		require.NoError(t, err)
		next, err := p.StartWorker(t.Context(), shared.next)
		require.NoError(t, err)
		w.Stop()
		require.NoError(t, next.AwaitReady(t.Context()))
		require.Equal(t, []*chaos.Worker{next}, p.Workers())
		b = begun
	})
	finish(t, p, b, twoDays)
	requireSecondAttempt(t, p, b, fetch)
}

func TestOverlappingBackfillsOfOneSeries(t *testing.T) {
	t.Parallel()
	p := platform(t, 2)
	target := pair("SHIBUSDT")
	var a, b chaos.Backfill
	together(func() {
		a, _ = begin(t, p, target, delay)
		var err error
		b, err = p.Begin(t.Context(), target, days(2, 4), market.PolicyMissing, "the other")
		require.NoError(t, err)
	})
	a, err := p.AwaitBackfill(t.Context(), a.ID, recovery)
	require.NoError(t, err)
	finish(t, p, b, twoDays/2)
	require.Equal(t, market.StatusCompleted, a.Status)
	require.Equal(t, int64(twoDays), a.Progress.Bars.Inserted)
	require.Zero(t, a.Progress.Bars.Unchanged)
}
