// Package metrics is what a process exports at GET /metrics: one registry with the collectors of the Go runtime and the
// process, those of the Temporal SDK, and the platform's own, all named marketdata_….
//
// It is the only room that knows Prometheus. Others report to small interfaces of their own (api.Recorder,
// activities.Recorder, providers.Recorder, worker.Recorder), which *Metrics satisfies, or know nothing of it. Nothing is
// registered globally. Labels are closed sets; the one exception is the staleness of series, which has one line for each
// series that is kept in sync. No label holds anything that a client or a provider wrote; what the operator configured is in
// those of one metric, which tells dashboards where the Temporal UI is.
//
// docs/metrics.md lists every metric; a test keeps it true.
package metrics
