package binance

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
	defaultBaseURL = "https://data-api.binance.vision"
	maxRows        = 1000
	settle         = 2 * time.Second
	klineWeight    = 2
	infoWeight     = 20
	latestYear     = 9999
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

// Capabilities says what spot klines offer. The weights are those of Binance with a fifth of its 6000 a minute left to
// other programs behind the same address.
func (c *Client) Capabilities() market.Capabilities {
	return market.Capabilities{
		AssetClasses:   []market.AssetClass{market.AssetCrypto},
		Intervals:      market.Intervals(),
		MaxBarsPerPage: maxRows,
		Order:          "asc",
		RangeSemantics: "startTime and endTime in milliseconds, both inclusive on the open time",
		HasVolume:      true,
		HistoryDepth:   "full",
		PriceBasis:     market.AdjustmentRaw,
		Anchor:         "clock",
		Settle:         settle,
		SettleSeconds:  settle.Seconds(),
		Pacing: market.Pacing{
			RequestsPerMinute: 1200, WeightPerMinute: 4800, PageWeight: klineWeight, HeaviestWeight: infoWeight,
		},
	}
}

// Fetch requests one page of at most 1000 klines. FirstAt and LastAt regard only the rows inside the request's range,
// so that rows that were not asked for do not lead paging astray.
func (c *Client) Fetch(ctx context.Context, r providers.Request) (providers.Page, error) {
	page := providers.Page{Request: r}
	from, err := firstMillisecond(r)
	if err != nil {
		return page, err
	}
	query, err := klineQuery(r.Symbol, r.Grid, maxRows)
	if err != nil {
		return page, err
	}
	query.Set("startTime", strconv.FormatInt(from, 10))
	query.Set("endTime", strconv.FormatInt(max(0, r.Range.End.Add(-1).UnixMilli()), 10))
	answer, err := c.get(ctx, "/api/v3/klines", query)
	page.Body, page.URL, page.Status, page.RequestedAt = answer.Body, answer.URL, answer.Status, answer.RequestedAt
	if err != nil {
		return page, err
	}
	s, err := survey(answer.Body, r)
	if err != nil {
		return page, err
	}
	page.Rows, page.FirstAt, page.LastAt = s.rows, s.first, s.last
	if s.rows >= maxRows && !s.last.IsZero() {
		if next := r.Grid.Next(s.last); next.Before(r.Range.End) && next.UnixMilli() > from {
			page.NextCursor = strconv.FormatInt(next.UnixMilli(), 10)
		}
	}
	return page, nil
}

// Instruments lists the symbols in trading.
func (c *Client) Instruments(ctx context.Context) ([]providers.Listing, error) {
	answer, err := c.get(ctx, "/api/v3/exchangeInfo", url.Values{})
	if err != nil {
		return nil, err
	}
	return listings(answer.Body)
}

// Listing returns since when there are bars of the symbol; the currency is not known here.
func (c *Client) Listing(ctx context.Context, symbol, _ string) (l providers.Listing, next string, err error) {
	minutes := market.Grid{Interval: market.Interval1m, Calendar: market.Calendar247{}}
	query, err := klineQuery(symbol, minutes, 1)
	if err != nil {
		return l, "", err
	}
	query.Set("startTime", "0")
	answer, err := c.get(ctx, "/api/v3/klines", query)
	if err != nil {
		return l, "", err
	}
	ever := market.Range{Start: time.Unix(0, 0).UTC(), End: time.Date(latestYear+1, 1, 1, 0, 0, 0, 0, time.UTC)}
	s, err := survey(answer.Body, providers.Request{Grid: minutes, Range: ever})
	if err != nil {
		return l, "", err
	}
	if s.rows > 0 && s.first.IsZero() {
		return l, "", market.Errorf(market.KindMalformed, "the first kline of %s has no readable open time", symbol)
	}
	return providers.Listing{Symbol: symbol, AssetClass: market.AssetCrypto, ListedAt: s.first}, "", nil
}

// Normalize reads the klines of a stored page.
func (c *Client) Normalize(p providers.Page) (providers.Rows, error) { return normalize(p.Body) }

// get requests a path and turns every status but 200 into an error; the answer comes along.
func (c *Client) get(ctx context.Context, path string, query url.Values) (providers.Response, error) {
	target := c.baseURL + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	answer, err := c.client.Get(ctx, target)
	if err == nil && answer.Status != http.StatusOK {
		err = answerError(c.name, answer)
	}
	return answer, err
}

func klineQuery(symbol string, grid market.Grid, limit int) (url.Values, error) {
	if symbol == "" {
		return nil, market.Errorf(market.KindInvalid, "a request needs a symbol")
	}
	if grid.Calendar == nil || !grid.Calendar.IsContinuous() {
		return nil, market.Errorf(market.KindInvalid, "klines of %s stand on the calendar 24x7 only", symbol)
	}
	interval, err := wireInterval(grid.Interval)
	if err != nil {
		return nil, err
	}
	return url.Values{"symbol": {symbol}, "interval": {interval}, "limit": {strconv.Itoa(limit)}}, nil
}

// wireInterval returns the interval as Binance writes it. Errors: invalid for one that is not of the closed set.
func wireInterval(i market.Interval) (string, error) {
	if i == market.Interval1mo {
		return "1M", nil
	}
	known, err := market.ParseInterval(string(i))
	return string(known), err
}

// firstMillisecond returns the startTime of a request: its cursor, or the first whole millisecond of its range.
// Errors: invalid for an empty range and for a cursor that is not one of Fetch.
func firstMillisecond(r providers.Request) (int64, error) {
	if r.Range.IsEmpty() {
		return 0, market.Errorf(market.KindInvalid, "the range %s is empty", r.Range)
	}
	if r.Cursor == "" {
		return max(0, r.Range.Start.Add(time.Millisecond-1).UnixMilli()), nil
	}
	from, err := strconv.ParseInt(r.Cursor, 10, 64)
	if err != nil || from < 0 {
		return 0, market.Errorf(market.KindInvalid, "not a cursor of klines: want a time in milliseconds")
	}
	return from, nil
}
