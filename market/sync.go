package market

import (
	"fmt"
	"time"
)

// SyncRequest brings the series of one provider and interval up to date: one run of a sync schedule.
type SyncRequest struct {
	ID         string // UUID of the job: that of the workflow's run
	WorkflowID string
	Provider   string
	Interval   Interval
	Targets    []SyncTarget
	BatchSize  int // series that one workflow carries, which names the workflow of each chunk
}

// SyncTarget is one series of a sync. Of Range is asked what is not covered, and everything from Again on once more.
type SyncTarget struct {
	Series     TrackedSeries
	PriceBasis Adjustment
	Range      Range
	Again      time.Time // within Range or its end: the last bars are asked again, because providers revise them
	Bars       int64     // expected in what is asked, by the calendar
	IsCatchup  bool      // an older stretch, beside the target with the newest bars
}

// SyncRetry says until when a series is left alone after a refusal: its newest bars, and its older stretches.
type SyncRetry struct {
	Newest  time.Time
	Catchup time.Time
}

// SyncOutcome is what a sync came to, counted from its chunks.
type SyncOutcome struct {
	Chunks   ChunkCounts    `json:"chunks"`
	Bars     BarCounts      `json:"bars"`
	Failures []ChunkFailure `json:"-"` // the first few
}

// SyncBatchWorkflowID is the id of the workflow that carries the n-th batch of a sync, n from 1.
func SyncBatchWorkflowID(workflowID string, n int) string {
	return fmt.Sprintf("%s/%d", workflowID, n)
}

// OpenSync is a sync that nobody has closed.
type OpenSync struct {
	ID         string
	WorkflowID string
}
