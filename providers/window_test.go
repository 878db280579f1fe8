package providers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
)

func TestWindows(t *testing.T) {
	t.Parallel()
	c := market.Capabilities{WindowSeconds: map[market.Interval]int64{market.Interval1m: 5 * 60}}
	for _, tc := range []struct {
		name     string
		interval market.Interval
		asked    market.Range
		want     []market.Range
	}{
		{"shorter", market.Interval1m, span(0, 4), []market.Range{span(0, 4)}},
		{"exactly one", market.Interval1m, span(0, 5), []market.Range{span(0, 5)}},
		{"one minute more", market.Interval1m, span(0, 6), []market.Range{span(0, 5), span(5, 6)}},
		{"unaligned", market.Interval1m, span(3, 14), []market.Range{span(3, 8), span(8, 13), span(13, 14)}},
		{"no bound", market.Interval1h, span(0, 6000), []market.Range{span(0, 6000)}},
		{"empty", market.Interval1m, span(3, 3), nil},
	} {
		require.Equal(t, tc.want, providers.Windows(c, tc.interval, tc.asked), tc.name)
	}
}

func span(start, end int) market.Range { return market.Range{Start: minute(start), End: minute(end)} }
