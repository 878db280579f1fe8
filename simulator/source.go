package simulator

import (
	"math"
	"slices"
	"strings"
	"time"

	"marketdata/market"
)

// format is whose way of writing an answer has.
type format string

const (
	formatBinance  format = "binance"
	formatYahoo    format = "yahoo"
	formatCoinbase format = "coinbase"
)

// Formats returns, sorted, the names of the providers whose formats a simulator speaks, all at once, each on its own paths.
func Formats() []string {
	return []string{string(formatBinance), string(formatCoinbase), string(formatYahoo)}
}

// formatOf returns whose path it is.
func formatOf(path string) format {
	switch {
	case strings.HasPrefix(path, pathChart):
		return formatYahoo
	case path == pathProducts || strings.HasPrefix(path, pathProducts+"/"):
		return formatCoinbase
	}
	return formatBinance
}

// source is where a symbol's bars come from.
type source interface {
	// bars returns those whose keys are in the window, ascending; the last may be forming at the window's now.
	// Errors: invalid for an interval it cannot make.
	bars(interval market.Interval, w window) ([]wireRow, error)
	// info describes the symbol.
	info() symbolInfo
	// actions are the splits and dividends up to now, ascending.
	actions(now time.Time) []action
}

// window is what a request asks for: keys in [from, to] (epoch ms), at most limit of them, the first ones, or the last
// ones when isLatest. No bar opens after now.
type window struct {
	from, to, now int64
	limit         int
	isLatest      bool
}

// between is the window of all bars with keys in [from, to].
func between(from, to, now time.Time) window {
	return window{from: from.UnixMilli(), to: to.UnixMilli(), now: now.UnixMilli(), limit: math.MaxInt}
}

// cut leaves as many rows as the window allows.
func (w window) cut(rows []wireRow) []wireRow {
	if len(rows) <= w.limit {
		return rows
	}
	if w.isLatest {
		return rows[len(rows)-w.limit:]
	}
	return rows[:w.limit]
}

// symbolInfo describes a symbol; what is about making bars up is empty for a replay.
type symbolInfo struct {
	symbol, base, quote string
	formats             []format
	calendar            market.Calendar
	priceDecimals       int
	volumeDecimals      int
	listedAt            time.Time // the first bar; in a market with sessions the first date

	around            float64 // the price about which a synthetic one moves
	lot               int64   // most of a trade, in the smallest unit of volume; 0: no volume is told
	tradelessPerMille uint64  // how many of 1000 minutes see no trade

	name                   string // of the company or the like
	kind                   string // Yahoo's instrumentType
	zone                   *time.Location
	exchange, exchangeName string // Yahoo's two names of where it trades
	dividends              dividendRule
	splits                 []action
}

func (i symbolInfo) speaks(f format) bool { return slices.Contains(i.formats, f) }

// find returns the source of a symbol that is listed in the format.
func (s *Simulator) find(symbol string, f format) (source, bool) {
	from, isKnown := s.symbols[symbol]
	return from, isKnown && from.info().speaks(f)
}

// listed returns the descriptions of the symbols of a format, in the order of the catalogue.
func (s *Simulator) listed(f format) []symbolInfo {
	var all []symbolInfo
	for _, name := range s.names {
		if info := s.symbols[name].info(); info.speaks(f) {
			all = append(all, info)
		}
	}
	return all
}

// withOutside puts the bars around the rows that stand just before and just after what was asked for, as they are.
func withOutside(from source, grid market.Grid, asked window, rows []wireRow) []wireRow {
	one := func(at time.Time) []wireRow {
		ms := at.UnixMilli()
		outside, err := from.bars(grid.Interval, window{from: ms, to: ms, now: asked.now, limit: 1})
		if err != nil { // the interval was good for the rows
			return nil
		}
		return outside
	}
	after := one(grid.Next(time.UnixMilli(asked.to)))
	if asked.isLatest || asked.from <= 0 {
		return append(rows, after...)
	}
	return slices.Concat(one(grid.Floor(time.UnixMilli(asked.from-1))), rows, after)
}
