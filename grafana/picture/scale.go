package picture

import (
	"math"
	"time"
)

// scale maps values to pixels.
type scale struct{ from, to, low, high float64 } // values from..to, pixels low..high

func (s scale) at(v float64) float64 {
	if s.to == s.from {
		return (s.low + s.high) / 2
	}
	return s.low + (v-s.from)/(s.to-s.from)*(s.high-s.low)
}

// ticks returns round values between from and to, about n of them.
func ticks(from, to float64, n int) []float64 {
	if to <= from {
		return []float64{from}
	}
	step := math.Pow(10, math.Floor(math.Log10((to-from)/float64(n))))
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		if (to-from)/(step*m) <= float64(n) {
			step *= m
			break
		}
	}
	var all []float64
	for v := math.Ceil(from/step-1e-9) * step; v <= to+step*1e-9; v += step {
		all = append(all, v)
	}
	return all
}

// lengthTicks returns round lengths of time, in seconds, from 0 to to, about n of them.
func lengthTicks(to float64, n int) []float64 {
	const minute, hour, day = 60.0, 3600.0, 86400.0
	for _, step := range []float64{10, 30, minute, 5 * minute, 15 * minute, hour, 3 * hour, 6 * hour, 12 * hour, day, 2 * day, 7 * day, 14 * day} {
		if to >= 2*minute && to/step <= float64(n) {
			var all []float64
			for v := 0.0; v <= to; v += step {
				all = append(all, v)
			}
			return all
		}
	}
	return ticks(0, to, n)
}

// timeTicks returns round times between from and to, about n of them, and how to write them.
func timeTicks(from, to time.Time, n int) (all []time.Time, layout string) {
	length := to.Sub(from) / time.Duration(max(n, 1))
	const day = 24 * time.Hour
	switch {
	case length > 200*day:
		return months(from, to, 12), "2006"
	case length > 100*day:
		return months(from, to, 6), "2006-01"
	case length > 45*day:
		return months(from, to, 3), "2006-01"
	case length > 12*day:
		return months(from, to, 1), "2006-01"
	}
	layout = "01/02"
	step := 7 * day
	for _, s := range []time.Duration{5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 7 * day} {
		if s >= length {
			step = s
			break
		}
	}
	if step < day {
		layout = "15:04"
		if to.Sub(from) > 30*time.Hour {
			layout = "01/02 15:04"
		}
	}
	for t := from.UTC().Truncate(step); t.Before(to); t = t.Add(step) {
		if !t.Before(from) {
			all = append(all, t)
		}
	}
	return all, layout
}

// months returns the beginnings of every step-th month.
func months(from, to time.Time, step int) []time.Time {
	from = from.UTC()
	t := time.Date(from.Year(), time.Month((int(from.Month())-1)/step*step+1), 1, 0, 0, 0, 0, time.UTC)
	var all []time.Time
	for ; t.Before(to); t = t.AddDate(0, step, 0) {
		if !t.Before(from) {
			all = append(all, t)
		}
	}
	return all
}

// xScale maps times to pixels.
func xScale(c Context, r rect) scale {
	return scale{from: float64(c.From.UnixMilli()), to: float64(c.To.UnixMilli()), low: r.x, high: r.x + r.w}
}

// yRange is what an axis shows: the values with some room, and the limits where there are any.
func yRange(low, high float64, least, most *float64) (from, to float64) {
	if low > high {
		low, high = 0, 1
	}
	room := (high - low) * 0.06
	if room == 0 {
		room = math.Max(math.Abs(high)*0.1, 0.5)
	}
	from, to = low-room, high+room
	if low >= 0 && from < 0 {
		from = 0
	}
	if least != nil {
		from = *least
	}
	if most != nil && high <= *most {
		to = *most
	}
	return from, to
}
