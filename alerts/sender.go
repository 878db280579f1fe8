package alerts

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"marketdata/market"
)

const (
	sendTimeout    = 10 * time.Second
	connectTimeout = 5 * time.Second
	maxRetryAfter  = time.Hour
	maxAnswer      = 4 << 10
)

// The formats of a webhook's body.
const (
	FormatJSON  = "json"
	FormatSlack = "slack"
)

// Webhook is a configured receiver. URL and Secret are secrets.
type Webhook struct {
	Name   string
	URL    string
	Format string // FormatJSON or FormatSlack
	Secret string // key of the signature; "" for none
	Kinds  []market.AlertKind
}

// SenderOptions is what a Sender is made of. Every field but Transport is required.
type SenderOptions struct {
	Webhooks  []Webhook
	Where     Where
	Version   string // of this program, for the User-Agent
	Now       func() time.Time
	Transport http.RoundTripper // nil is one with deadlines of its own
}

// Sender tells webhooks. It keeps their URLs to itself: no error of it holds one, nor the name of its host. It is safe
// for concurrent use.
type Sender struct {
	webhooks  []Webhook
	where     Where
	http      *http.Client
	userAgent string
	now       func() time.Time
}

// NewSender returns a Sender.
func NewSender(o SenderOptions) *Sender {
	if o.Transport == nil {
		o.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: connectTimeout}).DialContext,
			TLSHandshakeTimeout: connectTimeout, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
		}
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Sender{
		webhooks: o.Webhooks, where: o.Where, now: o.Now, userAgent: "marketdata/" + o.Version,
		http: &http.Client{Transport: o.Transport, Timeout: sendTimeout, CheckRedirect: stay},
	}
}

// Receivers returns the webhooks by name, with the kinds they are told of.
func (s *Sender) Receivers() []market.AlertWebhook {
	receivers := make([]market.AlertWebhook, len(s.webhooks))
	for i, w := range s.webhooks {
		receivers[i] = market.AlertWebhook{Name: w.Name, Kinds: w.Kinds}
	}
	return receivers
}

// Send tells the webhook of an event, once. Any 2xx is success. Errors: rate_limited and unavailable, with RetryAfter
// where the receiver asked to wait, when another try may help; unavailable too when this process knows no such webhook,
// for another may; denied, not_found and invalid when the receiver refuses for good.
func (s *Sender) Send(ctx context.Context, webhook string, a market.Alert, event market.AlertEvent) error {
	at := slices.IndexFunc(s.webhooks, func(w Webhook) bool { return w.Name == webhook })
	if at < 0 {
		return market.Errorf(market.KindUnavailable, "webhook %s is not configured, or not enabled, at this worker: see alerts.webhooks", webhook)
	}
	w := s.webhooks[at]
	render := renderJSON
	if w.Format == FormatSlack {
		render = renderSlack
	}
	body, err := render(a, event, s.where.linksOf(a))
	if err != nil {
		return market.Errorf(market.KindInternal, "the alert cannot be written as JSON: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil { // its text quotes the URL
		return market.Errorf(market.KindInvalid, "the URL of webhook %s is not one: set alerts.webhooks.%s.url", w.Name, w.Name)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", s.userAgent)
	request.Header.Set("X-Marketdata-Event-Id", a.ID+"/"+string(event))
	if w.Secret != "" {
		request.Header.Set("X-Marketdata-Signature", "sha256="+Sign(w.Secret, body))
	}
	response, err := s.http.Do(request)
	if err != nil {
		return transportError(ctx, w.Name, err)
	}
	defer func() { _ = response.Body.Close() }()
	said, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer)) // only its status counts; the rest is for people
	return s.judge(w, response, said)
}

// Sign returns the signature of a body: the hexadecimal HMAC-SHA256 with the webhook's secret.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// judge says what an answer means.
func (s *Sender) judge(w Webhook, response *http.Response, said []byte) error {
	status := response.StatusCode
	if status >= http.StatusOK && status < http.StatusMultipleChoices {
		return nil
	}
	e := &market.Error{
		Kind:    kindOf(status),
		Message: strings.TrimSpace(fmt.Sprintf("webhook %s answered %d %s", w.Name, status, http.StatusText(status))) + codeOf(w, said),
	}
	switch {
	case e.Kind == market.KindRateLimited || e.Kind == market.KindUnavailable:
		e.RetryAfter = retryAfter(response.Header.Get("Retry-After"), s.now())
	case status < http.StatusBadRequest:
		e.Message += "; redirects are not followed: give the URL it leads to"
	default:
		e.Message += "; it is not told again: check alerts.webhooks." + w.Name
	}
	return e
}

// kindOf says what a status other than 2xx means: whether another try may help.
func kindOf(status int) market.Kind {
	switch {
	case status == http.StatusTooManyRequests:
		return market.KindRateLimited
	case status >= http.StatusInternalServerError, status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return market.KindUnavailable
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return market.KindDenied
	case status == http.StatusNotFound, status == http.StatusGone:
		return market.KindNotFound
	}
	return market.KindInvalid
}

// codeOf is the receiver's own word where it is a mere code, as Slack answers: any other text could hold the URL.
func codeOf(w Webhook, said []byte) string {
	code := strings.TrimSpace(string(said))
	if !regexp.MustCompile(`^[a-z_]{2,40}$`).MatchString(code) || strings.Contains(w.URL, code) || strings.Contains(w.Secret, code) {
		return ""
	}
	return " (" + code + ")"
}

// retryAfter reads the header's seconds or date, at most an hour.
func retryAfter(text string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.Atoi(text); err == nil {
		wait = time.Duration(min(seconds, int(maxRetryAfter.Seconds()))) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
