package binance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"marketdata/market"
	"marketdata/providers"
)

// The error codes that say more than the HTTP status.
const (
	codeTooManyRequests = -1003
	codeInvalidSymbol   = -1121
)

const statusBanned = http.StatusTeapot // an address that went on after 429

// refusal is the body of an error.
type refusal struct {
	Code int    `json:"code"`
	Msg  string `json:"msg"`
}

// answerError tells what an answer other than 200 means. Errors: not_found, rate_limited, denied, unavailable, invalid,
// malformed for a status that is no answer to such a request.
func answerError(instance string, answer providers.Response) error {
	var r refusal
	if json.Unmarshal(answer.Body, &r) != nil {
		r = refusal{} // HTML or text: the status alone speaks
	}
	err := &market.Error{
		Kind:       kindOf(answer.Status, r.Code),
		Message:    message(instance, answer.Status, r),
		RetryAfter: answer.RetryAfter(),
	}
	if err.Kind == market.KindRateLimited && err.RetryAfter == 0 {
		err.RetryAfter = banLeft(r.Msg, answer.ReceivedAt)
	}
	return err
}

func kindOf(status, code int) market.Kind {
	switch {
	case code == codeInvalidSymbol:
		return market.KindNotFound
	case code == codeTooManyRequests, status == statusBanned:
		return market.KindRateLimited
	}
	return providers.StatusKind(status)
}

func message(instance string, status int, r refusal) string {
	text := fmt.Sprintf("%s answered HTTP %d", instance, status)
	if r.Msg != "" {
		text += fmt.Sprintf(" with code %d: %s", r.Code, providers.Printable(r.Msg))
	}
	if status == http.StatusUnavailableForLegalReasons {
		text = strings.TrimRight(text, ".") + fmt.Sprintf(". Binance does not serve this restricted region: set MD_PROVIDERS__%s__BASE_URL to another base",
			strings.ToUpper(instance))
	}
	return text
}

// banLeft reads "IP banned until <epoch in milliseconds>"; 0 without one.
func banLeft(msg string, now time.Time) time.Duration {
	const longest = 7 * 24 * time.Hour // bans last three days at most
	_, rest, _ := strings.Cut(msg, "banned until ")
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(rest)
	}
	ms, err := strconv.ParseInt(rest[:end], 10, 64)
	if err != nil {
		return 0
	}
	return min(max(0, time.UnixMilli(ms).Sub(now)), longest)
}
