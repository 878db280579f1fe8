package simulator

import (
	"math"
	"slices"
	"time"

	"marketdata/market"
)

// rows returns the bars whose stamps are in [period1, period2], ascending, the live one last.
func (c *chartRequest) rows() ([]wireRow, error) {
	w := between(time.Unix(c.period1, 0), time.Unix(c.period2, 999_999_999), c.now)
	if !c.grid.Interval.IsIntraday() { // a stamp is less than a day away from its key
		w.from -= 2 * day.Milliseconds()
		w.to += 2 * day.Milliseconds()
	}
	rows, err := c.from.bars(c.grid.Interval, w)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		rows[i].stamp = c.stamp(time.UnixMilli(rows[i].open).UTC())
	}
	if rows, err = c.withLive(rows); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(rows, func(k wireRow) bool { return k.stamp < c.period1 || k.stamp > c.period2 }), nil
}

// stamp is the time that Yahoo tells for a key: the bar's or the session's open, and for currencies, weeks and months
// the local midnight.
func (c *chartRequest) stamp(key time.Time) int64 {
	if c.grid.Interval.IsIntraday() {
		return key.Unix()
	}
	if c.grid.Interval == market.Interval1d && !c.info.calendar.IsContinuous() {
		if session, isOpen := c.info.calendar.Session(key); isOpen {
			return session.Open.Unix()
		}
	}
	return c.midnight(key).Unix()
}

// today returns the session that a local date has, whether it is to come, on, or over.
func (c *chartRequest) today() (market.Session, bool) {
	return c.info.calendar.Session(dateIn(c.now, c.info.calendar.Location()))
}

// withLive does to the rows what Yahoo does while a market is open: it tells the bar of today by the time of the last
// trade, for longer and shorter intervals once more next to the period's own row. After the close intraday rows have
// one more, of the last price, until the day is over.
func (c *chartRequest) withLive(rows []wireRow) ([]wireRow, error) {
	session, isOpen := c.today()
	if !isOpen || c.now.Before(session.Open) || c.period2 < session.Open.Unix() {
		return rows, nil
	}
	isOver := !c.now.Before(session.Close)
	at := c.now.Unix()
	isPause := session.HasBreak() && !c.now.Before(session.BreakStart) && c.now.Before(session.BreakEnd)
	switch {
	case isOver:
		at = session.Close.Unix()
	case isPause:
		at = session.BreakStart.Unix()
	}
	switch {
	case c.grid.Interval.IsIntraday():
		if isPause {
			return rows, nil
		}
		return c.withLatest(rows, at, isOver)
	case isOver:
		return rows, nil
	case c.grid.Interval == market.Interval1d:
		if n := len(rows); n > 0 && rows[n-1].open == session.Date.UnixMilli() {
			rows[n-1].stamp = at
		}
		return rows, nil
	}
	live, err := c.from.bars(market.Interval1d, between(session.Date, session.Date, c.now))
	if err != nil || len(live) == 0 {
		return rows, nil //nolint:nilerr // a history of weeks has no days
	}
	live[0].stamp = at
	return append(rows, live[0]), nil
}

// withLatest adds the row of the last trade to intraday ones: the values of the bar that is forming, or after the close
// its last price.
func (c *chartRequest) withLatest(rows []wireRow, at int64, isOver bool) ([]wireRow, error) {
	before := c.grid.Floor(time.Unix(at, 0))
	if isOver {
		before = c.grid.Floor(time.Unix(at-1, 0))
	}
	latest, err := c.from.bars(c.grid.Interval, between(before, before, c.now))
	if err != nil || len(latest) == 0 || latest[0].open == at*1000 {
		return rows, err
	}
	live := latest[0]
	live.open, live.stamp = at*1000, at
	if isOver {
		live.o, live.h, live.l, live.volume = live.c, live.c, live.c, "0"
		live.isTradeless = false
	}
	return append(rows, live), nil
}

// withOutside puts the bars around the rows, or around what was asked for where there are none.
func (c *chartRequest) withOutside(rows []wireRow) []wireRow {
	w := between(time.Unix(c.period1, 0), time.Unix(c.period2, 0), c.now)
	if len(rows) > 0 {
		w.from, w.to = rows[0].open, rows[len(rows)-1].open
	}
	rows = withOutside(c.from, c.grid, w, rows)
	for i := range rows {
		if rows[i].stamp == 0 {
			rows[i].stamp = c.stamp(time.UnixMilli(rows[i].open).UTC())
		}
	}
	return rows
}

// latestDay returns the last bar of a day (or of the shortest longer interval that a history has) with a key before the
// date.
func (c *chartRequest) latestDay(before time.Time) (wireRow, bool) {
	for _, interval := range []market.Interval{market.Interval1d, market.Interval1w, market.Interval1mo} {
		rows, err := c.from.bars(interval, window{
			from: math.MinInt64, to: before.UnixMilli() - 1, now: c.now.UnixMilli(), limit: 1, isLatest: true,
		})
		if err == nil {
			return append(rows, wireRow{})[0], len(rows) > 0
		}
	}
	return wireRow{}, false
}
