package simulator

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// answer sends the answer of the first rule that takes the place of the real one.
func (f *faults) answer(w http.ResponseWriter, r *http.Request) bool {
	for _, fault := range f.pick(r, Fault.isAnswer) {
		if fault.Fault == "slow" {
			select {
			case <-time.After(time.Duration(fault.DelayMS) * time.Millisecond):
			case <-r.Context().Done():
			}
			continue
		}
		if fault.RetryAfterSeconds > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(fault.RetryAfterSeconds))
		}
		switch fault.Fault {
		case "html":
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(cmp.Or(fault.Status, http.StatusOK))
			_, _ = io.WriteString(w, "<html><body><h1>Just a moment…</h1></body></html>") // the client has gone
			return true
		case "cut":
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "4096")
			_, _ = io.WriteString(w, beginningOf(formatOf(r.URL.Path))) // the rest never comes: the server closes the connection
			return true
		}
		switch formatOf(r.URL.Path) {
		case formatYahoo:
			fault.answerAsYahoo(w)
		case formatCoinbase:
			fault.answerAsCoinbase(w)
		case formatBinance:
			fault.answerAsBinance(w, f.now())
		}
		return true
	}
	return false
}

// beginningOf is how an answer with bars begins.
func beginningOf(f format) string {
	switch f {
	case formatYahoo:
		return `{"chart":{"result":[{"meta":{"currency":"USD","symbol":"AA`
	case formatCoinbase:
		return `[[1704067200,100.5,101.2`
	case formatBinance:
	}
	return `[[1704067200000,"1.0`
}

func (f Fault) answerAsBinance(w http.ResponseWriter, now time.Time) {
	switch f.Fault {
	case "rate_limit":
		binanceError(w, http.StatusTooManyRequests, codeTooMany, "Too much request weight used; current limit is 6000 request weight per 1 MINUTE.")
	case "ban":
		until := now.Add(time.Duration(max(f.RetryAfterSeconds, 1)) * time.Second).UnixMilli()
		binanceError(w, http.StatusTeapot, codeTooMany, fmt.Sprintf("Way too much request weight used; IP banned until %d.", until))
	case "restricted":
		binanceError(w, http.StatusUnavailableForLegalReasons, 0, "Service unavailable from a restricted location according to 'b. Eligibility'.")
	case "unauthorized":
		binanceError(w, http.StatusUnauthorized, codeBadKey, "Invalid API-key, IP, or permissions for action.")
	case "server_error":
		http.Error(w, "service unavailable", cmp.Or(f.Status, http.StatusServiceUnavailable))
	}
}

// answerAsYahoo blocks with the text of a rate limit, as Yahoo does.
func (f Fault) answerAsYahoo(w http.ResponseWriter) {
	switch f.Fault {
	case "rate_limit", "ban":
		tooManyRequests(w)
	case "restricted":
		http.Error(w, "Not available in your region", http.StatusUnavailableForLegalReasons)
	case "unauthorized":
		writeJSON(w, http.StatusUnauthorized, map[string]any{
			"finance": map[string]any{"result": nil, "error": map[string]string{"code": "Unauthorized", "description": "Invalid Crumb"}},
		})
	case "server_error":
		yahooError(w, cmp.Or(f.Status, http.StatusServiceUnavailable), "Internal Server Error", "The service is unavailable")
	}
}

func (f Fault) answerAsCoinbase(w http.ResponseWriter) {
	switch f.Fault {
	case "rate_limit", "ban":
		coinbaseError(w, http.StatusTooManyRequests, "Public rate limit exceeded")
	case "restricted":
		coinbaseError(w, http.StatusUnavailableForLegalReasons, "Unavailable For Legal Reasons")
	case "unauthorized":
		coinbaseError(w, http.StatusUnauthorized, "Unauthorized.")
	case "server_error":
		coinbaseError(w, cmp.Or(f.Status, http.StatusServiceUnavailable), "Internal server error")
	}
}
