package e2e_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"marketdata/market"
	"marketdata/workflows"
)

// quarter asks for three chunks, one after the other.
func quarter() map[string]any {
	return map[string]any{"instruments": []string{"BTCUSDT.SIM"}, "interval": "1m", "start": "2023-01-01", "end": "2023-04-01", "concurrency": 1}
}

// chunkFlow is the workflow id of a chunk of a quarter.
func chunkFlow(b backfill, month string) string {
	return market.ChunkWorkflowID(b.ID, "BTCUSDT.SIM-1m-2023"+month+"01")
}

// startSlowly starts a backfill whose chunks take seconds and returns when the first is at work.
func startSlowly(t *testing.T) (*stack, backfill) {
	t.Helper()
	s := startWithBTC(t)
	s.fault(slow())
	b := s.startBackfill(quarter())
	return s, s.await(b.ID, func(b backfill) bool { return b.Progress.Chunks.Running > 0 })
}

func slow() map[string]any {
	return map[string]any{"fault": "slow", "path": "/api/v3/klines", "delay_ms": 500}
}

// startRefused runs a backfill to its end while the provider refuses its chunks.
func startRefused(t *testing.T) (*stack, backfill) {
	t.Helper()
	s := startWithBTC(t)
	s.fault(map[string]any{"fault": "restricted"})
	b := s.run(quarter())
	require.Equal(t, "failed", b.Status)
	require.Equal(t, int64(3), b.Progress.Chunks.Failed)
	s.awaitEnd(b.WorkflowID)
	s.healSimulator()
	return s, b
}

func (s *stack) history(workflowID, runID string) *historypb.History {
	s.t.Helper()
	history := &historypb.History{}
	events := s.temporal.GetWorkflowHistory(s.t.Context(), workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(s.t, err)
		history.Events = append(history.Events, event)
	}
	return history
}

// reset does what the UI does: to the first workflow task, or to the last one before the end.
func (s *stack) reset(workflowID string, isLast bool) {
	s.t.Helper()
	var task int64
	for _, event := range s.history(workflowID, "").Events {
		if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED && (task == 0 || isLast) {
			task = event.GetEventId()
		}
	}
	_, err := s.temporal.ResetWorkflowExecution(s.t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: s.namespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: workflowID},
		Reason: "operator", WorkflowTaskFinishEventId: task, RequestId: uuid.NewString(),
	})
	require.NoError(s.t, err)
}

// startLike does what "Start workflow like this one" of the UI does.
func (s *stack) startLike(workflowID string) {
	s.t.Helper()
	started := s.history(workflowID, "").Events[0].GetWorkflowExecutionStartedEventAttributes()
	_, err := s.temporal.WorkflowService().StartWorkflowExecution(s.t.Context(), &workflowservice.StartWorkflowExecutionRequest{
		Namespace: s.namespace, WorkflowId: workflowID, WorkflowType: started.GetWorkflowType(), TaskQueue: started.GetTaskQueue(),
		Input: started.GetInput(), RequestId: uuid.NewString(), Identity: "operator",
	})
	require.NoError(s.t, err)
}

func (s *stack) terminate(workflowID string) {
	s.t.Helper()
	require.NoError(s.t, s.temporal.TerminateWorkflow(s.t.Context(), workflowID, "", "operator"))
}

// awaitEnd waits until the workflow's latest run is over.
func (s *stack) awaitEnd(workflowID string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	_ = s.temporal.GetWorkflow(ctx, workflowID, "").Get(ctx, nil) // how it ends is not the point
	require.NoError(s.t, ctx.Err())
}

// retry retries a backfill whose run is over: before that Temporal takes no other, and what is left to do would wait for a
// sweep, which may not come.
func (s *stack) retry(b backfill) {
	s.t.Helper()
	s.awaitEnd(b.WorkflowID)
	got := s.call(http.MethodPost, s.url+"/v1/backfills/"+b.ID+"/retry", nil)
	require.Equal(s.t, http.StatusOK, got.status, string(got.body))
}

