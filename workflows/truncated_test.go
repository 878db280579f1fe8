package workflows_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"marketdata/worker"
	"marketdata/workflows"
)

// TestReplayFromEveryEvent cuts each recorded history where a worker could have died: behind every workflow task that
// was started. The next worker replays what is left and must come to the same commands.
func TestReplayFromEveryEvent(t *testing.T) {
	t.Parallel()
	for _, name := range histories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			prefixes := cut(recorded(t, name))
			require.NotEmpty(t, prefixes)
			for _, prefix := range prefixes {
				require.NoError(t, replay(t, prefix, worker.RegisterWorkflows), "cut behind event %d", len(prefix.Events))
			}
		})
	}
}

// TestReplayFromEveryEventSeesAChange: the same cuts find a workflow that does something else.
func TestReplayFromEveryEventSeesAChange(t *testing.T) {
	t.Parallel()
	changed := func(r sdkworker.WorkflowRegistry) {
		sleeper := func(ctx workflow.Context, _ workflows.BackfillInput) error { return workflow.Sleep(ctx, time.Hour) }
		r.RegisterWorkflowWithOptions(sleeper, workflow.RegisterOptions{Name: workflows.NameBackfill})
	}
	for _, prefix := range cut(recorded(t, "backfill_partial"))[2:] { // what a task decided shows with the events it led to
		require.ErrorContains(t, replay(t, prefix, changed), "TMPRL1100", "cut behind event %d", len(prefix.Events))
	}
}

func recorded(t *testing.T, name string) *historypb.History {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata/replay", name+".json"))
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	history, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	require.NoError(t, err)
	return history
}

// cut returns the histories that end with each started workflow task.
func cut(history *historypb.History) []*historypb.History {
	var prefixes []*historypb.History
	for i, event := range history.GetEvents() {
		if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED {
			prefixes = append(prefixes, &historypb.History{Events: history.GetEvents()[:i+1]})
		}
	}
	return prefixes
}

func replay(t *testing.T, history *historypb.History, register func(sdkworker.WorkflowRegistry)) error {
	t.Helper()
	replayer, err := sdkworker.NewWorkflowReplayerWithOptions(sdkworker.WorkflowReplayerOptions{DisableRegistrationAliasing: true})
	require.NoError(t, err)
	register(replayer)
	started := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	return replayer.ReplayWorkflowHistoryWithOptions(testLogger(t), history, sdkworker.ReplayWorkflowHistoryOptions{
		OriginalExecution: workflow.Execution{ID: started.GetWorkflowId(), RunID: started.GetOriginalExecutionRunId()},
	})
}
