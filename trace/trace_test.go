package trace_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/trace"
)

func TestRequestIDIsCarriedByTheContext(t *testing.T) {
	t.Parallel()
	require.Empty(t, trace.RequestID(t.Context()))
	ctx := trace.WithRequestID(t.Context(), "one")
	require.Equal(t, "one", trace.RequestID(ctx))
	require.Equal(t, "one", trace.RequestID(trace.WithRequestID(ctx, "")), "no id hides none")
	require.Equal(t, "two", trace.RequestID(trace.WithRequestID(ctx, "two")))
}

func TestIsSane(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a", "0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d", "A.b_c:d-9", strings.Repeat("x", 128)} {
		require.True(t, trace.IsSane(id), id)
	}
	for _, id := range []string{"", "a b", "a\n", "ä", "a/b", strings.Repeat("x", 129)} {
		require.False(t, trace.IsSane(id), id)
	}
}

func TestHandlerAddsTheRequestIDOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := slog.New(trace.NewHandler(slog.NewTextHandler(&out, nil)))
	ctx := trace.WithRequestID(t.Context(), "r1")
	for _, tc := range []struct {
		name string
		log  func(context.Context)
		want []string // of the id
	}{
		{"a line", func(ctx context.Context) { logger.InfoContext(ctx, "m") }, []string{"request_id=r1"}},
		{"a line of a logger with attributes", func(ctx context.Context) { logger.With("a", 1).InfoContext(ctx, "m") }, []string{"request_id=r1"}},
		{"a line in a group", func(ctx context.Context) { logger.WithGroup("g").InfoContext(ctx, "m", "a", 1) }, []string{"g.request_id=r1"}},
		{"a line that names one", func(ctx context.Context) { logger.InfoContext(ctx, "m", "request_id", "r2") }, []string{"request_id=r2"}},
		{"a logger that names one", func(ctx context.Context) { logger.With("request_id", "r3").With("a", 1).InfoContext(ctx, "m") }, []string{"request_id=r3"}},
		{"a line nobody asked for", func(context.Context) { logger.InfoContext(context.Background(), "m") }, nil},
	} {
		out.Reset()
		tc.log(ctx)
		var got []string
		for _, word := range strings.Fields(out.String()) {
			if strings.Contains(word, "request_id=") {
				got = append(got, word)
			}
		}
		require.Equal(t, tc.want, got, tc.name)
	}
	require.False(t, logger.Enabled(ctx, slog.LevelDebug), "the level is the next handler's")
}

func TestHandlerKnowsTheRequestOfARun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	handler := trace.NewHandler(slog.NewTextHandler(&out, nil))
	logger := slog.New(handler).With("a", 1)
	idOf := func(run string, attributes ...any) string {
		out.Reset()
		logger.InfoContext(context.Background(), "Activity error.", append([]any{"RunID", run}, attributes...)...)
		_, id, _ := strings.Cut(strings.TrimSpace(out.String()), "request_id=")
		return id
	}
	handler.Remember("run", "r-1")
	handler.Remember("scheduled", "")
	require.Equal(t, "r-1", idOf("run"))
	require.Equal(t, "r-2", idOf("run", "request_id", "r-2"), "once")
	require.Empty(t, idOf("scheduled"))
	out.Reset()
	logger.With("RunID", "run").With("b", 2).InfoContext(context.Background(), "ExecuteActivity")
	require.Contains(t, out.String(), "request_id=r-1")
	handler.Remember("run", "r-3")
	require.Equal(t, "r-1", idOf("run"), "the first")
	for n := range 10_000 {
		handler.Remember(fmt.Sprintf("run %d", n), "r-4")
	}
	require.Empty(t, idOf("run"), "forgotten")
	require.Equal(t, "r-4", idOf("run 0"))
	handler.Remember("one more", "r-5")
	require.Empty(t, idOf("run 0"))
	require.Equal(t, "r-4", idOf("run 1"))
	require.Equal(t, "r-5", idOf("one more"))
}
