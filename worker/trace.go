package worker

import (
	"context"
	"errors"
	"log/slog"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketdata/activities"
	"marketdata/market"
	"marketdata/trace"
	"marketdata/workflows"
)

// Recorder counts attempts of activities.
type Recorder interface {
	// ActivityEnded is called after every attempt, the first being 1; kind is that of its failure, "" when it
	// succeeded or was canceled.
	ActivityEnded(activity string, attempt int, kind market.Kind)
}

// tracer adds the request id to the lines of workflow.GetLogger and activity.GetLogger, lets the log know the runs that a
// request caused, and tells and counts how every attempt of an activity ended.
type tracer struct {
	interceptor.WorkerInterceptorBase
	recorder Recorder // may be nil
	remember func(run, requestID string)
}

// newTracer returns the tracer of a worker. Where the logger has a trace.Handler, as that of the client must then, the
// SDK's own lines about a run carry its request id too.
func newTracer(recorder Recorder, logger *slog.Logger) *tracer {
	t := &tracer{recorder: recorder, remember: func(string, string) {}}
	if h, isTracing := logger.Handler().(*trace.Handler); isTracing {
		t.remember = h.Remember
	}
	return t
}

// InterceptActivity is interceptor.WorkerInterceptor.
func (t *tracer) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	in := &activityTracer{tracer: t}
	in.Next = next
	return in
}

// InterceptWorkflow is interceptor.WorkerInterceptor.
func (t *tracer) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	in := &workflowTracer{tracer: t}
	in.Next = next
	return in
}

type activityTracer struct {
	interceptor.ActivityInboundInterceptorBase
	tracer *tracer
}

// Init is interceptor.ActivityInboundInterceptor.
func (t *activityTracer) Init(next interceptor.ActivityOutboundInterceptor) error {
	out := &activityLogger{}
	out.Next = next
	return t.Next.Init(out)
}

// ExecuteActivity is interceptor.ActivityInboundInterceptor.
func (t *activityTracer) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	info := activity.GetInfo(ctx)
	t.tracer.remember(info.WorkflowExecution.RunID, trace.RequestID(ctx))
	kind := market.KindInternal // should it panic, which the SDK tells
	defer func() {
		if t.tracer.recorder != nil {
			t.tracer.recorder.ActivityEnded(info.ActivityType.Name, int(info.Attempt), kind)
		}
	}()
	out, err := t.Next.ExecuteActivity(ctx, in)
	kind = logAttempt(ctx, err)
	return out, err
}

// logAttempt tells how an attempt ended and returns the kind of its failure: at info level where a person's request
// caused it, the scheduled ones at debug level, and as a warning what waiting does not mend.
func logAttempt(ctx context.Context, err error) market.Kind {
	logger := activity.GetLogger(ctx)
	inform := logger.Debug
	if trace.RequestID(ctx) != "" {
		inform = logger.Info
	}
	switch {
	case err == nil:
		inform("activity done")
		return ""
	case errors.Is(err, context.Canceled), temporal.IsCanceledError(err):
		inform("activity canceled")
		return ""
	}
	kind, message := activities.Failure(err)
	if kind != market.KindRateLimited && kind != market.KindUnavailable {
		inform = logger.Warn
	}
	inform("activity attempt failed", "kind", string(kind), "error", message)
	return kind
}

type activityLogger struct {
	interceptor.ActivityOutboundInterceptorBase
}

// GetLogger is interceptor.ActivityOutboundInterceptor.
func (l *activityLogger) GetLogger(ctx context.Context) log.Logger {
	return withRequestID(l.Next.GetLogger(ctx), trace.RequestID(ctx))
}

type workflowTracer struct {
	interceptor.WorkflowInboundInterceptorBase
	tracer *tracer
}

// ExecuteWorkflow is interceptor.WorkflowInboundInterceptor.
func (t *workflowTracer) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	t.tracer.remember(workflow.GetInfo(ctx).WorkflowExecution.RunID, workflows.RequestID(ctx))
	return t.Next.ExecuteWorkflow(ctx, in)
}

// Init is interceptor.WorkflowInboundInterceptor.
func (t *workflowTracer) Init(next interceptor.WorkflowOutboundInterceptor) error {
	out := &workflowLogger{}
	out.Next = next
	return t.Next.Init(out)
}

type workflowLogger struct {
	interceptor.WorkflowOutboundInterceptorBase
}

// GetLogger is interceptor.WorkflowOutboundInterceptor.
func (l *workflowLogger) GetLogger(ctx workflow.Context) log.Logger {
	return withRequestID(l.Next.GetLogger(ctx), workflows.RequestID(ctx))
}

func withRequestID(logger log.Logger, id string) log.Logger {
	if id == "" {
		return logger
	}
	return log.With(logger, trace.Key, id)
}
