package api

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"marketdata/market"
	"marketdata/planning"
)

type (
	backfillPathInput struct {
		ID string `path:"id" example:"0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d" doc:"Id of the backfill."`
	}
	backfillListInput struct {
		Status     string `query:"status" enum:"starting,running,paused,completed,completed_with_gaps,failed,canceled" doc:"Only those in this status."`
		Instrument string `query:"instrument" maxLength:"64" example:"BTCUSDT.BINANCE" doc:"Only those that load this instrument, without case."`
		Limit      int    `query:"limit" default:"100" minimum:"1" maximum:"1000" doc:"Backfills per page."`
		Cursor     string `query:"cursor" maxLength:"1024" doc:"next_cursor of the page before."`
	}
	backfillPostOutput struct {
		Location string `header:"Location" doc:"Path of the backfill." example:"/v1/backfills/0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d"`
		Body     backfillView
	}
	backfillOutput     struct{ Body backfillView }
	backfillListOutput struct{ Body backfillList }
)

func (s *server) registerBackfills() {
	tags := []string{"Backfills"}
	register(s, huma.Operation{
		OperationID: "start-backfill", Method: http.MethodPost, Path: "/v1/backfills", Tags: tags, DefaultStatus: http.StatusAccepted,
		Summary: "Load a range of history",
		Description: "Cuts the range of each series into chunks and loads them. What is stored already is not fetched again (policy missing); where nothing " +
			"is missing the backfill is completed at once. The range is clipped to the listing and the last closed bar; wholly outside of them it answers 422. " +
			"An unknown instrument answers 404 with its place in errors. 409 names the unfinished backfill of the same series, interval and range.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, s.startBackfill)
	register(s, huma.Operation{
		OperationID: "list-backfills", Method: http.MethodGet, Path: "/v1/backfills", Tags: tags,
		Summary: "List backfills", Description: "Newest first.",
	}, s.listBackfills)
	register(s, huma.Operation{
		OperationID: "get-backfill", Method: http.MethodGet, Path: "/v1/backfills/{id}", Tags: tags,
		Summary: "Show a backfill", Description: "Its progress, and why chunks failed.", Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *backfillPathInput) (*backfillOutput, error) {
		return s.showBackfill(ctx, in.ID)
	})
	s.registerBackfillActions(tags)
}

func (s *server) startBackfill(ctx context.Context, in *backfillPostInput) (*backfillPostOutput, error) {
	planner, wanted := s.planner(), in.Body.planRequest()
	targets, err := planner.Plan(ctx, wanted)
	if err != nil {
		return nil, plannedFault(err)
	}
	if err := s.orchestrator.Ping(ctx); err != nil {
		return nil, unavailable(err, "the workflow engine does not answer; nothing was stored, try again later")
	}
	if targets, err = planner.ClipToListings(ctx, targets, wanted); err != nil {
		return nil, plannedFault(err)
	}
	request, err := newBackfillRequest(in, targets)
	if err != nil {
		return nil, err
	}
	request.RequestID = requestID(ctx)
	b, isReplay, err := s.store.CreateBackfill(ctx, request)
	if market.KindOf(err) == market.KindInvalid && in.IdempotencyKey != "" {
		return nil, invalidAt("header.Idempotency-Key", "the key was used with another request")
	}
	if err != nil {
		return nil, err
	}
	if b.Chunks.Total > 0 && (!isReplay || b.Status == market.StatusStarting) {
		s.start(ctx, b)
	}
	return &backfillPostOutput{Location: "/v1/backfills/" + b.ID, Body: s.viewBackfill(b)}, nil
}

// newBackfillRequest puts the checked body and its plan together.
func newBackfillRequest(in *backfillPostInput, targets []planning.Target) (market.BackfillRequest, error) {
	hash, err := in.Body.hash()
	if err != nil {
		return market.BackfillRequest{}, err
	}
	r := market.BackfillRequest{
		ID: newID(), Interval: market.Interval(in.Body.Interval), Range: in.Body.wanted, Policy: market.BackfillPolicy(in.Body.Policy),
		Concurrency: in.Body.Concurrency, MaxFailed: in.Body.MaxFailed, IdempotencyKey: in.IdempotencyKey, RequestHash: hash,
	}
	for _, t := range targets {
		r.Series = append(r.Series, t.Backfill())
	}
	return r, nil
}

// start starts the workflow of a stored backfill. When that fails the backfill stands as starting, and the worker's
// sweep starts it.
func (s *server) start(ctx context.Context, b market.Backfill) {
	if err := s.orchestrator.StartBackfill(ctx, b); err != nil {
		s.logger.LogAttrs(ctx, slog.LevelWarn, "backfill not started yet", slog.String("request_id", requestID(ctx)),
			slog.String("backfill_id", b.ID), slog.String("error", err.Error()))
	}
}

func (s *server) listBackfills(ctx context.Context, in *backfillListInput) (*backfillListOutput, error) {
	q := market.BackfillQuery{Status: market.BackfillStatus(in.Status), Limit: in.Limit}
	instrument := ""
	if in.Instrument != "" {
		id, err := market.ParseInstrumentID(in.Instrument)
		if err != nil {
			return nil, invalidAt("query.instrument", "%s", err)
		}
		q.Instrument, instrument = &id, id.String()
	}
	cursor := cursorQuery{"backfills", in.Status, instrument}
	if in.Cursor != "" {
		position, err := cursor.decode(in.Cursor, 1)
		if err != nil {
			return nil, err
		}
		if q.After, err = parseBackfillID(position[0]); err != nil {
			return nil, invalidAt("query.cursor", "not a cursor of this API: pass next_cursor as it came")
		}
	}
	found, err := s.store.Backfills(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &backfillListOutput{Body: backfillList{Data: make([]backfillView, len(found)), Meta: listMeta{Returned: len(found)}}}
	for i, b := range found {
		out.Body.Data[i] = s.viewBackfill(b)
	}
	if len(found) < in.Limit {
		return out, nil
	}
	q.After, q.Limit = found[len(found)-1].ID, 1
	more, err := s.store.Backfills(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(more) > 0 {
		next := cursor.encode(q.After)
		out.Body.NextCursor = &next
	}
	return out, nil
}

func (s *server) showBackfill(ctx context.Context, pathID string) (*backfillOutput, error) {
	id, err := parseBackfillID(pathID)
	if err != nil {
		return nil, err
	}
	b, err := s.store.Backfill(ctx, id)
	if err != nil {
		return nil, err
	}
	return &backfillOutput{Body: s.viewBackfill(b)}, nil
}

// parseBackfillID returns the id in canonical form. Errors: not_found for what cannot be one.
func parseBackfillID(text string) (string, error) {
	const uuidLength = 36
	id, err := uuid.Parse(text)
	if err != nil || len(text) != uuidLength {
		return "", market.Errorf(market.KindNotFound, "there is no such backfill")
	}
	return id.String(), nil
}
