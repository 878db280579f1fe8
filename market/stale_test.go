package market_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

func TestStaleAfter(t *testing.T) {
	t.Parallel()
	for interval, want := range map[market.Interval]time.Duration{
		market.Interval1m: 15 * time.Minute, market.Interval5m: 15 * time.Minute, market.Interval15m: 45 * time.Minute,
		market.Interval1h: 45 * time.Minute, market.Interval1d: 45 * time.Minute, market.Interval1mo: 45 * time.Minute,
	} {
		require.Equal(t, want, market.StaleAfter(interval), interval)
	}
}
