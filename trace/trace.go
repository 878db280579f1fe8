package trace

import "context"

// Key names the request id in log lines, in the headers of workflows and in their memo.
const Key = "request_id"

type contextKey struct{}

// WithRequestID returns ctx with the id of the request that causes what is done with it; "" leaves ctx as it is.
func WithRequestID(ctx context.Context, id string) context.Context {
	if id == "" {
		return ctx
	}
	return context.WithValue(ctx, contextKey{}, id)
}

// RequestID returns the id of the request, "" where none caused what is done.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(contextKey{}).(string)
	return id
}

// IsSane reports whether text can be a request id: 1 to 128 of A-Z a-z 0-9 . _ : -.
func IsSane(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == ':', c == '-':
		default:
			return false
		}
	}
	return text != "" && len(text) <= 128
}
