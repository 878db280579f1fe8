package simulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"marketdata/market"
)

// Fault is one rule of misbehaviour, as POST /_sim/faults takes a list of them.
type Fault struct {
	// Fault is the kind: rate_limit, ban, restricted, server_error, slow, cut, html change the answer;
	// duplicates, conflicting_duplicates, unsorted, out_of_window, truncate, revise, gap, malformed_rows change its rows.
	Fault string `json:"fault"`

	Path   string `json:"path,omitempty"`   // only requests of this path
	Symbol string `json:"symbol,omitempty"` // only requests for this symbol
	After  int    `json:"after,omitempty"`  // leave the first matches alone
	Count  int    `json:"count,omitempty"`  // strike this often; 0: until deleted
	// Probability strikes only a share of the matches, chosen from the seed; 0 means all.
	Probability float64 `json:"probability,omitempty"`

	RetryAfterSeconds int         `json:"retry_after_seconds,omitempty"` // rate_limit, ban, server_error: 0 sends no header
	Status            int         `json:"status,omitempty"`              // server_error: 500 to 599, default 503
	DelayMS           int         `json:"delay_ms,omitempty"`            // slow
	Rows              int         `json:"rows,omitempty"`                // truncate: rows left; malformed_rows and duplicates: rows struck (default 1)
	Kind              string      `json:"kind,omitempty"`                // malformed_rows: see malformations; default: each in turn
	Factor            json.Number `json:"factor,omitempty"`              // revise: prices and volumes are multiplied; default 2
	Start             time.Time   `json:"start,omitzero"`                // revise, gap: open times in [start, end)
	End               time.Time   `json:"end,omitzero"`
}

func faultKinds() []string {
	return []string{
		"rate_limit", "ban", "restricted", "server_error", "slow", "cut", "html",
		"duplicates", "conflicting_duplicates", "unsorted", "out_of_window", "truncate", "revise", "gap", "malformed_rows",
	}
}

func (f Fault) validate() error {
	switch {
	case !slices.Contains(faultKinds(), f.Fault):
		return fmt.Errorf("unknown fault %q: known are %s", f.Fault, strings.Join(faultKinds(), " "))
	case f.Probability < 0 || f.Probability > 1:
		return errors.New("probability is not within 0 and 1")
	case f.Status != 0 && (f.Status < 500 || f.Status > 599):
		return errors.New("status is not within 500 and 599")
	case f.Kind != "" && !slices.Contains(malformations(), f.Kind):
		return fmt.Errorf("unknown kind of malformed row %q: known are %s", f.Kind, strings.Join(malformations(), " "))
	case !f.hasGoodFactor():
		return errors.New("factor is not a number above 0")
	case f.Count < 0 || f.After < 0 || f.Rows < 0 || f.DelayMS < 0 || f.RetryAfterSeconds < 0:
		return errors.New("numbers must not be negative")
	}
	return nil
}

func (f Fault) hasGoodFactor() bool {
	factor, err := market.ParseDecimal(f.Factor.String())
	return f.Factor == "" || err == nil && !factor.IsNegative() && factor.String() != "0"
}

// active is a rule with how often it matched and struck.
type active struct {
	Fault

	Matched int `json:"matched"`
	Struck  int `json:"struck"`
}

// faults holds the rules in force.
type faults struct {
	seed uint64
	now  func() time.Time

	mu    sync.Mutex
	rules []*active
}

func newFaults(seed int64, now func() time.Time) *faults {
	return &faults{seed: mix(uint64(seed) ^ 0xfa), now: now} //nolint:gosec // any bits will do
}

type struckKey struct{}