// sweep runs the sweep of two minutes later.
func (s *stack) sweep() {
	s.t.Helper()
	s.offset.Store(int64(2 * time.Minute))
	run, err := s.temporal.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{TaskQueue: workflows.QueueMain}, workflows.NameSweep)
	require.NoError(s.t, err)
	require.NoError(s.t, run.Get(s.t.Context(), nil))
}

// awaitSwept sweeps until the backfill has ended as wanted.
func (s *stack) awaitSwept(id, status string) backfill {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		s.sweep()
		return s.backfill(id).Status == status
	}, patience, time.Second)
	return s.backfill(id)
}

func (s *stack) awaitStatus(id, status string) backfill {
	s.t.Helper()
	return s.await(id, func(b backfill) bool { return b.Status == status })
}

func TestChunkTerminatedWhileItsBackfillRuns(t *testing.T) {
	t.Parallel()
	s, b := startSlowly(t)
	s.terminate(chunkFlow(b, "01"))
	b = s.await(b.ID, func(b backfill) bool { return b.Progress.Chunks.Failed == 1 })
	require.Contains(t, b.Failures[0].Message, "terminated")
	s.healSimulator()
	require.Equal(t, "failed", s.await(b.ID, isFinished).Status)
	s.awaitEnd(b.WorkflowID)
	s.startLike(chunkFlow(b, "01"))
	require.Equal(t, "completed", s.awaitStatus(b.ID, "completed").Status, "started anew, it heals its backfill")
}

func TestChunkCanceledAlone(t *testing.T) {
	t.Parallel()
	s, b := startSlowly(t)
	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), chunkFlow(b, "01"), ""))
	s.await(b.ID, func(b backfill) bool { return b.Progress.Chunks.Canceled == 1 })
	s.healSimulator()
	b = s.await(b.ID, isFinished)
	require.Equal(t, "canceled", b.Status)
	require.Equal(t, market.ChunkCounts{Total: 3, Done: 2, Canceled: 1}, b.Progress.Chunks)
	s.awaitEnd(b.WorkflowID)
	s.reset(chunkFlow(b, "01"), false)
	s.awaitStatus(b.ID, "completed")
}

// TestChunkResetWhileItsBackfillRuns: Temporal tells the parent of the new run's end, not of the old one's.
func TestChunkResetWhileItsBackfillRuns(t *testing.T) {
	t.Parallel()
	s, b := startSlowly(t)
	s.reset(chunkFlow(b, "01"), false)
	s.healSimulator()
	b = s.await(b.ID, isFinished)
	require.Equal(t, market.ChunkCounts{Total: 3, Done: 3}, b.Progress.Chunks)
	s.awaitEnd(b.WorkflowID)
}

// TestFailedChunkResetWhileItsBackfillRuns: the parent has counted it and ends before it; the chunk goes on by itself.
func TestFailedChunkResetWhileItsBackfillRuns(t *testing.T) {
	t.Parallel()
	s := startWithBTC(t)
	s.fault(map[string]any{"fault": "restricted", "count": 1}, slow())
	b := s.startBackfill(quarter())
	b = s.await(b.ID, func(b backfill) bool { return b.Progress.Chunks.Failed == 1 && b.Progress.Chunks.Running == 1 })
	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), chunkFlow(b, "02"), ""))
	s.await(b.ID, func(b backfill) bool { return b.Progress.Chunks.Canceled == 1 && b.Progress.Chunks.Running == 1 })
	s.reset(chunkFlow(b, "01"), false)
	s.await(b.ID, func(b backfill) bool { return b.Progress.Chunks.Running == 2 })
	s.terminate(chunkFlow(b, "03"))
	s.awaitEnd(b.WorkflowID)
	b = s.backfill(b.ID)
	require.Equal(t, market.ChunkCounts{Total: 3, Running: 1, Canceled: 1, Failed: 1}, b.Progress.Chunks, "what runs by itself is left to it")
	s.sweep()
	require.Equal(t, "running", s.backfill(b.ID).Status)

	s.terminate(chunkFlow(b, "01"))
	b = s.awaitSwept(b.ID, "failed")
	require.Equal(t, market.ChunkCounts{Total: 3, Canceled: 1, Failed: 2}, b.Progress.Chunks, "nobody but the sweep watches it")
	s.healSimulator()
	s.reset(chunkFlow(b, "01"), false)
	s.reset(chunkFlow(b, "02"), false)
	s.startLike(chunkFlow(b, "03"))
	s.awaitStatus(b.ID, "completed")
}

