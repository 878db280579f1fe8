package workflows

import (
	"context"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"marketdata/trace"
)

// Propagators carry the request id from whoever starts or steers a workflow through it and its children to activities.
// Every client of the API and of workers needs them.
func Propagators() []workflow.ContextPropagator {
	return []workflow.ContextPropagator{requestIDPropagator{converter.GetDefaultDataConverter()}}
}

type requestIDKey struct{}

// RequestID returns the id of the request that caused the workflow, "" where none did.
func RequestID(ctx workflow.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// requestIDPropagator keeps the id in a header of its own. A header that holds no request id is taken as none: what
// only helps to read logs must not stop work.
type requestIDPropagator struct{ converter converter.DataConverter }

var _ workflow.ContextPropagator = requestIDPropagator{}

// Inject is workflow.ContextPropagator.
func (p requestIDPropagator) Inject(ctx context.Context, header workflow.HeaderWriter) error {
	return p.write(trace.RequestID(ctx), header)
}

// Extract is workflow.ContextPropagator.
func (p requestIDPropagator) Extract(ctx context.Context, header workflow.HeaderReader) (context.Context, error) {
	return trace.WithRequestID(ctx, p.read(header)), nil
}

// InjectFromWorkflow is workflow.ContextPropagator.
func (p requestIDPropagator) InjectFromWorkflow(ctx workflow.Context, header workflow.HeaderWriter) error {
	return p.write(RequestID(ctx), header)
}

// ExtractToWorkflow is workflow.ContextPropagator.
func (p requestIDPropagator) ExtractToWorkflow(ctx workflow.Context, header workflow.HeaderReader) (workflow.Context, error) {
	if id := p.read(header); id != "" {
		ctx = workflow.WithValue(ctx, requestIDKey{}, id)
	}
	return ctx, nil
}

func (p requestIDPropagator) write(id string, header workflow.HeaderWriter) error {
	if id == "" {
		return nil
	}
	payload, err := p.converter.ToPayload(id)
	if err != nil {
		return err
	}
	header.Set(trace.Key, payload)
	return nil
}

func (p requestIDPropagator) read(header workflow.HeaderReader) string {
	payload, isSet := header.Get(trace.Key)
	if !isSet {
		return ""
	}
	var id string
	if err := p.converter.FromPayload(payload, &id); err != nil || !trace.IsSane(id) {
		return ""
	}
	return id
}
