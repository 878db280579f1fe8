package trace

import (
	"context"
	"log/slog"
)

// Handler adds the request id of a line's context to the line, or that of the run which the line names. It is safe for
// concurrent use.
type Handler struct {
	next  slog.Handler
	hasID bool   // the logger's own attributes name a request id
	run   string // the run that they name, "" for none
	runs  *runs  // shared with the handlers made from this one
}

var _ slog.Handler = (*Handler)(nil)

// NewHandler returns a Handler before next. Lines that name a request_id themselves are left as they are.
func NewHandler(next slog.Handler) *Handler {
	return &Handler{next: next, runs: &runs{ids: map[string]string{}}}
}

// Remember makes lines that name the workflow run (RunID), themselves or through their logger, carry the request id too, also
// those without a context. The first id of a run counts; the 10,000 latest runs are remembered.
func (h *Handler) Remember(run, id string) {
	if id != "" {
		h.runs.remember(run, id)
	}
}

// Enabled is slog.Handler.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle is slog.Handler.
func (h *Handler) Handle(ctx context.Context, line slog.Record) error {
	if id := h.requestID(ctx, line); id != "" {
		line = line.Clone()
		line.AddAttrs(slog.String(Key, id))
	}
	return h.next.Handle(ctx, line)
}

// requestID returns the id to add to the line, "" where there is none or the line has one.
func (h *Handler) requestID(ctx context.Context, line slog.Record) string {
	run, isNamed := h.run, h.hasID
	line.Attrs(func(a slog.Attr) bool {
		isNamed = isNamed || a.Key == Key
		if a.Key == runKey {
			run = a.Value.String()
		}
		return !isNamed
	})
	if isNamed {
		return ""
	}
	if id := RequestID(ctx); id != "" {
		return id
	}
	return h.runs.requestID(run)
}

// WithAttrs is slog.Handler.
func (h *Handler) WithAttrs(attributes []slog.Attr) slog.Handler {
	derived := &Handler{next: h.next.WithAttrs(attributes), hasID: h.hasID, run: h.run, runs: h.runs}
	for _, a := range attributes {
		derived.hasID = derived.hasID || a.Key == Key
		if a.Key == runKey {
			derived.run = a.Value.String()
		}
	}
	return derived
}

// WithGroup is slog.Handler. The id is in the group, as all attributes of the line are.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{next: h.next.WithGroup(name), hasID: h.hasID, run: h.run, runs: h.runs}
}
