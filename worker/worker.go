package worker

import (
	"context"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"marketdata/activities"
	"marketdata/market"
	"marketdata/workflows"
)

const (
	// stopTimeout is how long running activities get to hand back their work on shutdown.
	stopTimeout = 30 * time.Second

	// heartbeatThrottle bounds how stale an operator's view of a running activity is.
	heartbeatThrottle = 10 * time.Second

	fetchSlots   = 8 // chunks of one provider fetched at once by this process
	storageSlots = 4 // chunks normalized or upserted at once by this process
	syncSlots    = 4 // batches of one provider's syncs at once by this process
)

// Options is what a worker process needs. Every field but Recorder is required.
type Options struct {
	Client     client.Client
	Activities *activities.Activities
	Alerting   *activities.Alerting
	Providers  []string // enabled provider instances; each gets its own fetch and sync queue
	Logger     *slog.Logger
	OnPolling  func() // called once all queues are polled
	Recorder   Recorder
}

// Run works until ctx ends, then stops gracefully. A fatal error of any queue ends it. Errors: unavailable.
func Run(ctx context.Context, o Options) error {
	fatal := make(chan error, 1)
	base := worker.Options{
		WorkerStopTimeout: stopTimeout, MaxHeartbeatThrottleInterval: heartbeatThrottle, DisableRegistrationAliasing: true,
		Interceptors: []interceptor.WorkerInterceptor{newTracer(o.Recorder, o.Logger)},
		OnFatalError: func(err error) {
			select {
			case fatal <- err:
			default: // the first one ends the process
			}
		},
	}
	var workers []worker.Worker
	defer func() { stopAll(workers) }()
	for _, w := range build(o, base) {
		if err := w.Start(); err != nil {
			return market.Errorf(market.KindUnavailable, "the worker cannot poll Temporal: %w", err)
		}
		workers = append(workers, w)
	}
	o.Logger.InfoContext(ctx, "worker polls", "providers", o.Providers)
	o.OnPolling()
	select {
	case <-ctx.Done():
		return nil
	case err := <-fatal:
		return market.Errorf(market.KindUnavailable, "the worker lost Temporal: %w", err)
	}
}

// build makes one worker per queue: workflows and bookkeeping, storage, and two per provider.
func build(o Options, base worker.Options) []worker.Worker {
	ordering := worker.New(o.Client, workflows.QueueMain, base)
	RegisterWorkflows(ordering)
	RegisterBookkeeping(ordering, o.Activities)
	RegisterAlerting(ordering, o.Alerting)

	base.DisableWorkflowWorker = true
	storing := base
	storing.MaxConcurrentActivityExecutionSize = storageSlots
	storage := worker.New(o.Client, workflows.QueueDB, storing)
	RegisterStorage(storage, o.Activities)

	all := []worker.Worker{ordering, storage}
	fetching := base
	fetching.MaxConcurrentActivityExecutionSize = fetchSlots
	for _, provider := range o.Providers {
		w := worker.New(o.Client, workflows.FetchQueue(provider), fetching)
		RegisterFetching(w, o.Activities)
		keeping := base
		keeping.MaxConcurrentActivityExecutionSize = syncSlots
		syncing := worker.New(o.Client, workflows.SyncQueue(provider), keeping)
		RegisterSyncing(syncing, o.Activities)
		all = append(all, w, syncing)
	}
	return all
}

// stopAll stops the workers at the same time, so that the stop timeout counts once.
func stopAll(workers []worker.Worker) {
	done := make(chan struct{})
	for _, w := range workers {
		go func() {
			w.Stop()
			done <- struct{}{}
		}()
	}
	for range workers {
		<-done
	}
}

