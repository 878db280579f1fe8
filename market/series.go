package market

import "time"

// Series is provider × instrument × interval, the unit of storage, coverage and failover, as readers need it.
type Series struct {
	ID          int64 // 0 while nothing was ever asked for
	Instrument  InstrumentID
	Calendar    string
	Provider    string
	Interval    Interval
	PriceBasis  Adjustment
	ListedAt    *time.Time // the provider's first bar of any interval; nil while unknown
	DelistedAt  *time.Time
	HasCoverage bool
	Covered     []Range // asked for and answered, ascending, disjoint; clipped to the range of the question
	Version     int64   // counts the loads of the series
}

// RawBar is a stored bar as the database's own digits: canonical decimals without exponent. The slices are valid only
// until the next row; a nil slice is an absent value.
type RawBar struct {
	Time                                           time.Time
	Open, High, Low, Close, Volume, VWAP, Turnover []byte
	Trades                                         []byte
}
