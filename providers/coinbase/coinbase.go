package coinbase

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"marketdata/market"
	"marketdata/providers"
)

const (
	defaultBaseURL    = "https://api.exchange.coinbase.com"
	maxRows           = 300
	cacheAge          = 5 * time.Minute // the oldest answer that the cache before the exchange gives
	settle            = cacheAge + 10*time.Second
	requestsPerMinute = 300 // half of the 10 a second that an address has
	day               = 24 * time.Hour
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

// Capabilities says what public candles offer. A bar counts as settled once no cached answer can lack its last trades.
func (c *Client) Capabilities() market.Capabilities {
	windows := map[market.Interval]int64{}
	for _, interval := range intervals() {
		windows[interval] = int64(maxRows * length(interval) / time.Second)
	}
	return market.Capabilities{
		AssetClasses:   []market.AssetClass{market.AssetCrypto},
		Intervals:      intervals(),
		MaxBarsPerPage: maxRows,
		WindowSeconds:  windows,
		Order:          market.OrderDescending,
		RangeSemantics: "start and end in seconds, both inclusive on the open time, at most 300 candles apart; no row where nothing " +
			"traded; answers may come from a cache and be 5 minutes old. The limit at its edge and empty answers are known from " +
			"reports only, not from recordings of the live service",
		HasVolume:     true,
		HistoryDepth:  "full",
		PriceBasis:    market.AdjustmentRaw,
		Anchor:        "clock",
		Settle:        settle,
		SettleSeconds: settle.Seconds(),
		Pacing:        market.Pacing{RequestsPerMinute: requestsPerMinute},
	}
}

// Fetch requests the candles of one window, which is all there is of it. FirstAt and LastAt regard only the rows inside
// the request's range. Errors: also invalid, without a request, for a range that is longer than the window of its
// interval and for any cursor.
func (c *Client) Fetch(ctx context.Context, r providers.Request) (providers.Page, error) {
	page := providers.Page{Request: r}
	if r.Cursor != "" {
		return page, market.Errorf(market.KindInvalid, "not a cursor of candles: a window of them has one page")
	}
	path, err := candlesPath(r.Symbol, r.Grid, r.Range)
	if err != nil {
		return page, err
	}
	answer, err := c.get(ctx, path)
	page.Body, page.URL, page.Status, page.RequestedAt = answer.Body, answer.URL, answer.Status, answer.RequestedAt
	if err != nil {
		return page, err
	}
	s, err := survey(answer.Body, r)
	if err != nil {
		return page, err
	}
	page.Rows, page.FirstAt, page.LastAt = s.rows, s.first, s.last
	return page, nil
}

// Instruments lists the products that are online and can be traded.
func (c *Client) Instruments(ctx context.Context) ([]providers.Listing, error) {
	answer, err := c.get(ctx, "/products")
	if err != nil {
		return nil, err
	}
	return listings(answer.Body)
}

// Normalize reads the candles of a stored page.
func (c *Client) Normalize(p providers.Page) (providers.Rows, error) { return normalize(p.Body) }

// get requests a path and turns every status but 200 into an error; the answer comes along.
func (c *Client) get(ctx context.Context, path string) (providers.Response, error) {
	answer, err := c.client.Get(ctx, c.baseURL+path)
	if err == nil && answer.Status != http.StatusOK {
		err = answerError(c.name, answer)
	}
	return answer, err
}

// candlesPath returns the path and query of one window. Errors: invalid for what cannot be asked for.
func candlesPath(symbol string, grid market.Grid, r market.Range) (string, error) {
	step := length(grid.Interval)
	switch {
	case symbol == "":
		return "", market.Errorf(market.KindInvalid, "a request needs a symbol")
	case grid.Calendar == nil || !grid.Calendar.IsContinuous():
		return "", market.Errorf(market.KindInvalid, "candles of %s stand on the calendar 24x7 only", symbol)
	case step == 0:
		return "", market.Errorf(market.KindInvalid, "there are no candles of %q: want one of %v", grid.Interval, intervals())
	case r.IsEmpty():
		return "", market.Errorf(market.KindInvalid, "the range %s is empty", r)
	case r.End.Sub(r.Start) > maxRows*step:
		return "", market.Errorf(market.KindInvalid, "the range %s is longer than %d candles of %s: ask for it in parts", r, maxRows, grid.Interval)
	}
	start := max(0, r.Start.Add(time.Second-1).Unix())
	end := max(start, grid.Floor(r.End.Add(-1)).Unix()) // a range without a key asks for the second it begins at
	query := url.Values{
		"granularity": {strconv.FormatInt(int64(step/time.Second), 10)},
		"start":       {strconv.FormatInt(start, 10)},
		"end":         {strconv.FormatInt(end, 10)},
	}
	return "/products/" + url.PathEscape(symbol) + "/candles?" + query.Encode(), nil
}

// intervals returns those of which there are candles; Coinbase has 6h too, which is none of ours.
func intervals() []market.Interval {
	return []market.Interval{market.Interval1m, market.Interval5m, market.Interval15m, market.Interval1h, market.Interval1d}
}

// length returns how long a candle of the interval is; 0 where there are none.
func length(interval market.Interval) time.Duration {
	switch interval {
	case market.Interval1m, market.Interval5m, market.Interval15m, market.Interval1h:
		return interval.Duration()
	case market.Interval1d:
		return day
	case market.Interval30m, market.Interval4h, market.Interval1w, market.Interval1mo:
	}
	return 0
}
