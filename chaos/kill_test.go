package chaos_test

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/chaos"
	"marketdata/db"
	"marketdata/db/audit"
	"marketdata/market"
)

// TestWorkerKilled kills, at the same time, the workers that are in the three steps of three chunks. Each step is taken
// over when the heartbeat timeout has passed.
func TestWorkerKilled(t *testing.T) {
	t.Parallel()
	p := platform(t, 2)
	var inFetch, inNormalize, inUpsert chaos.Backfill
	together(func() {
		normalizing := held(t, p, pair("ETHUSDT"), normalize, p.Audit().HoldNormalize)
		upserting := held(t, p, pair("BNBUSDT"), upsert, p.Audit().HoldUpsert)
		begun, c := begin(t, p, pair("BTCUSDT"), 12*time.Second)
		fetching, err := p.AwaitHolder(t.Context(), c, fetch, soon)
		require.NoError(t, err)
		for _, w := range []*chaos.Worker{normalizing.worker, upserting.worker, fetching} {
			w.Kill()
		}
		normalizing.hold.Release(t.Context())
		upserting.hold.Release(t.Context())
		inFetch, inNormalize, inUpsert = begun, normalizing.backfill, upserting.backfill
		_, err = p.StartWorker(shared.program)
		require.NoError(t, err)
	})
	for stage, b := range map[string]chaos.Backfill{fetch: inFetch, normalize: inNormalize, upsert: inUpsert} {
		done, err := p.AwaitBackfill(t.Context(), b.ID, recovery)
		require.NoError(t, err)
		require.Equal(t, market.StatusCompleted, done.Status, "%s: %+v", stage, done)
		require.Equal(t, int64(twoDays), done.Progress.Bars.Inserted, stage)
		requireSecondAttempt(t, p, b, stage)
	}
	requireGood(t, p)
}

// stopped is a backfill whose chunk stands before a hold.
type stopped struct {
	backfill chaos.Backfill
	worker   *chaos.Worker // that is at it
	hold     *audit.Hold
}

// held starts a backfill and waits until its chunk stands before a hold in the stage.
func held(
	t *testing.T, p *chaos.Platform, target chaos.Target, stage string, hold func(context.Context, audit.Chunk) (*audit.Hold, error),
) stopped {
	t.Helper()
	b, c := begin(t, p, target, delay)
	h, err := hold(t.Context(), c)
	require.NoError(t, err)
	return stopped{backfill: b, worker: heldAt(t, p, b, stage), hold: h}
}

// TestWorkerFrozen: a worker stands still just before a request, so long that Temporal gives its work to another. When it
// goes on, nothing that it does counts.
func TestWorkerFrozen(t *testing.T) {
	t.Parallel()
	p := platform(t, 2)
	var b chaos.Backfill
	var frozen *chaos.Worker
	together(func() {
		target := pair("XRPUSDT")
		require.NoError(t, p.Add(t.Context(), target))
		store, err := db.Open(t.Context(), p.DatabaseURL(), db.Options{})
		require.NoError(t, err)
		defer store.Close()
		defer keepHolding(t, store)()
		b, err = p.Begin(t.Context(), target, days(1, 3), market.PolicyMissing, "frozen")
		require.NoError(t, err)
		c, err := p.AwaitStage(t.Context(), b.ID, fetch, soon)
		require.NoError(t, err)
		frozen, err = p.AwaitHolder(t.Context(), c, fetch, soon)
		require.NoError(t, err)
		require.NoError(t, frozen.Freeze())
		pages, err := p.Audit().Pages(t.Context())
		require.NoError(t, err)
		require.Empty(t, pages, "it was frozen in time")
	})
	before := onlyChunk(t, p, b)
	b, err := p.AwaitBackfill(t.Context(), b.ID, recovery)
	require.NoError(t, err)
	after := onlyChunk(t, p, b)
	require.NotEqual(t, before.Token, after.Token, "another attempt loaded the chunk")
	said := len(logOf(t, frozen))
	thawed := time.Now()
	require.NoError(t, frozen.Thaw())
	// Its request is refused when it wants to store the answer; or it hears first that Temporal has given its work away.
	require.Eventually(t, func() bool {
		for line := range bytes.SplitSeq(logOf(t, frozen)[said:], []byte("\n")) {
			isOver := bytes.Contains(line, []byte(`"msg":"activity attempt failed"`)) || bytes.Contains(line, []byte(`"msg":"activity canceled"`))
			if isOver && bytes.Contains(line, []byte(after.WorkflowID)) {
				t.Logf("thawed at %s: %s", thawed, line)
				return true
			}
		}
		return false
	}, soon, poll, "the late attempt comes to nothing")
	require.Equal(t, after, onlyChunk(t, p, b))
	require.LessOrEqual(t, len(requireGood(t, p, thawed).Late), 1)
	requireSecondAttempt(t, p, b, fetch)
}

// logOf is what a worker has logged.
func logOf(t *testing.T, w *chaos.Worker) []byte {
	t.Helper()
	log, err := os.ReadFile(w.LogFile())
	require.NoError(t, err)
	return log
}

// keepHolding holds the provider as after a 429, again and again until the end: whoever wants to ask it sleeps.
func keepHolding(t *testing.T, store *db.DB) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	hold := func() error { return store.HoldProvider(ctx, "sim_binance", 9*time.Second) }
	require.NoError(t, hold())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(time.Second); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				_ = hold() // the next one may succeed
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

func TestWorkerStopped(t *testing.T) {
	t.Parallel()
	p := platform(t, 2)

	// At the next page its chunk goes to the other worker, which no timeout has to tell.
	t.Run("hands back", func(t *testing.T) { //nolint:paralleltest // one after the other: they stop each other's workers
		var b chaos.Backfill
		together(func() {
			begun, c := begin(t, p, pair("DOGEUSDT"), delay)
			w, err := p.AwaitHolder(t.Context(), c, fetch, soon)
			require.NoError(t, err)
			w.Stop()
			b, err = p.AwaitBackfill(t.Context(), begun.ID, recovery)
			require.NoError(t, err)
		})
		finish(t, p, b)
		require.Contains(t, requireSecondAttempt(t, p, b, fetch).LastFailure, "this worker is stopping")
	})

	// The chunk begins under one build of the product and ends under another.
	t.Run("replaced by another build", func(t *testing.T) { //nolint:paralleltest // as above
		var b chaos.Backfill
		together(func() {
			begun, c := begin(t, p, pair("SOLUSDT"), delay)
			w, err := p.AwaitHolder(t.Context(), c, fetch, soon)
			require.NoError(t, err)
			next, err := p.StartWorker(shared.next)
			require.NoError(t, err)
			w.Stop()
			require.NoError(t, next.AwaitReady(t.Context()))
			require.Equal(t, []*chaos.Worker{next}, p.Workers())
			b = begun
		})
		finish(t, p, b)
		requireSecondAttempt(t, p, b, fetch)
	})
}
