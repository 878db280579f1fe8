package activities

import (
	"context"
	"time"

	"marketdata/market"
	"marketdata/providers"
)

// JobStore is what planning and closing a backfill needs of the database. *db.DB satisfies it.
type JobStore interface {
	// StartJob marks the job as started (once) and returns its lanes: one per provider that has chunks not done. With
	// isFresh, failed and canceled chunks become pending first. Errors: not_found.
	StartJob(ctx context.Context, jobID string, isFresh bool) (JobPlan, error)
	// OpenChunks returns the provider's chunks of the job that are pending or running, with seq > afterSeq,
	// ascending, at most limit, after making sure that bar has partitions for their ranges.
	OpenChunks(ctx context.Context, jobID, provider string, afterSeq, limit int) ([]market.Chunk, error)
	// FailChunk records why a run of a chunk failed, unless the chunk is done or at work under another run. A chunk
	// already failed keeps its kind and message if the new kind is internal.
	FailChunk(ctx context.Context, f market.ChunkFault) error
	// CancelChunk marks a chunk canceled unless it is done, failed, or at work under another run.
	CancelChunk(ctx context.Context, chunkID int64, runID string) error
	// RunningChunks returns the runs of the job's running chunks.
	RunningChunks(ctx context.Context, jobID string) ([]market.ChunkRun, error)
	// CloseJob is called when the job's workflow ends: pending chunks, and running ones of dead runs, become canceled
	// or failed with kind internal. It returns the final counts. Idempotent.
	CloseJob(ctx context.Context, end market.JobEnd) (market.ChunkCounts, market.BarCounts, error)
	// SetJobPaused stores why the job is paused, or nil when it is not.
	SetJobPaused(ctx context.Context, jobID string, reason *string) error
	// SetJobConcurrency stores the window per provider.
	SetJobConcurrency(ctx context.Context, jobID string, concurrency int) error
	// UnfinishedJobs returns the jobs with a pending or running chunk that were created, and reopened, before the
	// instant, oldest first, each with the runs of its running chunks that were last heard of before it.
	UnfinishedJobs(ctx context.Context, before time.Time) ([]UnfinishedJob, error)
	// SetListing stores since (and until) when the provider has bars of the instrument; zero times stay unknown.
	SetListing(ctx context.Context, id market.InstrumentID, provider string, listedAt, delistedAt time.Time) error
}

// JobPlan is what a backfill's workflow is made of.
type JobPlan = market.JobPlan

// UnfinishedJob is a job whose workflow the sweep looks at.
type UnfinishedJob = market.UnfinishedJob

// ChunkStore is what fetching, normalising and upserting a chunk needs of the database. *db.DB satisfies it.
// Every method that writes for an attempt returns conflict when the attempt's token is no longer the chunk's.
type ChunkStore interface {
	// ClaimChunk makes the attempt the one that may write, sets the chunk running at the stage, and returns what is to
	// be asked of the provider: fixed when the first answer is stored, so that an attempt resumes. Under policy missing it
	// is the chunk's range minus what is covered by then, under all the whole range; it may be empty. A chunk that is
	// done is returned with IsDone and nothing is changed. Errors: not_found; unavailable with RetryAfter (1s) while
	// another job's running chunk overlaps the series and range.
	ClaimChunk(ctx context.Context, a market.Attempt, stage string) (ChunkClaim, error)
	// SaveRawPage stores one page in a short transaction and counts the request. A page number stored before by an
	// earlier attempt is kept; the pages of a chunk are append-only.
	SaveRawPage(ctx context.Context, a market.Attempt, p market.RawPage) error
	// RawPages returns the chunk's pages in the order they were stored, without bodies.
	RawPages(ctx context.Context, chunkID int64) ([]market.RawPage, error)
	// RawBody returns the body of one page. Errors: not_found when it is past its retention.
	RawBody(ctx context.Context, p market.RawPage) ([]byte, error)
	// SaveNormalPage replaces the chunk's normal page, its quarantined rows and its drop counts, in one transaction.
	SaveNormalPage(ctx context.Context, a market.Attempt, p market.NormalPage) error
	// LoadChunk merges the chunk's normal page into bar, keeps former values, extends coverage and marks the chunk
	// done, in one transaction. Repeated after success it returns the first result. Errors: not_found (no normal
	// page), unavailable (deadlock, serialization), conflict, internal (the row count differs from wantRows).
	LoadChunk(ctx context.Context, a market.Attempt, wantRows int64) (market.LoadResult, error)
}

// ChunkClaim is the answer to a claim.
type ChunkClaim = market.ChunkClaim

// Registry finds a provider instance by name. Errors: not_found.
type Registry interface {
	Provider(name string) (providers.Provider, error)
	// Instances returns all instances by name, also disabled ones.
	Instances() []market.ProviderInstance
}

// SyncStore is what syncs need of the database. *db.DB satisfies it.
type SyncStore interface {
	// TrackedSeries returns every interval kept in sync, once per provider, by instrument, interval and preference.
	TrackedSeries(ctx context.Context) ([]market.TrackedSeries, error)
	// CreateSync stores a sync and a chunk per target and returns their ids in that order; repeated, those it made.
	CreateSync(ctx context.Context, r market.SyncRequest) ([]int64, error)
	// CloseSync ends a sync: what is not done fails with the message, and each series is told how it went. Idempotent.
	CloseSync(ctx context.Context, jobID, message string) (market.SyncOutcome, error)
	// OpenSyncs returns the syncs begun before the instant and not closed; of all where provider is "".
	OpenSyncs(ctx context.Context, provider string, interval market.Interval, before time.Time) ([]market.OpenSync, error)
	// SyncRetries returns, by series id, until when a series is left alone after a refusal.
	SyncRetries(ctx context.Context, now time.Time) (map[int64]market.SyncRetry, error)
	// ProviderHold reports whether the provider is paused, and until when it is held. Errors: not_found.
	ProviderHold(ctx context.Context, provider string) (isPaused bool, until time.Time, err error)
	// PurgeSyncs drops records of closed syncs that began before the instant, at most limit, and returns how many.
	PurgeSyncs(ctx context.Context, before time.Time, limit int) (int64, error)
}
