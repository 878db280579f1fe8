package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"marketdata/activities"
	"marketdata/alerts"
	"marketdata/market"
	"marketdata/providers"
	"marketdata/workflows"
)

const hookToken = "t0ken-nobody-may-see"

// told is one message of a webhook.
type told struct {
	Event    string         `json:"event"`
	Kind     string         `json:"kind"`
	Title    string         `json:"title"`
	Message  string         `json:"message"`
	Provider string         `json:"provider"`
	Details  map[string]any `json:"details"`
	Text     string         `json:"text"` // Slack's
	eventID  string
}

// hookReceiver keeps what it is told; the first requests are answered by scripts.
type hookReceiver struct {
	mu       sync.Mutex
	server   *httptest.Server
	scripts  []http.HandlerFunc
	asked    []time.Time
	accepted []told
}

func newHookReceiver(t *testing.T, scripts ...http.HandlerFunc) *hookReceiver {
	t.Helper()
	r := &hookReceiver{scripts: scripts}
	r.server = httptest.NewServer(r)
	t.Cleanup(r.server.Close)
	return r
}

// ServeHTTP is http.Handler.
func (r *hookReceiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, _ := io.ReadAll(request.Body)
	r.asked = append(r.asked, time.Now())
	if n := len(r.asked); n <= len(r.scripts) {
		r.scripts[n-1](w, request)
		return
	}
	message := told{eventID: request.Header.Get("X-Marketdata-Event-Id")}
	if json.Unmarshal(body, &message) != nil || !strings.HasSuffix(request.URL.Path, hookToken) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.accepted = append(r.accepted, message)
}

func (r *hookReceiver) hook(name, format string) alerts.Webhook {
	return alerts.Webhook{Name: name, URL: r.server.URL + "/" + hookToken, Format: format, Kinds: market.AlertKinds()}
}

// await returns the messages once n were accepted.
func (r *hookReceiver) await(t *testing.T, n int) []told {
	t.Helper()
	var messages []told
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		messages = append([]told(nil), r.accepted...)
		return len(messages) >= n
	}, patience, 20*time.Millisecond, "%d messages", n)
	require.Len(t, messages, n)
	return messages
}

func answerWith(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
	}
}

// alerting are the activities around alerts, as a worker has them.
func (s *stack) alerting(o options, registry *providers.Registry) *activities.Alerting {
	return &activities.Alerting{
		Alerts: s.db, Deliveries: s.db, Workflows: s.flows, Providers: registry.Instances(), Now: s.now,
		Sender: alerts.NewSender(alerts.SenderOptions{
			Webhooks: o.webhooks, Version: "test", Now: s.now, Where: alerts.Where{APIURL: s.url, Workflows: s.flows.QueryURL},
		}),
	}
}

func webhookNames(webhooks []alerts.Webhook) []string {
	var names []string
	for _, w := range webhooks {
		names = append(names, w.Name)
	}
	return names
}

// watch looks at the conditions, as the schedule does each minute.
func (s *stack) watch() activities.WatchResult {
	s.t.Helper()
	run, err := s.temporal.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{ID: "watch", TaskQueue: workflows.QueueMain}, workflows.NameWatch)
	require.NoError(s.t, err)
	var result activities.WatchResult
	require.NoError(s.t, run.Get(s.t.Context(), &result))
	return result
}

// deliveries returns every delivery there is, once none is pending.
func (s *stack) deliveries() []market.AlertDelivery {
	s.t.Helper()
	var all []market.AlertDelivery
	require.Eventually(s.t, func() bool {
		found, err := s.db.Alerts(s.t.Context(), market.AlertQuery{Limit: 100})
		require.NoError(s.t, err)
		all = nil
		for _, a := range found {
			all = append(all, a.Deliveries...)
		}
		for _, d := range all {
			if d.Status == market.DeliveryPending {
				return false
			}
		}
		return true
	}, patience, 20*time.Millisecond)
	return all
}

