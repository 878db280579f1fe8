package picture

import (
	"math"

	"marketdata/grafana"
)

// legend draws the names below and returns what is left for the plot.
func legend(k *canvas, r rect, lines []line) rect {
	const size = 11.0
	names := make([][]line, 1)
	x := 0.0
	for _, l := range lines {
		w := textWidth(l.name, size) + 34
		if x > 0 && x+w > r.w {
			names, x = append(names, nil), 0
		}
		names[len(names)-1] = append(names[len(names)-1], l)
		x += w
	}
	if len(names) > 3 {
		names = names[:3]
	}
	height := float64(len(names)) * 17
	for row, some := range names {
		x, y := r.x+4, r.y+r.h-height+float64(row)*17+14
		for _, l := range some {
			k.fill(rect{x, y - 5.5, 13, 3.5}, l.colour)
			k.text(x+18, y, size, plain, l.name, start)
			x += textWidth(l.name, size) + 34
		}
	}
	return rect{r.x, r.y, r.w, r.h - height - 2}
}

// yAxis draws the axis at the left with its lines and returns the plot beside it.
func yAxis(k *canvas, r rect, field grafana.Field, from, to float64) (rect, scale) {
	const size = 10.5
	marks := ticks(from, to, max(int((r.h-22)/34), 2))
	if field.Unit == "s" && from == 0 {
		marks = lengthTicks(to, max(int((r.h-22)/34), 2))
	}
	labels := make([]string, len(marks))
	widest := 0.0
	for i, v := range marks {
		labels[i] = tickLabel(field, v, marks)
		widest = math.Max(widest, textWidth(labels[i], size))
	}
	room := widest + 10
	if field.Custom.AxisLabel != "" {
		room += 16
		k.turned(r.x+10, r.y+(r.h-20)/2, size, dim, field.Custom.AxisLabel)
	}
	plot := rect{r.x + room, r.y + 4, r.w - room - 8, r.h - 24}
	y := scale{from: from, to: to, low: plot.y + plot.h, high: plot.y}
	for i, v := range marks {
		at := y.at(v)
		k.line(plot.x, at, plot.x+plot.w, at)
		k.text(plot.x-6, at+3.5, size, dim, labels[i], end)
	}
	return plot, y
}

// tickLabel writes a value of an axis with as many decimals as its neighbours need.
func tickLabel(field grafana.Field, v float64, marks []float64) string {
	if len(marks) > 1 {
		step := marks[1] - marks[0]
		if field.Unit == "percentunit" {
			step *= 100
		}
		digits := 0
		for d := step; digits < 6 && math.Abs(d-math.Round(d)) > 1e-6*math.Max(d, 1e-3); d *= 10 {
			digits++
		}
		if field.Unit != "s" && field.Unit != "bytes" {
			field.Decimals = &digits
		}
	}
	if math.Abs(v) < 1e-12 {
		v = 0
	}
	return number(field, v)
}

// xAxis draws the times below the plot.
func xAxis(k *canvas, plot rect, c Context) scale {
	x := xScale(c, plot)
	marks, layout := timeTicks(c.From, c.To, max(int(plot.w/85), 2))
	for _, t := range marks {
		at := x.at(float64(t.UnixMilli()))
		k.line(at, plot.y, at, plot.y+plot.h)
		if at > plot.x+14 && at < plot.x+plot.w-14 {
			k.text(at, plot.y+plot.h+15, 10.5, dim, t.Format(layout), middle)
		}
	}
	return x
}
