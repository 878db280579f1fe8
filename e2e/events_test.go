package e2e_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	sdktemporal "go.temporal.io/sdk/temporal"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"marketdata/activities"
	"marketdata/market"
	"marketdata/workflows"
)

// maxEvents is how long the history of one run may become.
const maxEvents = 5000

// TestTenYearsOfMinutesStayShort: ten years of 1m bars of a market that never closes, with the real workflows and made-up
// steps: every run of the backfill and of its chunks stays far below what Temporal allows.
func TestTenYearsOfMinutesStayShort(t *testing.T) {
	t.Parallel()
	decade := market.Range{Start: time.Date(2014, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}
	ledger := &ledger{plan: activities.JobPlan{Interval: market.Interval1m, Concurrency: 4}}
	for _, cell := range decade.Split(market.Interval1m.ChunkStep) {
		ledger.add(cell)
	}
	c := ledger.serve(t, workflows.ChunkWorkflow)
	backfills := runLengths(t, c, market.BackfillWorkflowID(ledger.jobID()))
	chunk := runLengths(t, c, market.ChunkWorkflowID(ledger.jobID(), ledger.chunks[0].Name))
	t.Logf("%d chunks: events of the backfill's runs %v, of one chunk %v", len(ledger.chunks), backfills, chunk)
	require.Len(t, ledger.chunks, 120)
	require.Len(t, backfills, 1)
	require.Less(t, backfills[0], 1000)
	require.Len(t, chunk, 1)
	require.Less(t, chunk[0], 50)
}

// BenchmarkHistories runs a backfill that is too large for one run, with the widest window and failing chunks: it must
// continue as new in time.
//
//	events/run the longest history of a run of the backfill, below 5,000
//	runs       how many runs it took
func BenchmarkHistories(b *testing.B) {
	for range b.N {
		ledger := &ledger{plan: activities.JobPlan{Interval: market.Interval1m, Concurrency: 64}}
		for i := range 2100 {
			start := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i)
			ledger.add(market.Range{Start: start, End: start.AddDate(0, 0, 1)})
		}
		c := ledger.serve(b, func(_ workflow.Context, c activities.ChunkRef) (workflows.ChunkResult, error) {
			if c.Seq%50 == 0 {
				return workflows.ChunkResult{}, sdktemporal.NewNonRetryableApplicationError("451", string(market.KindDenied), nil)
			}
			return workflows.ChunkResult{}, nil
		})
		lengths := runLengths(b, c, market.BackfillWorkflowID(ledger.jobID()))
		require.GreaterOrEqual(b, len(lengths), 2)
		require.Less(b, slices.Max(lengths), maxEvents)
		require.Len(b, ledger.failed, 42)
		b.ReportMetric(float64(slices.Max(lengths)), "events/run")
		b.ReportMetric(float64(len(lengths)), "runs")
	}
}

// ledger is what the database is to the workflows, for histories alone.
type ledger struct {
	plan   activities.JobPlan
	chunks []activities.ChunkRef

	mu     sync.Mutex
	failed map[int64]bool
}

func (l *ledger) jobID() string { return fmt.Sprintf("events-%d", len(l.chunks)) }

func (l *ledger) add(r market.Range) {
	seq := len(l.chunks) + 1
	l.chunks = append(l.chunks, activities.ChunkRef{
		ID: int64(seq), Seq: seq, Name: "BTCUSDT.SIM-1m-" + r.Start.Format("20060102"), Provider: providerName,
		Instrument: "BTCUSDT.SIM", Interval: market.Interval1m, Start: r.Start, End: r.End,
	})
}

// serve runs the backfill of the ledger to its end on the dev server, with the workflow given for chunks.
func (l *ledger) serve(t testing.TB, chunk any) client.Client {
	t.Helper()
	l.failed = map[int64]bool{}
	l.plan.Total, l.plan.Providers = len(l.chunks), []string{providerName}
	for i := range l.chunks {
		l.chunks[i].JobID = l.jobID()
	}
	address, name := namespace(t)
	logger := log.NewStructuredLogger(slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	c, err := client.Dial(client.Options{HostPort: address, Namespace: name, Logger: logger})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	flows := workflows.NewClient(c, name, "")
	require.NoError(t, flows.RegisterSearchAttributes(t.Context()))
	l.work(t, c, chunk)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	require.NoError(t, flows.RestartBackfill(ctx, l.jobID()))
	_ = c.GetWorkflow(ctx, market.BackfillWorkflowID(l.jobID()), "").Get(ctx, nil) // partial where chunks fail
	require.NoError(t, ctx.Err())
	return c
}

func (l *ledger) work(t testing.TB, c client.Client, chunk any) {
	t.Helper()
	main := sdkworker.New(c, workflows.QueueMain, sdkworker.Options{})
	main.RegisterWorkflowWithOptions(workflows.BackfillWorkflow, workflow.RegisterOptions{Name: workflows.NameBackfill})
	main.RegisterWorkflowWithOptions(chunk, workflow.RegisterOptions{Name: workflows.NameChunk})
	named := func(w sdkworker.Worker, name string, f any) {
		w.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	named(main, "StartJob", func(context.Context, string, bool) (activities.JobPlan, error) { return l.plan, nil })
	named(main, "PlanChunks", l.page)
	named(main, "FailChunk", func(_ context.Context, in activities.FailInput) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.failed[in.ChunkID] = true
		return nil
	})
	named(main, "CloseJob", func(context.Context, activities.CloseInput) (activities.JobOutcome, error) {
		return activities.JobOutcome{}, nil
	})
	fetch, storage := sdkworker.New(c, workflows.FetchQueue(providerName), sdkworker.Options{}), sdkworker.New(c, workflows.QueueDB, sdkworker.Options{})
	named(fetch, "FetchChunk", func(context.Context, activities.ChunkRef) (activities.FetchResult, error) {
		return activities.FetchResult{Requests: 45, Rows: 44640}, nil
	})
	named(storage, "NormalizeChunk", func(context.Context, activities.ChunkRef) (activities.NormalizeResult, error) {
		return activities.NormalizeResult{Bars: 44640}, nil
	})
	named(storage, "UpsertChunk", func(context.Context, activities.UpsertInput) (activities.UpsertResult, error) {
		return activities.UpsertResult{Inserted: 44640}, nil
	})
	for _, w := range []sdkworker.Worker{main, fetch, storage} {
		require.NoError(t, w.Start())
		t.Cleanup(w.Stop)
	}
}

// page plans as many chunks at once as the real plan.
func (l *ledger) page(_ context.Context, in activities.PlanInput) (activities.Plan, error) {
	rest := l.chunks[in.AfterSeq:]
	n := min(200, len(rest))
	return activities.Plan{Chunks: rest[:n], IsMore: n == 200}, nil
}

// runLengths counts the events of every run of a workflow, the last first.
func runLengths(t testing.TB, c client.Client, workflowID string) []int {
	t.Helper()
	var lengths []int
	for runID := ""; ; {
		n := 0
		events := c.GetWorkflowHistory(t.Context(), workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		former := ""
		for events.HasNext() {
			event, err := events.Next()
			require.NoError(t, err)
			n++
			if started := event.GetWorkflowExecutionStartedEventAttributes(); started != nil {
				former = started.GetContinuedExecutionRunId()
			}
		}
		lengths = append(lengths, n)
		if former == "" {
			return lengths
		}
		runID = former
	}
}
