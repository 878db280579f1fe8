package providers

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"marketdata/market"
)

// longestRetryAfter bounds how long a provider's Retry-After can hold its instance: a few days are real bans, more is a
// mistake that would look like a dead platform.
const longestRetryAfter = 7 * 24 * time.Hour

// Answer is what came back for one request.
type Answer struct {
	Body        []byte // uncompressed
	URL         string // without keys
	Status      int    // 0 when no status came
	Header      http.Header
	RequestedAt time.Time // before the request was sent
	ReceivedAt  time.Time // after the body was read
}

// RetryAfter reads the Retry-After header, seconds or an HTTP date; 0 where there is none, where it cannot be read, or
// where it has passed.
func (a Answer) RetryAfter() time.Duration {
	text := strings.TrimSpace(a.Header.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if seconds > longestRetryAfter.Seconds() {
			return longestRetryAfter
		}
		if seconds > 0 { // false for NaN
			return time.Duration(seconds * float64(time.Second))
		}
		return 0
	}
	if at, err := http.ParseTime(text); err == nil {
		return BoundRetryAfter(at.Sub(a.ReceivedAt))
	}
	return 0
}

// BoundRetryAfter keeps a wait within what makes sense: 0 to seven days.
func BoundRetryAfter(wait time.Duration) time.Duration {
	return min(max(wait, 0), longestRetryAfter)
}

// StatusError classifies the status as most providers mean it, nil for 2xx. Adapters look at the body first where it
// says more. Errors: rate_limited (429, 418; with RetryAfter), denied (401, 402, 403, 407, 451), not_found (404, 410),
// unavailable (408, 425, 5xx; with RetryAfter), malformed (redirects to elsewhere), invalid (other 4xx).
func (a Answer) StatusError() error {
	kind := market.KindMalformed
	switch status := a.Status; {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusTooManyRequests, status == http.StatusTeapot:
		kind = market.KindRateLimited
	case status == http.StatusUnauthorized, status == http.StatusPaymentRequired, status == http.StatusForbidden,
		status == http.StatusProxyAuthRequired, status == http.StatusUnavailableForLegalReasons:
		kind = market.KindDenied
	case status == http.StatusNotFound, status == http.StatusGone:
		kind = market.KindNotFound
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status >= 500:
		kind = market.KindUnavailable
	case status >= 400:
		kind = market.KindInvalid
	}
	err := market.Errorf(kind, "the provider answered %d %s", a.Status, http.StatusText(a.Status))
	if kind == market.KindRateLimited || kind == market.KindUnavailable {
		err.RetryAfter = a.RetryAfter()
	}
	return err
}

// RequireJSON tells whether the body begins as a JSON array or object; pages of gateways and maintenance notices do
// not. Errors: malformed.
func (a Answer) RequireJSON() error {
	body := bytes.TrimLeft(a.Body, " \t\r\n")
	if len(body) > 0 && (body[0] == '{' || body[0] == '[') {
		return nil
	}
	what := "text"
	switch {
	case len(body) == 0:
		what = "an empty body"
	case body[0] == '<':
		what = "HTML"
	}
	return market.Errorf(market.KindMalformed, "the provider answered %d with %s instead of JSON", a.Status, what)
}

// Page returns the answer as the page of a request, without what only its adapter can read of the body.
func (a Answer) Page(r Request) Page {
	return Page{Request: r, Body: a.Body, URL: a.URL, Status: a.Status, RequestedAt: a.RequestedAt}
}
