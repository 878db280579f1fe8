// Package coinbase speaks the public market data of Coinbase Exchange: products and their candles, no key.
//
// A tour:
//   - coinbase.go makes requests; listing.go searches since when a product has candles; wire.go turns stored bodies into
//     bars; error.go tells what refusals mean.
//   - A page asks for the keys of [start, end) as start = its first whole second and end = its last key, both inclusive
//     there and in seconds. A request spans 300 candles at most. The capability record says how long that is for each
//     interval, the shared code cuts ranges accordingly, and every window is answered by itself: there are no cursors.
//   - Rows are [time, low, high, open, close, volume], newest first. A candle in which nothing traded has no row, so that
//     an empty answer is an answer.
//   - Answers come out of a cache that may be 5 minutes old, hence the long settle time.
//
// Recorded from the live service are one answer of four candles and the list of products. Known from its documents and
// from what users of it report, and not confirmed by a recording: the texts of the statuses 400, 404 and 429, whether 429
// comes with Retry-After, the span of 300 candles at its edge, the empty answer before a listing, candles before start,
// an end in the future, how candles of a delisted product are served, numbers with exponents in candles. Answers to 401,
// 403 and 451 and any refusal of a whole region were never seen and are judged by their status alone.
//
// It neither retries nor sorts nor clips rows: the providers package does, once for all.
package coinbase
