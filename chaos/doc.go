// Package chaos runs the platform as it is run for real, as processes of their own over a real PostgreSQL and a real
// Temporal server, attacks it while it loads bars from the simulator, and proves that nothing was lost.
//
//   - rig.go, postgres.go, temporal.go, gate.go: the servers, each of which can be ended hard and started again.
//   - platform.go, worker.go: an API and workers over a database and a namespace of their own.
//   - api.go, sim.go, flow.go: what is asked of the API, of the simulator and of Temporal.
//   - run.go, load.go, fault*.go: a run: backfills all the time, faults drawn from a seed.
//   - verify*.go, table.go: what must hold at the end, and how it is told.
//
// docs/chaos.md says what is injected and what is proven. The tests of the package inject each fault by itself, at the
// step it is meant for.
package chaos
