package simulator

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"marketdata/market"
)

const (
	pathChart = "/v8/finance/chart/"

	minuteDays = 8 // the widest request for 1m
	day        = 24 * time.Hour
)

// Yahoo's instrument types.
const (
	kindEquity   = "EQUITY"
	kindETF      = "ETF"
	kindIndex    = "INDEX"
	kindCurrency = "CURRENCY"
	kindCrypto   = "CRYPTOCURRENCY"
)

func (s *Simulator) routeYahoo() {
	s.router.HandleFunc("GET "+pathChart+"{symbol}", s.observe(0, s.chart))
}

func yahooError(w http.ResponseWriter, status int, code, description string) {
	writeJSON(w, status, map[string]any{
		"chart": map[string]any{"result": nil, "error": map[string]string{"code": code, "description": description}},
	})
}

// tooManyRequests is how Yahoo blocks: with a text, whatever was asked for.
func tooManyRequests(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = w.Write([]byte("Edge: Too Many Requests")) // the client has gone; nobody is left to tell
}

// chartRequest is what a request for a chart asks for: stamps in [period1, period2], both epoch seconds.
type chartRequest struct {
	from             source
	info             symbolInfo
	grid             market.Grid
	granularity      string // the interval as asked for
	rangeName        string
	period1, period2 int64
	now              time.Time
	hasDividends     bool
	hasSplits        bool
}

// refusal is an answer that is none.
type refusal struct {
	status            int
	code, description string
}

func badRequest(format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, "Bad Request", fmt.Sprintf(format, args...)}
}

func unprocessable(format string, args ...any) *refusal {
	return &refusal{http.StatusUnprocessableEntity, "Unprocessable Entity", fmt.Sprintf(format, args...)}
}

// chart answers like Yahoo: the whole window at once, in columns. Nothing trades before the open or after the close, so
// includePrePost makes no difference, and intraday bars reach back to the first trade.
func (s *Simulator) chart(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.UserAgent(), "Mozilla") {
		tooManyRequests(w)
		return
	}
	from, isKnown := s.find(r.PathValue("symbol"), formatYahoo)
	if !isKnown {
		yahooError(w, http.StatusNotFound, "Not Found", "No data found, symbol may be delisted")
		return
	}
	asked, refused := readChart(r.URL.Query(), from, s.now())
	if refused != nil {
		yahooError(w, refused.status, refused.code, refused.description)
		return
	}
	rows, err := asked.rows()
	if err != nil {
		yahooError(w, http.StatusUnprocessableEntity, "Unprocessable Entity", err.Error())
		return
	}
	for _, fault := range s.faults.pick(r, func(f Fault) bool { return f.concerns(rows) }) {
		if fault.Fault == "out_of_window" {
			rows = asked.withOutside(rows)
			continue
		}
		rows = fault.bend(rows, formatYahoo)
	}
	body, err := asked.body(rows)
	if err != nil {
		yahooError(w, http.StatusInternalServerError, "Internal Server Error", err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) //nolint:gosec // it is JSON; the client has gone; nobody is left to tell
}

func readChart(query url.Values, from source, now time.Time) (chartRequest, *refusal) {
	c := chartRequest{from: from, info: from.info(), now: now, granularity: query.Get("interval"), rangeName: query.Get("range")}
	if c.granularity == "" {
		c.granularity = "1d"
	}
	interval, isKnown := yahooInterval(c.granularity)
	if !isKnown {
		return c, unprocessable("Invalid input - interval=%s is not supported. Valid intervals: [1m, 5m, 15m, 30m, 60m, 1h, 4h, 1d, 1wk, 1mo]", c.granularity)
	}
	c.grid = market.Grid{Interval: interval, Calendar: c.info.calendar}
	for _, event := range strings.FieldsFunc(query.Get("events"), func(r rune) bool { return r == ',' || r == '|' }) {
		c.hasDividends = c.hasDividends || strings.HasPrefix(event, "div")
		c.hasSplits = c.hasSplits || strings.HasPrefix(event, "split")
	}
	if refused := c.readPeriods(query); refused != nil {
		return c, refused
	}
	switch {
	case c.period1 > c.period2:
		return c, badRequest("Invalid input - start date cannot be after end date. startDate = %d, endDate = %d", c.period1, c.period2)
	case c.period2 < c.firstTrade().Unix():
		return c, badRequest("Data doesn't exist for startDate = %d, endDate = %d", c.period1, c.period2)
	case interval == market.Interval1m && c.period2-c.period1 > minuteDays*24*60*60:
		return c, unprocessable("1m data not available for startTime=%d and endTime=%d. Only %d days worth of 1m granularity data are allowed to be fetched per request.",
			c.period1, c.period2, minuteDays)
	}
	return c, nil
}

