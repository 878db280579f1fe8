package coinbase

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"marketdata/market"
	"marketdata/providers"
)

// The elements of a candle, all of them numbers.
const (
	columnTime = iota
	columnLow
	columnHigh
	columnOpen
	columnClose
	columnVolume
	columns
)

const (
	latestYear   = 9999
	statusOnline = "online"
)

// candle is a row as it was sent: its text and its first elements, "" for those that are missing or not numbers.
type candle struct {
	row    string
	fields [columns]string
	count  int // elements
}

// summary is what is to be known of a body without reading its prices.
type summary struct {
	rows        int
	noTime      int       // rows without a readable time
	first, last time.Time // least and greatest time inside the range that was asked for; zero without one
}

// survey counts the rows of a body and finds their extent inside asked. Errors: malformed.
func survey(body []byte, asked providers.Request) (summary, error) {
	var s summary
	err := eachCandle(body, func(c *candle) {
		s.rows++
		at, ok := parseTime(c.fields[columnTime])
		switch {
		case !ok:
			s.noTime++
			return
		case !asked.IsBar(at):
			return
		case s.first.IsZero() || at.Before(s.first):
			s.first = at
		}
		if at.After(s.last) {
			s.last = at
		}
	})
	if err != nil {
		return summary{}, err
	}
	return s, nil
}

// normalize reads candles in the order of the body. The numbers of its bars are parts of one copy of the body.
func normalize(body []byte) (providers.Rows, error) {
	rows := providers.Rows{Bars: make([]market.Bar, 0, min(bytes.Count(body, []byte{'['}), maxRows))}
	err := eachCandle(body, func(c *candle) {
		bar, isReadable := c.bar()
		rule := market.RuleUnreadable
		if isReadable {
			rule = bar.Validate()
		}
		if rule != "" {
			rows.Quarantined = append(rows.Quarantined, providers.QuarantineRow(bar.Time, rule, c.row))
			return
		}
		rows.Bars = append(rows.Bars, bar)
	})
	if err != nil {
		return providers.Rows{}, err
	}
	return rows, nil
}

// bar reads a candle. The bar has its time even when the rest cannot be read.
func (c *candle) bar() (market.Bar, bool) {
	var bar market.Bar
	at, isReadable := parseTime(c.fields[columnTime])
	if isReadable {
		bar.Time = at
	}
	isReadable = isReadable && c.count == columns
	for i, into := range [...]*market.Decimal{
		columnLow: &bar.Low, columnHigh: &bar.High, columnOpen: &bar.Open, columnClose: &bar.Close, columnVolume: &bar.Volume,
	} {
		if !isReadable {
			break
		}
		if into == nil { // the time
			continue
		}
		d, err := market.ParseDecimal(c.fields[i])
		*into, isReadable = d, err == nil
	}
	return bar, isReadable
}

// parseTime reads an integer of seconds.
func parseTime(token string) (time.Time, bool) {
	seconds, err := strconv.ParseInt(token, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, false
	}
	at := time.Unix(seconds, 0).UTC()
	return at, at.Year() <= latestYear
}

// eachCandle calls visit with every row of an array of arrays. All texts are parts of one copy of the body; the candle
// is used anew for every row. Errors: malformed when the body is anything else, then possibly after some visits.
func eachCandle(body []byte, visit func(c *candle)) error {
	array, err := parseArray(body, "candles")
	if err != nil {
		return err
	}
	var c candle
	at := 0
	array.ForEach(func(_, row gjson.Result) bool {
		if !row.IsArray() {
			err = market.Errorf(market.KindMalformed, "candles[%d] is %s, not an array", at, describe(row))
			return false
		}
		c = candle{row: row.Raw}
		row.ForEach(func(_, element gjson.Result) bool {
			if c.count < columns && element.Type == gjson.Number {
				c.fields[c.count] = element.Raw
			}
			c.count++
			return true
		})
		visit(&c)
		at++
		return true
	})
	return err
}

// listings returns the products of a body that are online and can be traded. Errors: malformed, with the path of what is
// not as it should be.
func listings(body []byte) ([]providers.Listing, error) {
	array, err := parseArray(body, "products")
	if err != nil {
		return nil, err
	}
	var online []providers.Listing
	at := 0
	array.ForEach(func(_, product gjson.Result) bool {
		l, isOnline, fault := parseProduct(product)
		if fault != "" {
			err = market.Errorf(market.KindMalformed, "products: [%d]%s", at, fault)
			return false
		}
		if isOnline {
			online = append(online, l)
		}
		at++
		return true
	})
	if err != nil {
		return nil, err
	}
	return online, nil
}

// parseProduct reads a product and whether it can be traded. fault says what is not as it should be, beginning with the
// path inside the product.
func parseProduct(product gjson.Result) (l providers.Listing, isOnline bool, fault string) {
	if !product.IsObject() {
		return l, false, fmt.Sprintf(" is %s, not an object", describe(product))
	}
	var base, status string
	for _, field := range [...]struct {
		name string
		into *string
	}{{"id", &l.Symbol}, {"base_currency", &base}, {"quote_currency", &l.Currency}, {"status", &status}} {
		value := product.Get(field.name)
		if value.Type != gjson.String || value.Str == "" {
			return l, false, fmt.Sprintf(".%s is %s, want a text", field.name, describe(value))
		}
		*field.into = value.Str
	}
	disabled := product.Get("trading_disabled")
	if !disabled.IsBool() {
		return l, false, fmt.Sprintf(".trading_disabled is %s, want true or false", describe(disabled))
	}
	l.AssetClass, l.Name = market.AssetCrypto, base+"/"+l.Currency
	return l, status == statusOnline && !disabled.Bool(), ""
}

// parseArray returns the array that a body is. Errors: malformed.
func parseArray(body []byte, what string) (gjson.Result, error) {
	if err := providers.RequireJSON(body, what); err != nil {
		return gjson.Result{}, err
	}
	array := gjson.ParseBytes(body)
	if array.IsArray() {
		return array, nil
	}
	if said := message(body); said != "" {
		return gjson.Result{}, market.Errorf(market.KindMalformed, "a message where %s are due: %s", what, said)
	}
	return gjson.Result{}, market.Errorf(market.KindMalformed, "%s of %d bytes are %s, not an array", what, len(body), describe(array))
}

// describe names what a JSON value is.
func describe(value gjson.Result) string {
	switch {
	case !value.Exists():
		return "missing"
	case value.Type == gjson.Null:
		return "null"
	case value.IsBool():
		return "a boolean"
	case value.Type == gjson.Number:
		return "a number"
	case value.Type == gjson.String && value.Str == "":
		return "empty"
	case value.Type == gjson.String:
		return "a string"
	case value.IsArray():
		return "an array"
	}
	return "an object"
}
