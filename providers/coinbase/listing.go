package coinbase

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"marketdata/market"
	"marketdata/providers"
)

// maxWindows bounds the windows of a search, as its cursor may name them: they reach into the year 2117, and halving them
// takes 8 requests at most.
const maxWindows = 128

// bracket is the state of a search for the first window of 300 days that holds a candle: the windows before low hold
// none; the window high holds one, the earliest on the day first, or lies in the future and then first is 0.
type bracket struct {
	low, high int
	first     int64 // in seconds
}

// Listing searches the first day with a candle by halving windows of 300 daily candles between 2012, before which there
// are none, and now. The first request asks for the oldest window: it tells whether there is such a symbol and
// what time it is. The search relies on a product having a candle in every window since it was listed. It finds no date
// for one that was delisted long ago, and too late a date for one in which nothing traded for 300 days. A product
// without any candle has no ListedAt. The currency is not known here. Errors: also invalid for a cursor that is not one
// of Listing.
func (c *Client) Listing(ctx context.Context, symbol, cursor string) (l providers.Listing, next string, err error) {
	search, err := parseBracket(cursor)
	if err != nil {
		return l, "", err
	}
	middle := search.middle()
	asked := window(middle)
	days := market.Grid{Interval: market.Interval1d, Calendar: market.Calendar247{}}
	path, err := candlesPath(symbol, days, asked)
	if err != nil {
		return l, "", err
	}
	answer, err := c.get(ctx, path)
	if err != nil {
		return l, "", err
	}
	s, err := survey(answer.Body, providers.Request{Grid: days, Range: asked})
	if err != nil {
		return l, "", err
	}
	if s.noTime > 0 {
		return l, "", market.Errorf(market.KindMalformed, "%d of %d daily candles of %s have no readable time", s.noTime, s.rows, symbol)
	}
	if cursor == "" {
		search.high = windowsUntil(answer.RequestedAt)
	}
	if search = search.narrow(middle, s.first); search.low < search.high {
		return l, search.String(), nil
	}
	l = providers.Listing{Symbol: symbol, AssetClass: market.AssetCrypto}
	if search.first != 0 {
		l.ListedAt = market.Interval1d.Floor(time.Unix(search.first, 0))
	}
	return l, "", nil
}

// parseBracket reads a cursor; "" is a search that has not begun. Errors: invalid.
func parseBracket(cursor string) (bracket, error) {
	if cursor == "" {
		return bracket{}, nil
	}
	var b bracket
	parts := strings.Split(cursor, "-")
	if len(parts) == 3 {
		low, lowErr := strconv.Atoi(parts[0])
		high, highErr := strconv.Atoi(parts[1])
		first, firstErr := strconv.ParseInt(parts[2], 10, 64)
		if lowErr == nil && highErr == nil && firstErr == nil && low < high && high <= maxWindows &&
			(first == 0 || window(high).Contains(time.Unix(first, 0))) {
			b = bracket{low: low, high: high, first: first}
		}
	}
	if b.String() != cursor || b.high == 0 {
		return bracket{}, market.Errorf(market.KindInvalid, "not a cursor of a listing: want two numbers of windows and a time in seconds")
	}
	return b, nil
}

// String is the bracket as a cursor.
func (b bracket) String() string { return fmt.Sprintf("%d-%d-%d", b.low, b.high, b.first) }

// middle is the window to ask for next.
func (b bracket) middle() int { return (b.low + b.high) / 2 }

// narrow returns what is left of the search once the earliest candle of a window is known; zero where it has none.
func (b bracket) narrow(window int, earliest time.Time) bracket {
	if earliest.IsZero() {
		b.low = window + 1
	} else {
		b.high, b.first = window, earliest.Unix()
	}
	return b
}

// window returns the days of a window.
func window(n int) market.Range {
	start := oldest().AddDate(0, 0, n*maxRows)
	return market.Range{Start: start, End: start.AddDate(0, 0, maxRows)}
}

// windowsUntil returns how many windows have begun by now, at least the oldest one.
func windowsUntil(now time.Time) int {
	return min(max(1, int(now.Sub(oldest())/(maxRows*day))+1), maxWindows)
}

// oldest is a day before which there is no candle.
func oldest() time.Time { return time.Date(2012, 1, 1, 0, 0, 0, 0, time.UTC) }
