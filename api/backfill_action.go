package api

import (
	"context"
	"net/http"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"marketdata/market"
)

const (
	defaultPauseReason = "paused by the API"
	maxReasonLength    = 500
)

type (
	reasonInput struct {
		Reason string `json:"reason,omitempty" example:"outage of the provider" doc:"Shown with the pause; at most 500 characters."`
	}
	concurrencyInput struct {
		Concurrency int `json:"concurrency" minimum:"1" maximum:"64" example:"8" doc:"Chunks in flight per provider."`
	}
	backfillPauseInput struct {
		ID   string `path:"id" example:"0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d" doc:"Id of the backfill."`
		Body *reasonInput
	}
	backfillConcurrencyInput struct {
		ID   string `path:"id" example:"0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d" doc:"Id of the backfill."`
		Body concurrencyInput
	}
)

var _ huma.Resolver = (*reasonInput)(nil)

// Resolve checks that the reason is text.
func (b *reasonInput) Resolve(huma.Context) []error {
	var faults bodyFaults
	if !isText(b.Reason) {
		faults.add("body.reason", "no text: control characters")
	}
	if utf8.RuneCountInString(b.Reason) > maxReasonLength {
		faults.add("body.reason", "at most %d characters", maxReasonLength)
	}
	return faults
}

// text returns the reason, or the default where none is given.
func (b *reasonInput) text() string {
	if b == nil || b.Reason == "" {
		return defaultPauseReason
	}
	return b.Reason
}

func (s *server) registerBackfillActions(tags []string) {
	action := func(name, summary, description string) huma.Operation {
		return huma.Operation{
			OperationID: name + "-backfill", Method: http.MethodPost, Path: "/v1/backfills/{id}/" + name, Tags: tags,
			Summary: summary, Description: description, DefaultStatus: http.StatusOK,
			Errors: []int{http.StatusNotFound, http.StatusConflict},
		}
	}
	register(s, action("pause", "Pause a backfill", "No new chunk is started; those in flight finish. 409 when it is paused or finished."), s.pauseBackfill)
	register(s, action("resume", "Resume a backfill", "409 when it is not paused."), s.resumeBackfill)
	register(s, action("cancel", "Cancel a backfill", "Chunks that are done stay. 409 when it is finished."), s.cancelBackfill)
	register(s, action("retry", "Retry what failed", "Failed and canceled chunks are loaded again, or, when there is none, those with quarantined rows. "+
		"409 when it is not finished or nothing is to retry."), s.retryBackfill)
	register(s, action("concurrency", "Change how many chunks are in flight", "Takes effect at once. 409 when it is finished."), s.setConcurrency)
}

func (s *server) pauseBackfill(ctx context.Context, in *backfillPauseInput) (*backfillOutput, error) {
	b, err := s.unfinished(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if b.Status == market.StatusPaused {
		return nil, market.Errorf(market.KindConflict, "the backfill is paused already")
	}
	if err := s.orchestrator.PauseBackfill(ctx, b.WorkflowID, in.Body.text()); err != nil {
		return nil, refused(err)
	}
	return s.showBackfill(ctx, b.ID)
}

func (s *server) resumeBackfill(ctx context.Context, in *backfillPathInput) (*backfillOutput, error) {
	b, err := s.unfinished(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if b.Status != market.StatusPaused {
		return nil, market.Errorf(market.KindConflict, "the backfill is not paused: it is %s", b.Status)
	}
	if err := s.orchestrator.ResumeBackfill(ctx, b.WorkflowID); err != nil {
		return nil, refused(err)
	}
	return s.showBackfill(ctx, b.ID)
}

func (s *server) setConcurrency(ctx context.Context, in *backfillConcurrencyInput) (*backfillOutput, error) {
	b, err := s.unfinished(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.orchestrator.SetConcurrency(ctx, b.WorkflowID, in.Body.Concurrency); err != nil {
		return nil, refused(err)
	}
	return s.showBackfill(ctx, b.ID)
}

// cancelBackfill notes the wish first: should the workflow not run, the worker's sweep closes the backfill.
func (s *server) cancelBackfill(ctx context.Context, in *backfillPathInput) (*backfillOutput, error) {
	b, err := s.unfinished(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.store.RequestCancel(ctx, b.ID); err != nil {
		return nil, err
	}
	if err := s.orchestrator.CancelBackfill(ctx, b.WorkflowID); err != nil && market.KindOf(err) != market.KindConflict {
		return nil, refused(err)
	}
	return s.showBackfill(ctx, b.ID)
}

func (s *server) retryBackfill(ctx context.Context, in *backfillPathInput) (*backfillOutput, error) {
	id, err := parseBackfillID(in.ID)
	if err != nil {
		return nil, err
	}
	if _, err := s.store.Backfill(ctx, id); err != nil {
		return nil, err
	}
	if err := s.orchestrator.Ping(ctx); err != nil {
		return nil, unavailable(err, "the workflow engine does not answer; nothing was changed, try again later")
	}
	b, err := s.store.ReopenBackfill(ctx, id)
	if err != nil {
		return nil, err
	}
	s.start(ctx, b)
	return &backfillOutput{Body: s.viewBackfill(b)}, nil
}

// unfinished returns the backfill. Errors: not_found; conflict when it is finished.
func (s *server) unfinished(ctx context.Context, pathID string) (market.Backfill, error) {
	id, err := parseBackfillID(pathID)
	if err != nil {
		return market.Backfill{}, err
	}
	b, err := s.store.Backfill(ctx, id)
	if err == nil && b.Status.IsFinished() {
		err = market.Errorf(market.KindConflict, "the backfill is finished: it is %s", b.Status)
	}
	return b, err
}

// refused words what the workflow engine answered to an action: an action the workflow refuses does not apply to its
// state.
func refused(err error) error {
	switch kind := market.KindOf(err); kind {
	case market.KindInvalid, market.KindConflict:
		return &fault{kind: market.KindConflict, detail: "the action does not apply to the state of the backfill", cause: err}
	case market.KindUnavailable:
		return unavailable(err, "the workflow engine does not answer; try again later")
	case market.KindNotFound, market.KindDenied, market.KindMalformed, market.KindRateLimited, market.KindInternal:
		return err
	}
	return err
}
