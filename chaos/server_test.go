package chaos_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/chaos"
	"marketdata/market"
	"marketdata/simulator"
)

func TestPostgresStoppedInUpsert(t *testing.T) {
	t.Parallel()
	p := platform(t, 2)
	var b chaos.Backfill
	alone(func() {
		begun, c := begin(t, p, pair("ETHBTC"), delay)
		_, err := p.Audit().HoldUpsert(t.Context(), c) // ends with the server
		require.NoError(t, err)
		heldAt(t, p, begun, upsert)
		require.NoError(t, shared.rig.CrashPostgres(true))
		require.NoError(t, shared.rig.StartPostgres(t.Context()))
		b = begun
	})
	finish(t, p, b, twoDays)
	requireSecondAttempt(t, p, b, upsert)
}

// TestPostgresStoppedBetweenNormalizeAndUpsert: the rows are stored, the upsert has not begun.
func TestPostgresStoppedBetweenNormalizeAndUpsert(t *testing.T) {
	t.Parallel()
	p := platform(t, 2)
	var b chaos.Backfill
	alone(func() {
		begun, c := begin(t, p, coinbase("ETH-USD"), delay)
		hold, err := p.Audit().HoldNormalize(t.Context(), c)
		require.NoError(t, err)
		heldAt(t, p, begun, normalize)
		_, err = p.Audit().HoldClaim(t.Context(), c, market.Interval1m) // ends with the server
		require.NoError(t, err)
		hold.Release(t.Context())
		require.Eventually(t, func() bool {
			c, err := p.AwaitStage(t.Context(), begun.ID, normalize, soon)
			require.NoError(t, err)
			return c.IsNormal
		}, soon, 10*time.Millisecond)
		_, err = p.AwaitHolder(t.Context(), c, upsert, soon)
		require.NoError(t, err)
		require.NoError(t, shared.rig.CrashPostgres(false))
		require.NoError(t, shared.rig.StartPostgres(t.Context()))
		b = begun
	})
	finishAsTrue(t, p, b)
	requireSecondAttempt(t, p, b, upsert)
}

func TestTemporalKilled(t *testing.T) {
	t.Parallel()
	p := platform(t, 2)
	var b chaos.Backfill
	alone(func() {
		begun, c := begin(t, p, coinbase("SOL-USD"), delay)
		_, err := p.AwaitHolder(t.Context(), c, fetch, soon)
		require.NoError(t, err)
		shared.rig.CrashTemporal()
		require.NoError(t, shared.rig.StartTemporal(t.Context()))
		b = begun
	})
	finishAsTrue(t, p, b)
}

// TestProviderDown: while the provider is down, the chunk's step says so, and its tries go on.
func TestProviderDown(t *testing.T) {
	t.Parallel()
	p := platform(t, 2)
	var b chaos.Backfill
	alone(func() {
		begun, c := begin(t, p, coinbase("BTC-EUR"), delay)
		shared.rig.ShutProvider()
		require.Eventually(t, func() bool {
			number, kind, message, err := p.Waits(t.Context(), c)
			require.NoError(t, err)
			return number >= 3 && kind == string(market.KindUnavailable) && message != ""
		}, soon, 50*time.Millisecond)
		require.NoError(t, shared.rig.OpenProvider(t.Context()))
		b = begun
	})
	finishAsTrue(t, p, b)
}

func TestStormOf429(t *testing.T) {
	t.Parallel()
	p := platform(t, 2)
	target := coinbase("DOGE-USD")
	var b chaos.Backfill
	together(func() {
		require.NoError(t, p.Add(t.Context(), target))
		require.NoError(t, shared.rig.Misbehave(t.Context(), simulator.Fault{
			Fault: "rate_limit", Symbol: target.Code, After: 2, Count: 4, RetryAfterSeconds: 1,
		}))
		var err error
		b, err = p.Begin(t.Context(), target, days(1, 3), market.PolicyMissing, "storm")
		require.NoError(t, err)
	})
	finishAsTrue(t, p, b)
	requireSecondAttempt(t, p, b, fetch)
}

// coinbase is a pair of Coinbase's, of which two days are some ten pages.
func coinbase(symbol string) chaos.Target {
	target := pair(symbol)
	target.Adapter = "coinbase"
	return target
}

// finishAsTrue waits for the backfill of a market in which not every minute has a trade.
func finishAsTrue(t *testing.T, p *chaos.Platform, b chaos.Backfill) {
	t.Helper()
	b, err := p.AwaitBackfill(t.Context(), b.ID, recovery)
	require.NoError(t, err)
	require.Equal(t, market.StatusCompleted, b.Status, "%+v", b)
	v := requireGood(t, p)
	require.Equal(t, b.Progress.Bars.Inserted, v.Compared)
}
