package market

import "time"

// SyncFailing tells of the series that a sync schedule keeps fresh and whose last sync failed.
type SyncFailing struct {
	Provider string
	Interval Interval
	Series   int           // that fail, at least 1
	Failures []SyncFailure // at most 5: those that failed most often in a row first
}

// SyncFailure is why the last sync of a series failed.
type SyncFailure struct {
	Instrument InstrumentID
	Kind       Kind
	Message    string
	RetryAt    *time.Time // not tried before; nil: with the next run
}
