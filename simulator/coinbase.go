package simulator

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"marketdata/market"
)

const (
	pathProducts = "/products"

	maxAggregations  = 300
	latestCandles    = 350 // where a bound is missing
	sixHours         = 6 * 60 * 60
	coinbaseAgeLimit = "public, max-age=300"
)

func (s *Simulator) routeCoinbase() {
	s.router.HandleFunc("GET "+pathProducts, s.observe(0, named(s.products)))
	s.router.HandleFunc("GET "+pathProducts+"/{symbol}", s.observe(0, named(s.product)))
	s.router.HandleFunc("GET "+pathProducts+"/{symbol}/candles", s.observe(0, named(s.candles)))
}

func coinbaseError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"message": message})
}

// named refuses clients that do not say who they are.
func named(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.UserAgent() == "" {
			coinbaseError(w, http.StatusBadRequest, "User-Agent header is required.")
			return
		}
		next(w, r)
	}
}

func (s *Simulator) products(w http.ResponseWriter, _ *http.Request) {
	all := []map[string]any{}
	for _, info := range s.listed(formatCoinbase) {
		all = append(all, describeProduct(info))
	}
	writeJSON(w, http.StatusOK, all)
}

func (s *Simulator) product(w http.ResponseWriter, r *http.Request) {
	from, isKnown := s.find(r.PathValue("symbol"), formatCoinbase)
	if !isKnown {
		coinbaseError(w, http.StatusNotFound, "NotFound")
		return
	}
	writeJSON(w, http.StatusOK, describeProduct(from.info()))
}

// describeProduct writes increments below a millionth with an exponent, as Coinbase does.
func describeProduct(info symbolInfo) map[string]any {
	increment := func(decimals int) string { return strconv.FormatFloat(math.Pow10(-decimals), 'g', -1, 64) }
	return map[string]any{
		"id": info.symbol, "base_currency": info.base, "quote_currency": info.quote,
		"quote_increment": increment(info.priceDecimals), "base_increment": increment(maxVolumeDecimals),
		"display_name": info.base + "-" + info.quote, "min_market_funds": "1", "margin_enabled": false, "post_only": false,
		"limit_only": false, "cancel_only": false, "status": "online", "status_message": "", "trading_disabled": false,
		"fx_stablecoin": false, "max_slippage_percentage": "0.02", "auction_mode": false, "high_bid_limit_percentage": "",
	}
}

// candles answers like Coinbase: newest first, both bounds inclusive, no row where nothing traded.
func (s *Simulator) candles(w http.ResponseWriter, r *http.Request) {
	from, isKnown := s.find(r.PathValue("symbol"), formatCoinbase)
	if !isKnown {
		coinbaseError(w, http.StatusNotFound, "NotFound")
		return
	}
	asked, refusal := s.readCandles(r.URL.Query())
	if refusal != "" {
		coinbaseError(w, http.StatusBadRequest, refusal)
		return
	}
	rows, err := asked.rows(from)
	if err != nil {
		coinbaseError(w, http.StatusBadRequest, "Unsupported granularity: "+err.Error())
		return
	}
	for _, fault := range s.faults.pick(r, func(f Fault) bool { return f.concerns(rows) }) {
		if fault.Fault == "out_of_window" {
			rows = asked.withOutside(from, rows)
			continue
		}
		rows = fault.bend(rows, formatCoinbase)
	}
	body := []byte{'['}
	for i, row := range rows {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendCandle(body, row)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", coinbaseAgeLimit)
	_, _ = w.Write(append(body, ']')) //nolint:gosec // it is JSON; the client has gone; nobody is left to tell
}

// candleRequest is what a request for candles asks for.
type candleRequest struct {
	window

	interval    market.Interval
	granularity int64 // seconds; a candle of six hours is made of those of an hour
}

// readCandles returns what was asked for, or why it is refused.
func (s *Simulator) readCandles(query url.Values) (c candleRequest, refusal string) {
	intervals := map[string]market.Interval{
		"": market.Interval1m, "60": market.Interval1m, "300": market.Interval5m, "900": market.Interval15m,
		"3600": market.Interval1h, strconv.Itoa(sixHours): market.Interval1h, "86400": market.Interval1d,
	}
	text := query.Get("granularity")
	interval, isKnown := intervals[text]
	if !isKnown {
		return c, "Unsupported granularity"
	}
	c = candleRequest{interval: interval, granularity: 60}
	if text != "" {
		c.granularity, _ = strconv.ParseInt(text, 10, 64) // one of the keys
	}
	now := s.now().UnixMilli()
	c.window = window{from: math.MinInt64, to: now, now: now, limit: latestCandles, isLatest: true}
	if query.Get("start") == "" || query.Get("end") == "" {
		return c, ""
	}
	var err error
	if c.from, err = parseBound(query.Get("start")); err != nil {
		return c, "Invalid start"
	}
	if c.to, err = parseBound(query.Get("end")); err != nil {
		return c, "Invalid end"
	}
	switch {
	case c.to < c.from:
		return c, "end must not be before start"
	case (c.to-c.from)/1000/c.granularity > maxAggregations:
		return c, fmt.Sprintf("granularity too small for the requested time range. Count of aggregations requested exceeds %d", maxAggregations)
	}
	c.limit, c.isLatest = math.MaxInt, false
	return c, ""
}

// parseBound reads epoch seconds or RFC 3339 as milliseconds.
func parseBound(text string) (int64, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n < -1<<40 || n > 1<<40 {
			return 0, market.Errorf(market.KindInvalid, "out of range")
		}
		return n * 1000, nil
	}
	at, err := market.ParseTime(text)
	return at.UnixMilli(), err
}

