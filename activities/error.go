package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"marketdata/market"
)

// maxInternalTries bounds how often an unexpected error is tried again before a person must look.
const maxInternalTries = 10

// errStopping says that the activity stopped between two pages because its worker shuts down.
var errStopping = errors.New("the worker is stopping")

// temporalError turns an error into the failure Temporal acts on; its type is the kind. Every activity ends with it
// and nothing wraps its result: only the outermost error decides whether a failure is retried.
func temporalError(ctx context.Context, err error) error {
	return failureAfter(ctx, int(activity.GetInfo(ctx).Attempt), err)
}

// failureAfter is temporalError where so many tries have failed, this one included, whatever the number of attempts.
func failureAfter(ctx context.Context, tries int, err error) error {
	if err == nil {
		return nil
	}
	// net/http reports a context's cause, which need not be its error
	isCanceled := ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)))
	switch {
	case errors.Is(err, errStopping), isCanceled && isStopping(ctx):
		return stoppingError()
	case isCanceled:
		return ctx.Err()
	}
	kind := market.KindOf(err)
	options := temporal.ApplicationErrorOptions{
		NonRetryable:   isFinal(kind, tries),
		NextRetryDelay: market.RetryAfter(err),
	}
	if kind == market.KindRateLimited || kind == market.KindUnavailable {
		options.Category = temporal.ApplicationErrorCategoryBenign
	}
	return temporal.NewApplicationErrorWithOptions(err.Error(), string(kind), options)
}

// isFinal reports whether trying again cannot help.
func isFinal(kind market.Kind, tries int) bool {
	switch kind {
	case market.KindInvalid, market.KindNotFound, market.KindConflict, market.KindDenied, market.KindMalformed:
		return true
	case market.KindRateLimited, market.KindUnavailable:
		return false
	case market.KindInternal:
		return tries >= maxInternalTries
	}
	return tries >= maxInternalTries
}

// isStopping reports whether this worker shuts down and wants its activities handed back.
func isStopping(ctx context.Context) bool {
	select {
	case <-activity.GetWorkerStopChannel(ctx):
		return true
	default:
		return false
	}
}

// stoppingError hands the activity to another worker at once.
func stoppingError() error {
	return temporal.NewApplicationErrorWithOptions("this worker is stopping; the next attempt goes on where it stood",
		string(market.KindUnavailable),
		temporal.ApplicationErrorOptions{NextRetryDelay: time.Second, Category: temporal.ApplicationErrorCategoryBenign})
}

// Failure reads the kind and the message of a failed activity or child workflow, for the chunk's row and for people.
func Failure(err error) (market.Kind, string) {
	var application *temporal.ApplicationError
	if errors.As(err, &application) {
		for _, kind := range market.Kinds() {
			if application.Type() == string(kind) {
				return kind, application.Message()
			}
		}
		return market.KindInternal, fmt.Sprintf("%s (%s)", application.Message(), application.Type())
	}
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		return market.KindUnavailable, "gave up after the time allowed: " + timeout.Error()
	}
	var terminated *temporal.TerminatedError
	if errors.As(err, &terminated) {
		return market.KindInternal, "its workflow was terminated"
	}
	return market.KindInternal, err.Error()
}
