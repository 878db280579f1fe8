package api

import (
	"strconv"
	"sync"
	"time"

	"marketdata/market"
)

// maxPooledBytes is the largest buffer that is kept: a page of 10,000 bars takes about 2 MB.
const maxPooledBytes = 4 << 20

// bufferPool keeps the buffers pages are built in.
type bufferPool struct{ pool sync.Pool }

func (p *bufferPool) get() *[]byte {
	if buf, ok := p.pool.Get().(*[]byte); ok {
		return buf
	}
	buf := make([]byte, 0, 256<<10)
	return &buf
}

func (p *bufferPool) put(buf *[]byte) {
	if cap(*buf) > maxPooledBytes {
		return
	}
	*buf = (*buf)[:0]
	p.pool.Put(buf)
}

// barWriter appends bars as JSON: the database's own digits, no values in between, no allocation per bar.
type barWriter struct {
	buf      []byte
	isQuoted bool
	dates    dateCache
}

// append adds one bar; absent values have no member.
func (w *barWriter) append(bar market.RawBar) {
	buf := append(w.buf, `{"ts":"`...)
	buf = w.dates.appendTime(buf, bar.Time)
	buf = append(buf, '"')
	buf = w.appendNumber(buf, `,"open":`, bar.Open)
	buf = w.appendNumber(buf, `,"high":`, bar.High)
	buf = w.appendNumber(buf, `,"low":`, bar.Low)
	buf = w.appendNumber(buf, `,"close":`, bar.Close)
	buf = w.appendNumber(buf, `,"volume":`, bar.Volume)
	buf = w.appendNumber(buf, `,"vwap":`, bar.VWAP)
	buf = w.appendNumber(buf, `,"turnover":`, bar.Turnover)
	if bar.Trades != nil {
		buf = append(buf, `,"trades":`...)
		buf = append(buf, bar.Trades...)
	}
	w.buf = append(buf, '}', ',')
}

// appendNumber adds a member with the digits as they are.
func (w *barWriter) appendNumber(buf []byte, member string, digits []byte) []byte {
	if digits == nil {
		return buf
	}
	buf = append(buf, member...)
	if !w.isQuoted {
		return append(buf, digits...)
	}
	buf = append(buf, '"')
	buf = append(buf, digits...)
	return append(buf, '"')
}

// dateCache formats times; bars in a row share their date, which is formatted once.
type dateCache struct {
	day    int64 // Unix time of the cached date's midnight
	isSet  bool
	prefix [11]byte // 2006-01-02T
}

const secondsPerDay = 24 * 60 * 60

// appendTime appends t as RFC 3339 in UTC with Z, with a fraction only where there is one.
func (c *dateCache) appendTime(buf []byte, t time.Time) []byte {
	if t.Nanosecond() != 0 {
		return t.UTC().AppendFormat(buf, time.RFC3339Nano)
	}
	seconds := t.Unix() - c.day
	if !c.isSet || seconds < 0 || seconds >= secondsPerDay {
		date := t.UTC().Truncate(24 * time.Hour)
		c.day, c.isSet = date.Unix(), true
		date.AppendFormat(c.prefix[:0], "2006-01-02T")
		seconds = t.Unix() - c.day
	}
	buf = append(buf, c.prefix[:]...)
	hour, minute, second := byte(seconds/3600), byte(seconds/60%60), byte(seconds%60) //nolint:gosec // they are those of one day
	return append(buf, '0'+hour/10, '0'+hour%10, ':', '0'+minute/10, '0'+minute%10, ':', '0'+second/10, '0'+second%10, 'Z')
}

// barMeta is what a page says about itself.
type barMeta struct {
	series     market.Series
	wanted     market.Range
	returned   int
	isComplete bool
	missing    []missing
	nextCursor string // "" on the last page
}

// finish closes the list of bars and appends meta and next_cursor. Every string in it is of a closed alphabet and
// needs no escaping.
func (w *barWriter) finish(m barMeta) {
	if m.returned > 0 {
		w.buf = w.buf[:len(w.buf)-1]
	}
	w.text(`],"meta":{"instrument":"`, m.series.Instrument.String(), `","provider":"`, m.series.Provider,
		`","interval":"`, string(m.series.Interval), `","adjustment":"`, string(m.series.PriceBasis), `","start":"`)
	w.buf = w.dates.appendTime(w.buf, m.wanted.Start)
	w.text(`","end":"`)
	w.buf = w.dates.appendTime(w.buf, m.wanted.End)
	w.text(`","returned":`, strconv.Itoa(m.returned), `,"complete":`, strconv.FormatBool(m.isComplete), `,"missing":[`)
	for i, entry := range m.missing {
		if i > 0 {
			w.text(",")
		}
		w.text(`{"start":"`)
		w.buf = w.dates.appendTime(w.buf, entry.Start)
		w.text(`","end":"`)
		w.buf = w.dates.appendTime(w.buf, entry.End)
		w.text(`","reason":"`, string(entry.reason), `"}`)
	}
	w.text(`]},"next_cursor":`)
	if m.nextCursor == "" {
		w.text("null}\n")
		return
	}
	w.text(`"`, m.nextCursor, "\"}\n")
}

func (w *barWriter) text(parts ...string) {
	for _, part := range parts {
		w.buf = append(w.buf, part...)
	}
}