func TestFailedBackfillIsToldAndSoIsItsEnd(t *testing.T) {
	t.Parallel()
	r := newHookReceiver(t, answerWith(http.StatusInternalServerError), answerWith(http.StatusBadGateway),
		answerWith(http.StatusTooManyRequests, "Retry-After", "3"))
	s := start(t, options{keepsLog: true, webhooks: []alerts.Webhook{r.hook("ops", alerts.FormatJSON)}})
	s.addInstrument("BTCUSDT")
	s.fault(map[string]any{"fault": "restricted"})
	b := s.run(day("missing"))
	require.Equal(t, "failed", b.Status)

	require.Equal(t, activities.WatchResult{AlertCounts: market.AlertCounts{Raised: 2}, Started: 2}, s.watch(), "the backfill, and the provider that refuses")
	require.Zero(t, s.watch().Raised, "twice is once")
	messages := r.await(t, 2)
	byKind := map[string]told{}
	for _, m := range messages {
		byKind[m.Kind] = m
	}
	failed := byKind["backfill_failed"]
	require.Equal(t, "raised", failed.Event)
	require.Contains(t, failed.Message, "marketdata backfill retry "+b.ID)
	require.Contains(t, failed.Message, "denied: ")
	require.Equal(t, providerName, byKind["provider_refused"].Provider)
	attempts := 0
	for _, d := range s.deliveries() {
		require.Equal(t, market.DeliveryDelivered, d.Status)
		require.Empty(t, d.Error)
		attempts += d.Attempts
	}
	require.Equal(t, 5, attempts, "two, and the three that were refused")
	require.Len(t, r.asked, 5)
	waited := false
	for i := 3; i < len(r.asked); i++ {
		waited = waited || r.asked[i].Sub(r.asked[2]) >= 3*time.Second
	}
	require.True(t, waited, "the receiver's word counts: %v", r.asked)

	s.healSimulator()
	s.retry(b)
	require.Equal(t, "completed", s.await(b.ID, isFinished).Status)
	require.Equal(t, 2, s.watch().Resolved)
	messages = r.await(t, 4)[2:]
	for _, m := range messages {
		require.Equal(t, "resolved", m.Event)
		require.Contains(t, m.Title, "Resolved: ")
	}
	require.NotEqual(t, messages[0].eventID, messages[1].eventID)
	require.Equal(t, activities.WatchResult{}, s.watch(), "no news")
	s.hidesToken()
}

// hidesToken requires that no log, no history and no row holds the secret part of the webhooks' URLs.
func (s *stack) hidesToken() {
	s.t.Helper()
	seen := 0
	found, err := s.db.Alerts(s.t.Context(), market.AlertQuery{Limit: 100})
	require.NoError(s.t, err)
	for _, a := range found {
		require.NotContains(s.t, fmt.Sprintf("%+v", a), hookToken)
		for _, d := range a.Deliveries {
			events := s.temporal.GetWorkflowHistory(s.t.Context(), d.WorkflowID(), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
			for events.HasNext() {
				event, err := events.Next()
				require.NoError(s.t, err)
				seen++
				require.NotContains(s.t, event.String(), hookToken)
			}
		}
	}
	require.NotZero(s.t, seen)
	require.NotEmpty(s.t, s.lines.all(s.t))
	require.NotContains(s.t, fmt.Sprint(s.lines.all(s.t)), hookToken)
}

func TestReceiverThatRefusesForGoodIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	r := newHookReceiver(t, answerWith(http.StatusGone))
	slack := newHookReceiver(t)
	paused := slack.hook("chat", alerts.FormatSlack)
	paused.Kinds = []market.AlertKind{market.AlertProviderPaused}
	stale := slack.hook("late", alerts.FormatSlack)
	stale.Kinds = []market.AlertKind{market.AlertSeriesStale}
	s := start(t, options{keepsLog: true, webhooks: []alerts.Webhook{r.hook("gone", alerts.FormatJSON), paused, stale}})
	got := s.call(http.MethodPost, s.url+"/v1/providers/"+providerName+"/pause", map[string]string{"reason": "no <money> & time"})
	require.Equal(t, http.StatusOK, got.status, string(got.body))
	require.Equal(t, activities.WatchResult{AlertCounts: market.AlertCounts{Raised: 1}, Started: 2}, s.watch())
	text := slack.await(t, 1)[0].Text
	require.Contains(t, text, ":warning: *Provider paused: "+providerName+"*")
	require.Contains(t, text, "no &lt;money&gt; &amp; time")
	for _, d := range s.deliveries() {
		switch d.Webhook {
		case "chat":
			require.Equal(t, market.DeliveryDelivered, d.Status)
		case "gone":
			require.Equal(t, market.DeliveryFailed, d.Status)
			require.Equal(t, 1, d.Attempts)
			require.Equal(t, "webhook gone answered 410 Gone; it is not told again: check alerts.webhooks.gone", d.Error)
			err := s.temporal.GetWorkflow(t.Context(), d.WorkflowID(), "").Get(t.Context(), nil)
			require.ErrorContains(t, err, "410 Gone", "it is red in the Temporal UI")
		}
	}
	require.Equal(t, http.StatusOK, s.call(http.MethodPost, s.url+"/v1/providers/"+providerName+"/resume", nil).status)
	require.NoError(t, s.flows.EnsureSchedules(t.Context()))
	require.NoError(t, s.temporal.ScheduleClient().GetHandle(t.Context(), workflows.ScheduleWatch).Trigger(t.Context(), client.ScheduleTriggerOptions{}))
	require.Contains(t, fmt.Sprint(s.lines.all(s.t)), "webhook gone answered 410 Gone")
	require.Contains(t, slack.await(t, 2)[1].Text, ":white_check_mark: *Resolved: Provider paused")
	s.hidesToken()
}

