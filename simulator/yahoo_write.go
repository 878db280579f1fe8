package simulator

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// body is the whole answer. Where there are no rows, there is no timestamp, and the columns are missing.
func (c *chartRequest) body(rows []wireRow) ([]byte, error) {
	meta, err := json.Marshal(c.meta())
	if err != nil {
		return nil, err
	}
	actions := c.from.actions(c.now)
	events, err := json.Marshal(c.events(actions))
	if err != nil {
		return nil, err
	}
	body := make([]byte, 0, 2000+130*len(rows))
	body = append(body, `{"chart":{"result":[{"meta":`...)
	body = append(body, meta...)
	if len(rows) > 0 {
		body = append(body, `,"timestamp":[`...)
		for i, row := range rows {
			body = strconv.AppendInt(comma(body, i), row.stamp, 10)
		}
		body = append(body, ']')
	}
	if len(events) > len("{}") {
		body = append(append(body, `,"events":`...), events...)
	}
	body = append(body, `,"indicators":{"quote":[{`...)
	if len(rows) > 0 {
		body = appendQuote(body, rows)
	}
	body = append(body, `}]`...)
	if !c.grid.Interval.IsIntraday() {
		body = append(body, `,"adjclose":[{`...)
		if len(rows) > 0 {
			body = c.appendAdjusted(body, rows, actions)
		}
		body = append(body, `}]`...)
	}
	return append(body, `}}],"error":null}}`...), nil
}

func comma(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}

// appendQuote writes the five columns. A row in which nothing traded is null in all of them.
func appendQuote(dst []byte, rows []wireRow) []byte {
	for n, name := range []string{"open", "high", "low", "close", "volume"} {
		dst = append(append(append(comma(dst, n), '"'), name...), `":[`...)
		for i, row := range rows {
			dst = comma(dst, i)
			switch {
			case row.isTradeless:
				dst = append(dst, "null"...)
			case row.malformed != "":
				dst = appendMalformed(dst, row, n)
			case name == "volume":
				dst = appendNumber(dst, row.volume)
			default:
				dst = appendWidened(dst, [4]string{row.o, row.h, row.l, row.c}[n])
			}
		}
		dst = append(dst, ']')
	}
	return dst
}

// appendMalformed writes the element of a column (open, high, low, close, volume) in a row that breaks the form: a short
// row lacks some elements, a long one has two in the place of one.
func appendMalformed(dst []byte, row wireRow, column int) []byte {
	text := [5]string{row.o, row.h, row.l, row.c, row.volume}[column]
	switch {
	case row.malformed == malformedShort && column > 1:
		return append(dst, "null"...)
	case row.malformed == malformedLong && column == 0:
		return fmt.Appendf(dst, "[%s,%s]", text, text)
	case row.malformed == malformedType:
		return append(dst, [5]string{`{"open":1}`, `"` + text + `"`, "true", "[]", `"` + text + `"`}[column]...)
	case column == 4:
		return appendNumber(dst, text)
	}
	return appendWidened(dst, text)
}

// appendWidened writes a price as Yahoo does, which keeps it as a float32 and prints that as a double.
func appendWidened(dst []byte, text string) []byte {
	f, err := strconv.ParseFloat(text, 32)
	if err != nil || math.IsNaN(f) { // of a malformed row
		return appendNumber(dst, text)
	}
	return appendDouble(dst, f)
}

func appendDouble(dst []byte, f float64) []byte {
	if size := math.Abs(f); size != 0 && size < 1e-3 {
		return strconv.AppendFloat(dst, f, 'g', -1, 64)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64)
}

// appendAdjusted writes the closes with the dividends after them taken off.
func (c *chartRequest) appendAdjusted(dst []byte, rows []wireRow, actions []action) []byte {
	dst = append(dst, `"adjclose":[`...)
	for i, row := range rows {
		dst = comma(dst, i)
		price, err := strconv.ParseFloat(row.c, 64)
		if row.isTradeless || err != nil || math.IsNaN(price) {
			dst = append(dst, "null"...)
			continue
		}
		end := c.grid.Interval.Next(time.UnixMilli(row.open))
		dst = appendDouble(dst, float64(float32(price*adjusted(actions, end))))
	}
	return append(dst, ']')
}

// chartEvents are the splits and dividends of a window, by the open of their session in epoch seconds.
type chartEvents struct {
	Dividends map[string]dividendEvent `json:"dividends,omitempty"`
	Splits    map[string]splitEvent    `json:"splits,omitempty"`
}

type dividendEvent struct {
	Amount json.Number `json:"amount"`
	Date   int64       `json:"date"`
}

type splitEvent struct {
	Date        int64  `json:"date"`
	Numerator   int64  `json:"numerator"`
	Denominator int64  `json:"denominator"`
	SplitRatio  string `json:"splitRatio"`
}

// events returns those that were asked for.
func (c *chartRequest) events(actions []action) chartEvents {
	e := chartEvents{Dividends: map[string]dividendEvent{}, Splits: map[string]splitEvent{}}
	for _, a := range actions {
		at := a.open.Unix()
		switch {
		case at < c.period1 || at > c.period2:
		case a.thousandths > 0 && c.hasDividends:
			amount := trimZeros(appendDecimal(nil, a.thousandths, 3))
			e.Dividends[strconv.FormatInt(at, 10)] = dividendEvent{Amount: json.Number(amount), Date: at}
		case a.thousandths == 0 && c.hasSplits:
			e.Splits[strconv.FormatInt(at, 10)] = splitEvent{
				Date: at, Numerator: a.numerator, Denominator: a.denominator, SplitRatio: fmt.Sprintf("%d:%d", a.numerator, a.denominator),
			}
		}
	}
	return e
}
