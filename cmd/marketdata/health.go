package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/spf13/cobra"
)

// readiness is the answer of /ready of the API and of the worker.
type readiness struct {
	Status string           `json:"status"`
	Checks map[string]check `json:"checks"`
}

// check is what one part of a readiness found.
type check struct {
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

func newHealth(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "health",
		Short: "Ask whether the API (or the worker) is ready",
		Long: `Ask whether the API is ready, or a worker or a simulator where --api-url is its address. The exit code is 0 while it
serves, also when degraded.`,
		Example: `  marketdata health
  marketdata health --api-url http://127.0.0.1:8081   # a worker`,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			api, asJSON, err := a.openForOutput(c)
			if err != nil {
				return err
			}
			answer, status, err := api.exchange(c.Context(), http.MethodGet, "/ready", nil)
			if err != nil {
				return err
			}
			var r readiness
			if json.Unmarshal(answer, &r) != nil || r.Status == "" {
				return fmt.Errorf("%s answered %d: is it the API?", api.base, status)
			}
			if asJSON {
				err = writeJSON(a.stdout, json.RawMessage(answer))
			} else {
				err = writeTable(a.stdout, readinessRows(r)...)
			}
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("%s is not ready", api.base)
			}
			return err
		},
	}
	addAPIURL(c)
	addOutput(c)
	return c
}

func readinessRows(r readiness) [][]string {
	rows := [][]string{{"status", r.Status}}
	for _, name := range slices.Sorted(maps.Keys(r.Checks)) {
		state := "ok"
		if !r.Checks[name].OK {
			state = "failed: " + r.Checks[name].Error
		}
		rows = append(rows, []string{name, state})
	}
	return rows
}
