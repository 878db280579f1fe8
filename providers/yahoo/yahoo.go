package yahoo

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"marketdata/market"
	"marketdata/providers"
)

const (
	defaultBaseURL = "https://query2.finance.yahoo.com"
	chartPath      = "/v8/finance/chart/"
	// userAgent is a browser's: programs that name themselves get 429 whatever they ask.
	userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
	// settle covers the delay of quotes, up to 20 minutes at some exchanges, and official closes, which come some minutes
	// after the bell.
	settle            = 30 * time.Minute
	requestsPerMinute = 30
)

// Client is one configured instance of the provider.
type Client struct {
	name    string
	baseURL string
	client  *providers.Client
}

var (
	_ providers.Provider      = (*Client)(nil)
	_ providers.ListingFinder = (*Client)(nil)
)

// New returns the provider of an instance. Errors: invalid when its base URL is not an http or https URL.
func New(i providers.Instance, client *providers.Client) (providers.Provider, error) {
	base, err := i.Base(defaultBaseURL)
	if err != nil {
		return nil, err
	}
	return &Client{name: i.Name, baseURL: base, client: client}, nil
}

// Name is the instance's name.
func (c *Client) Name() string { return c.name }

// Capabilities says what charts offer. The windows stay a day below what Yahoo grants, because it counts back from the
// moment of the request.
func (c *Client) Capabilities() market.Capabilities {
	const day = 24 * 60 * 60
	return market.Capabilities{
		AssetClasses: []market.AssetClass{
			market.AssetEquity, market.AssetETF, market.AssetIndex, market.AssetFX, market.AssetFund, market.AssetFuture, market.AssetCrypto,
		},
		Intervals: []market.Interval{
			market.Interval1m, market.Interval5m, market.Interval15m, market.Interval30m, market.Interval1h,
			market.Interval1d, market.Interval1w, market.Interval1mo,
		},
		WindowSeconds: map[market.Interval]int64{
			market.Interval1m: 7 * day, market.Interval5m: 59 * day, market.Interval15m: 59 * day, market.Interval30m: 59 * day,
			market.Interval1h: 729 * day,
		},
		Order: "asc",
		RangeSemantics: "period1 and period2 in epoch seconds, both inclusive on the row's stamp; 1d, 1w and 1mo are asked for one step " +
			"wider on both sides and clipped by date. Unofficial; never seen live: rows of nulls, the live row, status 422",
		HasVolume:     true,
		HistoryDepth:  "1m: last 30 days; 5m, 15m, 30m: last 60 days; 1h: last 730 days (as other clients report); 1d, 1w, 1mo: full",
		PriceBasis:    market.AdjustmentSplit,
		Anchor:        "session",
		Settle:        settle,
		SettleSeconds: settle.Seconds(),
		Pacing:        market.Pacing{RequestsPerMinute: requestsPerMinute},
	}
}

// Instruments refuses without a request: Yahoo publishes no list of its symbols.
func (c *Client) Instruments(context.Context) ([]providers.Listing, error) {
	return nil, market.Errorf(market.KindInvalid, "%s publishes no list of symbols: look the symbol up on finance.yahoo.com", c.name)
}

// Fetch requests a range in one page; there is never a next one. FirstAt and LastAt regard only rows inside the
// request's range.
func (c *Client) Fetch(ctx context.Context, r providers.Request) (providers.Page, error) {
	page := providers.Page{Request: r}
	query, err := barsQuery(r)
	if err != nil {
		return page, err
	}
	answer, err := c.get(ctx, r.Symbol, query)
	page.Body, page.URL, page.Status, page.RequestedAt = answer.Body, answer.URL, answer.Status, answer.RequestedAt
	if err != nil {
		return page, err
	}
	result, err := c.result(answer, r.Grid.Interval)
	if err != nil || !result.Exists() {
		return page, err
	}
	ch, err := readChart(result, r.Grid.Interval)
	if err != nil {
		return page, err
	}
	page.Rows = len(ch.rows)
	page.FirstAt, page.LastAt = ch.extent(r)
	return page, nil
}