// rows returns what traded, newest first.
func (c candleRequest) rows(from source) ([]wireRow, error) {
	ask := c.window
	for {
		if c.isLatest {
			ask.limit *= 2 // enough, unless much more than half of the time nothing traded
		}
		rows, err := c.ascending(from, ask)
		if err != nil {
			return nil, err
		}
		all := len(rows)
		rows = slices.DeleteFunc(rows, func(k wireRow) bool { return k.isTradeless })
		if c.isLatest && len(rows) <= latestCandles && all >= ask.limit/c.factor() {
			continue
		}
		if c.isLatest {
			rows = rows[max(0, len(rows)-latestCandles):]
		}
		slices.Reverse(rows)
		return rows, nil
	}
}

// factor is how many bars of the interval make a candle.
func (c candleRequest) factor() int {
	if c.granularity == sixHours {
		return sixHours / 3600
	}
	return 1
}

func (c candleRequest) ascending(from source, ask window) ([]wireRow, error) {
	if c.granularity != sixHours {
		return from.bars(c.interval, ask)
	}
	const step = sixHours * 1000
	floor := func(ms int64) int64 { return time.UnixMilli(ms).UTC().Truncate(sixHours * time.Second).UnixMilli() }
	if !c.isLatest {
		ask.from, ask.to = floor(ask.from+step-1), floor(ask.to)+step-1
	}
	hours, err := from.bars(c.interval, ask)
	if err != nil {
		return nil, err
	}
	var rows []wireRow
	for _, hour := range hours {
		if hour.open = floor(hour.open); len(rows) > 0 && rows[len(rows)-1].open == hour.open {
			rows[len(rows)-1] = merge(rows[len(rows)-1], hour)
			continue
		}
		rows = append(rows, hour)
	}
	return rows, nil
}

// withOutside puts the candles around the rows, in their order.
func (c candleRequest) withOutside(from source, rows []wireRow) []wireRow {
	rows = slices.Clone(rows)
	slices.Reverse(rows)
	rows = withOutside(from, market.Grid{Interval: c.interval, Calendar: from.info().calendar}, c.window, rows)
	slices.Reverse(rows)
	return slices.DeleteFunc(rows, func(k wireRow) bool { return k.isTradeless })
}

// appendCandle writes [time, low, high, open, close, volume].
func appendCandle(dst []byte, k wireRow) []byte {
	dst = strconv.AppendInt(append(dst, '['), k.open/1000, 10)
	switch k.malformed {
	case malformedShort:
		return fmt.Appendf(dst, `,%s,%s]`, k.l, k.h)
	case malformedLong:
		return fmt.Appendf(dst, `,%s,%s,%s,%s,%s,0,0]`, k.l, k.h, k.o, k.c, k.volume)
	case malformedType:
		return fmt.Appendf(dst, `,{"low":%s},null,true,[],"%s"]`, k.l, k.volume)
	}
	for _, text := range [5]string{k.l, k.h, k.o, k.c, k.volume} {
		dst = appendNumber(append(dst, ','), text)
	}
	return append(dst, ']')
}

// appendNumber writes a number as JSON does; what is none becomes a text.
func appendNumber(dst []byte, text string) []byte {
	if text == "NaN" {
		return append(dst, `"NaN"`...)
	}
	return append(dst, text...)
}