func TestBackfillTerminatedAndHealed(t *testing.T) {
	t.Parallel()
	s, b := startSlowly(t)
	s.terminate(b.WorkflowID)
	s.awaitEnd(chunkFlow(b, "01")) // Temporal ends the children a moment after
	b = s.awaitSwept(b.ID, "canceled")
	require.Equal(t, market.ChunkCounts{Total: 3, Canceled: 3}, b.Progress.Chunks, "%+v", b.Failures)
	s.reset(chunkFlow(b, "01"), false)
	s.await(b.ID, func(b backfill) bool { return b.Progress.Chunks.Running == 1 })
	s.terminate(chunkFlow(b, "01"))
	b = s.awaitSwept(b.ID, "canceled")
	require.Len(t, b.Failures, 1)
	require.Contains(t, b.Failures[0].Message, "terminated in Temporal")
	s.healSimulator()
	s.startLike(b.WorkflowID)
	s.awaitStatus(b.ID, "completed")
}

func TestBackfillCanceledInTheUI(t *testing.T) {
	t.Parallel()
	s, b := startSlowly(t)
	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), b.WorkflowID, ""))
	s.awaitStatus(b.ID, "canceled")
	s.healSimulator()
	s.retry(b)
	s.awaitStatus(b.ID, "completed")
}

// TestBackfillResetWhileItRuns: its chunks go on; the new run waits for the one it finds at work.
func TestBackfillResetWhileItRuns(t *testing.T) {
	t.Parallel()
	s, b := startSlowly(t)
	s.reset(b.WorkflowID, false)
	s.healSimulator()
	b = s.await(b.ID, isFinished)
	require.Equal(t, market.ChunkCounts{Total: 3, Done: 3}, b.Progress.Chunks)
	s.awaitEnd(b.WorkflowID)
}

func TestBackfillResetAfterItFailed(t *testing.T) {
	t.Parallel()
	s, b := startRefused(t)
	s.reset(b.WorkflowID, true)
	s.awaitEnd(b.WorkflowID)
	require.Equal(t, "failed", s.backfill(b.ID).Status, "its last task only counts again")
	s.reset(b.WorkflowID, false)
	s.awaitStatus(b.ID, "completed")
	s.awaitEnd(b.WorkflowID)
}

func TestChunksResetAfterTheirBackfillFailed(t *testing.T) {
	t.Parallel()
	s, b := startRefused(t)
	for _, month := range []string{"01", "02", "03"} {
		s.reset(chunkFlow(b, month), month == "03") // the last task of a failed chunk records the failure: it stays failed
	}
	b = s.await(b.ID, func(b backfill) bool { return b.Progress.Chunks.Done == 2 })
	s.awaitEnd(chunkFlow(b, "03"))
	require.Equal(t, "failed", s.backfill(b.ID).Status)
	s.reset(chunkFlow(b, "03"), false)
	b = s.awaitStatus(b.ID, "completed")

	requests := s.requests()
	s.reset(chunkFlow(b, "03"), false)
	s.awaitEnd(chunkFlow(b, "03"))
	require.Equal(t, "completed", s.backfill(b.ID).Status)
	require.Equal(t, requests, s.requests(), "a chunk that is done asks for nothing")
}

// TestTerminatedInTheUI: none of our code runs when an operator terminates a workflow; the scheduled sweep mends it
// within two minutes, without anybody's help.
func TestTerminatedInTheUI(t *testing.T) {
	t.Parallel()
	s, b := startSlowly(t)
	require.NoError(t, s.flows.EnsureSchedules(t.Context()))
	s.terminate(b.WorkflowID)
	require.Eventually(t, func() bool { return isFinished(s.backfill(b.ID)) }, patience, time.Second)
	require.Equal(t, "canceled", s.backfill(b.ID).Status)
	s.healSimulator()
	s.retry(b)
	s.awaitStatus(b.ID, "completed")
}
