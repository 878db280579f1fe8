package alerts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/alerts"
	"marketdata/market"
)

const token = "T0KEN-hush"

func now() time.Time { return time.Date(2024, 3, 5, 10, 0, 0, 0, time.UTC) }

// raised is a stored alert about a backfill.
func raised() market.Alert {
	return market.Alert{
		ID: "0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d", Kind: market.AlertBackfillFailed, Key: "b1", RaisedAt: now(),
		Subject: market.AlertSubject{BackfillID: "b1", Instrument: "BTCUSDT.SIM", Provider: "sim", Interval: market.Interval1m},
		Text: market.AlertText{
			Title: "Backfill failed: BTCUSDT.SIM", Message: "1 of 2 chunks failed\n<!channel> a & b", Details: json.RawMessage(`{"failed_chunks":1}`),
		},
	}
}

// receiver answers with a handler and keeps the last request.
type receiver struct {
	server *httptest.Server
	mu     sync.Mutex
	header http.Header
	body   []byte
	asked  int
}

// requests is how often it was asked.
func (r *receiver) requests() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

func newReceiver(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		r.mu.Lock()
		r.asked++
		r.header, r.body = request.Header, body
		r.mu.Unlock()
		answer(w, request)
	}))
	t.Cleanup(r.server.Close)
	return r
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func options(hooks ...alerts.Webhook) alerts.SenderOptions {
	return alerts.SenderOptions{
		Webhooks: hooks, Version: "1.2.3", Now: now,
		Where: alerts.Where{APIURL: "http://api.example/", Workflows: func(q string) string { return "http://ui.example/?query=" + url.QueryEscape(q) }},
	}
}

func sender(hooks ...alerts.Webhook) *alerts.Sender { return alerts.NewSender(options(hooks...)) }

func (r *receiver) hook(format, secret string) alerts.Webhook {
	return alerts.Webhook{Name: "ops", URL: r.server.URL + "/services/" + token, Format: format, Secret: secret, Kinds: market.AlertKinds()}
}

func TestSendJSON(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, status(http.StatusNoContent))
	require.NoError(t, sender(r.hook(alerts.FormatJSON, "key")).Send(t.Context(), "ops", raised(), market.EventRaised))
	require.JSONEq(t, `{
		"id": "0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d", "event": "raised", "kind": "backfill_failed", "severity": "error",
		"title": "Backfill failed: BTCUSDT.SIM", "message": "1 of 2 chunks failed\n<!channel> a & b",
		"raised_at": "2024-03-05T10:00:00Z", "resolved_at": null, "backfill_id": "b1", "instrument": "BTCUSDT.SIM", "provider": "sim",
		"interval": "1m", "details": {"failed_chunks": 1},
		"links": {"api": "http://api.example/v1/backfills/b1", "temporal_ui": "http://ui.example/?query=MdJobId%3D%22b1%22"}
	}`, string(r.body))
	require.Equal(t, "application/json", r.header.Get("Content-Type"))
	require.Equal(t, "marketdata/1.2.3", r.header.Get("User-Agent"))
	require.Equal(t, "0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d/raised", r.header.Get("X-Marketdata-Event-Id"))
	require.Equal(t, "sha256="+alerts.Sign("key", r.body), r.header.Get("X-Marketdata-Signature"))

	over := raised()
	end := now().Add(90 * time.Second)
	over.ResolvedAt = &end
	require.NoError(t, sender(r.hook(alerts.FormatJSON, "")).Send(t.Context(), "ops", over, market.EventResolved))
	var body map[string]any
	require.NoError(t, json.Unmarshal(r.body, &body))
	require.Equal(t, "resolved", body["event"])
	require.Equal(t, "Resolved: Backfill failed: BTCUSDT.SIM", body["title"])
	require.Equal(t, "It is over since 2024-03-05 10:01:30Z, after 1m30s.", body["message"])
	require.Equal(t, "2024-03-05T10:01:30Z", body["resolved_at"])
	require.Empty(t, r.header.Get("X-Marketdata-Signature"))
}

func TestSign(t *testing.T) {
	t.Parallel()
	// printf '{}' | openssl dgst -sha256 -hmac key
	require.Equal(t, "a777724d943eb48dc69bca8a4a6d57a04db3f9ec7e1de4e581e860265bdf3032", alerts.Sign("key", []byte("{}")))
}

func TestSendSlack(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, status(http.StatusOK))
	require.NoError(t, sender(r.hook(alerts.FormatSlack, "")).Send(t.Context(), "ops", raised(), market.EventRaised))
	require.JSONEq(t, `{
		"text": ":red_circle: *Backfill failed: BTCUSDT.SIM*\n1 of 2 chunks failed\n&lt;!channel&gt; a &amp; b",
		"blocks": [
			{"type": "section", "text": {"type": "mrkdwn", "text": ":red_circle: *Backfill failed: BTCUSDT.SIM*"}},
			{"type": "section", "text": {"type": "mrkdwn", "text": "1 of 2 chunks failed\n&lt;!channel&gt; a &amp; b"}},
			{"type": "section", "text": {"type": "mrkdwn", "text": "<http://api.example/v1/backfills/b1|API> · <http://ui.example/?query=MdJobId%3D%22b1%22|Temporal UI>"}}
		]
	}`, string(r.body))

	long := raised()
	long.Text.Message = strings.Repeat("<ü>", 3000)
	require.NoError(t, sender(r.hook(alerts.FormatSlack, "")).Send(t.Context(), "ops", long, market.EventRaised))
	var message struct {
		Blocks []struct {
			Text struct {
				Text string `json:"text"`
			} `json:"text"`
		} `json:"blocks"`
	}
	require.NoError(t, json.Unmarshal(r.body, &message))
	text := message.Blocks[1].Text.Text
	require.Less(t, len(text), 3000, "more is refused by Slack")
	require.Regexp(t, `^(&lt;ü&gt;)+(&lt;|&lt;ü)?…$`, text)
}

func TestWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer     http.HandlerFunc
		kind       market.Kind
		retryAfter time.Duration
		says       string
	}{
		"busy":       {status(http.StatusServiceUnavailable), market.KindUnavailable, 0, "webhook ops answered 503 Service Unavailable"},
		"timeout":    {status(http.StatusRequestTimeout), market.KindUnavailable, 0, "408"},
		"too early":  {status(http.StatusTooEarly), market.KindUnavailable, 0, "425"},
		"rate":       {after(http.StatusTooManyRequests, "7"), market.KindRateLimited, 7 * time.Second, "429"},
		"rate, date": {after(http.StatusTooManyRequests, "Tue, 05 Mar 2024 10:00:30 GMT"), market.KindRateLimited, 30 * time.Second, "429"},
		"rate, long": {after(http.StatusServiceUnavailable, "999999999"), market.KindUnavailable, time.Hour, "503"},
		"rate, past": {after(http.StatusTooManyRequests, "Tue, 05 Mar 2024 09:00:30 GMT"), market.KindRateLimited, 0, "429"},
		"key":        {status(http.StatusForbidden), market.KindDenied, 0, "it is not told again: check alerts.webhooks.ops"},
		"gone":       {status(http.StatusGone), market.KindNotFound, 0, "410"},
		"code":       {says(http.StatusBadRequest, "invalid_payload\n"), market.KindInvalid, 0, "400 Bad Request (invalid_payload)"},
		"echo":       {says(http.StatusBadRequest, "no such token "+token), market.KindInvalid, 0, "400 Bad Request; it is"},
		"elsewhere":  {moved, market.KindInvalid, 0, "302 Found; redirects are not followed"},
		"cut": {
			func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, market.KindUnavailable, 0,
			"webhook ops did not answer: the connection broke",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, c.answer)
			err := sender(r.hook(alerts.FormatJSON, "")).Send(t.Context(), "ops", raised(), market.EventRaised)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, c.kind, market.KindOf(err))
			require.Equal(t, c.retryAfter, market.RetryAfter(err))
			require.Equal(t, 1, r.requests())
			saysNothing(t, err)
		})
	}
}

func after(code int, wait string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", wait)
		w.WriteHeader(code)
	}
}

func says(code int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, text)
	}
}

func moved(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/elsewhere/"+token, http.StatusFound)
}

// saysNothing requires that an error gives away no part of the URL.
func saysNothing(t *testing.T, err error) {
	t.Helper()
	for ; err != nil; err = unwrap(err) {
		for _, part := range []string{token, "127.0.0.1", "localhost", "nowhere", "services"} {
			require.NotContains(t, err.Error(), part)
		}
	}
}

func unwrap(err error) error {
	wrapper, isWrapper := err.(interface{ Unwrap() error })
	if !isWrapper {
		return nil
	}
	return wrapper.Unwrap()
}

func TestWhyNoAnswerCame(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	plain := newReceiver(t, status(http.StatusOK))
	secure := httptest.NewUnstartedServer(status(http.StatusOK))
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	for address, want := range map[string]string{
		closed.URL: "the connection was refused",
		"https://" + strings.TrimPrefix(plain.server.URL, "http://"): "it does not speak TLS",
		secure.URL:                "its certificate is not trusted",
		"http://no where.invalid": "is not one: set alerts.webhooks.ops.url",
	} {
		hook := alerts.Webhook{Name: "ops", URL: address + "/services/" + token, Format: alerts.FormatJSON}
		err := sender(hook).Send(t.Context(), "ops", raised(), market.EventRaised)
		require.ErrorContains(t, err, want)
		saysNothing(t, err)
	}
	nowhere := options(alerts.Webhook{Name: "ops", URL: "http://nowhere.invalid/" + token, Format: alerts.FormatJSON})
	nowhere.Transport = &http.Transport{DialContext: func(_ context.Context, _, address string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: address, IsNotFound: true} // as every good resolver says
	}}
	err := alerts.NewSender(nowhere).Send(t.Context(), "ops", raised(), market.EventRaised)
	require.ErrorContains(t, err, "the name of its host is not known")
	saysNothing(t, err)

	err = sender().Send(t.Context(), "ops", raised(), market.EventRaised)
	require.Equal(t, market.KindUnavailable, market.KindOf(err), "another worker may know it")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, sender(plain.hook(alerts.FormatJSON, "")).Send(ctx, "ops", raised(), market.EventRaised), context.Canceled)
}

func TestReceivers(t *testing.T) {
	t.Parallel()
	got := sender(alerts.Webhook{Name: "ops", URL: "http://x/" + token, Kinds: market.AlertKinds()}).Receivers()
	require.Equal(t, []market.AlertWebhook{{Name: "ops", Kinds: market.AlertKinds()}}, got)
	encoded, err := json.Marshal(got)
	require.NoError(t, err)
	require.False(t, bytes.Contains(encoded, []byte(token)))
}
