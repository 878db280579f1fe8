package activities

import (
	"context"

	"marketdata/market"
)

// UpsertChunk merges the chunk's validated rows into the bars in one transaction: rows, former values, the load, the
// coverage and the chunk's state. Run again it changes nothing and returns the first result.
func (a *Activities) UpsertChunk(ctx context.Context, in UpsertInput) (UpsertResult, error) {
	result, err := a.upsertChunk(ctx, in)
	return UpsertResult{Inserted: result.Inserted, Restated: result.Restated, Unchanged: result.Unchanged}, temporalError(ctx, err)
}

func (a *Activities) upsertChunk(ctx context.Context, in UpsertInput) (market.LoadResult, error) {
	attempt := attemptOf(ctx, in.Chunk.ID)
	claim, err := a.Chunks.ClaimChunk(ctx, attempt, StageUpsert)
	if err != nil {
		return market.LoadResult{}, err
	}
	result, err := a.Chunks.LoadChunk(ctx, attempt, in.Bars)
	if err == nil && a.Recorder != nil {
		a.Recorder.BarsWritten(claim.Chunk.Provider, claim.Chunk.Interval, result)
	}
	return result, err
}
