package market_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

func TestSyncedTakesTheFirstProviderThatCan(t *testing.T) {
	t.Parallel()
	btc, eth := market.InstrumentID{Symbol: "BTC", Venue: "X"}, market.InstrumentID{Symbol: "ETH", Venue: "X"}
	all := []market.TrackedSeries{
		{Instrument: btc, Interval: market.Interval1m, Provider: "off"},
		{Instrument: btc, Interval: market.Interval1m, Provider: "on", Preference: 1},
		{Instrument: btc, Interval: market.Interval1m, Provider: "later", Preference: 2},
		{Instrument: btc, Interval: market.Interval1d, Provider: "on", Preference: 1},
		{Instrument: eth, Interval: market.Interval1m, Provider: "off"},
	}
	got := market.Synced(all, func(provider string, _ market.Interval) bool { return provider != "off" })
	require.Equal(t, []market.TrackedSeries{all[1], all[3]}, got)
	require.Empty(t, market.Synced(nil, func(string, market.Interval) bool { return true }))
}
