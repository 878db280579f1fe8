package worker

// The tracer is put into every worker by Run alone; it is tested from inside, around activities of a test.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"marketdata/market"
	"marketdata/trace"
	"marketdata/workflows"
)

// attempts keeps what it is told.
type attempts struct{ told []string }

func (a *attempts) ActivityEnded(activity string, attempt int, kind market.Kind) {
	a.told = append(a.told, fmt.Sprintf("%s %d %q", activity, attempt, kind))
}

type logLine struct {
	Level     string `json:"level"`
	Message   string `json:"msg"`
	Kind      string `json:"kind"`
	Activity  string `json:"ActivityType"`
	RequestID string `json:"request_id"`
}

// lines returns what was logged by us and what the SDK logs of failures.
func lines(t *testing.T, text *bytes.Buffer) []logLine {
	t.Helper()
	var all []logLine
	for decoder := json.NewDecoder(text); decoder.More(); {
		var l logLine
		require.NoError(t, decoder.Decode(&l))
		all = append(all, l)
	}
	return all
}

// logTo logs as the commands do.
func logTo(text *bytes.Buffer) *slog.Logger {
	return slog.New(trace.NewHandler(slog.NewJSONHandler(text, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

// suite is the SDK's, with the request id in its headers ("" for none).
func suite(t *testing.T, logger *slog.Logger, id string) *testsuite.WorkflowTestSuite {
	t.Helper()
	var s testsuite.WorkflowTestSuite
	s.SetLogger(log.NewStructuredLogger(logger))
	s.SetContextPropagators(workflows.Propagators())
	if id != "" {
		payload, err := converter.GetDefaultDataConverter().ToPayload(id)
		require.NoError(t, err)
		s.SetHeader(&commonpb.Header{Fields: map[string]*commonpb.Payload{trace.Key: payload}})
	}
	return &s
}

func TestAttemptsAreToldAndCounted(t *testing.T) {
	t.Parallel()
	failure := func(kind market.Kind) error {
		return temporal.NewApplicationError("no luck", string(kind))
	}
	for _, tc := range []struct {
		name  string
		id    string
		err   error
		want  logLine
		ended string
	}{
		{"a request's", "r-1", nil, logLine{Level: "INFO", Message: "activity done", RequestID: "r-1"}, `Work 1 ""`},
		{"a schedule's", "", nil, logLine{Level: "DEBUG", Message: "activity done"}, `Work 1 ""`},
		{"an outage", "r-1", failure(market.KindUnavailable), logLine{Level: "INFO", Message: "activity attempt failed", Kind: "unavailable", RequestID: "r-1"}, `Work 1 "unavailable"`},
		{"a schedule's wait", "", failure(market.KindRateLimited), logLine{Level: "DEBUG", Message: "activity attempt failed", Kind: "rate_limited"}, `Work 1 "rate_limited"`},
		{"for a person", "", failure(market.KindDenied), logLine{Level: "WARN", Message: "activity attempt failed", Kind: "denied"}, `Work 1 "denied"`},
		{"unforeseen", "r-1", errors.New("a surprise"), logLine{Level: "WARN", Message: "activity attempt failed", Kind: "internal", RequestID: "r-1"}, `Work 1 "internal"`},
		{"canceled", "r-1", context.Canceled, logLine{Level: "INFO", Message: "activity canceled", RequestID: "r-1"}, `Work 1 ""`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var text bytes.Buffer
			counted := &attempts{}
			logger := logTo(&text)
			env := suite(t, logger, tc.id).NewTestActivityEnvironment()
			env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{newTracer(counted, logger)}})
			work := func(ctx context.Context) error {
				activity.GetLogger(ctx).Info("at work")
				return tc.err
			}
			env.RegisterActivityWithOptions(work, activity.RegisterOptions{Name: "Work"})
			_, err := env.ExecuteActivity(work)
			require.Equal(t, tc.err == nil, err == nil)
			tc.want.Activity = "Work"
			got := lines(t, &text)
			require.Equal(t, []logLine{{Level: "INFO", Message: "at work", Activity: "Work", RequestID: tc.id}, tc.want}, got[:2])
			for _, l := range got[2:] { // the SDK's own
				require.Equal(t, tc.id, l.RequestID, l.Message)
			}
			require.Equal(t, tc.err != nil, len(got) > 2)
			require.Equal(t, []string{tc.ended}, counted.told)
		})
	}
}

func TestLinesOfWorkflowsHaveTheRequestID(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	logger := logTo(&text)
	env := suite(t, logger, "r-1").NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute) // of real time, on a busy machine
	env.SetWorkerOptions(worker.Options{
		Interceptors: []interceptor.WorkerInterceptor{newTracer(nil, logger)}, DeadlockDetectionTimeout: time.Minute,
	})
	child := func(ctx workflow.Context) error {
		workflow.GetLogger(ctx).Info("a child's")
		return nil
	}
	parent := func(ctx workflow.Context) error {
		workflow.GetLogger(ctx).Info("a parent's")
		ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: "child"})
		return workflow.ExecuteChildWorkflow(ctx, child).Get(ctx, nil)
	}
	env.RegisterWorkflow(child)
	env.ExecuteWorkflow(parent)
	require.NoError(t, env.GetWorkflowError())
	var told []string
	for _, l := range lines(t, &text) {
		if l.RequestID == "r-1" && l.Level == "INFO" {
			told = append(told, l.Message)
		}
	}
	require.Equal(t, []string{"a parent's", "a child's"}, told)
}

func TestAPanicIsCountedAndHasTheRequestID(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	logger, counted := logTo(&text), &attempts{}
	env := suite(t, logger, "r-1").NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{newTracer(counted, logger)}})
	work := func(context.Context) error { panic("a surprise") }
	env.RegisterActivityWithOptions(work, activity.RegisterOptions{Name: "Work"})
	_, err := env.ExecuteActivity(work)
	require.Error(t, err)
	require.Equal(t, []string{`Work 1 "internal"`}, counted.told)
	got := lines(t, &text)
	require.NotEmpty(t, got)
	for _, l := range got {
		require.Equal(t, "r-1", l.RequestID, l.Message)
	}
}
