package market

import "time"

// BackfillPolicy says what of a range is asked for.
type BackfillPolicy string

// The closed set of policies: what is not covered yet (including what failed before), or everything again.
const (
	PolicyMissing BackfillPolicy = "missing"
	PolicyAll     BackfillPolicy = "all"
)

// BackfillStatus is derived from a backfill's chunks.
type BackfillStatus string

// The closed set of statuses. Failed: a chunk failed. CompletedWithGaps: all done, but rows were quarantined.
const (
	StatusStarting          BackfillStatus = "starting"
	StatusRunning           BackfillStatus = "running"
	StatusPaused            BackfillStatus = "paused"
	StatusCompleted         BackfillStatus = "completed"
	StatusCompletedWithGaps BackfillStatus = "completed_with_gaps"
	StatusFailed            BackfillStatus = "failed"
	StatusCanceled          BackfillStatus = "canceled"
)

// BackfillStatuses returns the closed set of statuses.
func BackfillStatuses() []BackfillStatus {
	return []BackfillStatus{
		StatusStarting, StatusRunning, StatusPaused, StatusCompleted, StatusCompletedWithGaps, StatusFailed, StatusCanceled,
	}
}

// IsFinished reports whether nothing is left to do.
func (s BackfillStatus) IsFinished() bool {
	return s != StatusStarting && s != StatusRunning && s != StatusPaused
}

// BackfillRequest asks for one range of one interval of several series.
type BackfillRequest struct {
	ID             string // UUIDv7, made by the caller
	Series         []BackfillTarget
	Interval       Interval
	Range          Range // as asked
	Policy         BackfillPolicy
	Concurrency    int // chunks in flight per provider, 1–64
	MaxFailed      int // failed chunks after which the rest is given up; 0 means no limit
	IdempotencyKey string
	RequestHash    string // of the request body; compared where the key repeats
	RequestID      string // of the API's request, for logs; "" when nobody asked
	ScheduleID     string // of the schedule that asks, "" when a person does
}

// BackfillTarget is one series of a request. Range is what is wanted of it: the request's range clipped to listing and
// to the last closed bar; never empty.
type BackfillTarget struct {
	Instrument InstrumentID
	Provider   string
	PriceBasis Adjustment
	Range      Range
}

// Backfill is a request with its progress, everything counted from its chunks.
type Backfill struct {
	ID           string
	Status       BackfillStatus
	Policy       BackfillPolicy
	Interval     Interval
	Range        Range
	Concurrency  int
	MaxFailed    int
	CreatedAt    time.Time
	StartedAt    *time.Time
	FinishedAt   *time.Time
	WorkflowID   string
	ScheduleID   string // "" when a person asked for it
	PausedReason *string
	RequestID    string // of the API's request that asked for it; "" when nobody did
	Requests     int64
	Chunks       ChunkCounts
	Bars         BarCounts
	Series       []BackfillSeries
	Failures     []ChunkFailure // at most 100, lowest seq first
}

// BackfillSeries is the share of one series in a backfill.
type BackfillSeries struct {
	Instrument InstrumentID
	Provider   string
	Chunks     ChunkCounts
	Bars       BarCounts
}

// ChunkCounts counts chunks by status.
type ChunkCounts struct {
	Total    int64 `json:"total"`
	Pending  int64 `json:"pending"`
	Running  int64 `json:"running"`
	Done     int64 `json:"done"`
	Failed   int64 `json:"failed"`
	Canceled int64 `json:"canceled"`
}

// BarCounts counts bars: expected by the calendar, and what became of those that came.
type BarCounts struct {
	Expected    int64 `json:"expected"`
	Inserted    int64 `json:"inserted"`
	Restated    int64 `json:"restated"`
	Unchanged   int64 `json:"unchanged"`
	Quarantined int64 `json:"quarantined"`
}

// ChunkFailure says why a chunk failed.
type ChunkFailure struct {
	Instrument InstrumentID
	Range      Range
	Kind       Kind
	Message    string
	WorkflowID string
}

// JobPlan is what a backfill's workflow is made of.
type JobPlan struct {
	Interval    Interval
	Concurrency int
	MaxFailed   int
	Total       int // chunks of the job, done ones included
	Done        int
	Providers   []string // that have chunks pending or running, sorted
	PauseReason string   // "" when not paused
}

// UnfinishedJob is a job whose workflow the sweep looks at.
type UnfinishedJob struct {
	ID         string
	WorkflowID string
	RequestID  string     // of the API's request that asked for it; "" when nobody did
	IsReopened bool       // by a retry whose run has not begun
	IsClosed   bool       // its workflow ended, or was found ended; a chunk goes on by itself
	HasPending bool       // has a chunk that nobody works on yet
	Quiet      []ChunkRun // of its running chunks that were not heard of lately
}

// ChunkRun is the run of a workflow that claimed a chunk last.
type ChunkRun struct {
	ChunkID    int64
	WorkflowID string
	RunID      string
}

// ChunkFault is why a run of a chunk's workflow failed.
type ChunkFault struct {
	ChunkID int64
	RunID   string // a chunk at work under another run is left alone
	Kind    Kind
	Message string
}

// JobEnd settles a job whose workflow ended.
type JobEnd struct {
	JobID      string
	IsCanceled bool     // what is settled becomes canceled, else failed
	Message    string   // why
	DeadRuns   []string // run ids: running chunks are settled only where they are named here
}
