package workflows_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"marketdata/trace"
	"marketdata/workflows"
)

// header is one in memory.
type header map[string]*commonpb.Payload

func (h header) Set(key string, value *commonpb.Payload) { h[key] = value }

func (h header) Get(key string) (*commonpb.Payload, bool) {
	value, isSet := h[key]
	return value, isSet
}

func (h header) ForEachKey(visit func(string, *commonpb.Payload) error) error {
	for key, value := range h {
		if err := visit(key, value); err != nil {
			return err
		}
	}
	return nil
}

func TestPropagatorCarriesTheRequestID(t *testing.T) {
	t.Parallel()
	p := workflows.Propagators()[0]
	h := header{}
	require.NoError(t, p.Inject(t.Context(), h))
	require.Empty(t, h, "nothing where nobody asked")
	require.NoError(t, p.Inject(trace.WithRequestID(t.Context(), "r-1"), h))
	ctx, err := p.Extract(t.Context(), h)
	require.NoError(t, err)
	require.Equal(t, "r-1", trace.RequestID(ctx))
}

func TestPropagatorTakesNoOtherHeaderForARequestID(t *testing.T) {
	t.Parallel()
	payload := func(v any) *commonpb.Payload {
		p, err := converter.GetDefaultDataConverter().ToPayload(v)
		require.NoError(t, err)
		return p
	}
	for name, value := range map[string]*commonpb.Payload{
		"a number": payload(7), "a line of its own": payload("a\nb"), "nothing": payload(""), "no encoding": {Data: []byte("x")}, "none": nil,
	} {
		ctx, err := workflows.Propagators()[0].Extract(context.Background(), header{trace.Key: value})
		require.NoError(t, err, name)
		require.Empty(t, trace.RequestID(ctx), name)
	}
}
