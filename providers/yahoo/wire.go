package yahoo

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"marketdata/market"
	"marketdata/providers"
)

const (
	null              = "null"
	firstYear         = 1
	latestYear        = 9999
	longestDecimal    = 10 // characters that a price takes as a rule
	longestElement    = 96 // bytes of one element that are kept of a quarantined row
	firstEveningHour  = 22 // a date's stamp at this hour or the next one belongs to the date after it
	maxFloat32Decimal = 64 // room for the digits of any float32
)

// normalizer turns the rows of one chart into bars.
type normalizer struct {
	*chart
	grid   market.Grid
	live   int             // index of the live row; -1 without one
	digits strings.Builder // the texts of shortened prices, in one piece of memory
}

func (ch *chart) normalizer(grid market.Grid) *normalizer {
	n := &normalizer{chart: ch, grid: grid, live: -1}
	if last := len(ch.rows) - 1; last >= 0 && ch.latest != "" && ch.rows[last][columnTime] == ch.latest {
		if at, ok := parseStamp(ch.latest); ok && !grid.IsAligned(at) {
			n.live = last
		}
	}
	return n
}

// extent returns the least and the greatest key of the bars asked for; zero without one.
func (ch *chart) extent(r providers.Request) (first, last time.Time) {
	n := ch.normalizer(r.Grid)
	for i := range ch.rows {
		key, ok := n.key(i)
		if !ok || n.isDroppedLive(i) || !r.IsBar(key) {
			continue
		}
		if first.IsZero() || key.Before(first) {
			first = key
		}
		if key.After(last) {
			last = key
		}
	}
	return first, last
}

// normalize reads rows in the order of the body. Of two rows of one date the later one counts: it is the live row, which
// repeats the date with the latest prices. In a week or month the live row is the part of its own day only, and the row
// before it may lack that day: neither is the bar, so that there both are left to be quarantined until there is one.
func (ch *chart) normalize(grid market.Grid) providers.Rows {
	n := ch.normalizer(grid)
	n.digits.Grow(len(ch.rows) * 4 * longestDecimal)
	rows := providers.Rows{
		Bars:      make([]market.Bar, 0, len(ch.rows)),
		LaterWins: grid.Interval != market.Interval1w && grid.Interval != market.Interval1mo,
	}
	for i := range ch.rows {
		if reason := n.dropReason(i); reason != "" {
			if rows.Dropped == nil {
				rows.Dropped = map[string]int{}
			}
			rows.Dropped[reason]++
			continue
		}
		bar, isReadable := n.bar(i)
		rule := market.RuleUnreadable
		if isReadable {
			rule = bar.Validate()
		}
		if rule != "" {
			rows.Quarantined = append(rows.Quarantined, providers.QuarantineRow(bar.Time, rule, ch.rows[i].String()))
			continue
		}
		rows.Bars = append(rows.Bars, bar)
	}
	return rows
}

// dropReason says why a row is no bar; "" for one that is or was meant to be.
func (n *normalizer) dropReason(i int) string {
	r := &n.rows[i]
	switch {
	case n.isDroppedLive(i):
		return providers.DroppedLive
	case r[columnOpen] == null && r[columnHigh] == null && r[columnLow] == null && r[columnClose] == null:
		if _, ok := n.key(i); ok {
			return providers.DroppedNoTrade
		}
	}
	return ""
}

// isDroppedLive reports whether the row is the last price of an intraday bar that is still forming.
func (n *normalizer) isDroppedLive(i int) bool { return i == n.live && n.grid.Interval.IsIntraday() }

// bar reads a row. The bar has its time even when the rest cannot be read.
func (n *normalizer) bar(i int) (market.Bar, bool) {
	var bar market.Bar
	key, ok := n.key(i)
	if !ok {
		return bar, false
	}
	bar.Time = key
	r := &n.rows[i]
	for i, into := range [...]*market.Decimal{&bar.Open, &bar.High, &bar.Low, &bar.Close} {
		if *into, ok = n.price(r[columnOpen+i]); !ok {
			return bar, false
		}
	}
	if volume := r[columnVolume]; volume != null {
		bar.Volume, ok = parseNumber(volume)
	}
	return bar, ok
}

// key returns the key of a row: its stamp or, for intervals of days, its date, floored to the interval.
func (n *normalizer) key(i int) (time.Time, bool) {
	at, ok := parseStamp(n.rows[i][columnTime])
	if ok && !n.grid.Interval.IsIntraday() {
		at = n.grid.Interval.Floor(dateOf(at, n.zone, i == n.live))
	}
	return at, ok && firstYear <= at.Year() && at.Year() <= latestYear
}

// dateOf returns the date of a stamp in the zone, at 00:00 UTC. Around the ends of summer time Yahoo is off by an hour
// or two for some zones and stamps a date on the evening before it; only a live row does stand on an evening.
func dateOf(stamp time.Time, zone *time.Location, isLive bool) time.Time {
	local := stamp.In(zone)
	year, month, day := local.Date()
	if hour, minute, second := local.Clock(); hour >= firstEveningHour && minute == 0 && second == 0 && !isLive {
		day++
	}
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// parseStamp reads an integer of seconds.
func parseStamp(token string) (time.Time, bool) {
	seconds, err := strconv.ParseInt(token, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	at := time.Unix(seconds, 0).UTC()
	return at, firstYear <= at.Year() && at.Year() <= latestYear
}

// price reads a price. A double that is a float32 stands for the shortest decimal of that float32: Yahoo keeps prices as
// float32 and widens them, so that 34.45 is sent as 34.45000076293945. All others are as sent.
func (n *normalizer) price(token string) (market.Decimal, bool) {
	double, err := strconv.ParseFloat(token, 64)
	single := float32(double)
	if err == nil && double != 0 && float64(single) == double {
		var room [maxFloat32Decimal]byte
		start := n.digits.Len()
		if text := strconv.AppendFloat(room[:0], double, 'f', -1, 32); string(text) != token {
			n.digits.Write(text)
			token = n.digits.String()[start:]
		}
	}
	return parseNumber(token)
}

// parseNumber reads a JSON number.
func parseNumber(token string) (market.Decimal, bool) {
	d, err := market.ParseDecimal(token) // refuses strings and all other JSON
	return d, err == nil
}

// String returns the row as a JSON object.
func (r *row) String() string {
	var text strings.Builder
	separator := byte('{')
	for column, name := range columnNames() {
		text.WriteByte(separator)
		text.WriteString(strconv.Quote(name))
		text.WriteByte(':')
		text.WriteString(element(r[column]))
		separator = ','
	}
	text.WriteByte('}')
	return text.String()
}

// element returns an element as JSON. One that is too long to be what it should be becomes a text of its beginning.
func element(raw string) string {
	if len(raw) <= longestElement {
		return raw
	}
	text, err := json.Marshal(strings.ToValidUTF8(raw[:longestElement], ""))
	if err != nil { // strings always marshal
		return null
	}
	return string(text)
}
