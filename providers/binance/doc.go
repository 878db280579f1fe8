// Package binance speaks the public market data of the Binance spot API: klines and exchangeInfo, no key.
//
// A tour:
//   - binance.go makes requests and pages; wire.go turns stored bodies into bars; error.go tells what refusals mean.
//   - A page asks for [start, end) as startTime = start and endTime = end - 1 ms, both inclusive there, 1000 rows.
//   - Any base URL with the same paths serves: data-api.binance.vision by default, api.binance.com, api.binance.us,
//     which is another venue with the same format, or a local stand-in.
//
// It neither retries nor sorts nor drops rows: the providers package does, once for all.
package binance
