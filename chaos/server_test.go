package chaos_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/chaos"
	"marketdata/market"
	"marketdata/simulator"
)

// TestServers ends the servers of one platform, one after the other; nothing else goes on meanwhile.
func TestServers(t *testing.T) {
	t.Parallel()
	p := platform(t, 2)
	for _, test := range []struct { //nolint:paralleltest // one after the other: they end what all need
		name string
		run  func(*testing.T, *chaos.Platform)
	}{
		{"PostgreSQL stopped hard in upsert", postgresInUpsert},
		{"PostgreSQL stopped hard between normalize and upsert", postgresBetween},
		{"Temporal killed", temporalKilled},
		{"provider down", providerDown},
		{"storm of 429", stormOf429},
		{"two overlapping backfills", overlapping},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, p) })
	}
}

func postgresInUpsert(t *testing.T, p *chaos.Platform) {
	t.Helper()
	var b chaos.Backfill
	alone(func() {
		begun, c := begin(t, p, pair("ETHBTC"), delay)
		hold, err := p.Audit().HoldUpsert(t.Context(), c)
		require.NoError(t, err)
		defer hold.Release(t.Context()) // it ends with the server; a hold that nobody keeps would end when its memory is freed
		heldAt(t, p, begun, upsert)
		require.NoError(t, shared.rig.CrashPostgres(true))
		require.NoError(t, shared.rig.StartPostgres(t.Context()))
		b = begun
	})
	finish(t, p, b)
	requireSecondAttempt(t, p, b, upsert)
}

// postgresBetween: the rows are stored, the upsert waits to begin.
func postgresBetween(t *testing.T, p *chaos.Platform) {
	t.Helper()
	var b chaos.Backfill
	alone(func() {
		begun, c := begin(t, p, coinbase("ETH-USD"), delay)
		hold, err := p.Audit().HoldNormalize(t.Context(), c)
		require.NoError(t, err)
		heldAt(t, p, begun, normalize)
		claim, err := p.Audit().HoldClaim(t.Context(), c, market.Interval1m)
		require.NoError(t, err)
		defer claim.Release(t.Context()) // as above
		hold.Release(t.Context())
		require.Eventually(t, func() bool { return onlyChunk(t, p, begun).IsNormal }, soon, poll)
		require.Equal(t, normalize, onlyChunk(t, p, begun).Stage)
		_, err = p.AwaitHolder(t.Context(), c, upsert, soon)
		require.NoError(t, err)
		require.NoError(t, shared.rig.CrashPostgres(false))
		require.NoError(t, shared.rig.StartPostgres(t.Context()))
		b = begun
	})
	finish(t, p, b)
	requireSecondAttempt(t, p, b, upsert)
}

func temporalKilled(t *testing.T, p *chaos.Platform) {
	t.Helper()
	var b chaos.Backfill
	alone(func() {
		begun, c := begin(t, p, coinbase("SOL-USD"), delay)
		_, err := p.AwaitHolder(t.Context(), c, fetch, soon)
		require.NoError(t, err)
		shared.rig.CrashTemporal()
		require.NoError(t, shared.rig.StartTemporal(t.Context()))
		b = begun
	})
	finish(t, p, b)
}

// providerDown: while the provider is down, the step of the chunk says so, and its tries go on.
func providerDown(t *testing.T, p *chaos.Platform) {
	t.Helper()
	var b chaos.Backfill
	alone(func() {
		begun, c := begin(t, p, coinbase("BTC-EUR"), delay)
		shared.rig.ShutProvider()
		defer func() { require.NoError(t, shared.rig.OpenProvider(t.Context())) }()
		require.Eventually(t, func() bool { // Temporal, which has just been started anew, may not know everything yet
			number, kind, message, err := p.Waits(t.Context(), c)
			return err == nil && number >= 3 && kind == string(market.KindUnavailable) && message != ""
		}, soon, poll)
		b = begun
	})
	finish(t, p, b)
	requireSecondAttempt(t, p, b, fetch)
}

func stormOf429(t *testing.T, p *chaos.Platform) {
	t.Helper()
	target := coinbase("DOGE-USD")
	require.NoError(t, p.Add(t.Context(), target))
	require.NoError(t, shared.rig.Misbehave(t.Context(), simulator.Fault{
		Fault: "rate_limit", Symbol: target.Code, After: 2, Count: 4, RetryAfterSeconds: 1,
	}))
	b, err := p.Begin(t.Context(), target, days(1, 3), market.PolicyMissing, "storm")
	require.NoError(t, err)
	finish(t, p, b)
	requireSecondAttempt(t, p, b, fetch)
}

func overlapping(t *testing.T, p *chaos.Platform) {
	t.Helper()
	target := pair("SHIBUSDT")
	a, _ := begin(t, p, target, delay)
	b, err := p.Begin(t.Context(), target, days(2, 4), market.PolicyMissing, "the other")
	require.NoError(t, err)
	a, err = p.AwaitBackfill(t.Context(), a.ID, recovery)
	require.NoError(t, err)
	require.Equal(t, market.StatusCompleted, a.Status, "%+v", a)
	b, err = p.AwaitBackfill(t.Context(), b.ID, recovery)
	require.NoError(t, err)
	require.Equal(t, int64(3*24*60), a.Progress.Bars.Inserted+b.Progress.Bars.Inserted)
	require.Zero(t, a.Progress.Bars.Unchanged+b.Progress.Bars.Unchanged, "nothing was fetched twice")
	finish(t, p, b)
}

// coinbase is a pair of Coinbase's, of which two days are some ten pages.
func coinbase(symbol string) chaos.Target {
	target := pair(symbol)
	target.Adapter = "coinbase"
	return target
}
