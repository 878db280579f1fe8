package db

import (
	"bytes"
	"io"
	"strconv"
	"time"

	"marketdata/market"
)

// The columns of one line of a normal page, in the order of the line.
const normalColumns = "ts, open, high, low, close, volume, vwap, turnover, trades"

const copyTimeLayout = "2006-01-02 15:04:05.999999Z"

// appendCopyText appends the bars as lines of COPY text: normalColumns separated by tabs, \N for an absent value.
// Decimals and times hold no character that COPY text would escape.
func appendCopyText(dst []byte, bars []market.Bar) []byte {
	for _, b := range bars {
		dst = appendCopyTime(dst, b.Time)
		for _, d := range [...]market.Decimal{b.Open, b.High, b.Low, b.Close, b.Volume, b.VWAP, b.Turnover} {
			dst = append(dst, '\t')
			if d.IsSet() {
				dst = append(dst, d.String()...)
			} else {
				dst = append(dst, `\N`...)
			}
		}
		dst = append(dst, '\t')
		if b.Trades != nil {
			dst = strconv.AppendInt(dst, *b.Trades, 10)
		} else {
			dst = append(dst, `\N`...)
		}
		dst = append(dst, '\n')
	}
	return dst
}

func appendCopyTime(dst []byte, t time.Time) []byte { return t.UTC().AppendFormat(dst, copyTimeLayout) }

// lineReader reads text with the same prefix and suffix added to every line. The text ends with a newline or is empty.
type lineReader struct {
	text           []byte
	prefix, suffix string
	pending        []byte // what is left of a line that did not fit into the last read
	line           []byte // scratch
}

var _ io.Reader = (*lineReader)(nil)

// Read fills p as far as whole lines fit, and with a part of the next one.
func (r *lineReader) Read(p []byte) (int, error) {
	n := copy(p, r.pending)
	r.pending = r.pending[n:]
	for n < len(p) && len(r.text) > 0 {
		end := bytes.IndexByte(r.text, '\n')
		if size := len(r.prefix) + end + len(r.suffix) + 1; size <= len(p)-n {
			n += copy(p[n:], r.prefix)
			n += copy(p[n:], r.text[:end])
			n += copy(p[n:], r.suffix)
			p[n] = '\n'
			n++
			r.text = r.text[end+1:]
			continue
		}
		r.line = append(append(append(append(r.line[:0], r.prefix...), r.text[:end]...), r.suffix...), '\n')
		r.text = r.text[end+1:]
		k := copy(p[n:], r.line)
		r.pending = r.line[k:]
		n += k
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}
