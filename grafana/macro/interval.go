package macro

import (
	"regexp"
	"strconv"
	"time"

	"marketdata/market"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
	year = 365 * day
)

// IntervalOf is the interval that Grafana gives a panel: the range cut into its points, at least least, rounded to a value
// that a person would choose.
func IntervalOf(r time.Duration, points int, least time.Duration) time.Duration {
	wanted := r / time.Duration(max(points, 1))
	for _, round := range rounded() {
		if wanted <= round.upTo {
			return max(round.to, least)
		}
	}
	return max(year, least)
}

type rounding struct{ upTo, to time.Duration }

// rounded lists the values and up to where each is taken.
func rounded() []rounding {
	const s, m, h = time.Second, time.Minute, time.Hour
	return []rounding{
		{15 * time.Millisecond, 10 * time.Millisecond},
		{75 * time.Millisecond, 50 * time.Millisecond},
		{150 * time.Millisecond, 100 * time.Millisecond},
		{350 * time.Millisecond, 200 * time.Millisecond},
		{750 * time.Millisecond, 500 * time.Millisecond},
		{1500 * time.Millisecond, s},
		{3500 * time.Millisecond, 2 * s},
		{7500 * time.Millisecond, 5 * s},
		{12500 * time.Millisecond, 10 * s},
		{17500 * time.Millisecond, 15 * s},
		{25 * s, 20 * s},
		{45 * s, 30 * s},
		{90 * s, m},
		{210 * s, 2 * m},
		{450 * s, 5 * m},
		{750 * s, 10 * m},
		{1050 * s, 15 * m},
		{1500 * s, 20 * m},
		{2700 * s, 30 * m},
		{5400 * s, h},
		{9000 * s, 2 * h},
		{16200 * s, 3 * h},
		{32400 * s, 6 * h},
		{day, 12 * h},
		{week, day},
		{3 * week, week},
		{6 * week, 30 * day},
		{year, year},
	}
}

// FormatInterval writes a duration as $__interval does, in its largest unit: 30s, 1h, 7d.
func FormatInterval(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{year, "y"}, {day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if d >= unit.length {
			return strconv.FormatInt(int64(d/unit.length), 10) + unit.name
		}
	}
	return strconv.FormatInt(max(d.Milliseconds(), 1), 10) + "ms"
}

// ParseInterval reads a number with a unit: ms, s, m, h, d, w, M or y. Errors: invalid.
func ParseInterval(text string) (time.Duration, error) {
	match := regexp.MustCompile(`^(\d+)(ms|[smhdwMy])$`).FindStringSubmatch(text)
	if match == nil {
		return 0, market.Errorf(market.KindInvalid, "%q is no interval: want a number with ms, s, m, h, d, w, M or y", text)
	}
	n, err := strconv.ParseInt(match[1], 10, 32)
	if err != nil || n == 0 {
		return 0, market.Errorf(market.KindInvalid, "%q is no interval", text)
	}
	unit := map[string]time.Duration{
		"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": day, "w": week, "M": 30 * day, "y": year,
	}[match[2]]
	return time.Duration(n) * unit, nil
}
