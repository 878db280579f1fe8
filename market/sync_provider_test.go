package market_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

func TestCanSync(t *testing.T) {
	t.Parallel()
	minutes := market.Capabilities{Intervals: []market.Interval{market.Interval1m}}
	can := market.CanSync([]market.ProviderInstance{{Name: "off", Capabilities: minutes}, {Name: "on", Enabled: true, Capabilities: minutes}})
	for _, c := range []struct {
		provider string
		interval market.Interval
		want     bool
	}{
		{"on", market.Interval1m, true},
		{"on", market.Interval1d, false},
		{"off", market.Interval1m, false},
		{"nobody", market.Interval1m, false},
	} {
		require.Equal(t, c.want, can(c.provider, c.interval), c)
	}
	require.False(t, market.CanSync(nil)("on", market.Interval1m))
}
