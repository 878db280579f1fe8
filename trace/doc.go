// Package trace carries the id of the request that caused a piece of work, from the API through workflows and activities
// to every log line. It knows nothing of the other rooms, so that all of them may use it.
//
//	ctx = trace.WithRequestID(ctx, "0190f5c8-…")
//	logger := slog.New(trace.NewHandler(handler))
//	logger.InfoContext(ctx, "bars upserted") // … request_id=0190f5c8-…
//
// It is no distributed tracing: there are no spans and nothing is sampled.
package trace
