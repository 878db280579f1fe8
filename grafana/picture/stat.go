package picture

import (
	"encoding/json"
	"math"
	"strings"

	"marketdata/grafana"
)

// value is one figure of a stat.
type value struct {
	name   string
	field  grafana.Field
	value  any
	points []point // of a series, for the line behind
}

// stats draws figures side by side: each number of the first row, or the last value of each series.
func stats(k *canvas, p grafana.Panel, r rect, tables []Table) {
	var options struct {
		GraphMode string `json:"graphMode"`
		ColorMode string `json:"colorMode"`
	}
	_ = json.Unmarshal(p.Options, &options) // the schema has looked at it
	values := valuesOf(p, tables)
	w := r.w / float64(len(values))
	for i, v := range values {
		cell := rect{r.x + w*float64(i), r.y, w, r.h}
		ink := bright
		number, isNumber := v.value.(float64)
		if isNumber && v.field.Color.Mode == "thresholds" {
			ink = colour(v.field.ColorOf(number))
		}
		if options.ColorMode == "background" {
			k.fill(rect{cell.x - 8, cell.y - 26, cell.w + 16, cell.h + 32}, ink)
			k.text(r.x, r.y-9, titleSize, "#ffffff", p.Title, start, bold)
			ink = "#ffffff"
		}
		if options.GraphMode == "area" {
			spark(k, rect{cell.x, cell.y + cell.h*0.55, cell.w, cell.h * 0.45}, v.points, ink)
		}
		text := format(v.field, v.value)
		size := math.Min(30, (cell.w-16)/math.Max(textWidth(text, 1), 1))
		if len(values) == 1 {
			k.text(cell.x+cell.w/2, cell.y+cell.h/2+size*0.3, size, ink, text, middle, bold)
			continue
		}
		k.text(cell.x+8, cell.y+14, 11.5, plain, v.name, start)
		k.text(cell.x+8, cell.y+22+size, size, ink, text, start, bold)
	}
}

func valuesOf(p grafana.Panel, tables []Table) []value {
	var all []value
	for _, t := range tables {
		isSeries := false
		for _, c := range t {
			isSeries = isSeries || c.Kind() == "time"
		}
		if isSeries {
			for _, l := range linesOf(p, []Table{t}) {
				v := value{name: l.name, field: l.field, points: l.points}
				if len(l.points) > 0 {
					v.value = l.points[len(l.points)-1].value
				}
				all = append(all, v)
			}
			continue
		}
		for _, c := range t {
			all = append(all, value{name: c.Name, field: p.FieldConfig.Of(c.Name, c.Kind()), value: c.Values[0]})
		}
	}
	return all
}

// spark draws a small line without axes.
func spark(k *canvas, r rect, points []point, ink string) {
	if len(points) < 2 {
		return
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range points {
		low, high = math.Min(low, p.value), math.Max(high, p.value)
	}
	x := scale{from: float64(points[0].at.UnixMilli()), to: float64(points[len(points)-1].at.UnixMilli()), low: r.x, high: r.x + r.w}
	y := scale{from: low, to: high, low: r.y + r.h - 2, high: r.y + 4}
	var d strings.Builder
	for i, p := range points {
		d.WriteString(map[bool]string{true: "M", false: "L"}[i == 0] + num(x.at(float64(p.at.UnixMilli()))) + " " + num(y.at(p.value)))
	}
	k.path(d.String()+"V"+num(r.y+r.h)+"H"+num(r.x)+"Z", "none", 0, ink, 0.15)
	k.path(d.String(), ink, 1, "none", 1)
}
