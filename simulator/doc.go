// Package simulator is one HTTP server that speaks the providers' wire formats over a deterministic synthetic market,
// or over real history replayed from a file, and misbehaves on request. It serves the offline demo, the conformance and
// end-to-end tests, and benchmarks; users can run it too.
//
//   - market.go makes any bar from the seed alone; replay.go reads real ones from a CSV file.
//   - binance.go speaks the format of Binance spot at its usual paths.
//   - fault.go and fault_rows.go misbehave as told by POST /_sim/faults; stats.go counts at /_sim/stats.
package simulator
