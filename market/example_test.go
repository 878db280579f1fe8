package market_test

import (
	"fmt"

	"marketdata/market"
)

func ExampleParseInstrumentID() {
	id, err := market.ParseInstrumentID("brk.b.xnys")
	fmt.Println(id.Symbol, id.Venue, err)
	_, err = market.ParseInstrumentID("BTCUSDT")
	fmt.Println(market.KindOf(err), err)
	// Output:
	// BRK.B XNYS <nil>
	// invalid instrument id "BTCUSDT" has no venue: want SYMBOL.VENUE, as in BTCUSDT.BINANCE
}

func ExampleInterval_Floor() {
	when, _ := market.ParseTime("2024-02-29T13:37:42Z")
	for _, i := range []market.Interval{market.Interval15m, market.Interval1d, market.Interval1w, market.Interval1mo} {
		fmt.Println(i, market.FormatTime(i.Floor(when)), market.FormatTime(i.Next(when)))
	}
	// Output:
	// 15m 2024-02-29T13:30:00Z 2024-02-29T13:45:00Z
	// 1d 2024-02-29T00:00:00Z 2024-03-01T00:00:00Z
	// 1w 2024-02-26T00:00:00Z 2024-03-04T00:00:00Z
	// 1mo 2024-02-01T00:00:00Z 2024-03-01T00:00:00Z
}

func ExampleRange_Split() {
	start, _ := market.ParseTime("2024-01-15")
	end, _ := market.ParseTime("2024-03-10")
	r, _ := market.NewRange(start, end)
	for _, piece := range r.Split(market.Interval1m.ChunkStep) {
		fmt.Println(piece)
	}
	// Output:
	// [2024-01-15T00:00:00Z, 2024-02-01T00:00:00Z)
	// [2024-02-01T00:00:00Z, 2024-03-01T00:00:00Z)
	// [2024-03-01T00:00:00Z, 2024-03-10T00:00:00Z)
}

func ExampleParseDecimal() {
	for _, text := range []string{"42283.58000000", "1.23e-6", "-0.0", "NaN"} {
		d, err := market.ParseDecimal(text)
		fmt.Printf("%q %v\n", d, err)
	}
	// Output:
	// "42283.58" <nil>
	// "0.00000123" <nil>
	// "0" <nil>
	// "" not a number: "NaN"
}

func ExampleBar_Validate() {
	price := func(text string) market.Decimal { d, _ := market.ParseDecimal(text); return d }
	day, _ := market.ParseTime("2024-01-02")
	b := market.Bar{Time: day, Open: price("10"), High: price("12"), Low: price("11"), Close: price("11.5")}
	fmt.Println(b.Validate())
	// Output: low_above_prices
}

func ExampleGrid_ClosedBefore() {
	g := market.Grid{Interval: market.Interval1h, Calendar: market.Calendar247{}}
	now, _ := market.ParseTime("2024-01-02T15:00:05Z")
	fmt.Println(market.FormatTime(g.ClosedBefore(now, 0)))
	fmt.Println(market.FormatTime(g.ClosedBefore(now, 10*1e9))) // the bar of 14:00 has closed but not settled
	// Output:
	// 2024-01-02T15:00:00Z
	// 2024-01-02T14:00:00Z
}

func ExampleErrorf() {
	refused := market.Errorf(market.KindDenied, "the key was refused")
	err := fmt.Errorf("BTCUSDT.BINANCE 1m: %w", refused)
	fmt.Println(market.KindOf(err), "|", err)
	// Output: denied | BTCUSDT.BINANCE 1m: the key was refused
}
