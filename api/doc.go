// Package api is the REST door of the platform: chi routes, huma describes and validates, and the handlers here turn
// requests into calls of [Store] and [Orchestrator]. It holds no SQL and starts no workflow itself.
//
// A short tour:
//
//   - [New] wires the handler, [NewServer] gives it timeouts.
//   - register.go is the only way to add an operation; it turns every error into a problem document (problem.go).
//   - middleware.go sees to request ids, the access log, panics, deadlines and body limits.
//   - instrument.go, bar.go, backfill.go, provider.go and health.go hold one noun each.
//   - bar.go is the hot path: rows go from the database's digits into one buffer, without values in between
//     (bar_json.go); what is not there is explained by arithmetic on ranges (bar_hole.go).
//   - cursor.go makes the opaque page cursors, each bound to its query.
//
// Every list answer is {"data": […], "meta": {…}, "next_cursor": …}; lists are never null.
package api
