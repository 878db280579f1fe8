package workflows_test

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	sdkworker "go.temporal.io/sdk/worker"

	"marketdata/activities"
	"marketdata/market"
	"marketdata/worker"
	"marketdata/workflows"
)

func update() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

func TestMain(m *testing.M) {
	flag.Bool("update", false, "record the histories that testdata/replay lacks")
	m.Run()
}

// TestReplay replays histories recorded from a dev server: a change to a workflow that would break a run in flight
// fails here. -update records those that are not there; delete one, so that it is recorded anew, only for a release whose
// predecessor's runs are all over.
func TestReplay(t *testing.T) {
	t.Parallel()
	if update() {
		record(t)
	}
	for _, name := range histories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, replay(t, recorded(t, name), worker.RegisterWorkflows))
		})
	}
}

func testLogger(t *testing.T) log.Logger {
	t.Helper()
	return log.NewStructuredLogger(slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
}

// histories are the names of the recorded histories: every workflow, and every way a backfill and a sync can go.
func histories() []string {
	return []string{
		"alert_delivered", "alert_failed", "backfill_canceled", "backfill_continued", "backfill_continued_end", "backfill_error_budget", "backfill_partial",
		"chunk_canceled", "chunk_done", "chunk_failed", "listing", "maintenance", "scheduled_backfill", "sweep",
		"sync_canceled", "sync_chunk_canceled", "sync_chunk_done", "sync_chunk_partial", "sync_chunk_refused", "sync_done", "sync_idle",
		"sync_partial", "watch",
	}
}

// record runs workflows with made-up activities on a dev server and saves the histories that are not there.
func record(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	server, err := testsuite.StartDevServer(ctx, testsuite.DevServerOptions{
		ExistingPath: "../bin/temporal", LogLevel: "error", ClientOptions: &client.Options{Logger: testLogger(t)},
		ExtraArgs: []string{"--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=150"},
	})
	require.NoError(t, err, "bin/temporal is needed: make bin/temporal")
	defer func() { require.NoError(t, server.Stop()) }()
	c := server.Client()
	orchestrator := workflows.NewClient(c, "default", "")
	require.NoError(t, orchestrator.RegisterSearchAttributes(ctx))
	jobs := map[string]*job{}
	for id, chunks := range map[string]int{"partial": 5, "continued": 60, "canceled": 4, "budget": 9, "scheduled": 2} {
		jobs[id] = newJob(2, map[string]int{"alpha": chunks, "beta": 2})
		jobs[id].rename(id)
	}
	jobs["budget"].plan.MaxFailed = 1
	jobs["sync"] = &job{fetching: make(chan struct{}, 64)}
	defer startRecordingWorkers(t, c, jobs)()
	require.NoError(t, os.MkdirAll("testdata/replay", 0o755))

	start := func(id string) client.WorkflowRun {
		require.NoError(t, orchestrator.RestartBackfill(ctx, id))
		return c.GetWorkflow(ctx, market.BackfillWorkflowID(id), "")
	}
	partial, id := start("partial"), market.BackfillWorkflowID("partial")
	require.NoError(t, orchestrator.PauseBackfill(ctx, id, "recording"))
	require.NoError(t, orchestrator.SetConcurrency(ctx, id, 3))
	require.NoError(t, orchestrator.ResumeBackfill(ctx, id))
	require.ErrorContains(t, partial.Get(ctx, nil), workflows.FailurePartial)
	save(ctx, t, c, "backfill_partial", id, "")
	save(ctx, t, c, "chunk_done", market.ChunkWorkflowID("partial", "c1"), "")
	save(ctx, t, c, "chunk_failed", market.ChunkWorkflowID("partial", "c2"), "")

	continued := start("continued")
	first := continued.GetRunID()
	require.Error(t, continued.Get(ctx, nil)) // its second chunk fails too
	save(ctx, t, c, "backfill_continued", continued.GetID(), first)
	save(ctx, t, c, "backfill_continued_end", continued.GetID(), "")

	require.ErrorContains(t, start("budget").Get(ctx, nil), workflows.FailureErrorBudget)
	save(ctx, t, c, "backfill_error_budget", market.BackfillWorkflowID("budget"), "")

	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "schedule/nightly", TaskQueue: workflows.QueueMain},
		workflows.NameScheduledBackfill, workflows.ScheduledBackfillInput{ScheduleID: "nightly"})
	require.NoError(t, err)
	require.ErrorContains(t, run.Get(ctx, nil), workflows.FailurePartial)
	save(ctx, t, c, "scheduled_backfill", run.GetID(), "")

	canceled := start("canceled")
	<-jobs["canceled"].fetching
	require.NoError(t, orchestrator.CancelBackfill(ctx, canceled.GetID()))
	require.Error(t, canceled.Get(ctx, nil))
	save(ctx, t, c, "backfill_canceled", canceled.GetID(), "")
	save(ctx, t, c, "chunk_canceled", market.ChunkWorkflowID("canceled", "c1"), "")

	require.NoError(t, orchestrator.FindListing(ctx, market.InstrumentID{Symbol: "BTCUSDT", Venue: "SIM"}, market.ProviderSymbol{Name: "alpha", Symbol: "BTCUSDT"}))
	save(ctx, t, c, "listing", workflows.ListingWorkflowID("alpha", "BTCUSDT.SIM"), "")
	for name, workflowType := range map[string]string{"sweep": workflows.NameSweep, "maintenance": workflows.NameMaintenance} {
		run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: name, TaskQueue: workflows.QueueMain}, workflowType)
		require.NoError(t, err)
		require.NoError(t, run.Get(ctx, nil))
		save(ctx, t, c, name, name, "")
	}
	recordSyncs(ctx, t, c, jobs["sync"].fetching)
	recordAlerts(ctx, t, c, orchestrator)
}

