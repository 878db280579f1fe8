package market

// Adjustment says which corporate actions are applied to prices.
type Adjustment string

// The closed set of adjustments. Total is splits and dividends.
const (
	AdjustmentRaw   Adjustment = "raw"
	AdjustmentSplit Adjustment = "split"
	AdjustmentTotal Adjustment = "total"
)

// Reason says why a stretch of a series has no bars.
type Reason string

// The closed set of reasons.
const (
	ReasonNeverAsked     Reason = "never_asked"
	ReasonConfirmedEmpty Reason = "confirmed_empty"
	ReasonFailed         Reason = "failed"
	ReasonQuarantined    Reason = "quarantined"
	ReasonForming        Reason = "forming"
	ReasonBeforeListing  Reason = "before_listing"
	ReasonAfterDelisting Reason = "after_delisting"
	ReasonMarketClosed   Reason = "market_closed"
)

// IsIncomplete reports whether a stretch with this reason leaves an answer incomplete: data may exist that we lack.
func (r Reason) IsIncomplete() bool {
	return r == ReasonNeverAsked || r == ReasonFailed || r == ReasonQuarantined
}
