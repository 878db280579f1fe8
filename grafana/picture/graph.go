package picture

import (
	"math"
	"sort"
	"strings"
	"time"

	"marketdata/grafana"
)

// point is a value at a time.
type point struct {
	at    time.Time
	value float64
}

// line is one series of a graph.
type line struct {
	name   string
	colour string
	field  grafana.Field
	points []point
}

// linesOf turns answers into series: a text column names them, each number of a row without one is a series.
func linesOf(p grafana.Panel, tables []Table) []line {
	var all []line
	for _, table := range tables {
		places := map[string]int{}
		var times, names []any
		for _, c := range table {
			switch c.Kind() {
			case "time":
				times = c.Values
			case "string":
				names = c.Values
			}
		}
		for _, c := range table {
			if c.Kind() != "number" {
				continue
			}
			for i, v := range c.Values {
				value, isNumber := v.(float64)
				at, isTime := times[i].(time.Time)
				name := c.Name
				if names != nil {
					name, _ = names[i].(string)
				}
				if _, isThere := places[name]; !isThere {
					places[name] = len(all)
					all = append(all, line{name: name, field: p.FieldConfig.Of(c.Name, "number")})
				}
				if isNumber && isTime && !math.IsNaN(value) {
					l := &all[places[name]]
					l.points = append(l.points, point{at, value})
				}
			}
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].name < all[j].name })
	for i := range all {
		all[i].colour = palette(i)
		if all[i].field.Color.Mode == "fixed" {
			all[i].colour = colour(all[i].field.Color.Fixed)
		}
		if all[i].field.DisplayName != "" {
			all[i].name = all[i].field.DisplayName
		}
	}
	return all
}

// graph draws lines or bars over time.
func graph(k *canvas, p grafana.Panel, c Context, r rect, tables []Table) {
	lines := linesOf(p, tables)
	field := p.FieldConfig.Defaults
	plot := legend(k, r, lines)
	isStacked := field.Custom.Stacking.Mode == "normal"
	tops := stack(lines, isStacked)
	low, high := math.Inf(1), math.Inf(-1)
	for _, column := range tops {
		for _, v := range column {
			low, high = math.Min(low, v), math.Max(high, v)
		}
	}
	if field.Custom.DrawStyle == "bars" || isStacked {
		low = 0
	}
	from, to := yRange(low, high, field.Min, field.Max)
	plot, y := yAxis(k, plot, field, from, to)
	x := xAxis(k, plot, c)
	k.clip(plot, func() {
		if field.Custom.DrawStyle == "bars" {
			timeBars(k, lines, tops, x, y)
			return
		}
		for i := len(lines) - 1; i >= 0; i-- {
			drawLine(k, lines[i], tops[i], x, y, field)
		}
	})
}

// stack returns the height of each point, above those of the series before it where they are stacked.
func stack(lines []line, isStacked bool) [][]float64 {
	tops := make([][]float64, len(lines))
	sums := map[int64]float64{}
	for i, l := range lines {
		tops[i] = make([]float64, len(l.points))
		for j, p := range l.points {
			tops[i][j] = p.value
			if isStacked {
				sums[p.at.UnixMilli()] += p.value
				tops[i][j] = sums[p.at.UnixMilli()]
			}
		}
	}
	return tops
}

func drawLine(k *canvas, l line, tops []float64, x, y scale, field grafana.Field) {
	var d strings.Builder
	for i, p := range l.points {
		d.WriteString(map[bool]string{true: "M", false: "L"}[i == 0])
		d.WriteString(num(x.at(float64(p.at.UnixMilli()))) + " " + num(y.at(tops[i])))
	}
	if len(l.points) == 0 {
		return
	}
	if field.Custom.FillOpacity > 0 {
		base := num(y.at(math.Min(math.Max(0, y.from), y.to)))
		area := d.String() + "V" + base + "H" + num(x.at(float64(l.points[0].at.UnixMilli()))) + "Z"
		k.path(area, "none", 0, l.colour, field.Custom.FillOpacity/100)
	}
	k.path(d.String(), l.colour, math.Max(field.Custom.LineWidth, 1)*0.8, "none", 1)
}

// timeBars draws bars that end at tops, each as wide as the least step between points allows.
func timeBars(k *canvas, lines []line, tops [][]float64, x, y scale) {
	step := math.Inf(1)
	seen := map[int64]bool{}
	for _, l := range lines {
		for _, p := range l.points {
			seen[p.at.UnixMilli()] = true
		}
	}
	times := make([]int64, 0, len(seen))
	for t := range seen {
		times = append(times, t)
	}
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	for i := 1; i < len(times); i++ {
		step = math.Min(step, float64(times[i]-times[i-1]))
	}
	w := math.Min(math.Max((x.at(x.from+step)-x.low)*0.8, 1.5), 24)
	if math.IsInf(step, 1) {
		w = 12
	}
	for i, l := range lines {
		var d strings.Builder
		for j, p := range l.points {
			top, bottom := y.at(tops[i][j]), y.at(tops[i][j]-p.value)
			if bottom-top >= 0.05 {
				d.WriteString("M" + num(x.at(float64(p.at.UnixMilli()))-w/2) + " " + num(bottom) + "v" + num(top-bottom) + "h" + num(w) + "v" + num(bottom-top) + "z")
			}
		}
		k.path(d.String(), "none", 0, l.colour, 0.85)
	}
}
