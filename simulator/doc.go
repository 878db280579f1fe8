// Package simulator is one HTTP server that speaks the providers' wire formats over a deterministic synthetic market,
// or over real history replayed from a file, and misbehaves on request. It serves the offline demo, the conformance and
// end-to-end tests, and benchmarks; users can run it too.
//
//   - symbols.go lists the synthetic symbols; price.go and market*.go make any of their bars from the seed alone, in a
//     market that never closes or in the sessions of a calendar; action.go makes splits and dividends.
//   - replay*.go read real bars from a CSV file.
//   - binance.go, yahoo*.go and coinbase.go speak the formats of Binance spot, Yahoo's chart v8 and Coinbase Exchange,
//     all at once at their usual paths.
//   - fault*.go misbehave as told by POST /_sim/faults; stats.go counts at /_sim/stats; truth.go tells at /_sim/bars
//     which bars there are.
//
// Bars longer than a minute are exact aggregates of their minutes, whether made up or replayed, on the grid of
// [market.Grid]. A minute without a trade is a flat bar of volume 0 at Binance, a row of nulls at Yahoo, and absent at
// Coinbase; it is absent everywhere from a replay that lacks it.
//
// What the formats leave out: Yahoo's limits of how far back intraday bars go (30, 60, 730 days) are not enforced, there
// is no trading before the open or after the close, and of its intervals 2m, 90m, 5d and 3mo are refused.
//
// POST /_sim/faults takes one rule or a list of them (see [Fault] for all fields), GET lists the rules in force with how
// often each matched and struck, DELETE removes them:
//
//	[{"fault": "rate_limit", "path": "/api/v3/klines", "symbol": "BTCUSDT", "after": 10, "count": 3, "retry_after_seconds": 2},
//	 {"fault": "gap", "symbol": "^GSPC", "start": "2024-01-02T00:00:00Z", "end": "2024-01-03T00:00:00Z", "count": 1}]
//
// A rule counts only the requests that it would change: a gap with a count heals when that many answers have lacked bars.
// When several rules strike, those about rows apply in turn, unsorted last, and of those that take the place of the answer
// the first. Rows are struck in the order of the answer: truncate takes the latest of Binance and Yahoo, and the oldest of
// Coinbase.
//
// GET /_sim/stats returns requests, by_path, by_status, by_symbol and a log of the last 100,000 (?log=0 without it,
// ?since=TIME only its later part); DELETE begins anew. GET /_sim/bars?symbol=&interval=&start=&end= returns
// [Simulator.Truth]. GET /_sim/health answers 200, and GET /ready as other servers of the platform do. Requests of /_sim/ are not counted.
package simulator
