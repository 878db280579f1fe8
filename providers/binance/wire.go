package binance

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"marketdata/market"
	"marketdata/providers"
)

// The elements of a kline.
const (
	columnOpenTime = iota
	columnOpen
	columnHigh
	columnLow
	columnClose
	columnVolume
	columnCloseTime
	columnQuoteVolume
	columnTrades
	columnTakerVolume
	columnTakerQuoteVolume
	columnUnused
	columns
)

const (
	shortestKline     = 40 // bytes; no readable kline is shorter
	microsecondDigits = 16 // an open time of so many digits is in microseconds
	statusTrading     = "TRADING"
)

// summary is what paging needs to know of a body.
type summary struct {
	rows        int
	first, last time.Time // least and greatest open time inside the range that was asked for; zero without one
}

// survey counts the rows of a body and finds their extent inside asked. Errors: malformed.
func survey(body []byte, asked providers.Request) (summary, error) {
	var s summary
	err := eachRow(body, func(_ string, fields *[columns]string, _ int) {
		s.rows++
		at, ok := parseTime(fields[columnOpenTime])
		if !ok || !asked.IsBar(at) {
			return
		}
		if s.first.IsZero() || at.Before(s.first) {
			s.first = at
		}
		if at.After(s.last) {
			s.last = at
		}
	})
	return s, err
}

// normalize reads klines in the order of the body. The numbers of its bars are parts of one copy of the body.
func normalize(body []byte) (providers.Rows, error) {
	most := min(bytes.Count(body, []byte{'['}), len(body)/shortestKline)
	rows := providers.Rows{Bars: make([]market.Bar, 0, most)}
	trades := make([]int64, 0, most)
	err := eachRow(body, func(row string, fields *[columns]string, count int) {
		bar, isReadable := parseKline(fields, count)
		rule := market.RuleUnreadable
		if isReadable {
			n, err := strconv.ParseInt(fields[columnTrades], 10, 64)
			isReadable = err == nil
			trades = append(trades, n)
			bar.Trades = &trades[len(trades)-1]
		}
		if isReadable {
			rule = bar.Validate()
		}
		if rule != "" {
			rows.Quarantined = append(rows.Quarantined, providers.QuarantineRow(bar.Time, rule, row))
			return
		}
		rows.Bars = append(rows.Bars, bar)
	})
	if err != nil {
		return providers.Rows{}, err
	}
	return rows, nil
}

// parseKline reads everything but the trades. The bar has its time even when the rest cannot be read.
func parseKline(fields *[columns]string, count int) (market.Bar, bool) {
	var bar market.Bar
	at, isReadable := parseTime(fields[columnOpenTime])
	if isReadable {
		bar.Time = at
	}
	_, hasClose := parseTime(fields[columnCloseTime])
	isReadable = isReadable && hasClose && count == columns &&
		isString(fields[columnTakerVolume]) && isString(fields[columnTakerQuoteVolume])
	for _, number := range [...]struct {
		into   *market.Decimal
		column int
	}{
		{&bar.Open, columnOpen},
		{&bar.High, columnHigh},
		{&bar.Low, columnLow},
		{&bar.Close, columnClose},
		{&bar.Volume, columnVolume},
		{&bar.Turnover, columnQuoteVolume},
	} {
		if !isReadable {
			break
		}
		*number.into, isReadable = parseNumber(fields[number.column])
	}
	return bar, isReadable
}

// parseTime reads an integer of milliseconds, or of microseconds when it has 16 digits.
func parseTime(token string) (time.Time, bool) {
	if token == "" || token[0] < '0' || token[0] > '9' || len(token) > microsecondDigits {
		return time.Time{}, false
	}
	n, err := strconv.ParseInt(token, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	at := time.UnixMilli(n).UTC()
	if len(token) == microsecondDigits {
		at = time.UnixMicro(n).UTC()
	}
	return at, at.Year() <= latestYear
}

// parseNumber reads a number sent as a JSON string.
func parseNumber(token string) (market.Decimal, bool) {
	if !isString(token) {
		return market.Decimal{}, false
	}
	d, err := market.ParseDecimal(token[1 : len(token)-1])
	return d, err == nil
}

func isString(token string) bool { return len(token) >= 2 && token[0] == '"' }

// eachRow calls visit with every row of a JSON array of arrays: its text, its first elements as they are written, ""
// for those it lacks, and how many elements it has. All texts are parts of one copy of the body; the array of elements is
// used anew for every row. Errors: malformed when the body is anything else, then possibly after some visits.
func eachRow(body []byte, visit func(row string, fields *[columns]string, count int)) error {
	err := providers.RequireJSON(body, "klines") // gjson reads anything as something
	if err != nil {
		return err
	}
	klines := gjson.ParseBytes(body)
	if !klines.IsArray() {
		return market.Errorf(market.KindMalformed, "klines of %d bytes are not a JSON array", len(body))
	}
	var fields [columns]string
	klines.ForEach(func(index, row gjson.Result) bool {
		if !row.IsArray() {
			err = market.Errorf(market.KindMalformed, "klines[%d] is not an array", index.Int())
			return false
		}
		clear(fields[:])
		count := 0
		row.ForEach(func(_, element gjson.Result) bool {
			if count < columns {
				fields[count] = element.Raw
			}
			count++
			return true
		})
		visit(row.Raw, &fields, count)
		return true
	})
	return err
}

// exchangeInfo is what is read of /api/v3/exchangeInfo.
type exchangeInfo struct {
	Symbols []struct {
		Symbol     string `json:"symbol"`
		Status     string `json:"status"`
		BaseAsset  string `json:"baseAsset"`
		QuoteAsset string `json:"quoteAsset"`
	} `json:"symbols"`
}

// listings returns the symbols of an exchangeInfo that are in trading. Errors: malformed.
func listings(body []byte) ([]providers.Listing, error) {
	var info exchangeInfo
	if err := json.Unmarshal(body, &info); err != nil {
		return nil, market.Errorf(market.KindMalformed, "exchangeInfo cannot be read: %w", err)
	}
	if info.Symbols == nil {
		return nil, market.Errorf(market.KindMalformed, "exchangeInfo has no symbols")
	}
	var trading []providers.Listing
	for _, s := range info.Symbols {
		if s.Status != statusTrading || s.Symbol == "" {
			continue
		}
		trading = append(trading, providers.Listing{
			Symbol: s.Symbol, AssetClass: market.AssetCrypto, Currency: s.QuoteAsset, Name: s.BaseAsset + "/" + s.QuoteAsset,
		})
	}
	return trading, nil
}
