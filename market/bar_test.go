package market_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

// goodBar returns a bar that breaks no rule, changed by change.
func goodBar(change func(*market.Bar)) market.Bar {
	b := market.Bar{
		Time: at("2024-01-02"),
		Open: dec("42283.58"), High: dec("45879.63"), Low: dec("42180.77"), Close: dec("44946.91"),
		Volume: dec("65146.40661"), Turnover: dec("2868150291.1"), Trades: new(int64(2096959)),
	}
	change(&b)
	return b
}

func TestBarValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*market.Bar)
		want   market.Rule
	}{
		{"good", func(*market.Bar) {}, ""},
		{"no volume, no trades", func(b *market.Bar) { b.Volume, b.Turnover, b.Trades = market.Decimal{}, market.Decimal{}, nil }, ""},
		{"all prices equal", func(b *market.Bar) { b.Open, b.High, b.Low, b.Close = dec("1"), dec("1"), dec("1"), dec("1") }, ""},
		{"zero prices", func(b *market.Bar) { b.Open, b.High, b.Low, b.Close = dec("0"), dec("0"), dec("0"), dec("0") }, ""},
		{"negative prices", func(b *market.Bar) {
			b.Open, b.High, b.Low, b.Close = dec("-37.63"), dec("-13"), dec("-40.32"), dec("-13.1")
		}, ""},
		{"zero volume and trades", func(b *market.Bar) { b.Volume, b.Trades = dec("0"), new(int64(0)) }, ""},
		{"no time", func(b *market.Bar) { b.Time = market.Bar{}.Time }, market.RuleUnreadable},
		{"no open", func(b *market.Bar) { b.Open = market.Decimal{} }, market.RuleUnreadable},
		{"no high", func(b *market.Bar) { b.High = market.Decimal{} }, market.RuleUnreadable},
		{"no low", func(b *market.Bar) { b.Low = market.Decimal{} }, market.RuleUnreadable},
		{"no close", func(b *market.Bar) { b.Close = market.Decimal{} }, market.RuleUnreadable},
		{"low above open", func(b *market.Bar) { b.Low = dec("42283.59") }, market.RuleLowAbovePrices},
		{"low above close", func(b *market.Bar) { b.Close = dec("42180.76") }, market.RuleLowAbovePrices},
		{"high below open", func(b *market.Bar) { b.Open, b.Close = dec("45879.64"), dec("45000") }, market.RuleHighBelowPrices},
		{"high below close", func(b *market.Bar) { b.Close = dec("45879.64") }, market.RuleHighBelowPrices},
		{"high below low", func(b *market.Bar) { b.High, b.Low = b.Low, b.High }, market.RuleLowAbovePrices},
		{"negative volume", func(b *market.Bar) { b.Volume = dec("-0.00000001") }, market.RuleNegativeVolume},
		{"negative trades", func(b *market.Bar) { b.Trades = new(int64(-1)) }, market.RuleNegativeTrades},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, goodBar(tt.change).Validate())
		})
	}
}

func TestBarEqual(t *testing.T) {
	t.Parallel()
	same := goodBar(func(*market.Bar) {})
	require.True(t, same.Equal(goodBar(func(b *market.Bar) { b.Trades = new(*b.Trades) })))
	require.True(t, goodBar(func(b *market.Bar) { b.Trades = nil }).Equal(goodBar(func(b *market.Bar) { b.Trades = nil })))

	changes := map[string]func(*market.Bar){
		"time":     func(b *market.Bar) { b.Time = b.Time.Add(1) },
		"open":     func(b *market.Bar) { b.Open = dec("1") },
		"high":     func(b *market.Bar) { b.High = dec("1") },
		"low":      func(b *market.Bar) { b.Low = dec("1") },
		"close":    func(b *market.Bar) { b.Close = dec("1") },
		"volume":   func(b *market.Bar) { b.Volume = market.Decimal{} },
		"vwap":     func(b *market.Bar) { b.VWAP = dec("0") },
		"turnover": func(b *market.Bar) { b.Turnover = dec("1") },
		"trades":   func(b *market.Bar) { b.Trades = new(int64(1)) },
		"absent":   func(b *market.Bar) { b.Trades = nil },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.False(t, same.Equal(goodBar(change)))
			require.False(t, goodBar(change).Equal(same))
		})
	}
}

func TestReasonIsIncomplete(t *testing.T) {
	t.Parallel()
	tests := map[market.Reason]bool{
		market.ReasonNeverAsked:     true,
		market.ReasonFailed:         true,
		market.ReasonQuarantined:    true,
		market.ReasonConfirmedEmpty: false,
		market.ReasonForming:        false,
		market.ReasonBeforeListing:  false,
		market.ReasonAfterDelisting: false,
		market.ReasonMarketClosed:   false,
	}
	for reason, want := range tests {
		require.Equal(t, want, reason.IsIncomplete(), "%s", reason)
	}
}

func TestBackfillStatusIsFinished(t *testing.T) {
	t.Parallel()
	tests := map[market.BackfillStatus]bool{
		market.StatusStarting:          false,
		market.StatusRunning:           false,
		market.StatusPaused:            false,
		market.StatusCompleted:         true,
		market.StatusCompletedWithGaps: true,
		market.StatusFailed:            true,
		market.StatusCanceled:          true,
	}
	for status, want := range tests {
		require.Equal(t, want, status.IsFinished(), "%s", status)
	}
}
