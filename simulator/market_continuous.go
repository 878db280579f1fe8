package simulator

import (
	"math"
	"time"

	"marketdata/market"
)

// continuous makes the bars of a market that never closes; its one run begins at the listing.
func (s *synthetic) continuous(interval market.Interval, w window, prices *walker) []wireRow {
	w.from = max(w.from, interval.Floor(s.listedAt).UnixMilli())
	w.to = min(w.to, w.now)
	if w.isLatest {
		at := interval.Floor(time.UnixMilli(w.to).UTC())
		for n := 1; n < w.limit && at.UnixMilli() > w.from; n++ {
			at = interval.Floor(at.Add(-1))
		}
		w.from = max(w.from, at.UnixMilli())
	}
	rows := make([]wireRow, 0, min(w.limit, 1000))
	var scratch []byte
	for at := firstOpen(interval, w.from); at.UnixMilli() <= w.to && len(rows) < w.limit; {
		next := interval.Next(at)
		b := s.between(interval, run{at.Unix() / 60, next.Unix() / 60}, w.now, prices)
		rows = append(rows, s.write(at, b, &scratch))
		at = next
	}
	return rows
}

// firstOpen returns the first open time at or after from, for a UTC calendar step.
func firstOpen(interval market.Interval, from int64) time.Time {
	at := time.UnixMilli(from).UTC()
	if floor := interval.Floor(at); floor.Equal(at) {
		return floor
	}
	return interval.Next(at)
}

// whole is the one run of a market that never closes.
func (s *synthetic) whole() run { return run{s.listedAt.Unix() / 60, math.MaxInt64} }

// between is the bar of some minutes: of those up to now (epoch ms), the last of which may be forming.
func (s *synthetic) between(interval market.Interval, minutes run, now int64, prices *walker) ohlcv {
	in := s.whole()
	part := in.cut(minutes.from, min(minutes.to, now/60_000+1))
	today := now / 60_000 / 1440
	if interval.IsIntraday() || part.from/1440 >= today {
		return s.span(part, in, now, prices)
	}
	first, last := part.from/1440, min((part.to-1)/1440, today-1)
	all := s.day(first, prices)
	for number := first + 1; number <= last; number++ {
		all = all.merge(s.day(number, prices))
	}
	if rest := (last + 1) * 1440; rest < part.to {
		all = all.merge(s.span(run{rest, part.to}, in, now, prices))
	}
	return all
}

// day is the aggregate of a whole UTC day that has ended.
func (s *synthetic) day(number int64, prices *walker) ohlcv {
	return s.remembered(number, func() ohlcv {
		return s.span(s.whole().cut(number*1440, (number+1)*1440), s.whole(), math.MaxInt64, prices)
	})
}