// pick chooses which rules strike this request and remembers them in its context.
func (f *faults) pick(r *http.Request) *http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	var struck []Fault
	symbol := r.URL.Query().Get("symbol")
	for _, rule := range f.rules {
		if rule.Path != "" && rule.Path != r.URL.Path || rule.Symbol != "" && rule.Symbol != symbol {
			continue
		}
		rule.Matched++
		isSpared := rule.Matched <= rule.After || rule.Count > 0 && rule.Struck >= rule.Count ||
			rule.Probability > 0 && unit(mix(f.seed^uint64(rule.Matched))) >= rule.Probability //nolint:gosec // counts are positive
		if !isSpared {
			rule.Struck++
			struck = append(struck, rule.Fault)
		}
	}
	return r.WithContext(context.WithValue(r.Context(), struckKey{}, struck))
}

func struckBy(r *http.Request) []Fault {
	struck, _ := r.Context().Value(struckKey{}).([]Fault)
	return struck
}

// hasStruck reports whether a rule of the kind strikes this request.
func (f *faults) hasStruck(r *http.Request, kind string) bool {
	return slices.ContainsFunc(struckBy(r), func(fault Fault) bool { return fault.Fault == kind })
}

// answer sends the answer of the first rule that takes the place of the real one.
func (f *faults) answer(w http.ResponseWriter, r *http.Request) bool {
	for _, fault := range struckBy(r) {
		if fault.RetryAfterSeconds > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(fault.RetryAfterSeconds))
		}
		switch fault.Fault {
		case "rate_limit":
			binanceError(w, http.StatusTooManyRequests, codeTooMany, "Too much request weight used; current limit is 6000 request weight per 1 MINUTE.")
		case "ban":
			until := f.now().Add(time.Duration(max(fault.RetryAfterSeconds, 1)) * time.Second).UnixMilli()
			binanceError(w, http.StatusTeapot, codeTooMany, fmt.Sprintf("Way too much request weight used; IP banned until %d.", until))
		case "restricted":
			binanceError(w, http.StatusUnavailableForLegalReasons, 0, "Service unavailable from a restricted location according to 'b. Eligibility'.")
		case "server_error":
			http.Error(w, "service unavailable", max(fault.Status, http.StatusServiceUnavailable*btoi(fault.Status == 0)))
		case "html":
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html><body><h1>Just a moment…</h1></body></html>") // the client has gone
		case "cut":
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "4096")
			_, _ = io.WriteString(w, `[[1704067200000,"1.0`) // the rest never comes: the server closes the connection
		case "slow":
			select {
			case <-time.After(time.Duration(fault.DelayMS) * time.Millisecond):
			case <-r.Context().Done():
			}
			continue
		default:
			continue
		}
		return true
	}
	return false
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// addFaults answers POST /_sim/faults: a list of rules, or one. All or none come into force.
func (s *Simulator) addFaults(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxControlBody))
	if err != nil {
		writeJSON(w, http.StatusRequestEntityTooLarge, map[string]string{"error": err.Error()})
		return
	}
	text := strings.TrimSpace(string(body))
	if strings.HasPrefix(text, "{") {
		text = "[" + text + "]"
	}
	var rules []Fault
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(&rules)
	for i := 0; err == nil && i < len(rules); i++ {
		if e := rules[i].validate(); e != nil {
			err = market.Errorf(market.KindInvalid, "rule %d: %w", i, e)
		}
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	s.faults.mu.Lock()
	for _, rule := range rules {
		s.faults.rules = append(s.faults.rules, &active{Fault: rule})
	}
	s.faults.mu.Unlock()
	s.listFaults(w, r)
}

// listFaults answers GET /_sim/faults: the rules in force with how often each matched and struck.
func (s *Simulator) listFaults(w http.ResponseWriter, _ *http.Request) {
	s.faults.mu.Lock()
	rules := make([]active, 0, len(s.faults.rules))
	for _, rule := range s.faults.rules {
		rules = append(rules, *rule)
	}
	s.faults.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]any{"faults": rules})
}

// clearFaults answers DELETE /_sim/faults.
func (s *Simulator) clearFaults(w http.ResponseWriter, _ *http.Request) {
	s.faults.mu.Lock()
	s.faults.rules = nil
	s.faults.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}
