package market_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketdata/market"
)

func TestGridAfterAndBeforeCountKeys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := rapid.OneOf(sessionGrid(), rapid.Custom(func(t *rapid.T) market.Grid {
			return market.Grid{Interval: rapid.SampledFrom(market.Intervals()).Draw(t, "interval"), Calendar: market.Calendar247{}}
		})).Draw(t, "grid")
		at := time.Date(2024, 2, 20, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 30*24*3600).Draw(t, "at")) * time.Second)
		n := rapid.Int64Range(0, 40).Draw(t, "n")
		end := g.After(at, n)
		require.True(t, g.IsAligned(end))
		require.Equal(t, n, g.Count(market.Range{Start: at, End: end}))
		start := g.Before(at, n)
		require.True(t, g.IsAligned(start))
		require.Equal(t, n, g.Count(market.Range{Start: start, End: at}))
	})
}

func TestGridSkipsEndWithoutSessions(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	g := market.Grid{Interval: market.Interval1h, Calendar: closedForever{}}
	require.True(t, g.After(at, 3).After(at.AddDate(100, 0, 0)))
	require.True(t, g.Before(at, 3).Before(at.AddDate(-100, 0, 0)))
}