func TestWebhookIsTestedTheWayAlertsGo(t *testing.T) {
	t.Parallel()
	r := newHookReceiver(t)
	s := start(t, options{webhooks: []alerts.Webhook{r.hook("ops", alerts.FormatJSON)}})
	got := s.call(http.MethodPost, s.url+"/v1/alerts/test", map[string]string{"webhook": "ops"})
	require.Equal(t, http.StatusAccepted, got.status, string(got.body))
	require.Equal(t, "test", r.await(t, 1)[0].Kind)
	require.Len(t, s.deliveries(), 1)
	shown := s.call(http.MethodGet, s.url+got.header.Get("Location"), nil)
	require.Contains(t, string(shown.body), `"status":"delivered"`)
	require.Equal(t, activities.WatchResult{}, s.watch(), "it is over at once")
	require.Contains(t, string(s.call(http.MethodGet, s.url+"/v1/alerts?status=resolved&kind=test", nil).body), `"returned":1`)
}

func TestStaleSeriesAreToldOnceForAll(t *testing.T) {
	t.Parallel()
	r := newHookReceiver(t)
	s := start(t, options{webhooks: []alerts.Webhook{r.hook("ops", alerts.FormatJSON)}})
	for n := range 12 {
		symbol := fmt.Sprintf("S%02dUSDT", n)
		s.track(listed{symbol, "crypto", "24x7", "binance", symbol}, "1m")
	}
	s.track(listed{"AAPL", "equity", "XNAS", "yahoo", "AAPL"}, "1m")
	require.Zero(t, s.watch().Raised, "they were just added")

	saturday := time.Date(2024, 3, 9, 15, 0, 0, 0, time.UTC)
	s.offset.Store(int64(time.Until(saturday.Add(time.Hour))))
	s.exec("UPDATE tracked_interval SET since = '2024-03-09', added_at = '2024-03-09'")
	s.exec(`INSERT INTO series (instrument_id, provider, "interval", price_basis) SELECT instrument_id, provider, '1m', 'raw' FROM instrument_alias`)
	s.exec("INSERT INTO series_coverage (series_id, covered) SELECT id, tstzmultirange(tstzrange('2024-01-01', $1)) FROM series", saturday.Add(46*time.Minute))
	require.Zero(t, s.watch().Raised, "not late enough, and New York is closed")
	s.exec("UPDATE series_coverage SET covered = covered - tstzmultirange(tstzrange($1, NULL))", saturday)
	require.Equal(t, activities.WatchResult{AlertCounts: market.AlertCounts{Raised: 1}, Started: 1}, s.watch(), "one for all of a provider")
	m := r.await(t, 1)[0]
	require.Equal(t, "Stale: 12 series 1m of sim_binance", m.Title)
	require.InDelta(t, 12, m.Details["count"], 0)

	s.exec("UPDATE series_coverage SET covered = covered + tstzmultirange(tstzrange($1, $2))", saturday, saturday.Add(59*time.Minute))
	require.Equal(t, 1, s.watch().Resolved)
	require.Equal(t, "resolved", r.await(t, 2)[1].Event)
}

func (s *stack) exec(query string, args ...any) {
	s.t.Helper()
	_, err := s.db.Pool.Exec(s.t.Context(), query, args...)
	require.NoError(s.t, err)
}
