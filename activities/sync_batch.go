package activities

import (
	"context"
	"errors"
	"slices"
	"sync"

	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"

	"marketdata/market"
	"marketdata/providers"
)

const (
	syncFetches = 8 // series of a batch fetched at once
	syncWrites  = 2 // series of a batch normalized or upserted at once

	// syncOutageTries is how many attempts an outage gets before a series waits for the next run.
	syncOutageTries = 3
)

// SyncChunk is a series of a batch that goes on to the next step.
type SyncChunk struct {
	ID   int64 `json:"id"`
	Bars int64 `json:"bars,omitempty"` // validated rows, after normalize
}

// SyncStep is what one step of a batch did.
type SyncStep struct {
	Chunks   []SyncChunk  `json:"chunks"`           // that go on
	Failed   []int64      `json:"failed,omitempty"` // chunks; why is recorded on their rows
	Kind     market.Kind  `json:"kind,omitempty"`   // of the first failure
	Message  string       `json:"message,omitempty"`
	Requests int          `json:"requests,omitempty"`
	Upserted UpsertResult `json:"upserted,omitzero"`
}

// SyncWork names the series of a batch that a step is for.
type SyncWork struct {
	Batch  SyncBatch   `json:"batch"`
	Chunks []SyncChunk `json:"chunks"`
}

// FetchSync fetches every series of the batch. One that fails is recorded and the rest goes on; what waits for the budget
// or an outage makes the attempt fail and goes on in the next one.
func (a *Activities) FetchSync(ctx context.Context, work SyncWork) (SyncStep, error) {
	ctx = providers.WithLane(ctx, providers.LaneSync)
	step, err := a.eachSeries(ctx, work, syncFetches, func(ctx context.Context, c *SyncChunk, step *SyncStep) error {
		ref := ChunkRef{ID: c.ID, JobID: work.Batch.JobID, Provider: work.Batch.Provider}
		fetched, err := a.fetchChunk(ctx, ref, new(fetchProgress))
		step.Requests = fetched.Requests
		return err
	})
	return step, temporalError(ctx, err)
}

// NormalizeSync turns the stored pages of every series of the batch into validated rows.
func (a *Activities) NormalizeSync(ctx context.Context, work SyncWork) (SyncStep, error) {
	step, err := a.eachSeries(ctx, work, syncWrites, func(ctx context.Context, c *SyncChunk, _ *SyncStep) error {
		normal, err := a.normalizeChunk(ctx, ChunkRef{ID: c.ID, JobID: work.Batch.JobID, Provider: work.Batch.Provider})
		c.Bars = normal.Bars
		return err
	})
	return step, temporalError(ctx, err)
}

// UpsertSync merges the rows of every series of the batch, each in a transaction of its own.
func (a *Activities) UpsertSync(ctx context.Context, work SyncWork) (SyncStep, error) {
	step, err := a.eachSeries(ctx, work, syncWrites, func(ctx context.Context, c *SyncChunk, step *SyncStep) error {
		done, err := a.upsertChunk(ctx, UpsertInput{Chunk: ChunkRef{ID: c.ID}, Bars: c.Bars})
		step.Upserted = UpsertResult{Inserted: done.Inserted, Restated: done.Restated, Unchanged: done.Unchanged}
		return err
	})
	return step, temporalError(ctx, err)
}

// eachSeries runs work for every series, some at once, and adds up what it did.
func (a *Activities) eachSeries(
	ctx context.Context, in SyncWork, atOnce int, work func(context.Context, *SyncChunk, *SyncStep) error,
) (SyncStep, error) {
	var mutex sync.Mutex
	total := failedBefore(ctx)
	failed := total.Failed
	var waiting error // of the series that the next attempt goes on with
	going := make([]*SyncChunk, len(in.Chunks))
	group, running := errgroup.WithContext(withBeat(ctx, func() {
		mutex.Lock()
		defer mutex.Unlock()
		activity.RecordHeartbeat(ctx, total)
	}))
	group.SetLimit(atOnce)
	for i, c := range in.Chunks {
		if slices.Contains(failed, c.ID) {
			continue
		}
		group.Go(func() error {
			if isStopping(running) {
				return errStopping
			}
			var one SyncStep
			err := work(running, &c, &one)
			mutex.Lock()
			defer mutex.Unlock()
			total.add(one)
			defer func() { activity.RecordHeartbeat(ctx, total) }()
			switch {
			case err == nil:
				going[i] = &c
				return nil
			case mustEnd(running, err):
				return err
			case mayWait(err, activity.GetInfo(ctx).Attempt):
				waiting = longerWait(waiting, err)
				return nil
			}
			total.fail(c.ID, err)
			fault := market.ChunkFault{ChunkID: c.ID, RunID: attemptOf(ctx, c.ID).RunID, Kind: market.KindOf(err), Message: err.Error()}
			return a.Jobs.FailChunk(running, fault)
		})
	}
	if err := errors.Join(group.Wait(), waiting); err != nil {
		return total, err
	}
	for _, c := range going {
		if c != nil {
			total.Chunks = append(total.Chunks, *c)
		}
	}
	return total, nil
}

// mustEnd reports whether the whole attempt is over: it was canceled, the worker stops, or a later attempt took over.
func mustEnd(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, errStopping) || market.KindOf(err) == market.KindConflict
}

// mayWait reports whether the next attempt may mend the error: the budget refills, a short outage ends.
func mayWait(err error, attempt int32) bool {
	switch market.KindOf(err) { //nolint:exhaustive // the others are for a person, or for the next run
	case market.KindRateLimited:
		return true
	case market.KindUnavailable:
		return attempt < syncOutageTries
	}
	return false
}

// longerWait returns the error that asks to wait longer.
func longerWait(a, b error) error {
	if a == nil || market.RetryAfter(b) > market.RetryAfter(a) {
		return b
	}
	return a
}

func (s *SyncStep) add(o SyncStep) {
	s.Requests += o.Requests
	s.Upserted.Inserted += o.Upserted.Inserted
	s.Upserted.Restated += o.Upserted.Restated
	s.Upserted.Unchanged += o.Upserted.Unchanged
}

func (s *SyncStep) fail(chunkID int64, err error) {
	if s.Failed = append(s.Failed, chunkID); len(s.Failed) == 1 {
		s.Kind, s.Message = market.KindOf(err), err.Error()
	}
}

// failedBefore returns what failed in earlier attempts, which is not tried again.
func failedBefore(ctx context.Context) SyncStep {
	var before SyncStep
	if activity.HasHeartbeatDetails(ctx) && activity.GetHeartbeatDetails(ctx, &before) == nil {
		return SyncStep{Failed: before.Failed, Kind: before.Kind, Message: before.Message}
	}
	return SyncStep{}
}