// Normalize reads the rows of a stored page. Errors: malformed; invalid for a page whose request names no interval of
// charts or no calendar.
func (c *Client) Normalize(p providers.Page) (providers.Rows, error) {
	result, refused, err := decode(p.Body)
	switch {
	case err != nil:
		return providers.Rows{}, err
	case refused != nil && refused.isNoData():
		return providers.Rows{}, nil
	case refused != nil:
		return providers.Rows{}, market.Errorf(market.KindMalformed, "a refusal where a chart is due: %s", refused)
	}
	if _, err := wireInterval(p.Request.Grid); err != nil {
		return providers.Rows{}, err
	}
	ch, err := readChart(result, p.Request.Grid.Interval)
	if err != nil {
		return providers.Rows{}, err
	}
	return ch.normalize(p.Request.Grid), nil
}

// get requests the chart of a symbol.
func (c *Client) get(ctx context.Context, symbol string, query url.Values) (providers.Response, error) {
	if strings.Trim(symbol, ".") == "" {
		return providers.Response{}, market.Errorf(market.KindInvalid, "a request needs a symbol")
	}
	target := c.baseURL + chartPath + url.PathEscape(symbol) + "?" + query.Encode()
	return c.client.Get(ctx, target, providers.Header{Name: "User-Agent", Value: userAgent})
}

// result returns chart.result[0] of an answer, or nothing where Yahoo says that the range has no data: that is an
// answer of its own, with status 400. Errors: those of a refusal; malformed.
func (c *Client) result(answer providers.Response, interval market.Interval) (gjson.Result, error) {
	result, refused, err := decode(answer.Body)
	switch {
	case refused != nil && refused.isNoData() && isAboutRequest(answer.Status):
		return gjson.Result{}, nil
	case refused != nil || answer.Status != http.StatusOK:
		return gjson.Result{}, c.refusalError(answer, refused, interval)
	}
	return result, err
}

// isAboutRequest reports whether an answer of the status speaks of what was asked for.
func isAboutRequest(status int) bool {
	return status == http.StatusOK || status == http.StatusBadRequest || status == http.StatusUnprocessableEntity
}

// barsQuery returns the parameters of a request for bars. Errors: invalid.
func barsQuery(r providers.Request) (url.Values, error) {
	interval, err := wireInterval(r.Grid)
	switch {
	case err != nil:
		return nil, err
	case r.Range.IsEmpty():
		return nil, market.Errorf(market.KindInvalid, "the range %s is empty", r.Range)
	case r.Cursor != "":
		return nil, market.Errorf(market.KindInvalid, "not a cursor of charts: they come in one page")
	}
	from, to := periods(r.Grid.Interval, r.Range)
	return url.Values{
		"period1":        {strconv.FormatInt(from, 10)},
		"period2":        {strconv.FormatInt(to, 10)},
		"interval":       {interval},
		"includePrePost": {"false"},
		"events":         {"div,splits,capitalGains"},
	}, nil
}

// wireInterval returns the interval as Yahoo writes it. Errors: invalid for one that it does not have, and for a grid
// without a calendar.
func wireInterval(g market.Grid) (string, error) {
	if g.Calendar == nil {
		return "", market.Errorf(market.KindInvalid, "a request needs a calendar")
	}
	switch g.Interval {
	case market.Interval1m, market.Interval5m, market.Interval15m, market.Interval30m, market.Interval1h, market.Interval1d, market.Interval1mo:
		return string(g.Interval), nil
	case market.Interval1w:
		return "1wk", nil
	case market.Interval4h:
	}
	return "", market.Errorf(market.KindInvalid, "charts have no interval %q: want one of 1m 5m 15m 30m 1h 1d 1w 1mo", string(g.Interval))
}

// periods returns period1 and period2 for the keys in asked, rounded outwards to whole seconds. The range of dates is
// widened by a whole step on both sides: no zone is further than 14 hours from UTC, so the stamp of a date cannot lie
// outside; and a week or month of which Yahoo would find only a part inside the range is never one that was asked for.
func periods(interval market.Interval, asked market.Range) (from, to int64) {
	start, end := asked.Start, asked.End
	if !interval.IsIntraday() {
		start = interval.Floor(interval.Floor(start).Add(-1))
		end = interval.Next(interval.Next(end.Add(-1)))
	}
	return start.Unix(), end.Add(time.Second - 1).Unix()
}
