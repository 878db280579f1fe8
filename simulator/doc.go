// Package simulator is one HTTP server that speaks the providers' wire formats over a deterministic synthetic market,
// or over real history replayed from a file, and misbehaves on request. It serves the offline demo, the conformance and
// end-to-end tests, and benchmarks; users can run it too.
//
//   - market.go makes any bar from the seed alone; replay.go and replay_row.go read real ones from a CSV file.
//   - binance.go speaks the format of Binance spot at its usual paths.
//   - fault.go and fault_rows.go misbehave as told by POST /_sim/faults; stats.go counts at /_sim/stats.
//
// Bars longer than a minute are exact aggregates of their minutes, whether made up or replayed. A minute without a trade
// is a flat bar of volume 0 in the synthetic market, as Binance sends it, and absent from a replay that lacks it.
//
// POST /_sim/faults takes one rule or a list of them (see [Fault] for all fields), GET lists the rules in force with how
// often each matched and struck, DELETE removes them:
//
//	[{"fault": "rate_limit", "path": "/api/v3/klines", "symbol": "BTCUSDT", "after": 10, "count": 3, "retry_after_seconds": 2},
//	 {"fault": "gap", "start": "2024-01-01T10:00:00Z", "end": "2024-01-01T11:00:00Z", "count": 1}]
//
// A rule counts only the requests that it would change: a gap with a count heals when that many answers have lacked bars.
// When several rules strike, those about rows apply in turn, and of those that take the place of the answer the first. GET /_sim/stats returns requests, by_path, by_status, by_symbol and a log
// of the last 100,000 (?log=0 without it, ?since=TIME only its later part); DELETE begins anew. GET /_sim/health answers
// 200. Requests of /_sim/ are not counted.
package simulator
