package yahoo

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"marketdata/market"
	"marketdata/providers"
)

const noData = "Data doesn't exist for startDate" // begins the description of an empty range

// refusal is chart.error of a body.
type refusal struct{ code, description string }

func (r *refusal) isNoData() bool { return strings.HasPrefix(r.description, noData) }

// String returns the refusal in Yahoo's words, short and on one line.
func (r *refusal) String() string { return providers.Printable(r.code + ": " + r.description) }

// refusalError tells what an answer that is no chart means. Errors: not_found, rate_limited, denied, unavailable,
// invalid, malformed for a status or code that is no answer to such a request.
func (c *Client) refusalError(answer providers.Response, refused *refusal, interval market.Interval) error {
	status := answer.Status
	if status == http.StatusOK { // then refused is not nil
		status = statusOf(refused.code)
	}
	kind := kindOf(status)
	message := fmt.Sprintf("%s answered HTTP %d", c.name, answer.Status)
	if text := words(answer.Body, refused); text != "" {
		message += ": " + strings.TrimRight(text, ". ")
	}
	return &market.Error{Kind: kind, Message: message + c.hint(kind, interval), RetryAfter: answer.RetryAfter()}
}

// words returns what the provider says in a body, shortened; "" for HTML and for JSON that is no refusal.
func words(body []byte, refused *refusal) string {
	if refused != nil {
		return refused.String()
	}
	text := bytes.TrimSpace(body)
	if len(text) == 0 || bytes.IndexByte([]byte("<{["), text[0]) >= 0 {
		return ""
	}
	return providers.Printable(string(text))
}

// hint says what to do about an error, where Yahoo does not.
func (c *Client) hint(kind market.Kind, interval market.Interval) string {
	switch {
	case kind == market.KindDenied:
		return fmt.Sprintf(". Yahoo may not serve this address or region: set MD_PROVIDERS__%s__BASE_URL to another base", strings.ToUpper(c.name))
	case kind != market.KindInvalid:
		return ""
	}
	switch interval {
	case market.Interval1m:
		return ". Yahoo has 1m bars of the last 30 days and gives 7 days of them at once"
	case market.Interval5m, market.Interval15m, market.Interval30m:
		return fmt.Sprintf(". Yahoo has %s bars of the last 60 days", interval)
	case market.Interval1h:
		return ". Yahoo has 1h bars of the last 730 days"
	case market.Interval4h, market.Interval1d, market.Interval1w, market.Interval1mo:
	}
	return ""
}

func kindOf(status int) market.Kind {
	if status == http.StatusNotFound {
		return market.KindNotFound
	}
	return providers.StatusKind(status)
}

// statusOf returns the HTTP status whose text a code is, as codes of Yahoo are; 200 for any other code.
func statusOf(code string) int {
	for status := http.StatusBadRequest; status <= http.StatusNetworkAuthenticationRequired; status++ {
		if text := http.StatusText(status); text != "" && strings.EqualFold(text, code) {
			return status
		}
	}
	return http.StatusOK
}
