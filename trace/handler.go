package trace

import (
	"context"
	"log/slog"
)

// Handler adds the request id of a line's context to the line. It is safe for concurrent use.
type Handler struct {
	next  slog.Handler
	hasID bool // the logger's own attributes name a request id
}

var _ slog.Handler = (*Handler)(nil)

// NewHandler returns a Handler before next. Lines that name a request_id themselves are left as they are.
func NewHandler(next slog.Handler) *Handler { return &Handler{next: next} }

// Enabled is slog.Handler.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle is slog.Handler.
func (h *Handler) Handle(ctx context.Context, line slog.Record) error {
	if id := RequestID(ctx); id != "" && !h.hasID && !names(line) {
		line = line.Clone()
		line.AddAttrs(slog.String(Key, id))
	}
	return h.next.Handle(ctx, line)
}

// names reports whether a line has a request id of its own.
func names(line slog.Record) bool {
	isNamed := false
	line.Attrs(func(a slog.Attr) bool {
		isNamed = a.Key == Key
		return !isNamed
	})
	return isNamed
}

// WithAttrs is slog.Handler.
func (h *Handler) WithAttrs(attributes []slog.Attr) slog.Handler {
	hasID := h.hasID
	for _, a := range attributes {
		hasID = hasID || a.Key == Key
	}
	return &Handler{next: h.next.WithAttrs(attributes), hasID: hasID}
}

// WithGroup is slog.Handler. The id is in the group, as all attributes of the line are.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{next: h.next.WithGroup(name), hasID: h.hasID}
}
