package db_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/db/dbtest"
	"marketdata/market"
)

func TestProviderStates(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	states, err := d.ProviderStates(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]market.ProviderState{}, states)

	for _, name := range []string{"fake", "idle"} {
		require.NoError(t, d.EnsureBudget(t.Context(), name, market.Pacing{RequestsPerMinute: 600}))
	}
	series := newSeries(t, d, market.Interval1m)
	for n, status := range []string{"pending", "running", "done", "failed", "canceled"} {
		start := at("2024-01-01").AddDate(0, n, 0)
		chunk := newChunk(t, d, series, market.Range{Start: start, End: start.AddDate(0, 1, 0)}, market.PolicyAll)
		exec(t, d, "UPDATE ingest_chunk SET status = $2 WHERE id = $1", chunk, status)
	}
	for range 3 {
		_, err := d.TakeBudget(t.Context(), booking("fake", 1, time.Minute))
		require.NoError(t, err)
	}
	exec(t, d, "INSERT INTO rate_usage VALUES ('fake', now() - interval '61 seconds', 1000)")
	require.NoError(t, d.HoldProvider(t.Context(), "fake", time.Hour))
	until := scalar[time.Time](t, d, `SELECT not_before FROM provider_gate WHERE provider = 'fake'`).UTC()
	require.WithinDuration(t, time.Now().Add(time.Hour), until, time.Minute)
	require.NoError(t, d.SetProviderPaused(t.Context(), "fake", true, "maintenance"))
	states, err = d.ProviderStates(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]market.ProviderState{
		"idle": {},
		"fake": {Paused: true, PausedReason: "maintenance", UsedLastMinute: 3, NotBefore: until, Waiting: 2},
	}, states)

	require.NoError(t, d.SetProviderPaused(t.Context(), "fake", false, "why not"))
	exec(t, d, "UPDATE provider_gate SET not_before = now() - interval '1 second'")
	states, err = d.ProviderStates(t.Context())
	require.NoError(t, err)
	require.Equal(t, market.ProviderState{UsedLastMinute: 3, Waiting: 2}, states["fake"], "a hold that is over is none")
	hasKind(t, market.KindNotFound, d.SetProviderPaused(t.Context(), "nobody", true, ""))
}
