package providers

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"marketdata/market"
)

const (
	maxMessage          = 200
	maxQuarantinedBytes = 4096
)

// StatusKind returns what an HTTP status other than success says by itself, where the provider's own words say no
// more: denied, rate_limited, unavailable, invalid for other refusals, malformed for what is no refusal at all.
func StatusKind(status int) market.Kind {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusUnavailableForLegalReasons:
		return market.KindDenied
	case status == http.StatusTooManyRequests:
		return market.KindRateLimited
	case status >= http.StatusInternalServerError:
		return market.KindUnavailable
	case status >= http.StatusBadRequest:
		return market.KindInvalid
	}
	return market.KindMalformed
}

// Printable keeps a text of another party short, at about 200 bytes, and on one line, so that it can stand in an error.
func Printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}

// RequireJSON refuses a body that is not one complete JSON value, nested within bounds; what names in the error that
// which is due. Errors: malformed.
func RequireJSON(body []byte, what string) error {
	if json.Valid(body) { // not gjson.Valid: a body of nothing but brackets overflows its stack
		return nil
	}
	if text := bytes.TrimSpace(body); len(text) > 0 && text[0] == '<' {
		return market.Errorf(market.KindMalformed, "HTML of %d bytes where %s are due", len(body), what)
	}
	return market.Errorf(market.KindMalformed, "%s of %d bytes are not complete JSON", what, len(body))
}

// QuarantineRow keeps a row as sent, at most 4096 bytes of it, and without keeping the body that it is a part of in
// memory. at is zero where the row has no readable time.
func QuarantineRow(at time.Time, rule market.Rule, row string) market.Quarantined {
	row = row[:min(len(row), maxQuarantinedBytes)]
	return market.Quarantined{Time: at, Rule: rule, Value: strings.Clone(strings.ToValidUTF8(row, ""))} // a cut may have split a character
}
