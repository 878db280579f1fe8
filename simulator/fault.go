package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"marketdata/market"
)

// Fault is one rule of misbehaviour, as POST /_sim/faults takes a list of them.
type Fault struct {
	// Fault is the kind: rate_limit, ban, restricted, unauthorized, server_error, slow, cut, html change the answer, each as
	// the provider of the path writes it;
	// duplicates, conflicting_duplicates, unsorted, out_of_window, truncate, revise, gap, malformed_rows change its rows.
	Fault string `json:"fault"`

	// A rule matches a request that it would change: one of the path and the symbol, that no earlier rule has answered;
	// a rule about rows only if there are rows, gap and revise only if there are some of their range.
	Path   string `json:"path,omitempty"`   // only requests of this path
	Symbol string `json:"symbol,omitempty"` // only requests for this symbol, which stands in the query or in the path
	After  int    `json:"after,omitempty"`  // leave the first matches alone
	Count  int    `json:"count,omitempty"`  // strike this often; 0: until deleted
	// Probability strikes only a share of the matches, chosen from the seed; 0 means all.
	Probability float64 `json:"probability,omitempty"`

	RetryAfterSeconds int         `json:"retry_after_seconds,omitempty"` // rate_limit, ban, server_error: 0 sends no header
	Status            int         `json:"status,omitempty"`              // server_error: 500 to 599, default 503; html: 200 to 599, default 200
	DelayMS           int         `json:"delay_ms,omitempty"`            // slow
	Rows              int         `json:"rows,omitempty"`                // truncate: rows left, the first of the answer; malformed_rows and duplicates: rows struck (default 1)
	Kind              string      `json:"kind,omitempty"`                // malformed_rows: see malformations; default: each in turn
	Factor            json.Number `json:"factor,omitempty"`              // revise: prices and volumes are multiplied; default 2
	Start             time.Time   `json:"start,omitzero"`                // revise, gap: keys in [start, end), for 1d and longer dates; an absent bound does not bound
	End               time.Time   `json:"end,omitzero"`
}

// answerKinds change the answer, all but slow by taking its place.
func answerKinds() []string {
	return []string{"rate_limit", "ban", "restricted", "unauthorized", "server_error", "slow", "cut", "html"}
}

// rowKinds change the rows of an answer.
func rowKinds() []string {
	return []string{"duplicates", "conflicting_duplicates", "unsorted", "out_of_window", "truncate", "revise", "gap", "malformed_rows"}
}

func (f Fault) validate() error {
	known := slices.Concat(answerKinds(), rowKinds())
	switch {
	case !slices.Contains(known, f.Fault):
		return fmt.Errorf("unknown fault %q: known are %s", f.Fault, strings.Join(known, " "))
	case f.Probability < 0 || f.Probability > 1:
		return errors.New("probability is not within 0 and 1")
	case f.Status != 0 && f.Fault != "html" && (f.Status < 500 || f.Status > 599):
		return errors.New("status is not within 500 and 599")
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return errors.New("status is not within 200 and 599")
	case !f.End.IsZero() && !f.Start.Before(f.End):
		return errors.New("end is not after start")
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

// pick returns the rules among the candidates that strike the request, and counts. A rule that takes the place of the
// answer is the last; so is one that changes the order of its rows, for others strike them in their order.
func (f *faults) pick(r *http.Request, isCandidate func(Fault) bool) []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.rules) == 0 {
		return nil
	}
	var struck []Fault
	symbol := symbolOf(r)
	for i, rule := range f.rules {
		if rule.Path != "" && rule.Path != r.URL.Path || rule.Symbol != "" && rule.Symbol != symbol || !isCandidate(rule.Fault) {
			continue
		}
		rule.Matched++
		chance := unit(mix(f.seed ^ uint64(i)<<32 ^ uint64(rule.Matched))) //nolint:gosec // counts are positive
		if rule.Matched <= rule.After || rule.Count > 0 && rule.Struck >= rule.Count || rule.Probability > 0 && chance >= rule.Probability {
			continue
		}
		rule.Struck++
		struck = append(struck, rule.Fault)
		if rule.isAnswer() && rule.Fault.Fault != "slow" {
			break
		}
	}
	slices.SortStableFunc(struck, func(a, b Fault) int { return a.place() - b.place() })
	return struck
}

// place is 1 of rules that follow those of place 0.
func (f Fault) place() int {
	if f.Fault == "unsorted" {
		return 1
	}
	return 0
}

func (f Fault) isAnswer() bool { return slices.Contains(answerKinds(), f.Fault) }
