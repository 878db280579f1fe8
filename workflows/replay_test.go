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
	"go.temporal.io/sdk/workflow"

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
	flag.Bool("update", false, "record the histories under testdata/replay anew")
	m.Run()
}

// TestReplay replays histories recorded from a dev server: a change to a workflow that would break a run in flight
// fails here. Record anew (-update) only for a release whose predecessor's runs are all over.
func TestReplay(t *testing.T) {
	t.Parallel()
	if update() {
		record(t)
	}
	files, err := filepath.Glob("testdata/replay/*.json")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 4, "the recorded histories are missing")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			f, err := os.Open(file)
			require.NoError(t, err)
			defer func() { require.NoError(t, f.Close()) }()
			history, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
			require.NoError(t, err)
			replayer, err := sdkworker.NewWorkflowReplayerWithOptions(sdkworker.WorkflowReplayerOptions{DisableRegistrationAliasing: true})
			require.NoError(t, err)
			worker.RegisterWorkflows(replayer)
			started := history.Events[0].GetWorkflowExecutionStartedEventAttributes()
			err = replayer.ReplayWorkflowHistoryWithOptions(testLogger(t), history, sdkworker.ReplayWorkflowHistoryOptions{
				OriginalExecution: workflow.Execution{ID: started.GetWorkflowId(), RunID: started.GetOriginalExecutionRunId()},
			})
			require.NoError(t, err)
		})
	}
}

func testLogger(t *testing.T) log.Logger {
	t.Helper()
	return log.NewStructuredLogger(slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
}

// record runs backfills with made-up activities on a dev server and saves the histories of parents and chunks.
func record(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	server, err := testsuite.StartDevServer(ctx, testsuite.DevServerOptions{
		ExistingPath: "../bin/temporal", LogLevel: "error", ClientOptions: &client.Options{Logger: testLogger(t)},
	})
	require.NoError(t, err, "bin/temporal is needed: make bin/temporal")
	defer func() { require.NoError(t, server.Stop()) }()
	orchestrator := workflows.NewClient(server.Client(), "default", "")
	require.NoError(t, orchestrator.RegisterSearchAttributes(ctx))
	j := newJob(2, map[string]int{"alpha": 5, "beta": 2})
	defer startRecordingWorkers(t, server.Client(), j)()

	require.NoError(t, orchestrator.RestartBackfill(ctx, "j1"))
	id := workflows.BackfillWorkflowID("j1")
	require.NoError(t, orchestrator.PauseBackfill(ctx, id, "recording"))
	require.NoError(t, orchestrator.SetConcurrency(ctx, id, 3))
	require.NoError(t, orchestrator.ResumeBackfill(ctx, id))
	err = server.Client().GetWorkflow(ctx, id, "").Get(ctx, nil)
	var failed *temporal.ApplicationError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, workflows.FailurePartial, failed.Type())

	require.NoError(t, os.MkdirAll("testdata/replay", 0o755))
	save(ctx, t, server.Client(), "backfill_partial", id)
	save(ctx, t, server.Client(), "chunk_done", workflows.ChunkWorkflowID("j1", "c1"))
	save(ctx, t, server.Client(), "chunk_failed", workflows.ChunkWorkflowID("j1", "c2"))
	require.NoError(t, orchestrator.FindListing(ctx, market.InstrumentID{Symbol: "BTCUSDT", Venue: "SIM"}, market.ProviderSymbol{Name: "alpha", Symbol: "BTCUSDT"}))
	save(ctx, t, server.Client(), "listing", workflows.ListingWorkflowID("alpha", "BTCUSDT.SIM"))
}

func startRecordingWorkers(t *testing.T, c client.Client, j *job) (stop func()) {
	t.Helper()
	named := func(r sdkworker.ActivityRegistry, name string, f any) {
		r.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	main := sdkworker.New(c, workflows.QueueMain, sdkworker.Options{DisableRegistrationAliasing: true})
	worker.RegisterWorkflows(main)
	named(main, "StartJob", func(context.Context, string) (activities.JobPlan, error) { return j.plan, nil })
	named(main, "PlanChunks", j.planChunks)
	named(main, "CloseJob", j.closeJob)
	named(main, "FailChunk", func(_ context.Context, in activities.FailInput) error {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.status[in.ChunkID] = "failed"
		return nil
	})
	named(main, "SetJobPaused", func(context.Context, activities.PauseInput) error { return nil })
	named(main, "SetJobConcurrency", func(context.Context, activities.ConcurrencyInput) error { return nil })
	storage := sdkworker.New(c, workflows.QueueDB, sdkworker.Options{})
	named(storage, "NormalizeChunk", func(_ context.Context, c activities.ChunkRef) (activities.NormalizeResult, error) {
		if c.Seq == 2 {
			return activities.NormalizeResult{}, temporal.NewNonRetryableApplicationError("page 0: not an array", string(market.KindMalformed), nil)
		}
		return activities.NormalizeResult{Bars: 10}, nil
	})
	named(storage, "UpsertChunk", func(_ context.Context, in activities.UpsertInput) (activities.UpsertResult, error) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.status[in.Chunk.ID] = "done"
		return activities.UpsertResult{Inserted: in.Bars}, nil
	})
	workers := []sdkworker.Worker{main, storage}
	for _, provider := range []string{"alpha", "beta"} {
		w := sdkworker.New(c, workflows.FetchQueue(provider), sdkworker.Options{})
		named(w, "FetchChunk", func(context.Context, activities.ChunkRef) (activities.FetchResult, error) {
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

func save(ctx context.Context, t *testing.T, c client.Client, name, workflowID string) {
	t.Helper()
	history := &historypb.History{}
	iterator := c.GetWorkflowHistory(ctx, workflowID, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for iterator.HasNext() {
		event, err := iterator.Next()
		require.NoError(t, err)
		history.Events = append(history.Events, event)
	}
	text, err := temporalproto.CustomJSONMarshalOptions{Indent: "  "}.Marshal(history)
	require.NoError(t, err)
	require.NotContains(t, strings.ToLower(string(text)), "api_key")
	require.NoError(t, os.WriteFile(filepath.Join("testdata/replay", name+".json"), append(text, '\n'), 0o644))
}
