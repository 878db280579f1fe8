package simulator

import (
	"time"

	"marketdata/market"
)

// runsOf returns when a session trades, in minutes since the epoch: once, or before and after its break.
func runsOf(s market.Session) []run {
	minute := func(at time.Time) int64 { return at.Unix() / 60 }
	if s.HasBreak() {
		return []run{{minute(s.Open), minute(s.BreakStart)}, {minute(s.BreakEnd), minute(s.Close)}}
	}
	return []run{{minute(s.Open), minute(s.Close)}}
}

// sessions makes the bars of a market with sessions, whose last one may have begun and not ended.
func (s *synthetic) sessions(interval market.Interval, w window, prices *walker) []wireRow {
	from := max(w.from, interval.Floor(s.listedAt).UnixMilli())
	if w.isLatest {
		from = max(from, min(w.to, w.now)-daysBack(interval, w.limit)*24*60*60_000)
	}
	var rows []wireRow
	if interval.IsIntraday() {
		rows = s.intraday(interval, from, w, prices)
	} else {
		rows = s.dated(interval, from, w, prices)
	}
	return w.cut(rows)
}

// daysBack is how many days surely hold so many of the latest bars.
func daysBack(interval market.Interval, bars int) int64 {
	const longestPause = 15
	days := map[market.Interval]int64{market.Interval1w: 7, market.Interval1mo: 31}[interval]
	return int64(min(bars, 100_000))*max(2, days) + longestPause
}

// walk calls visit with the sessions that have opened at now, from the date on, until it returns false.
func walk(c market.Calendar, from time.Time, now int64, visit func(market.Session) bool) {
	end := time.UnixMilli(now).UTC().AddDate(0, 0, 2)
	for date := from; date.Before(end); date = date.AddDate(0, 0, 1) {
		session, isOpen := c.Session(date)
		if !isOpen {
			continue
		}
		if session.Open.UnixMilli() > now || !visit(session) {
			return
		}
	}
}

// intraday anchors bars at the open of each run.
func (s *synthetic) intraday(interval market.Interval, from int64, w window, prices *walker) []wireRow {
	var rows []wireRow
	var scratch []byte
	step := int64(interval.Duration() / time.Minute)
	day := market.Interval1d.Floor(time.UnixMilli(from)).AddDate(0, 0, -1) // a date may begin before its UTC day
	if day.Before(s.listedAt) {
		day = s.listedAt
	}
	walk(s.calendar, day, w.now, func(session market.Session) bool {
		for _, in := range runsOf(session) {
			for at := in.from; at < in.to; at += step {
				ms := at * 60_000
				if ms > min(w.to, w.now) || !w.isLatest && len(rows) >= w.limit {
					return false
				}
				if ms < from {
					continue
				}
				b := s.span(in.cut(at, min(at+step, w.now/60_000+1)), in, w.now, prices)
				rows = append(rows, s.write(time.UnixMilli(ms), b, &scratch))
			}
		}
		return true
	})
	return rows
}

// dated makes the bars that are keyed by a date: a session, or those of a week or a month.
func (s *synthetic) dated(interval market.Interval, from int64, w window, prices *walker) []wireRow {
	var rows []wireRow
	var scratch []byte
	var key time.Time
	var bar ohlcv
	end := func() {
		if !key.IsZero() && key.UnixMilli() >= from {
			rows = append(rows, s.write(key, bar, &scratch))
		}
	}
	day := interval.Floor(time.UnixMilli(from))
	if day.Before(s.listedAt) {
		day = market.Interval1d.Floor(s.listedAt)
	}
	walk(s.calendar, day, w.now, func(session market.Session) bool {
		floor := interval.Floor(session.Date)
		if floor.UnixMilli() > w.to || !w.isLatest && len(rows) > w.limit {
			return false
		}
		b := s.session(session, w.now, prices)
		if floor.Equal(key) {
			bar = bar.merge(b)
			return true
		}
		end()
		key, bar = floor, b
		return true
	})
	end()
	return rows
}

// session is the bar of a session up to now (epoch ms).
func (s *synthetic) session(session market.Session, now int64, prices *walker) ohlcv {
	add := func() ohlcv {
		var all ohlcv
		for i, in := range runsOf(session) {
			part := in.cut(in.from, now/60_000+1)
			if part.from >= part.to {
				continue
			}
			b := s.span(part, in, now, prices)
			if i == 0 {
				all = b
				continue
			}
			all = all.merge(b)
		}
		return all
	}
	if session.Close.UnixMilli() > now {
		return add()
	}
	return s.remembered(session.Date.Unix()/(24*60*60), add)
}
