package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"marketdata/market"
)

// How long a client is told to wait where nobody named a time.
const (
	retryUnavailable = 5 * time.Second
	retryRateLimited = 30 * time.Second
)

// fault is an error worded by the API itself: its detail may be shown, whatever its kind.
type fault struct {
	kind   market.Kind
	status int // 0: the kind's usual one
	detail string
	errors []problemError
	cause  error // for the log only
}

// Error returns the detail.
func (f *fault) Error() string { return f.detail }

// Unwrap returns the cause.
func (f *fault) Unwrap() error { return f.cause }

// invalidAt says what is wrong at one place of the request.
func invalidAt(location, format string, args ...any) *fault {
	return invalid([]problemError{{Location: location, Message: fmt.Sprintf(format, args...)}})
}

// invalid says what is wrong at several places of the request.
func invalid(places []problemError) *fault { return faultAt(market.KindInvalid, places) }

// faultAt says what is wrong at several places; the detail is the first of them.
func faultAt(kind market.Kind, places []problemError) *fault {
	return &fault{kind: kind, detail: summarize(places), errors: places}
}

// unavailable says what cannot be reached.
func unavailable(cause error, detail string) *fault {
	return &fault{kind: market.KindUnavailable, detail: detail, cause: cause}
}

// summarize puts the first of several places into one sentence.
func summarize(places []problemError) string {
	if len(places) == 0 {
		return "the request is not valid"
	}
	text := places[0].Location + ": " + places[0].Message
	if more := len(places) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// problemOf translates an error into the problem document of its kind, and logs what is hidden from the caller.
func (s *server) problemOf(ctx context.Context, err error) *problem {
	var f *fault
	var conflict *market.ConflictError
	p := s.newProblem(ctx, market.KindOf(err), 0, "")
	switch {
	case errors.As(err, &f):
		p = s.newProblem(ctx, f.kind, f.status, f.detail)
		p.Errors = f.errors
	case errors.As(err, &conflict):
		p.Detail, p.BackfillID = conflict.Error(), conflict.BackfillID
	default:
		p.Detail = safeDetail(err)
	}
	p.retryAfterSeconds = retryAfterSeconds(p.Status, market.RetryAfter(err))
	s.logProblem(ctx, p, err)
	return p
}

// newProblem builds a problem of the kind; an empty detail is the kind's description.
func (s *server) newProblem(ctx context.Context, kind market.Kind, status int, detail string) *problem {
	k := kindOf(kind)
	p := &problem{Type: k.Type, Title: k.Title, Status: k.Status, Detail: detail, RequestID: requestID(ctx)}
	if status != 0 {
		p.Status = status
	}
	if detail == "" {
		p.Detail = k.Description
	}
	p.retryAfterSeconds = retryAfterSeconds(p.Status, 0)
	return p
}

// safeDetail returns what may be shown of an error from below: the message of a market.Error whose kind is about the
// request and which wraps nothing foreign (a driver's error may hold SQL or host names), else the kind's description.
func safeDetail(err error) string {
	kind := market.KindOf(err)
	var e *market.Error
	if !errors.As(err, &e) || !isAboutRequest(kind) {
		return kindOf(kind).Description
	}
	for cause := e.Err; cause != nil; cause = errors.Unwrap(cause) {
		var ours *market.Error
		if !errors.As(cause, &ours) {
			return kindOf(kind).Description
		}
	}
	return e.Error()
}

// isAboutRequest reports whether errors of the kind are worded for the caller.
func isAboutRequest(kind market.Kind) bool {
	switch kind {
	case market.KindInvalid, market.KindNotFound, market.KindConflict, market.KindDenied, market.KindRateLimited:
		return true
	case market.KindMalformed, market.KindUnavailable, market.KindInternal:
		return false
	}
	return false
}

// retryAfterSeconds returns the value of Retry-After, 0 where there is none.
func retryAfterSeconds(status int, asked time.Duration) int {
	switch {
	case status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable:
		return 0
	case asked > 0:
		return int((asked + time.Second - 1) / time.Second)
	case status == http.StatusTooManyRequests:
		return int(retryRateLimited / time.Second)
	}
	return int(retryUnavailable / time.Second)
}

// logProblem logs what a person must look at; what the caller did wrong is in the access log.
func (s *server) logProblem(ctx context.Context, p *problem, err error) {
	level := slog.LevelWarn
	switch {
	case errors.Is(ctx.Err(), context.Canceled): // the client has gone
		level = slog.LevelInfo
	case p.Status == http.StatusInternalServerError:
		level = slog.LevelError
	case p.Status < http.StatusInternalServerError:
		return
	}
	s.logger.LogAttrs(ctx, level, "request failed",
		slog.String("request_id", p.RequestID), slog.Int("status", p.Status), slog.String("error", causeText(err)))
}

// causeText returns the text of an error with the cause a fault hides.
func causeText(err error) string {
	var f *fault
	if errors.As(err, &f) && f.cause != nil {
		return f.detail + ": " + f.cause.Error()
	}
	return err.Error()
}

// toProblem is huma's transformer: what huma itself refuses (parameters, bodies) becomes a problem document too.
func (s *server) toProblem(ctx huma.Context, _ string, v any) (any, error) {
	model, isError := v.(*huma.ErrorModel)
	if !isError {
		return v, nil
	}
	p := s.newProblem(ctx.Context(), kindOfStatus(model.Status), model.Status, model.Detail)
	if model.Status >= http.StatusInternalServerError {
		s.logProblem(ctx.Context(), p, model)
		p.Detail = kindOf(market.KindInternal).Description
		return p, nil
	}
	for _, e := range model.Errors {
		p.Errors = append(p.Errors, problemError{Location: e.Location, Message: e.Message})
	}
	if len(p.Errors) > 0 {
		slices.SortStableFunc(p.Errors, func(a, b problemError) int { return strings.Compare(a.Location, b.Location) })
		p.Detail = summarize(p.Errors)
	}
	return p, nil
}

// kindOfStatus returns the kind of the problems that are answered with the status.
func kindOfStatus(status int) market.Kind {
	for _, kind := range market.Kinds() {
		if kindOf(kind).Status == status {
			return kind
		}
	}
	if status >= http.StatusInternalServerError {
		return market.KindInternal
	}
	return market.KindInvalid
}
