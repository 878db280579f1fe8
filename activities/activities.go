package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"marketdata/market"
	"marketdata/planning"
)

// Activities are the steps of all workflows. Every field but Reconciler and Recorder is required.
type Activities struct {
	Jobs         JobStore
	Chunks       ChunkStore
	Syncs        SyncStore
	Housekeeping Housekeeper
	Providers    Registry
	Workflows    Orchestrator
	Scheduled    ScheduleStore
	Planner      *planning.Planner // of scheduled backfills
	Reconciler   Reconciler        // of schedules; nil leaves them to others
	Now          func() time.Time
	RawRetention time.Duration // how long raw bodies are kept
	Recorder     Recorder      // may be nil
}

// Recorder counts what was committed; an attempt that committed nothing is not reported.
type Recorder interface {
	// PageStored is called for each answer of a provider that was stored.
	PageStored(provider string, isReadable bool)
	// BarsWritten is called with the result of each load, also of one that tells an earlier result again.
	BarsWritten(provider string, interval market.Interval, r market.LoadResult)
}

// ChunkRef is what travels through Temporal for a chunk: enough to find it and to name it to an operator.
type ChunkRef struct {
	ID         int64           `json:"id"`
	JobID      string          `json:"job_id"`
	Seq        int             `json:"seq"`
	Name       string          `json:"name"`
	Provider   string          `json:"provider"`
	Instrument string          `json:"instrument"`
	Interval   market.Interval `json:"interval"`
	Start      time.Time       `json:"start"`
	End        time.Time       `json:"end"`
}

// Label names the chunk to an operator: "BTCUSDT.BINANCE 1m 2024-01-01..2024-02-01".
func (c ChunkRef) Label() string {
	return fmt.Sprintf("%s %s %s..%s", c.Instrument, c.Interval, c.Start.Format(time.DateOnly), c.End.Format(time.DateOnly))
}

// FetchResult counts what a fetch stored.
type FetchResult struct {
	Requests int   `json:"requests"` // by this and earlier attempts
	Rows     int   `json:"rows"`     // in all pages, before cleaning
	Bytes    int64 `json:"bytes"`    // received by this attempt
}

// NormalizeResult counts what became of the rows.
type NormalizeResult struct {
	Bars        int64          `json:"bars"`
	Quarantined int            `json:"quarantined"`
	Dropped     map[string]int `json:"dropped,omitempty"`
}

// UpsertInput names the chunk and how many rows its normal page must have.
type UpsertInput struct {
	Chunk ChunkRef `json:"chunk"`
	Bars  int64    `json:"bars"`
}

// UpsertResult counts what the commit changed.
type UpsertResult struct {
	Inserted  int64 `json:"inserted"`
	Restated  int64 `json:"restated"`
	Unchanged int64 `json:"unchanged"`
}

// The stages of a chunk, as stored and as shown by the MdStage search attribute.
const (
	StageFetch     = "fetch"
	StageNormalize = "normalize"
	StageUpsert    = "upsert"
)

type beatKey struct{}

// withBeat returns ctx in which steps of one series leave the heartbeat to the batch they belong to, whose details say which
// series failed.
func withBeat(ctx context.Context, record func()) context.Context {
	return context.WithValue(ctx, beatKey{}, record)
}

// beat records a heartbeat with the progress of a step.
func beat(ctx context.Context, progress fetchProgress) {
	if record, isBatch := ctx.Value(beatKey{}).(func()); isBatch {
		record()
		return
	}
	activity.RecordHeartbeat(ctx, progress)
}

// attemptOf identifies the running activity attempt for fencing.
func attemptOf(ctx context.Context, chunkID int64) market.Attempt {
	info := activity.GetInfo(ctx)
	return market.Attempt{
		ChunkID:    chunkID,
		Token:      fmt.Sprintf("%s/%s/%d", info.WorkflowExecution.RunID, info.ActivityID, info.Attempt),
		WorkflowID: info.WorkflowExecution.ID,
		RunID:      info.WorkflowExecution.RunID,
		Number:     int(info.Attempt),
	}
}
