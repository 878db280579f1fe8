package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// addFaults answers POST /_sim/faults: a list of rules, or one. All or none come into force.
func (s *Simulator) addFaults(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxControlBody))
	if err != nil {
		writeJSON(w, http.StatusRequestEntityTooLarge, map[string]string{"error": err.Error()})
		return
	}
	rules, err := readRules(strings.TrimSpace(string(body)))
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

func readRules(text string) ([]Fault, error) {
	if strings.HasPrefix(text, "{") {
		text = "[" + text + "]"
	}
	var rules []Fault
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&rules); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the rules")
	}
	for i, rule := range rules {
		if err := rule.validate(); err != nil {
			return nil, fmt.Errorf("rule %d: %w", i, err)
		}
	}
	return rules, nil
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
