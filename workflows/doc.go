// Package workflows orders the steps: which activity when, on which queue, with which retries. Workflow code is
// deterministic: no I/O, no clock, no randomness, no map iteration.
//
//   - backfill.go is one backfill: a window of chunks per provider, Updates to steer it, drain and continue-as-new.
//   - chunk.go is the unit an operator sees, retries and resets: fetch, normalize, upsert.
//   - housekeeping.go holds the short workflows: listing, sweep, maintenance.
//   - options.go names every queue, timeout and retry policy once; attribute.go the search attributes.
//   - client.go is how the API and the sweep start and steer workflows.
//
// Truth lives in PostgreSQL: final statuses come from chunk rows, never from counters kept here. Summaries, details
// and search attributes are written for an operator who does not read Go.
package workflows
