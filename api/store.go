package api

import (
	"context"

	"marketdata/market"
)

// InstrumentStore is the catalogue. *db.DB satisfies it.
type InstrumentStore interface {
	// PutInstrument creates the instrument or merges providers (new ones are appended in the given order) and
	// intervals into the stored one, and reports whether it was created. Errors: conflict when asset class, currency,
	// calendar or a provider's symbol differ from what is stored, or name when both are set and differ.
	PutInstrument(ctx context.Context, i market.Instrument) (stored market.Instrument, isNew bool, err error)
	// CheckInstrument returns what PutInstrument would, and writes nothing. Errors: as PutInstrument.
	CheckInstrument(ctx context.Context, i market.Instrument) (stored market.Instrument, isNew bool, err error)
	// Instrument returns one. Errors: not_found.
	Instrument(ctx context.Context, id market.InstrumentID) (market.Instrument, error)
	// Instruments returns those that match, by id text ascending, after q.After, at most q.Limit.
	Instruments(ctx context.Context, q market.InstrumentQuery) ([]market.Instrument, error)
	// StopSync removes an interval from those kept in sync; data stay. Errors: not_found.
	StopSync(ctx context.Context, id market.InstrumentID, interval market.Interval) error
}

// BarReader reads stored bars. *db.DB satisfies it.
type BarReader interface {
	// Series returns the series of the provider, or of the first preferred provider with any coverage of the interval
	// (else the first preferred) when provider is "". Covered is clipped to r. A series never asked for has ID 0.
	// Errors: not_found for an unknown instrument or a provider it does not list.
	Series(ctx context.Context, id market.InstrumentID, interval market.Interval, provider string, r market.Range) (market.Series, error)
	// Bars calls visit for each bar of the series with its key in r, ascending or descending, at most limit. Memory
	// does not grow with r. It stops at visit's first error and returns it.
	Bars(ctx context.Context, seriesID int64, r market.Range, limit int, isDescending bool, visit func(market.RawBar) error) error
	// Holes returns what is known of stretches of r without bars: ranges of failed chunks that are not covered, and
	// where unresolved quarantined rows belong: from a row's key on, the shortest possible range, or the whole range of
	// its chunk where the row's time could not be read. Both ascending and disjoint.
	Holes(ctx context.Context, seriesID int64, r market.Range) (failed, quarantined []market.Range, err error)
}

// BackfillStore keeps backfills. *db.DB satisfies it.
type BackfillStore interface {
	// CreateBackfill stores the job and its chunks in one transaction: of each series' range what is not covered
	// (policy missing) or all of it, cut on the interval's chunk grid. isReplay: the idempotency key was used before
	// with the same request; the stored backfill is returned. Errors: invalid (same key, other request; a
	// *market.Error), conflict as *market.ConflictError with the id of an unfinished backfill of one of the series
	// with the same interval and range, not_found.
	CreateBackfill(ctx context.Context, r market.BackfillRequest) (b market.Backfill, isReplay bool, err error)
	// Backfill returns one with everything counted. Errors: not_found.
	Backfill(ctx context.Context, id string) (market.Backfill, error)
	// Backfills returns those that match, newest first, at most q.Limit after q.After.
	Backfills(ctx context.Context, q market.BackfillQuery) ([]market.Backfill, error)
	// RequestCancel notes that a person canceled the backfill. Errors: conflict when it is finished, not_found.
	RequestCancel(ctx context.Context, id string) error
	// ReopenBackfill sets failed and canceled chunks (and, when none is, those with quarantined rows) back to
	// pending and clears cancel, pause and end. Errors: conflict when unfinished or nothing is to retry, not_found.
	ReopenBackfill(ctx context.Context, id string) (market.Backfill, error)
}

// ScheduleStore holds the definitions of schedules. *db.DB satisfies it.
type ScheduleStore interface {
	// Schedules returns every stored schedule by id.
	Schedules(ctx context.Context) ([]market.Schedule, error)
	// Schedule returns one. Errors: not_found.
	Schedule(ctx context.Context, id string) (market.Schedule, error)
	// FailingSyncs tells of those of the sync schedules, which must be all of them, that have series whose last sync
	// failed.
	FailingSyncs(ctx context.Context, syncs []market.SyncSchedule) ([]market.SyncFailing, error)
}

