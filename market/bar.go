package market

import "time"

// Bar is open, high, low, close and volume over one interval. Time is its key: its open in UTC, or its session date at
// 00:00 UTC for daily and longer bars. Prices are in the instrument's currency, on the basis of its series. Volume (in
// units of the instrument), VWAP, Turnover (in currency) and Trades are absent where the provider does not send them.
type Bar struct {
	Time                   time.Time
	Open, High, Low, Close Decimal
	Volume, VWAP, Turnover Decimal
	Trades                 *int64
}

// Rule names an invariant of a bar that a provider's row broke.
type Rule string

// The rules by which rows are dropped or quarantined.
const (
	RuleUnreadable           Rule = "unreadable"            // a field is missing, of the wrong type, or not a number
	RuleLowAbovePrices       Rule = "low_above_prices"      // low > open or low > close
	RuleHighBelowPrices      Rule = "high_below_prices"     // high < open or high < close
	RuleNegativeVolume       Rule = "negative_volume"       // volume < 0
	RuleNegativeTrades       Rule = "negative_trades"       // trades < 0
	RuleMisaligned           Rule = "misaligned"            // the time is not on the grid of the interval
	RuleConflictingDuplicate Rule = "conflicting_duplicate" // two rows of one key differ
)

// Rules returns the closed set of rules.
func Rules() []Rule {
	return []Rule{
		RuleUnreadable, RuleLowAbovePrices, RuleHighBelowPrices, RuleNegativeVolume, RuleNegativeTrades, RuleMisaligned,
		RuleConflictingDuplicate,
	}
}

// Validate returns the first rule the bar breaks, or "". Prices may be zero or negative: futures have settled there.
func (b Bar) Validate() Rule {
	switch {
	case !b.Open.IsSet() || !b.High.IsSet() || !b.Low.IsSet() || !b.Close.IsSet() || b.Time.IsZero():
		return RuleUnreadable
	case b.Low.Cmp(b.Open) > 0 || b.Low.Cmp(b.Close) > 0:
		return RuleLowAbovePrices
	case b.High.Cmp(b.Open) < 0 || b.High.Cmp(b.Close) < 0:
		return RuleHighBelowPrices
	case b.Volume.IsNegative():
		return RuleNegativeVolume
	case b.Trades != nil && *b.Trades < 0:
		return RuleNegativeTrades
	}
	return ""
}

// Equal reports whether two bars say the same: same key, same digits, same absences.
func (b Bar) Equal(o Bar) bool {
	if (b.Trades == nil) != (o.Trades == nil) || b.Trades != nil && *b.Trades != *o.Trades {
		return false
	}
	return b.Time.Equal(o.Time) && b.Open == o.Open && b.High == o.High && b.Low == o.Low && b.Close == o.Close &&
		b.Volume == o.Volume && b.VWAP == o.VWAP && b.Turnover == o.Turnover
}