// RegisterWorkflows registers every workflow under its name.
func RegisterWorkflows(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(workflows.BackfillWorkflow, workflow.RegisterOptions{Name: workflows.NameBackfill})
	r.RegisterWorkflowWithOptions(workflows.ChunkWorkflow, workflow.RegisterOptions{Name: workflows.NameChunk})
	r.RegisterWorkflowWithOptions(workflows.SyncWorkflow, workflow.RegisterOptions{Name: workflows.NameSync})
	r.RegisterWorkflowWithOptions(workflows.SyncChunkWorkflow, workflow.RegisterOptions{Name: workflows.NameSyncChunk})
	r.RegisterWorkflowWithOptions(workflows.ListingWorkflow, workflow.RegisterOptions{Name: workflows.NameListing})
	r.RegisterWorkflowWithOptions(workflows.SweepWorkflow, workflow.RegisterOptions{Name: workflows.NameSweep})
	r.RegisterWorkflowWithOptions(workflows.MaintenanceWorkflow, workflow.RegisterOptions{Name: workflows.NameMaintenance})
	r.RegisterWorkflowWithOptions(workflows.ScheduledBackfillWorkflow, workflow.RegisterOptions{Name: workflows.NameScheduledBackfill})
	r.RegisterWorkflowWithOptions(workflows.WatchWorkflow, workflow.RegisterOptions{Name: workflows.NameWatch})
	r.RegisterWorkflowWithOptions(workflows.AlertWorkflow, workflow.RegisterOptions{Name: workflows.NameAlert})
}

// RegisterBookkeeping registers the activities of the main queue.
func RegisterBookkeeping(r worker.ActivityRegistry, a *activities.Activities) {
	r.RegisterActivityWithOptions(a.StartJob, activity.RegisterOptions{Name: "StartJob"})
	r.RegisterActivityWithOptions(a.PlanChunks, activity.RegisterOptions{Name: "PlanChunks"})
	r.RegisterActivityWithOptions(a.FailChunk, activity.RegisterOptions{Name: "FailChunk"})
	r.RegisterActivityWithOptions(a.CancelChunk, activity.RegisterOptions{Name: "CancelChunk"})
	r.RegisterActivityWithOptions(a.CloseJob, activity.RegisterOptions{Name: "CloseJob"})
	r.RegisterActivityWithOptions(a.SetJobPaused, activity.RegisterOptions{Name: "SetJobPaused"})
	r.RegisterActivityWithOptions(a.SetJobConcurrency, activity.RegisterOptions{Name: "SetJobConcurrency"})
	r.RegisterActivityWithOptions(a.PlanSync, activity.RegisterOptions{Name: "PlanSync"})
	r.RegisterActivityWithOptions(a.FailSync, activity.RegisterOptions{Name: "FailSync"})
	r.RegisterActivityWithOptions(a.CloseSync, activity.RegisterOptions{Name: "CloseSync"})
	r.RegisterActivityWithOptions(a.SweepJobs, activity.RegisterOptions{Name: "SweepJobs"})
	r.RegisterActivityWithOptions(a.Maintain, activity.RegisterOptions{Name: "Maintain"})
	r.RegisterActivityWithOptions(a.PlanScheduledBackfill, activity.RegisterOptions{Name: "PlanScheduledBackfill"})
}

// RegisterAlerting registers the activities around alerts, which are of the main queue too.
func RegisterAlerting(r worker.ActivityRegistry, a *activities.Alerting) {
	r.RegisterActivityWithOptions(a.WatchAlerts, activity.RegisterOptions{Name: "WatchAlerts"})
	r.RegisterActivityWithOptions(a.SendAlert, activity.RegisterOptions{Name: "SendAlert"})
	r.RegisterActivityWithOptions(a.FailAlert, activity.RegisterOptions{Name: "FailAlert"})
}

// RegisterStorage registers the activities of the storage queue.
func RegisterStorage(r worker.ActivityRegistry, a *activities.Activities) {
	r.RegisterActivityWithOptions(a.NormalizeChunk, activity.RegisterOptions{Name: "NormalizeChunk"})
	r.RegisterActivityWithOptions(a.UpsertChunk, activity.RegisterOptions{Name: "UpsertChunk"})
}

// RegisterFetching registers the activities of a provider's queue.
func RegisterFetching(r worker.ActivityRegistry, a *activities.Activities) {
	r.RegisterActivityWithOptions(a.FetchChunk, activity.RegisterOptions{Name: "FetchChunk"})
	r.RegisterActivityWithOptions(a.FindListing, activity.RegisterOptions{Name: "FindListing"})
}

// RegisterSyncing registers the activities of a provider's sync queue.
func RegisterSyncing(r worker.ActivityRegistry, a *activities.Activities) {
	r.RegisterActivityWithOptions(a.FetchSync, activity.RegisterOptions{Name: "FetchSync"})
	r.RegisterActivityWithOptions(a.NormalizeSync, activity.RegisterOptions{Name: "NormalizeSync"})
	r.RegisterActivityWithOptions(a.UpsertSync, activity.RegisterOptions{Name: "UpsertSync"})
}