// ProviderStore is the live state of request budgets. *db.DB satisfies it.
type ProviderStore interface {
	// ProviderStates returns the state of each provider instance that has a budget.
	ProviderStates(ctx context.Context) (map[string]market.ProviderState, error)
	// SetProviderPaused stops or resumes all workers of a provider. Errors: not_found.
	SetProviderPaused(ctx context.Context, provider string, isPaused bool, reason string) error
}

// HealthStore answers readiness checks.
type HealthStore interface {
	Ping(ctx context.Context) error
	// MigrationsPending returns how many migrations this build has that the database lacks.
	MigrationsPending(ctx context.Context) (int, error)
}

// Store is everything the API needs of the database.
type Store interface {
	InstrumentStore
	BarReader
	BackfillStore
	ScheduleStore
	ProviderStore
	AlertStore
	HealthStore
}

// Scheduler changes schedules and knows their live state. workflows.Scheduler satisfies it.
// What it does in Temporal returns unavailable when that cannot be reached; definitions are unchanged then.
type Scheduler interface {
	// SyncSchedules returns the schedules that follow from the tracked series.
	SyncSchedules(ctx context.Context) ([]market.SyncSchedule, error)
	// Create stores a schedule together with its Temporal schedule. Errors: conflict when the id is taken.
	Create(ctx context.Context, s market.Schedule) error
	// Delete removes both. Errors: not_found; conflict when the configuration defines it.
	Delete(ctx context.Context, id string) error
	// Trigger starts a run at once; Pause and Resume hold and let go further ones.
	Trigger(ctx context.Context, id string) error
	Pause(ctx context.Context, id, reason string) error
	Resume(ctx context.Context, id string) error
	// States returns the live state by id; a schedule that Temporal does not know yet, or whose state could not be read, is
	// left out.
	States(ctx context.Context, ids []string) (map[string]market.ScheduleState, error)
	// Nudge makes the schedules follow the tracked series soon; it returns at once.
	Nudge()
	// URL links to a schedule in the Temporal UI.
	URL(id string) string
}

// Orchestrator starts and steers workflows. workflows.Client satisfies it over the Temporal SDK.
// Every method returns unavailable when Temporal cannot be reached.
type Orchestrator interface {
	// StartBackfill starts the workflow of a stored backfill; already running is no error.
	StartBackfill(ctx context.Context, b market.Backfill) error
	// PauseBackfill, ResumeBackfill and SetConcurrency are Updates: they return once the workflow took them.
	// Errors: conflict when the workflow does not run, invalid when it refuses.
	PauseBackfill(ctx context.Context, workflowID, reason string) error
	ResumeBackfill(ctx context.Context, workflowID string) error
	SetConcurrency(ctx context.Context, workflowID string, concurrency int) error
	// CancelBackfill asks the workflow to cancel. Errors: conflict when it does not run.
	CancelBackfill(ctx context.Context, workflowID string) error
	// FindListing asks the provider since when it has bars of the instrument and stores the answer; it waits at most
	// until ctx's deadline. Errors: not_found when the provider does not know the symbol.
	FindListing(ctx context.Context, id market.InstrumentID, p market.ProviderSymbol) error
	// PauseProvider sets the dispatch rate of the provider's queues to 0, or lifts it.
	PauseProvider(ctx context.Context, provider string, isPaused bool, reason string) error
	// StartAlert starts the workflow of a stored delivery; already running is no error.
	StartAlert(ctx context.Context, ref market.AlertRef) error
	// Ping reports whether Temporal answers.
	Ping(ctx context.Context) error
	// WorkflowURL and JobURL link into the Temporal UI: one workflow, and the list query MdJobId="…".
	WorkflowURL(workflowID string) string
	JobURL(jobID string) string
}
