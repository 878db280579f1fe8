package picture

import (
	"math"
	"sort"
	"time"

	"marketdata/grafana"
)

// barChart draws a horizontal bar for each row, its numbers stacked.
func barChart(k *canvas, p grafana.Panel, r rect, t Table) {
	names, numbers := Column{}, Table{}
	for _, c := range t {
		if c.Kind() == "string" {
			names = c
			continue
		}
		numbers = append(numbers, c)
	}
	lines := make([]line, len(numbers))
	for i, c := range numbers {
		lines[i] = line{name: c.Name, field: p.FieldConfig.Of(c.Name, "number"), colour: palette(i)}
		if lines[i].field.Color.Mode == "fixed" {
			lines[i].colour = colour(lines[i].field.Color.Fixed)
		}
	}
	if len(lines) > 1 {
		r = legend(k, r, lines)
	}
	low, high := barExtremes(numbers)
	widest := 0.0
	for _, v := range names.Values {
		name, _ := v.(string)
		widest = math.Max(widest, textWidth(name, 11))
	}
	plot := rect{r.x + widest + 12, r.y + 4, r.w - widest - 80, r.h - 24}
	x := scale{from: low, to: high, low: plot.x, high: plot.x + plot.w}
	marks := ticks(low, high, max(int(plot.w/90), 2))
	if p.FieldConfig.Defaults.Unit == "s" {
		marks = lengthTicks(high, max(int(plot.w/90), 2))
	}
	for _, v := range marks {
		k.line(x.at(v), plot.y, x.at(v), plot.y+plot.h)
		k.text(x.at(v), plot.y+plot.h+15, 10.5, dim, number(p.FieldConfig.Defaults, v), middle)
	}
	step := plot.h / float64(max(len(names.Values), 1))
	for row, v := range names.Values {
		name, _ := v.(string)
		y := plot.y + step*float64(row)
		k.text(plot.x-8, y+step/2+4, 11, plain, name, end)
		barRow(k, rect{plot.x, y + step*0.16, plot.w, step * 0.68}, x, lines, numbers, row)
	}
}

func barRow(k *canvas, r rect, x scale, lines []line, numbers Table, row int) {
	at := 0.0
	for i, c := range numbers {
		v, isNumber := c.Values[row].(float64)
		if !isNumber || v == 0 {
			continue
		}
		ink := lines[i].colour
		if lines[i].field.Color.Mode == "thresholds" {
			ink = colour(lines[i].field.ColorOf(v))
		}
		a, b := x.at(at), x.at(at+v)
		k.fill(rect{math.Min(a, b), r.y, math.Max(math.Abs(b-a), 1), r.h}, ink)
		at += v
		if len(numbers) == 1 {
			k.text(math.Max(a, b)+6, r.y+r.h/2+4, 11, ink, number(lines[i].field, v), start)
		}
	}
}

func barExtremes(numbers Table) (low, high float64) {
	for row := range numbers.rows() {
		sum := 0.0
		for _, c := range numbers {
			v, _ := c.Values[row].(float64)
			sum += v
		}
		low, high = math.Min(low, sum), math.Max(high, sum)
	}
	if high == low {
		high = low + 1
	}
	return low * 1.02, high * 1.02
}

// barGauge draws how full each row is.
func barGauge(k *canvas, p grafana.Panel, r rect, t Table) {
	var names, values []any
	for _, c := range t {
		if c.Kind() == "string" {
			names = c.Values
		} else {
			values = c.Values
		}
	}
	field := p.FieldConfig.Defaults
	step := math.Min(r.h/float64(len(names)), 56)
	for row := range names {
		name, _ := names[row].(string)
		v, _ := values[row].(float64)
		y := r.y + step*float64(row)
		share := v
		if field.Max != nil && *field.Max != 0 {
			share = v / *field.Max
		}
		bar := rect{r.x, y + 18, r.w - 70, step - 26}
		k.text(r.x, y+13, 11.5, plain, name, start)
		k.fill(bar, faint)
		k.fill(rect{bar.x, bar.y, bar.w * math.Min(math.Max(share, 0), 1), bar.h}, colour(field.ColorOf(v)))
		k.text(r.x+r.w-8, bar.y+bar.h/2+6, 16, colour(field.ColorOf(v)), format(field, values[row]), end, bold)
	}
}

// history draws a row of cells for each series, a cell for each time, coloured by the thresholds.
func history(k *canvas, p grafana.Panel, c Context, r rect, t Table) {
	lines := linesOf(p, []Table{t})
	field := p.FieldConfig.Defaults
	widest := 0.0
	for _, l := range lines {
		widest = math.Max(widest, textWidth(l.name, 11))
	}
	plot := rect{r.x + widest + 12, r.y + 2, r.w - widest - 16, r.h - 40}
	x := xAxis(k, plot, c)
	step := plot.h / float64(max(len(lines), 1))
	for i, l := range lines {
		y := plot.y + step*float64(i)
		k.text(plot.x-8, y+step/2+4, 11, plain, l.name, end)
		w := cellWidth(l.points, x)
		for _, q := range l.points {
			left := math.Max(x.at(float64(q.at.UnixMilli())), plot.x)
			right := math.Min(x.at(float64(q.at.UnixMilli()))+w, plot.x+plot.w)
			k.fill(rect{left + 0.5, y + step*0.08, right - left - 1, step * 0.84}, colour(field.ColorOf(q.value)))
		}
	}
	left := r.x + 4.0
	for _, s := range field.Thresholds.Steps {
		name := "none"
		if s.Value != nil {
			name = "from " + number(field, *s.Value)
		}
		k.fill(rect{left, r.y + r.h - 8, 13, 4}, colour(s.Color))
		k.text(left+18, r.y+r.h-3, 11, plain, name, start)
		left += textWidth(name, 11) + 38
	}
}

// cellWidth is the usual distance of two points in pixels.
func cellWidth(points []point, x scale) float64 {
	if len(points) < 2 {
		return 10
	}
	steps := make([]time.Duration, 0, len(points)-1)
	for i := 1; i < len(points); i++ {
		steps = append(steps, points[i].at.Sub(points[i-1].at))
	}
	sort.Slice(steps, func(i, j int) bool { return steps[i] < steps[j] })
	return x.at(x.from+float64(steps[len(steps)/2].Milliseconds())) - x.low
}
