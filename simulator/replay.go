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

	"marketdata/market"
)

// Replay is a real history read from a CSV file: its rows are sent as they are, and what the file lacks stays absent.
type Replay struct {
	symbolInfo

	grid market.Grid
	rows []wireRow // ascending by key

	mu     sync.Mutex
	longer map[market.Interval][]wireRow // aggregates, made when first asked for
}

var _ source = (*Replay)(nil)

// ReplayOptions say what a file holds.
type ReplayOptions struct {
	Path     string
	Symbol   string // the provider's code; Yahoo's are good too, as ^GSPC
	Interval market.Interval
	// Columns name the file's fields in order: ts, open, high, low, close, and optionally volume, turnover, trades; any
	// other name (such as -) is ignored.
	Columns []string
	// Calendar is the name of the market's calendar, as XNYS; "" is 24x7.
	Calendar string
}

// LoadReplay reads a CSV file, plain or gzip, with or without a header row. A ts is epoch seconds, milliseconds or
// microseconds, RFC 3339, "2006-01-02 15:04[:05]", or a date, also as 1/2/2006; what has no zone is in the calendar's.
// Where there is no volume, turnover or number of trades, 0 is sent. Rows may stand in any order, but none twice.
//
// In a market that never closes they stand on the grid of the interval. In one with sessions daily and longer rows are of
// session dates, Mondays and firsts of months, and a row of a closed day is refused; an intraday row stands on the grid,
// which begins at the open, or on the clock: the first row of the clock in which a session trades is its first bar. Only
// after an early close rows may be late; they are sent on the same steps and belong to no bar of the session.
//
// Bars of longer intervals are aggregated from them; shorter ones are refused. Errors: invalid, with the line.
func LoadReplay(o ReplayOptions) (*Replay, error) {
	layout, err := newLayout(o.Columns)
	if err != nil {
		return nil, err
	}
	info, err := describeReplay(o)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(o.Path)
	if err != nil {
		return nil, market.Errorf(market.KindInvalid, "replay: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := plain(f)
	if err != nil {
		return nil, market.Errorf(market.KindInvalid, "replay %s: %w", o.Path, err)
	}
	r := &Replay{
		symbolInfo: info, grid: market.Grid{Interval: o.Interval, Calendar: info.calendar}, longer: map[market.Interval][]wireRow{},
	}
	if err := r.read(text, layout); err != nil {
		return nil, market.Errorf(market.KindInvalid, "replay %s: %w", o.Path, err)
	}
	r.listedAt = time.UnixMilli(r.rows[0].open).UTC()
	return r, nil
}

func (r *Replay) read(text io.Reader, l layout) error {
	reader := csv.NewReader(text)
	reader.FieldsPerRecord = -1
	reader.ReuseRecord = true
	lines := map[int64]int{} // of the keys
	keys := newKeys(r.grid)
	for first := true; ; first = false {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		line, _ := reader.FieldPos(0)
		row, err := l.row(record, keys)
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
				r.priceDecimals = min(maxPriceDecimals, max(r.priceDecimals, len(price)-point-1))
			}
		}
		r.rows = append(r.rows, row)
	}
	if len(r.rows) == 0 {
		return errors.New("no rows")
	}
	slices.SortFunc(r.rows, func(a, b wireRow) int { return cmp.Compare(a.open, b.open) })
	return nil
}

func (r *Replay) info() symbolInfo { return r.symbolInfo }

// actions are not recorded.
func (r *Replay) actions(time.Time) []action { return nil }

func (r *Replay) bars(interval market.Interval, w window) ([]wireRow, error) {
	rows := r.rows
	if interval != r.grid.Interval {
		made, err := r.aggregate(interval)
		if err != nil {
			return nil, err
		}
		rows = made
	}
	w.to = min(w.to, r.latest(interval, w.now))
	start := sort.Search(len(rows), func(i int) bool { return rows[i].open >= w.from })
	end := sort.Search(len(rows), func(i int) bool { return rows[i].open > w.to })
	if start >= end {
		return nil, nil
	}
	return slices.Clone(w.cut(rows[start:end])), nil
}

// latest is the greatest key that can have begun at now.
func (r *Replay) latest(interval market.Interval, now int64) int64 {
	at := time.UnixMilli(now)
	if r.calendar.IsContinuous() || interval.IsIntraday() {
		return now
	}
	date := dateIn(at, r.calendar.Location())
	if session, isOpen := r.calendar.Session(date); isOpen && session.Open.After(at) {
		date = date.AddDate(0, 0, -1)
	}
	return date.UnixMilli()
}

// aggregate makes the bars of a longer interval exactly. Errors: invalid for a shorter one, and for months of weeks.
func (r *Replay) aggregate(interval market.Interval) ([]wireRow, error) {
	all := market.Intervals()
	if slices.Index(all, interval) < slices.Index(all, r.grid.Interval) || r.grid.Interval == market.Interval1w {
		return nil, market.Errorf(market.KindInvalid, "the history of %s has bars of %s, from which %s cannot be made", r.symbol, r.grid.Interval, interval)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if made, isMade := r.longer[interval]; isMade {
		return made, nil
	}
	var made []wireRow
	keys := newKeys(market.Grid{Interval: interval, Calendar: r.calendar})
	for _, row := range r.rows {
		open := keys.longer(row.open)
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
