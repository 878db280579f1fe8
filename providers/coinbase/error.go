package coinbase

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"

	"marketdata/market"
	"marketdata/providers"
)

// answerError tells what an answer other than 200 means. Errors: not_found, rate_limited, denied, unavailable, invalid,
// malformed for a status that is no answer to such a request.
func answerError(instance string, answer providers.Response) error {
	said := message(answer.Body)
	kind := providers.StatusKind(answer.Status)
	if answer.Status == http.StatusNotFound && said != "" { // without a message it comes from another server
		kind = market.KindNotFound
	}
	text := fmt.Sprintf("%s answered HTTP %d", instance, answer.Status)
	if said != "" {
		text += ": " + said
	}
	if kind == market.KindDenied {
		text = strings.TrimRight(text, ".") + fmt.Sprintf(". Candles need no key, so that it is this address or region which is refused: "+
			"set MD_PROVIDERS__%s__BASE_URL to another base", strings.ToUpper(instance))
	}
	return &market.Error{Kind: kind, Message: text, RetryAfter: answer.RetryAfter()}
}

// message returns what {"message": …} says, shortened; "" for any other body.
func message(body []byte) string {
	if providers.RequireJSON(body, "refusals") != nil {
		return ""
	}
	said := gjson.ParseBytes(body).Get("message")
	if said.Type != gjson.String {
		return ""
	}
	return providers.Printable(said.Str)
}
