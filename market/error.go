package market

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kind classifies an error by what can be done about it. Kinds are part of the public surface (problem types of the
// API, failure types of workflows) and never change their text. docs/errors.md explains each.
type Kind string

// The closed set of kinds.
const (
	KindInvalid     Kind = "invalid"      // the caller's input is wrong
	KindNotFound    Kind = "not_found"    // unknown instrument or symbol, range before listing
	KindConflict    Kind = "conflict"     // already running, unique violated
	KindDenied      Kind = "denied"       // key, plan or region refused
	KindMalformed   Kind = "malformed"    // the provider's answer is not what it documents
	KindRateLimited Kind = "rate_limited" // a request budget is used up
	KindUnavailable Kind = "unavailable"  // timeout, 5xx, connection, serialization failure
	KindInternal    Kind = "internal"     // everything else
)

// Kinds returns all kinds in the order of the documentation.
func Kinds() []Kind {
	return []Kind{
		KindInvalid, KindNotFound, KindConflict, KindDenied,
		KindMalformed, KindRateLimited, KindUnavailable, KindInternal,
	}
}

// Error is the one error type of the platform: a kind, a message for people, and optionally a cause.
// RetryAfter, when positive, is how long the other side asked us to wait (rate_limited, unavailable).
type Error struct {
	Kind       Kind
	Message    string
	RetryAfter time.Duration
	Err        error
}

// Error returns the message, which already contains the cause's text when built by Errorf with %w.
func (e *Error) Error() string {
	if e.Message == "" && e.Err != nil {
		return e.Err.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf builds an Error of the kind; a %w argument becomes its cause. The cause's RetryAfter is kept.
func Errorf(kind Kind, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Message: err.Error(), RetryAfter: RetryAfter(err), Err: errors.Unwrap(err)}
}

// KindOf returns the kind of the first Error in err's chain, unavailable for context errors, internal for everything
// else, and "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return KindUnavailable
	}
	return KindInternal
}

// RetryAfter returns how long the other side asked us to wait, or 0.
func RetryAfter(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