func named(r sdkworker.ActivityRegistry, name string, f any) {
	r.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
}

func startRecordingWorkers(t *testing.T, c client.Client, jobs map[string]*job) (stop func()) {
	t.Helper()
	ordering := sdkworker.New(c, workflows.QueueMain, sdkworker.Options{DisableRegistrationAliasing: true})
	worker.RegisterWorkflows(ordering)
	named(ordering, "StartJob", func(_ context.Context, id string) (activities.JobPlan, error) { return jobs[id].plan, nil })
	named(ordering, "PlanChunks", func(ctx context.Context, in activities.PlanInput) (activities.Plan, error) {
		return jobs[in.JobID].planChunks(ctx, in)
	})
	named(ordering, "CloseJob", func(ctx context.Context, in activities.CloseInput) (activities.JobOutcome, error) {
		return jobs[in.JobID].closeJob(ctx, in)
	})
	named(ordering, "FailChunk", func(context.Context, activities.FailInput) error { return nil })
	named(ordering, "CancelChunk", func(context.Context, int64) error { return nil })
	named(ordering, "SetJobPaused", func(context.Context, activities.PauseInput) error { return nil })
	named(ordering, "SetJobConcurrency", func(context.Context, activities.ConcurrencyInput) error { return nil })
	named(ordering, "SweepJobs", func(context.Context) (activities.SweepResult, error) { return activities.SweepResult{Looked: 1}, nil })
	named(ordering, "PlanScheduledBackfill", func(context.Context, activities.ScheduledInput) (activities.ScheduledBackfill, error) {
		return activities.ScheduledBackfill{JobID: "scheduled", Interval: market.Interval1m, Chunks: 2, Message: "Backfill scheduled."}, nil
	})
	named(ordering, "Maintain", func(context.Context) error { return nil })
	registerRecordedSyncs(ordering)
	storage := sdkworker.New(c, workflows.QueueDB, sdkworker.Options{})
	named(storage, "NormalizeChunk", func(_ context.Context, c activities.ChunkRef) (activities.NormalizeResult, error) {
		if c.Seq == 2 || c.JobID == "budget" {
			jobs[c.JobID].settle(c.ID, "failed")
			return activities.NormalizeResult{}, temporal.NewNonRetryableApplicationError("page 0: not an array", string(market.KindMalformed), nil)
		}
		return activities.NormalizeResult{Bars: 10}, nil
	})
	named(storage, "UpsertChunk", func(_ context.Context, in activities.UpsertInput) (activities.UpsertResult, error) {
		jobs[in.Chunk.JobID].settle(in.Chunk.ID, "done")
		return activities.UpsertResult{Inserted: in.Bars}, nil
	})
	workers := []sdkworker.Worker{ordering, storage, newRecordedSyncing(c, jobs["sync"])}
	for _, provider := range []string{"alpha", "beta"} {
		w := sdkworker.New(c, workflows.FetchQueue(provider), sdkworker.Options{MaxHeartbeatThrottleInterval: time.Second})
		named(w, "FetchChunk", func(ctx context.Context, c activities.ChunkRef) (activities.FetchResult, error) {
			if c.JobID == "canceled" {
				return activities.FetchResult{}, jobs[c.JobID].hang(ctx)
			}
			return activities.FetchResult{Requests: 1, Rows: 10}, nil
		})
		named(w, "FindListing", func(context.Context, activities.ListingInput) error { return nil })
		workers = append(workers, w)
	}
	for _, w := range workers {
		require.NoError(t, w.Start())
	}
	return func() {
		for _, w := range workers {
			w.Stop()
		}
	}
}

// rename gives the job and its chunks another id.
func (j *job) rename(id string) {
	j.fetching = make(chan struct{}, 64)
	for _, chunks := range j.chunks {
		for i := range chunks {
			chunks[i].JobID = id
		}
	}
}

func (j *job) settle(chunkID int64, status string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.status[chunkID] = status
}

// hang heartbeats until it is canceled.
func (j *job) hang(ctx context.Context) error {
	j.fetching <- struct{}{}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			activity.RecordHeartbeat(ctx)
		}
	}
}

func save(ctx context.Context, t *testing.T, c client.Client, name, workflowID, runID string) {
	t.Helper()
	path := filepath.Join("testdata/replay", name+".json")
	if _, err := os.Stat(path); err == nil {
		return
	}
	history := &historypb.History{}
	iterator := c.GetWorkflowHistory(ctx, workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for iterator.HasNext() {
		event, err := iterator.Next()
		require.NoError(t, err)
		history.Events = append(history.Events, event)
	}
	text, err := temporalproto.CustomJSONMarshalOptions{Indent: "  "}.Marshal(history)
	require.NoError(t, err)
	require.NotContains(t, strings.ToLower(string(text)), "api_key")
	require.NoError(t, os.WriteFile(path, append(text, '\n'), 0o644))
}
