package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"marketdata/alerts"
	"marketdata/market"
)

// AlertStore is what was and is the matter. *db.DB satisfies it.
type AlertStore interface {
	// Alerts returns those that match with their deliveries, newest first, at most q.Limit after q.After.
	Alerts(ctx context.Context, q market.AlertQuery) ([]market.Alert, error)
	// Alert returns one with its deliveries. Errors: not_found.
	Alert(ctx context.Context, id string) (market.Alert, error)
	// CreateTestAlert stores an alert that is over at once and asks one webhook to be told of it.
	CreateTestAlert(ctx context.Context, c market.AlertCondition, webhook string) (market.AlertRef, error)
}

// alertView is an alert as the API shows it.
type alertView struct {
	ID         string           `json:"id" example:"0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d"`
	Status     string           `json:"status" enum:"open,resolved" example:"open"`
	Kind       market.AlertKind `json:"kind" enum:"backfill_failed,series_stale,provider_paused,provider_refused,test" example:"series_stale"`
	Severity   string           `json:"severity" enum:"error,warning,info" example:"warning"`
	Title      string           `json:"title" example:"Stale: 12 series 1m of binance"`
	Message    string           `json:"message" example:"Bars that are due for more than 15m0s are missing" doc:"What is the matter and what to do, in some lines of plain text."`
	BackfillID string           `json:"backfill_id,omitempty" example:"0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d"`
	Instrument string           `json:"instrument,omitempty" example:"BTCUSDT.BINANCE" doc:"Where it is about one."`
	Provider   string           `json:"provider,omitempty" example:"binance"`
	Interval   market.Interval  `json:"interval,omitempty" example:"1m"`
	Details    map[string]any   `json:"details" doc:"For programs; its members depend on the kind."`
	RaisedAt   time.Time        `json:"raised_at" example:"2024-01-02T15:04:05Z"`
	ResolvedAt *time.Time       `json:"resolved_at" example:"2024-01-02T15:14:05Z" doc:"null while it is open."`
	Deliveries []deliveryView   `json:"deliveries" doc:"Which webhooks were told, and how it went."`
}

type deliveryView struct {
	Webhook     string                `json:"webhook" example:"ops" doc:"Name of the webhook."`
	Event       market.AlertEvent     `json:"event" enum:"raised,resolved" example:"raised"`
	Status      market.DeliveryStatus `json:"status" enum:"pending,delivered,failed" example:"delivered"`
	Attempts    int                   `json:"attempts" example:"1"`
	Error       string                `json:"error,omitempty" example:"webhook ops answered 503 Service Unavailable" doc:"Of the last attempt, while it is not delivered."`
	DeliveredAt *time.Time            `json:"delivered_at" example:"2024-01-02T15:04:06Z"`
	TemporalURL string                `json:"temporal_url" example:"http://127.0.0.1:8233/namespaces/default/workflows" doc:"Its workflow in the Temporal UI."`
}

type alertList struct {
	Data       []alertView `json:"data" doc:"Newest first."`
	Meta       listMeta    `json:"meta"`
	NextCursor *string     `json:"next_cursor" doc:"null on the last page."`
}

type (
	alertListInput struct {
		Status string `query:"status" enum:"open,resolved" doc:"Only those that are open, or over."`
		Kind   string `query:"kind" enum:"backfill_failed,series_stale,provider_paused,provider_refused,test" doc:"Only those of this kind."`
		Limit  int    `query:"limit" default:"100" minimum:"1" maximum:"1000" doc:"Alerts per page."`
		Cursor string `query:"cursor" maxLength:"1024" doc:"next_cursor of the page before."`
	}
	alertPathInput struct {
		ID string `path:"id" example:"0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d" doc:"Id of the alert."`
	}
	alertTestInput struct {
		Body struct {
			Webhook string `json:"webhook" maxLength:"64" example:"ops" doc:"Name of a configured webhook."`
		}
	}
	alertListOutput struct{ Body alertList }
	alertOutput     struct{ Body alertView }
	alertTestOutput struct {
		Location string `header:"Location" doc:"Path of the test alert." example:"/v1/alerts/0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d"`
		Body     alertView
	}
)