// yahooInterval reads an interval as Yahoo writes it; those that the platform does not have are not known.
func yahooInterval(text string) (market.Interval, bool) {
	interval, isKnown := map[string]market.Interval{
		"1m": market.Interval1m, "5m": market.Interval5m, "15m": market.Interval15m, "30m": market.Interval30m,
		"60m": market.Interval1h, "1h": market.Interval1h, "4h": market.Interval4h,
		"1d": market.Interval1d, "1wk": market.Interval1w, "1mo": market.Interval1mo,
	}[text]
	return interval, isKnown
}

// readPeriods reads period1 and period2, or where both are missing the range, which ends now.
func (c *chartRequest) readPeriods(query url.Values) *refusal {
	c.period1, c.period2 = c.firstTrade().Unix(), c.now.Unix()
	if query.Get("period1") == "" && query.Get("period2") == "" {
		name := c.rangeName
		if name == "" {
			name = "1d"
		}
		start, isKnown := c.rangeStart(name)
		if !isKnown {
			return unprocessable("Invalid input - range=%s is not supported. Valid ranges: [%s]", name, strings.Join(validRanges(), ", "))
		}
		c.rangeName, c.period1 = name, start.Unix()
		return nil
	}
	c.rangeName = ""
	for _, bound := range []struct {
		name string
		into *int64
	}{{"period1", &c.period1}, {"period2", &c.period2}} {
		text := query.Get(bound.name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n > math.MaxInt32*100 || n < -math.MaxInt32*100 {
			return badRequest("Invalid input - %s = %s", bound.name, text)
		}
		*bound.into = n
	}
	return nil
}

func validRanges() []string {
	return []string{"1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"}
}

// rangeStart returns where a range begins: for days with the open of the session, for longer ones with a local midnight.
func (c *chartRequest) rangeStart(name string) (time.Time, bool) {
	back := map[string][2]int{"1mo": {0, 1}, "3mo": {0, 3}, "6mo": {0, 6}, "1y": {1, 0}, "2y": {2, 0}, "5y": {5, 0}, "10y": {10, 0}}
	today := dateIn(c.now, c.info.zone)
	switch name {
	case "1d", "5d":
		n, start := int(name[0]-'0'), c.now
		for date := today; n > 0 && today.Sub(date) < 30*day; date = date.AddDate(0, 0, -1) {
			if session, isOpen := c.info.calendar.Session(date); isOpen && !session.Open.After(c.now) {
				start, n = session.Open, n-1
			}
		}
		return start, true
	case "ytd":
		return c.midnight(time.Date(today.Year(), 1, 1, 0, 0, 0, 0, time.UTC)), true
	case "max":
		first := dateIn(c.firstTrade(), c.info.zone)
		if c.grid.Interval.IsIntraday() {
			return c.midnight(first), true
		}
		return c.midnight(c.grid.Interval.Floor(first)), true
	}
	by, isKnown := back[name]
	return c.midnight(today.AddDate(-by[0], -by[1], 0)), isKnown
}

// midnight is the beginning of a date in the symbol's zone.
func (c *chartRequest) midnight(date time.Time) time.Time {
	y, m, d := date.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, c.info.zone)
}

// firstTrade is when the first session of the symbol opens, where there are none the midnight of its first day.
func (c *chartRequest) firstTrade() time.Time {
	if c.info.calendar.IsContinuous() {
		return c.midnight(c.info.listedAt)
	}
	date := dateOf(c.info.listedAt, c.info.calendar.Location())
	for range 31 { // months and weeks begin on closed days too
		if session, isOpen := c.info.calendar.Session(date); isOpen {
			return session.Open
		}
		date = date.AddDate(0, 0, 1)
	}
	return c.info.listedAt
}
