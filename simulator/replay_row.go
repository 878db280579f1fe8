package simulator

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"marketdata/market"
)

// plain uncompresses what begins like gzip and drops a byte order mark.
func plain(f io.Reader) (io.Reader, error) {
	buffered := bufio.NewReader(f)
	if start, err := buffered.Peek(2); err == nil && start[0] == 0x1f && start[1] == 0x8b {
		unpacked, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, err
		}
		buffered = bufio.NewReader(unpacked)
	}
	const mark = "\ufeff"
	if start, err := buffered.Peek(len(mark)); err == nil && string(start) == mark {
		_, _ = buffered.Discard(len(mark)) // what was peeked at is there
	}
	return buffered, nil
}

// layout says in which column a field stands, -1 for nowhere.
type layout struct{ ts, open, high, low, close, volume, turnover, trades int }

func newLayout(columns []string) (layout, error) {
	l := layout{-1, -1, -1, -1, -1, -1, -1, -1}
	for i, name := range columns {
		var into *int
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "ts", "time", "time_s", "time_ms", "time_us", "timestamp", "open_time", "datetime", "date":
			into = &l.ts
		case "open":
			into = &l.open
		case "high":
			into = &l.high
		case "low":
			into = &l.low
		case "close":
			into = &l.close
		case "volume":
			into = &l.volume
		case "turnover", "quote_volume":
			into = &l.turnover
		case "trades":
			into = &l.trades
		default:
			continue
		}
		if *into >= 0 {
			return l, market.Errorf(market.KindInvalid, "columns: %s is named twice", name)
		}
		*into = i
	}
	for name, at := range map[string]int{"ts": l.ts, "open": l.open, "high": l.high, "low": l.low, "close": l.close} {
		if at < 0 {
			return l, market.Errorf(market.KindInvalid, "columns: %s is missing; want for example ts,open,high,low,close,volume", name)
		}
	}
	return l, nil
}

// isHeader reports whether the time and the open are no numbers at all.
func isHeader(record []string, l layout) bool {
	if len(record) <= max(l.ts, l.open) {
		return false
	}
	_, _, err := parseTS(record[l.ts], time.UTC)
	return err != nil && !strings.ContainsAny(record[l.open], "0123456789")
}

// row reads a record. An error leaves what was read of it.
func (l layout) row(record []string, keys *keys) (wireRow, error) {
	if need := max(l.ts, l.open, l.high, l.low, l.close, l.volume, l.turnover, l.trades); len(record) <= need {
		return wireRow{}, fmt.Errorf("%d fields, want at least %d", len(record), need+1)
	}
	open, err := keys.read(record[l.ts])
	if err != nil {
		return wireRow{}, err
	}
	k := wireRow{open: open, volume: "0", turnover: "0"}
	for _, field := range []struct {
		name string
		at   int
		into *string
	}{{"open", l.open, &k.o}, {"high", l.high, &k.h}, {"low", l.low, &k.l}, {"close", l.close, &k.c}, {"volume", l.volume, &k.volume}, {"turnover", l.turnover, &k.turnover}} {
		if field.at < 0 {
			continue
		}
		text := strings.TrimSpace(record[field.at])
		if _, err := market.ParseDecimal(text); err != nil {
			return wireRow{}, fmt.Errorf("%s: %w", field.name, err)
		}
		*field.into = strings.Clone(text)
	}
	if l.trades >= 0 {
		if k.trades, err = strconv.ParseInt(strings.TrimSpace(record[l.trades]), 10, 64); err != nil {
			return wireRow{}, fmt.Errorf("trades: %w", err)
		}
	}
	return k, nil
}