func (s *server) registerAlerts() {
	tags := []string{"Alerts"}
	register(s, huma.Operation{
		OperationID: "list-alerts", Method: http.MethodGet, Path: "/v1/alerts", Tags: tags,
		Summary: "List alerts", Description: "What is the matter and what was, newest first. A look each minute raises and resolves them.",
	}, s.listAlerts)
	register(s, huma.Operation{
		OperationID: "get-alert", Method: http.MethodGet, Path: "/v1/alerts/{id}", Tags: tags,
		Summary: "Show an alert", Description: "And which webhooks were told of it.", Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *alertPathInput) (*alertOutput, error) {
		id, err := uuid.Parse(in.ID)
		if err != nil {
			return nil, market.Errorf(market.KindNotFound, "there is no such alert")
		}
		a, err := s.store.Alert(ctx, id.String())
		if err != nil {
			return nil, err
		}
		return &alertOutput{Body: s.viewAlert(a)}, nil
	})
	register(s, huma.Operation{
		OperationID: "test-alert", Method: http.MethodPost, Path: "/v1/alerts/test", Tags: tags, DefaultStatus: http.StatusAccepted,
		Summary: "Test a webhook", Description: "Sends a test alert to one webhook, the way real ones go. Its deliveries tell how it went.",
		Errors: []int{http.StatusNotFound},
	}, s.testAlert)
}

func (s *server) listAlerts(ctx context.Context, in *alertListInput) (*alertListOutput, error) {
	q := market.AlertQuery{Status: in.Status, Kind: market.AlertKind(in.Kind), Limit: in.Limit + 1}
	cursor := cursorQuery{"alerts", in.Status, in.Kind}
	if in.Cursor != "" {
		position, err := cursor.decode(in.Cursor, 1)
		if err != nil {
			return nil, err
		}
		if uuid.Validate(position[0]) != nil {
			return nil, invalidAt("query.cursor", "not a cursor of this API: pass next_cursor as it came")
		}
		q.After = position[0]
	}
	found, err := s.store.Alerts(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &alertListOutput{Body: alertList{Data: []alertView{}}}
	for _, a := range found[:min(len(found), in.Limit)] {
		out.Body.Data = append(out.Body.Data, s.viewAlert(a))
	}
	out.Body.Meta.Returned = len(out.Body.Data)
	if len(found) > in.Limit {
		next := cursor.encode(found[in.Limit-1].ID)
		out.Body.NextCursor = &next
	}
	return out, nil
}

// testAlert stores a test alert and starts its delivery; where that fails the next look of the watch starts it.
func (s *server) testAlert(ctx context.Context, in *alertTestInput) (*alertTestOutput, error) {
	if !slices.Contains(s.webhooks, in.Body.Webhook) {
		configured := strings.Join(s.webhooks, ", ")
		if configured == "" {
			configured = "none"
		}
		return nil, market.Errorf(market.KindNotFound, "there is no such webhook, or it is not enabled; configured at the API: %s", configured)
	}
	if err := s.orchestrator.Ping(ctx); err != nil {
		return nil, unavailable(err, "the workflow engine does not answer; nothing was sent, try again later")
	}
	ref, err := s.store.CreateTestAlert(ctx, alerts.Test(in.Body.Webhook, s.now()), in.Body.Webhook)
	if err != nil {
		return nil, err
	}
	if err := s.orchestrator.StartAlert(ctx, ref); err != nil {
		s.logger.LogAttrs(ctx, slog.LevelWarn, "alert not sent yet", slog.String("request_id", requestID(ctx)),
			slog.String("alert_id", ref.AlertID), slog.String("error", err.Error()))
	}
	a, err := s.store.Alert(ctx, ref.AlertID)
	if err != nil {
		return nil, err
	}
	return &alertTestOutput{Location: "/v1/alerts/" + a.ID, Body: s.viewAlert(a)}, nil
}

func (s *server) viewAlert(a market.Alert) alertView {
	v := alertView{
		ID: a.ID, Status: "open", Kind: a.Kind, Severity: a.Kind.Severity(), Title: a.Text.Title, Message: a.Text.Message,
		BackfillID: a.Subject.BackfillID, Instrument: a.Subject.Instrument, Provider: a.Subject.Provider, Interval: a.Subject.Interval,
		Details: map[string]any{}, RaisedAt: a.RaisedAt.UTC(), ResolvedAt: utcOrNil(a.ResolvedAt), Deliveries: make([]deliveryView, len(a.Deliveries)),
	}
	if a.ResolvedAt != nil {
		v.Status = "resolved"
	}
	if json.Unmarshal(a.Text.Details, &v.Details) != nil || v.Details == nil { // stored by this platform as an object
		v.Details = map[string]any{}
	}
	for i, d := range a.Deliveries {
		v.Deliveries[i] = deliveryView{
			Webhook: d.Webhook, Event: d.Event, Status: d.Status, Attempts: d.Attempts, Error: d.Error, DeliveredAt: utcOrNil(d.DeliveredAt),
			TemporalURL: s.orchestrator.WorkflowURL(d.WorkflowID()),
		}
	}
	return v
}
