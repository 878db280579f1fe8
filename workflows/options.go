package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketdata/activities"
	"marketdata/market"
)

// The task queues. Every provider instance has a fetch queue of its own, so that one can be stopped alone.
const (
	QueueMain = "md-main" // workflows and short bookkeeping activities
	QueueDB   = "md-db"   // normalize and upsert: as many at once as PostgreSQL can take
)

// FetchQueue is the activity queue of requests to one provider instance.
func FetchQueue(provider string) string { return "md-fetch-" + provider }

// SyncQueue is the queue of everything that keeps series of one provider instance in sync: it has slots of its own, so that
// a deep backfill never delays today's bars.
func SyncQueue(provider string) string { return "md-sync-" + provider }

// The registered names of the workflows; they are part of stored histories and never change.
const (
	NameBackfill    = "BackfillWorkflow"
	NameChunk       = "ChunkWorkflow"
	NameSync        = "SyncWorkflow"
	NameSyncChunk   = "SyncChunkWorkflow"
	NameListing     = "ListingWorkflow"
	NameSweep       = "SweepWorkflow"
	NameMaintenance = "MaintenanceWorkflow"
	NameWatch       = "WatchWorkflow"
	NameAlert       = "AlertWorkflow"

	NameScheduledBackfill = "ScheduledBackfillWorkflow"
)

// The failure types a backfill's or a sync's workflow ends with.
const (
	FailurePartial     = "PartialBackfill"     // some chunk is not done
	FailureErrorBudget = "ErrorBudgetExceeded" // more than max_failed chunks failed
	FailurePartialSync = "PartialSync"         // some series of a sync failed; the next run goes on
)

// heartbeatTimeout must exceed every single HTTP request and every database statement of an activity.
const heartbeatTimeout = time.Minute

// finalTypes are failures no retry can mend: kinds, and the SDK's own names for a crash and an oversized result.
func finalTypes() []string {
	return []string{
		string(market.KindInvalid), string(market.KindNotFound), string(market.KindConflict), string(market.KindDenied),
		string(market.KindMalformed), "PanicError", "payloadSizeError",
	}
}

// withFetch is for one provider's requests: an outage is waited out for three days. After an error the activity itself says
// when to try again; what is left to the policy is a worker that died, which says nothing: another takes over soon, however
// many attempts there were. A chunk that kills its workers does so once a minute at most, for the death is noticed by a
// missing heartbeat.
func withFetch(ctx workflow.Context, c activities.ChunkRef) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: FetchQueue(c.Provider), ActivityID: activities.StageFetch, Summary: "fetch " + c.Label(),
		StartToCloseTimeout: 15 * time.Minute, ScheduleToCloseTimeout: 72 * time.Hour, HeartbeatTimeout: heartbeatTimeout,
		WaitForCancellation: true,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 5 * time.Second, BackoffCoefficient: 1, NonRetryableErrorTypes: finalTypes(),
		},
	})
}

// withStorage is for normalize and upsert.
func withStorage(ctx workflow.Context, stage, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: QueueDB, ActivityID: stage, Summary: summary,
		StartToCloseTimeout: 5 * time.Minute, ScheduleToCloseTimeout: 24 * time.Hour, HeartbeatTimeout: heartbeatTimeout,
		WaitForCancellation: true,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute,
			NonRetryableErrorTypes: finalTypes(),
		},
	})
}

// withBookkeeping is for short writes of state, which are tried until the database is back.
func withBookkeeping(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: QueueMain, Summary: summary,
		StartToCloseTimeout: time.Minute,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second,
			NonRetryableErrorTypes: finalTypes(),
		},
	})
}

// withListing is for the one request that finds a listing while somebody waits.
func withListing(ctx workflow.Context, provider, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: FetchQueue(provider), Summary: summary,
		StartToCloseTimeout: 30 * time.Second, ScheduleToCloseTimeout: time.Minute,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumAttempts: 3, NonRetryableErrorTypes: finalTypes(),
		},
	})
}

// withHousekeeping is for the sweep and the daily maintenance; what fails waits for the next tick.
func withHousekeeping(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: QueueMain, Summary: summary,
		StartToCloseTimeout: 10 * time.Minute, HeartbeatTimeout: heartbeatTimeout,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: 5 * time.Second, BackoffCoefficient: 2, MaximumAttempts: 5},
	})
}

// withSync is for a step of a batch of a sync. What does not come in time waits for the next run.
func withSync(ctx workflow.Context, batch activities.SyncBatch, stage, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: SyncQueue(batch.Provider), ActivityID: stage, Summary: summary,
		StartToCloseTimeout: 15 * time.Minute, ScheduleToCloseTimeout: time.Hour, HeartbeatTimeout: heartbeatTimeout,
		WaitForCancellation: true,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 2 * time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute,
			NonRetryableErrorTypes: finalTypes(),
		},
	})
}

// withSending is for one message to a webhook: an outage of the receiver is waited out for a day.
func withSending(ctx workflow.Context, ref market.AlertRef) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: QueueMain, Summary: "tell " + ref.Webhook + ": " + string(ref.Event),
		StartToCloseTimeout: 30 * time.Second, ScheduleToCloseTimeout: 24 * time.Hour,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 2 * time.Second, BackoffCoefficient: 2, MaximumInterval: 5 * time.Minute,
			NonRetryableErrorTypes: finalTypes(),
		},
	})
}
