// Package market is the ground floor: the field's vocabulary as Go types. It imports nothing of this module, does no
// I/O, and knows neither databases, nor HTTP, nor any provider.
//
// A short tour:
//
//   - [Instrument] is what is traded, written SYMBOL.VENUE ([InstrumentID]).
//   - [Interval] is the length of a bar: a calendar step from a closed set, not a time.Duration.
//   - [Calendar] says when a market is open, session by session; [Grid] joins an interval and a calendar and
//     answers where bars begin and when they close.
//   - [Range] is half-open, [Start, End), everywhere.
//   - [Decimal] is an exact number kept as canonical text; [Bar] is OHLCV over one interval.
//   - [Error] carries a [Kind], which every door of the platform translates once.
package market
