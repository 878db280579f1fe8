package market

import "fmt"

// InstrumentQuery selects instruments; zero fields do not filter.
type InstrumentQuery struct {
	Text       string // part of the id or name, without case
	AssetClass AssetClass
	Venue      string
	Provider   string
	After      string // id text of the last instrument of the page before
	Limit      int    // 1–1000
}

// BackfillQuery selects backfills; zero fields do not filter.
type BackfillQuery struct {
	Status     BackfillStatus
	Instrument *InstrumentID
	After      string // id of the last backfill of the page before
	Limit      int    // 1–1000
}

// ConflictError says that an unfinished backfill already does what was asked.
type ConflictError struct{ BackfillID string }

// Error names the backfill.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("backfill %s of the same series, interval and range is not finished", e.BackfillID)
}

// Unwrap gives the error its kind.
func (e *ConflictError) Unwrap() error { return &Error{Kind: KindConflict, Message: "already running"} }
