package e2e_test

import (
	"context"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
)

func (s *secretStack) readLogs() {
	logs, err := filepath.Glob(filepath.Join(s.dir, "logs", "*.log"))
	require.NoError(s.t, err)
	require.Len(s.t, logs, 4)
	for _, name := range logs {
		text, err := os.ReadFile(name)
		require.NoError(s.t, err)
		require.NotEmpty(s.t, text, name)
		s.leaks.look(filepath.Base(name), text)
	}
	worker, err := os.ReadFile(filepath.Join(s.dir, "logs", "worker.log"))
	require.NoError(s.t, err)
	require.Contains(s.t, string(worker), "provider request answered", "the log is at debug level")
}

// readHistories looks at every event of every workflow, at what lists of workflows show, and at schedules. Payloads stand in the
// messages as they are.
func (s *secretStack) readHistories() {
	ctx := s.t.Context()
	types := map[string]int{}
	for token := []byte(nil); ; {
		list, err := s.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: s.namespace, NextPageToken: token})
		require.NoError(s.t, err)
		for _, execution := range list.GetExecutions() {
			types[execution.GetType().GetName()]++
			s.lookAt("the list of workflows", execution)
			id, run := execution.GetExecution().GetWorkflowId(), execution.GetExecution().GetRunId()
			events := s.temporal.GetWorkflowHistory(ctx, id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
			for events.HasNext() {
				event, err := events.Next()
				require.NoError(s.t, err)
				s.lookAt("the history of "+id, event)
			}
			described, err := s.temporal.DescribeWorkflowExecution(ctx, id, run)
			require.NoError(s.t, err)
			s.lookAt("the description of "+id, described)
		}
		if token = list.GetNextPageToken(); len(token) == 0 {
			break
		}
	}
	for _, name := range []string{"BackfillWorkflow", "ChunkWorkflow", "ListingWorkflow", "AlertWorkflow"} {
		require.NotZero(s.t, types[name], name)
	}
	schedules, err := s.temporal.WorkflowService().ListSchedules(ctx, &workflowservice.ListSchedulesRequest{Namespace: s.namespace})
	require.NoError(s.t, err)
	s.lookAt("the list of schedules", schedules)
}

func (s *secretStack) lookAt(where string, message interface{ Marshal() ([]byte, error) }) {
	s.t.Helper()
	text, err := message.Marshal()
	require.NoError(s.t, err)
	s.leaks.look(where, text)
}

// readTables looks at every row of every table, and into compressed bodies.
func (s *secretStack) readTables() {
	ctx := s.t.Context()
	conn, err := pgx.Connect(ctx, s.databaseURL)
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, conn.Close(context.WithoutCancel(ctx))) }()
	column := func(query string) [][]byte {
		rows, err := conn.Query(ctx, query)
		require.NoError(s.t, err)
		values, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		require.NoError(s.t, err)
		return values
	}
	tables := column(`
		SELECT c.relname::text::bytea FROM pg_class c
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition`)
	require.NotEmpty(s.t, tables)
	for _, table := range tables {
		for _, row := range column("SELECT convert_to(t::text, 'UTF8') FROM " + pgx.Identifier{string(table)}.Sanitize() + " t") {
			s.leaks.look("table "+string(table), row)
		}
	}
	decoder, err := zstd.NewReader(nil)
	require.NoError(s.t, err)
	defer decoder.Close()
	bodies := column("SELECT body FROM raw_page WHERE body IS NOT NULL UNION ALL SELECT body FROM normal_page")
	require.NotEmpty(s.t, bodies)
	for _, body := range bodies {
		text, err := decoder.DecodeAll(body, nil)
		require.NoError(s.t, err)
		s.leaks.look("a stored answer", text)
	}
}
