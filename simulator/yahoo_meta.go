package simulator

import (
	"encoding/json"
	"time"

	"marketdata/market"
)

// chartMeta is what Yahoo says about a symbol next to its bars.
type chartMeta struct {
	Currency             string         `json:"currency"`
	Symbol               string         `json:"symbol"`
	ExchangeName         string         `json:"exchangeName"`
	FullExchangeName     string         `json:"fullExchangeName"`
	InstrumentType       string         `json:"instrumentType"`
	FirstTradeDate       int64          `json:"firstTradeDate"`
	RegularMarketTime    int64          `json:"regularMarketTime"`
	HasPrePostMarketData bool           `json:"hasPrePostMarketData"`
	GMTOffset            int            `json:"gmtoffset"`
	Timezone             string         `json:"timezone"`
	ExchangeTimezoneName string         `json:"exchangeTimezoneName"`
	RegularMarketPrice   json.Number    `json:"regularMarketPrice,omitempty"`
	LongName             string         `json:"longName,omitempty"`
	ShortName            string         `json:"shortName,omitempty"`
	ChartPreviousClose   json.Number    `json:"chartPreviousClose,omitempty"`
	PreviousClose        json.Number    `json:"previousClose,omitempty"`
	Scale                int            `json:"scale,omitempty"`
	PriceHint            int            `json:"priceHint"`
	CurrentTradingPeriod tradingPeriods `json:"currentTradingPeriod"`
	DataGranularity      string         `json:"dataGranularity"`
	Range                string         `json:"range"`
	ValidRanges          []string       `json:"validRanges"`
}

type tradingPeriods struct {
	Pre     tradingPeriod `json:"pre"`
	Regular tradingPeriod `json:"regular"`
	Post    tradingPeriod `json:"post"`
}

type tradingPeriod struct {
	Timezone  string `json:"timezone"`
	Start     int64  `json:"start"`
	End       int64  `json:"end"`
	GMTOffset int    `json:"gmtoffset"`
}

// meta describes the symbol as of now: offset and zone are today's, whatever the bars' days had.
func (c *chartRequest) meta() chartMeta {
	zone, offset := c.now.In(c.info.zone).Zone()
	m := chartMeta{
		Currency: c.info.quote, Symbol: c.info.symbol, ExchangeName: c.info.exchange, FullExchangeName: c.info.exchangeName,
		InstrumentType: c.info.kind, FirstTradeDate: c.firstTrade().Unix(), GMTOffset: offset, Timezone: zone,
		ExchangeTimezoneName: c.info.zone.String(), LongName: c.info.name, ShortName: c.info.name, PriceHint: min(c.info.priceDecimals, 4),
		CurrentTradingPeriod: c.tradingPeriods(zone, offset), DataGranularity: c.granularity, Range: c.rangeName, ValidRanges: validRanges(),
	}
	if last, isFound := c.latestDay(c.now.Add(2 * day)); isFound {
		m.RegularMarketPrice = json.Number(last.c)
		m.RegularMarketTime = c.lastTrade(time.UnixMilli(last.open).UTC()).Unix()
	}
	start := dateOf(time.Unix(c.period1, 0).UTC(), c.info.calendar.Location())
	if before, isFound := c.latestDay(start); isFound {
		m.ChartPreviousClose = json.Number(before.c)
	}
	if c.grid.Interval.IsIntraday() {
		m.Scale = 3
		m.PreviousClose = m.ChartPreviousClose
		if session, isOpen := c.today(); isOpen {
			if before, isFound := c.latestDay(session.Date); isFound {
				m.PreviousClose = json.Number(before.c)
			}
		}
	}
	return m
}

// lastTrade is when the latest day with a bar last traded.
func (c *chartRequest) lastTrade(date time.Time) time.Time {
	session, isOpen := c.info.calendar.Session(date)
	switch {
	case isOpen && session.Close.After(c.now) || !isOpen:
		return c.now
	case c.info.calendar.IsContinuous():
		return session.Close.Add(-time.Minute)
	}
	return session.Close
}

// tradingPeriods are of the session that is on, or of the next one; nothing trades before its open or after its close.
func (c *chartRequest) tradingPeriods(zone string, offset int) tradingPeriods {
	const longestPause = 15
	var session market.Session
	date := dateIn(c.now, c.info.calendar.Location())
	for range longestPause {
		s, isOpen := c.info.calendar.Session(date)
		if isOpen && s.Close.After(c.now) {
			session = s
			break
		}
		date = date.AddDate(0, 0, 1)
	}
	period := func(start, end time.Time) tradingPeriod {
		return tradingPeriod{Timezone: zone, Start: start.Unix(), End: end.Unix(), GMTOffset: offset}
	}
	return tradingPeriods{
		Pre: period(session.Open, session.Open), Regular: period(session.Open, session.Close), Post: period(session.Close, session.Close),
	}
}
