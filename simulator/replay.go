package simulator

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"marketdata/market"
)

// Replay is a real history read from a CSV file: its rows are sent as they are, and what the file lacks stays absent.
type Replay struct {
	symbol   string
	interval market.Interval
	rows     []kline // ascending by open
	decimals int

	mu     sync.Mutex
	longer map[market.Interval][]kline // aggregates, made when first asked for
}

// LoadReplay reads a CSV file, plain or gzip, with or without a header row. columns name its fields in order: ts, open,
// high, low, close, and optionally volume, turnover, trades; any other name (such as -) is ignored. A ts is epoch
// seconds, milliseconds or microseconds, RFC 3339, "2006-01-02 15:04[:05]" or a date, in UTC. Where there is no volume,
// turnover or number of trades, 0 is sent. Rows may stand in any order, but none twice, and on the grid of the interval.
// Bars of longer intervals are aggregated from them; shorter ones are refused. Errors: invalid, with the line.
func LoadReplay(path, symbol string, interval market.Interval, columns []string) (*Replay, error) {
	layout, err := newLayout(columns)
	if err != nil {
		return nil, err
	}
	id, err := market.NewInstrumentID(symbol, market.VenueSimulated)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, market.Errorf(market.KindInvalid, "replay: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := plain(f)
	if err != nil {
		return nil, market.Errorf(market.KindInvalid, "replay %s: %w", path, err)
	}
	r := &Replay{symbol: id.Symbol, interval: interval, longer: map[market.Interval][]kline{}}
	if err := r.read(text, layout); err != nil {
		return nil, market.Errorf(market.KindInvalid, "replay %s: %w", path, err)
	}
	return r, nil
}

func (r *Replay) read(text io.Reader, l layout) error {
	reader := csv.NewReader(text)
	reader.FieldsPerRecord = -1
	reader.ReuseRecord = true
	lines := map[int64]int{} // of the open times
	for first := true; ; first = false {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		line, _ := reader.FieldPos(0)
		row, err := l.row(record)
		if err == nil {
			err = r.checkAligned(row.open)
		}
		if before := lines[row.open]; err == nil && before > 0 {
			err = fmt.Errorf("%s has a bar in line %d already", market.FormatTime(time.UnixMilli(row.open)), before)
		}
		if err != nil {
			if first && isHeader(record, l) {
				continue
			}
			return fmt.Errorf("line %d: %w", line, err)
		}
		lines[row.open] = line
		for _, price := range [4]string{row.o, row.h, row.l, row.c} {
			if point := strings.IndexByte(price, '.'); point >= 0 {
				r.decimals = min(maxPriceDecimals, max(r.decimals, len(price)-point-1))
			}
		}
		r.rows = append(r.rows, row)
	}
	if len(r.rows) == 0 {
		return errors.New("no rows")
	}
	slices.SortFunc(r.rows, func(a, b kline) int { return cmp.Compare(a.open, b.open) })
	return nil
}

// checkAligned finds the wrong interval before it makes bars that overlap.
func (r *Replay) checkAligned(open int64) error {
	at := time.UnixMilli(open).UTC()
	if r.interval.Floor(at).Equal(at) {
		return nil
	}
	return fmt.Errorf("no bar of %s opens at %s", r.interval, market.FormatTime(at))
}

func (r *Replay) info() symbolInfo {
	base, quote := splitSymbol(r.symbol)
	return symbolInfo{symbol: r.symbol, base: base, quote: quote, priceDecimals: r.decimals, listedAt: time.UnixMilli(r.rows[0].open).UTC()}
}

// splitSymbol guesses where the quote currency begins; where none is known, it is USD.
func splitSymbol(symbol string) (base, quote string) {
	for _, quote := range []string{"USDT", "USDC", "USD", "EUR", "GBP", "JPY", "BTC", "ETH", "BNB"} {
		if base, isFound := strings.CutSuffix(symbol, quote); isFound && base != "" {
			return base, quote
		}
	}
	return symbol, "USD"
}

func (r *Replay) klines(interval market.Interval, w window) ([]kline, error) {
	rows := r.rows
	if interval != r.interval {
		made, err := r.aggregate(interval)
		if err != nil {
			return nil, err
		}
		rows = made
	}
	start := sort.Search(len(rows), func(i int) bool { return rows[i].open >= w.from })
	end := sort.Search(len(rows), func(i int) bool { return rows[i].open > w.to })
	if start >= end {
		return nil, nil
	}
	if w.isLatest {
		start = max(start, end-w.limit)
	}
	return slices.Clone(rows[start:min(end, start+w.limit)]), nil
}

// aggregate makes the bars of a longer interval exactly. Errors: invalid for a shorter one, and for months of weeks.
func (r *Replay) aggregate(interval market.Interval) ([]kline, error) {
	all := market.Intervals()
	if slices.Index(all, interval) < slices.Index(all, r.interval) || r.interval == market.Interval1w {
		return nil, market.Errorf(market.KindInvalid, "the history of %s has bars of %s, from which %s cannot be made", r.symbol, r.interval, interval)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if made, isMade := r.longer[interval]; isMade {
		return made, nil
	}
	var made []kline
	for _, row := range r.rows {
		open := interval.Floor(time.UnixMilli(row.open)).UnixMilli()
		if n := len(made); n > 0 && made[n-1].open == open {
			made[n-1] = merge(made[n-1], row)
			continue
		}
		row.open = open
		made = append(made, row)
	}
	r.longer[interval] = made
	return made, nil
}

func merge(a, b kline) kline {
	number := func(text string) decimal.Decimal { return decimal.RequireFromString(text) } // checked when read
	if number(b.h).GreaterThan(number(a.h)) {
		a.h = b.h
	}
	if number(b.l).LessThan(number(a.l)) {
		a.l = b.l
	}
	a.c = b.c
	a.volume = number(a.volume).Add(number(b.volume)).String()
	a.turnover = number(a.turnover).Add(number(b.turnover)).String()
	a.trades += b.trades
	return a
}
