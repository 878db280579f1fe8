package chaos

import (
	"math/rand/v2"
	"time"

	"marketdata/market"
)

// catalogue is what a run loads: markets that never close and markets with sessions, in the three formats.
func catalogue() []Target {
	pair := func(symbol, adapter string, interval market.Interval) Target {
		return Target{Symbol: symbol, Class: market.AssetCrypto, Calendar: "24x7", Adapter: adapter, Code: symbol, Interval: interval}
	}
	apple := Target{Symbol: "AAPL", Class: market.AssetEquity, Calendar: "XNAS", Adapter: "yahoo", Code: "AAPL"}
	index := Target{Symbol: "SPX", Class: market.AssetIndex, Calendar: "XNYS", Adapter: "yahoo", Code: "^GSPC"}
	at := func(t Target, interval market.Interval) Target {
		t.Interval = interval
		return t
	}
	return []Target{
		pair("BTCUSDT", "binance", market.Interval1m), pair("BTCUSDT", "binance", market.Interval1h),
		pair("ETHUSDT", "binance", market.Interval1m), pair("ETHUSDT", "binance", market.Interval1d),
		pair("SOLUSDT", "binance", market.Interval1m),
		pair("ETH-USD", "coinbase", market.Interval1m), pair("BTC-EUR", "coinbase", market.Interval1h),
		at(apple, market.Interval1m), at(apple, market.Interval1d), at(index, market.Interval1h), at(index, market.Interval1d),
	}
}

const day = 24 * time.Hour

// length is the least and the most that one backfill asks for, so that each is some seconds of work at most.
func (t Target) length() (least, most time.Duration) {
	switch {
	case t.Interval == market.Interval1d:
		return 100 * day, 1500 * day
	case t.Interval == market.Interval1h:
		return 10 * day, 200 * day
	case t.Adapter == "coinbase": // 300 bars a page
		return day / 4, 2 * day
	}
	return day, 10 * day
}

// span is where backfills of the target lie: narrow enough for them to meet.
func (t Target) span() market.Range {
	first := time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC)
	if t.Interval == market.Interval1m {
		first = time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return market.Range{Start: first, End: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// draw draws a backfill.
func draw(random *rand.Rand) order {
	all := catalogue()
	t := all[random.IntN(len(all))]
	span := t.span()
	least, most := t.length()
	length := between(random, least, most)
	start := span.Start.Add(between(random, 0, span.End.Sub(span.Start)-length))
	o := order{Target: t, Range: market.Range{Start: t.Interval.Floor(start), End: t.Interval.Floor(start.Add(length))}, Policy: market.PolicyMissing}
	if random.IntN(4) == 0 {
		o.Policy = market.PolicyAll
	}
	return o
}

func between(random *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(random.Int64N(int64(most-least)))
}

// middle is the third of the order in its middle, cut to bars.
func (o order) middle() market.Range {
	third := o.Range.End.Sub(o.Range.Start) / 3
	return market.Range{
		Start: o.Target.Interval.Floor(o.Range.Start.Add(third)), End: o.Target.Interval.Floor(o.Range.Start.Add(2 * third)),
	}
}

// later is the order moved by half its length: the two overlap.
func (o order) later() order {
	half := o.Range.End.Sub(o.Range.Start) / 2
	o.Range = market.Range{
		Start: o.Target.Interval.Floor(o.Range.Start.Add(half)), End: o.Target.Interval.Floor(o.Range.End.Add(half)),
	}
	return o
}
