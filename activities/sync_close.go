package activities

import (
	"context"
	"fmt"

	"marketdata/market"
)

// FailSyncInput says why a whole batch could not go on.
type FailSyncInput struct {
	ChunkIDs []int64     `json:"chunk_ids"`
	Kind     market.Kind `json:"kind"`
	Message  string      `json:"message"`
}

// FailSync records why the series of a batch failed, of those that are not done.
func (a *Activities) FailSync(ctx context.Context, in FailSyncInput) error {
	for _, id := range in.ChunkIDs {
		fault := market.ChunkFault{ChunkID: id, RunID: attemptOf(ctx, id).RunID, Kind: in.Kind, Message: in.Message}
		if err := a.Jobs.FailChunk(ctx, fault); err != nil {
			return temporalError(ctx, err)
		}
	}
	return nil
}

// CloseSyncInput ends a sync.
type CloseSyncInput struct {
	JobID string `json:"job_id"`
}

// SyncOutcome is what a sync came to; FirstFailure says why the first of its failed series failed.
type SyncOutcome struct {
	market.SyncOutcome

	FirstFailure string `json:"first_failure,omitempty"`
}

// CloseSync settles the series that are not done and returns what the sync came to.
func (a *Activities) CloseSync(ctx context.Context, in CloseSyncInput) (SyncOutcome, error) {
	outcome, err := a.Syncs.CloseSync(ctx, in.JobID, endedEarly)
	result := SyncOutcome{SyncOutcome: outcome}
	if len(outcome.Failures) > 0 {
		f := outcome.Failures[0]
		result.FirstFailure = fmt.Sprintf("%s: %s: %s", f.Instrument, f.Kind, f.Message)
	}
	return result, temporalError(ctx, err)
}
