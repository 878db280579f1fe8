package chaos_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/chaos"
	"marketdata/db/audit"
	"marketdata/market"
	"marketdata/simulator"
)

const (
	fetch     = "fetch"
	normalize = "normalize"
	upsert    = "upsert"

	soon    = 4 * time.Minute // on a busy machine, and where Temporal learns only from a timeout that a task was lost
	poll    = 20 * time.Millisecond
	delay   = 4 * time.Second // of a first request, to put a hold in place
	twoDays = 2 * 24 * 60     // minutes

	// recovery is above the heartbeat timeout, after which Temporal gives the step of a dead worker to another.
	recovery = 4 * time.Minute
)

// pair is a pair of Binance's that only one test uses: faults are told apart by symbol.
func pair(symbol string) chaos.Target {
	return chaos.Target{
		Symbol: symbol, Class: market.AssetCrypto, Calendar: "24x7", Adapter: "binance", Code: symbol, Interval: market.Interval1m,
	}
}

// days is a range of January 2024.
func days(first, last int) market.Range {
	return market.Range{Start: time.Date(2024, 1, first, 0, 0, 0, 0, time.UTC), End: time.Date(2024, 1, last, 0, 0, 0, 0, time.UTC)}
}

// slowFew lets the next few requests for the symbol wait, so that there is time to act: on a busy machine the first of them
// may be one for the listing.
func slowFew(symbol string, wait time.Duration) simulator.Fault {
	return simulator.Fault{Fault: "slow", Symbol: symbol, Count: 4, DelayMS: int(wait.Milliseconds())}
}

// begin adds the target and starts a backfill of two days whose requests are slow. It returns the backfill's chunk.
func begin(t *testing.T, p *chaos.Platform, target chaos.Target, wait time.Duration) (chaos.Backfill, audit.Chunk) {
	t.Helper()
	require.NoError(t, p.Add(t.Context(), target))
	require.NoError(t, shared.rig.Misbehave(t.Context(), slowFew(target.Code, wait)))
	b, err := p.Begin(t.Context(), target, days(1, 3), market.PolicyMissing, target.Symbol)
	require.NoError(t, err)
	c, err := p.AwaitStage(t.Context(), b.ID, fetch, soon)
	require.NoError(t, err)
	return b, c
}

// together lets f run while no other test ends a server.
func together(f func()) {
	shared.alone.RLock()
	defer shared.alone.RUnlock()
	f()
}

// alone lets f run while no other test holds a step in place, for it ends a server that all share.
func alone(f func()) {
	shared.alone.Lock()
	defer shared.alone.Unlock()
	f()
}

// finish waits for the backfill and proves that nothing was lost.
func finish(t *testing.T, p *chaos.Platform, b chaos.Backfill) {
	t.Helper()
	b, err := p.AwaitBackfill(t.Context(), b.ID, recovery)
	require.NoError(t, err)
	require.Equal(t, market.StatusCompleted, b.Status, "%+v", b)
	require.Positive(t, b.Progress.Bars.Inserted)
	requireGood(t, p)
}

func requireGood(t *testing.T, p *chaos.Platform, thaws ...time.Time) chaos.Verdict {
	t.Helper()
	shared.alone.RLock()
	defer shared.alone.RUnlock()
	var last struct {
		chaos.Verdict

		err error
	}
	require.Eventually(t, func() bool { // the list of workflows lags behind
		last.Verdict, last.err = p.Verify(t.Context(), thaws...)
		return last.err == nil && len(last.Stuck) == 0
	}, soon, 100*time.Millisecond, "%+v", &last)
	require.True(t, last.IsGood(), "%+v", last.Verdict)
	require.Positive(t, last.Compared)
	return last.Verdict
}

// requireSecondAttempt proves that another attempt took the step over: the fault hit what it was meant for.
func requireSecondAttempt(t *testing.T, p *chaos.Platform, b chaos.Backfill, stage string) chaos.Attempts {
	t.Helper()
	c := onlyChunk(t, p, b)
	var attempts map[string]chaos.Attempts
	require.Eventually(t, func() (isRead bool) { // as Temporal
		var err error
		attempts, err = p.Attempts(t.Context(), c)
		return err == nil
	}, soon, poll)
	require.Greater(t, attempts[stage].Number, 1, "%v", attempts)
	return attempts[stage]
}

// heldAt waits until the backfill's chunk stands before a hold in the stage, and returns the worker that is at it.
func heldAt(t *testing.T, p *chaos.Platform, b chaos.Backfill, stage string) *chaos.Worker {
	t.Helper()
	c, err := p.AwaitStage(t.Context(), b.ID, stage, soon)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		waiting, err := p.Audit().Waiting(t.Context())
		return err == nil && waiting > 0
	}, soon, poll)
	w, err := p.AwaitHolder(t.Context(), c, stage, soon)
	require.NoError(t, err)
	return w
}

func onlyChunk(t *testing.T, p *chaos.Platform, b chaos.Backfill) audit.Chunk {
	t.Helper()
	var chunks []audit.Chunk
	require.Eventually(t, func() (isRead bool) { // another test may have ended the database just now
		var err error
		chunks, err = p.Audit().Chunks(t.Context(), b.ID)
		return err == nil
	}, soon, poll)
	require.Len(t, chunks, 1)
	return chunks[0]
}
