package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

// fakeAlerts are alerts in memory, newest first.
type fakeAlerts struct {
	alerts []market.Alert
	asked  market.AlertQuery
	tested string
}

func (f *fakeAlerts) Alerts(_ context.Context, q market.AlertQuery) ([]market.Alert, error) {
	f.asked = q
	var found []market.Alert
	isAfter := q.After == ""
	for _, a := range f.alerts {
		if isAfter && len(found) < q.Limit {
			found = append(found, a)
		}
		isAfter = isAfter || a.ID == q.After
	}
	return found, nil
}

func (f *fakeAlerts) Alert(_ context.Context, id string) (market.Alert, error) {
	for _, a := range f.alerts {
		if a.ID == id {
			return a, nil
		}
	}
	return market.Alert{}, errNotFound
}

func (f *fakeAlerts) CreateTestAlert(_ context.Context, c market.AlertCondition, webhook string) (market.AlertRef, error) {
	f.tested = c.Text.Title
	return market.AlertRef{AlertID: f.alerts[0].ID, Event: market.EventRaised, Webhook: webhook}, nil
}

// fakeAlertStarter notes what was started.
type fakeAlertStarter struct {
	started []market.AlertRef
	err     error
}

func (f *fakeAlertStarter) StartAlert(_ context.Context, ref market.AlertRef) error {
	f.started = append(f.started, ref)
	return f.err
}

func alertID(n int) string { return "0190f5c8-7a52-7d3e-8f62-00000000000" + strconv.Itoa(n) }

// someAlerts are three, of which the second is over.
func someAlerts() []market.Alert {
	raised := time.Date(2024, 3, 5, 10, 0, 0, 0, time.UTC)
	over := raised.Add(time.Minute)
	delivered := market.AlertDelivery{
		AlertRef: market.AlertRef{AlertID: alertID(1), Event: market.EventRaised, Webhook: "ops"},
		Status:   market.DeliveryDelivered, Attempts: 2, DeliveredAt: &over,
	}
	return []market.Alert{
		{
			ID: alertID(1), Kind: market.AlertSeriesStale, RaisedAt: raised, Deliveries: []market.AlertDelivery{delivered},
			Subject: market.AlertSubject{Provider: "sim", Interval: market.Interval1m},
			Text:    market.AlertText{Title: "Stale", Message: "late", Details: json.RawMessage(`{"count":3}`)},
		},
		{ID: alertID(2), Kind: market.AlertProviderPaused, RaisedAt: raised, ResolvedAt: &over},
		{ID: alertID(3), Kind: market.AlertProviderPaused, RaisedAt: raised},
	}
}

func TestAlerts_AreListedInPages(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.alerts = someAlerts()
	first := w.get(t, "/v1/alerts?limit=2&status=open&kind=series_stale")
	require.Equal(t, market.AlertQuery{Status: "open", Kind: market.AlertSeriesStale, Limit: 3}, w.store.asked)
	page := decode[map[string]any](t, first, http.StatusOK)
	data, err := json.Marshal(page["data"])
	require.NoError(t, err)
	require.JSONEq(t, `[{
		"id": "0190f5c8-7a52-7d3e-8f62-000000000001", "status": "open", "kind": "series_stale", "severity": "warning", "title": "Stale",
		"message": "late", "provider": "sim", "interval": "1m", "details": {"count": 3}, "raised_at": "2024-03-05T10:00:00Z", "resolved_at": null,
		"deliveries": [{"webhook": "ops", "event": "raised", "status": "delivered", "attempts": 2, "delivered_at": "2024-03-05T10:01:00Z",
			"temporal_url": "http://temporal.test/workflows/alert/0190f5c8-7a52-7d3e-8f62-000000000001/raised/ops"}]
	}, {
		"id": "0190f5c8-7a52-7d3e-8f62-000000000002", "status": "resolved", "kind": "provider_paused", "severity": "warning", "title": "",
		"message": "", "details": {}, "raised_at": "2024-03-05T10:00:00Z", "resolved_at": "2024-03-05T10:01:00Z", "deliveries": []
	}]`, string(data))
	next, isThere := page["next_cursor"].(string)
	require.True(t, isThere)
	last := decode[map[string]any](t, w.get(t, "/v1/alerts?limit=2&status=open&kind=series_stale&cursor="+next), http.StatusOK)
	require.Len(t, last["data"], 1)
	require.Nil(t, last["next_cursor"])
	w.get(t, "/v1/alerts?limit=2&cursor="+next).problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
	w.get(t, "/v1/alerts?status=closed").problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
}

func TestAlert_IsShown(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.alerts = someAlerts()
	got := decode[map[string]any](t, w.get(t, "/v1/alerts/"+alertID(2)), http.StatusOK)
	require.Equal(t, "resolved", got["status"])
	w.get(t, "/v1/alerts/"+alertID(9)).problem(t, http.StatusNotFound, market.KindNotFound)
	w.get(t, "/v1/alerts/x").problem(t, http.StatusNotFound, market.KindNotFound)
}

func TestAlert_TestOfAWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.alerts = someAlerts()
	w.options.Webhooks = []string{"ops"}
	w.orchestrator.err = market.Errorf(market.KindUnavailable, "Temporal went away")
	got := w.do(t, http.MethodPost, "/v1/alerts/test", `{"webhook": "ops"}`)
	decode[map[string]any](t, got, http.StatusAccepted)
	require.Equal(t, "/v1/alerts/"+alertID(1), got.header.Get("Location"))
	require.Equal(t, "Test of webhook ops", w.store.tested)
	require.Equal(t, []market.AlertRef{{AlertID: alertID(1), Event: market.EventRaised, Webhook: "ops"}}, w.orchestrator.started)
	w.do(t, http.MethodPost, "/v1/alerts/test", `{"webhook": "other"}`).problem(t, http.StatusNotFound, market.KindNotFound)
	w.do(t, http.MethodPost, "/v1/alerts/test", `{}`).problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
}
