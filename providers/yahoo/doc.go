// Package yahoo speaks the chart endpoint (v8) of Yahoo Finance: stocks, ETFs, funds, indices, currencies, futures and
// crypto, no key. The endpoint is not an official one: what its terms allow is for its users to find out.
//
// A tour:
//   - yahoo.go makes requests; listing.go asks since when there are bars of a symbol; chart.go checks a body and finds
//     its parts; wire.go turns their rows into bars; error.go tells what refusals mean.
//   - A range is one request and one answer, without pages. Yahoo bounds the range of intraday requests; the
//     capability record says how, and the shared code cuts ranges accordingly.
//   - Keys of intraday bars are the stamps of their rows. Those of daily and longer ones are dates, taken from the
//     stamp in the exchange's own time zone; meta.gmtoffset is today's offset and of no use for that. Since the stamp of
//     a date may lie up to a day before or after it in UTC, such requests ask for one more step on both sides.
//   - Prices are split-adjusted by Yahoo, now and backwards, and are sent as float32 widened to double: see price.
//   - Yahoo refuses programs by their User-Agent, so every request carries a browser's.
//
// Corporate actions (chart.result[0].events) and adjusted closes are sent too and not read: prices are kept on the basis
// they come in, and nothing is lost, because pages are kept as they came.
//
// Some behaviour is known from the sources of other clients and from what their users report, and is not confirmed by a
// recorded answer: rows of nulls, the live row, stamps an hour or two before midnight, 30m answered with 60m, status 422
// for too wide a range, the limits of each interval, answers of intervals other than 1d with rows in them. Recorded are
// daily answers of stocks, currencies and crypto, and the empty one.
//
// It neither retries nor sorts nor clips rows: the providers package does, once for all.
package yahoo
