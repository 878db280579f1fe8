package picture

import (
	"math"

	"marketdata/grafana"
)

// transformed applies the transformations that the dashboards use.
func transformed(p grafana.Panel, t Table) Table {
	for _, step := range p.Transformations {
		if step.ID == "groupingToMatrix" {
			t = matrix(t, step.Options["columnField"], step.Options["rowField"], step.Options["valueField"])
		}
	}
	return t
}

// matrix makes a column of each value of one column and a row of each value of another.
func matrix(t Table, columnName, rowName, valueName string) Table {
	var across, down, values []any
	for _, c := range t {
		switch c.Name {
		case columnName:
			across = c.Values
		case rowName:
			down = c.Values
		case valueName:
			values = c.Values
		}
	}
	columns, rows := map[any]int{}, map[any]int{}
	out := Table{{Name: rowName + `\` + columnName}}
	for _, name := range down {
		if _, isThere := rows[name]; !isThere {
			rows[name] = len(rows)
			out[0].Values = append(out[0].Values, name)
		}
	}
	for i, name := range across {
		if _, isThere := columns[name]; !isThere {
			columns[name] = len(out)
			text, _ := name.(string)
			out = append(out, Column{Name: text, Values: make([]any, len(rows))})
		}
		out[columns[name]].Values[rows[down[i]]] = values[i]
	}
	return out
}

const (
	rowHeight = 26.0
	cellSize  = 11.5
)

// grid draws a table, as many rows as there is room for.
func grid(k *canvas, p grafana.Panel, r rect, t Table) {
	fields := make([]grafana.Field, len(t))
	for i, c := range t {
		fields[i] = p.FieldConfig.Of(c.Name, c.Kind())
		if fields[i].DisplayName == "" {
			fields[i].DisplayName = c.Name
		}
	}
	room := int((r.h - rowHeight) / rowHeight)
	rows := min(t.rows(), room)
	if t.rows() > room {
		rows = room - 1
	}
	widths := columnWidths(t, fields, rows, r.w)
	x := r.x
	for i, c := range t {
		k.text(cellX(x, widths[i], c.Kind()), r.y+17, cellSize, "#6e9fff", shorten(fields[i].DisplayName, cellSize, widths[i]-8), cellAnchor(c.Kind()))
		x += widths[i]
	}
	for row := range rows {
		y := r.y + rowHeight*float64(row+1)
		k.line(r.x, y, r.x+r.w, y)
		x = r.x
		for i, c := range t {
			cell(k, rect{x, y, widths[i], rowHeight}, fields[i], c.Kind(), c.Values[row])
			x += widths[i]
		}
	}
	if more := t.rows() - rows; more > 0 {
		k.text(r.x+6, r.y+rowHeight*float64(rows+1)+17, cellSize, dim, fixed(float64(more), 0)+" more rows", start)
	}
}

// columnWidths shares the width by what the columns hold.
func columnWidths(t Table, fields []grafana.Field, rows int, width float64) []float64 {
	widths, sum := make([]float64, len(t)), 0.0
	for i, c := range t {
		widths[i] = textWidth(fields[i].DisplayName, cellSize) + 16
		if fields[i].Custom.CellOptions.Type == "gauge" {
			widths[i] = 120
		}
		for row := range rows {
			widths[i] = math.Max(widths[i], math.Min(textWidth(format(fields[i], c.Values[row]), cellSize)+16, 330))
		}
		sum += widths[i]
	}
	if sum <= width {
		for i := range widths {
			widths[i] *= width / sum
		}
		return widths
	}
	most := fit(widths, width)
	for i := range widths {
		widths[i] = math.Min(widths[i], most)
	}
	return widths
}

// fit returns how wide a column may be at most so that all of them have room: the narrow ones stay as they are.
func fit(widths []float64, width float64) float64 {
	low, high := 0.0, width
	for range 30 {
		middle, sum := (low+high)/2, 0.0
		for _, w := range widths {
			sum += math.Min(w, middle)
		}
		if sum > width {
			high = middle
		} else {
			low = middle
		}
	}
	return low
}

func cellAnchor(kind string) anchor {
	if kind == "number" {
		return end
	}
	return start
}

func cellX(x, w float64, kind string) float64 {
	if kind == "number" {
		return x + w - 8
	}
	return x + 6
}

// cell draws one value in the way that its field wants.
func cell(k *canvas, r rect, f grafana.Field, kind string, value any) {
	text, ink := format(f, value), bright
	number, isNumber := value.(float64)
	switch {
	case isNumber && f.Custom.CellOptions.Type == "color-background":
		k.fill(rect{r.x + 1, r.y + 1, r.w - 2, r.h - 2}, colour(f.ColorOf(number)))
		ink = "#ffffff"
	case isNumber && f.Custom.CellOptions.Type == "color-text":
		ink = colour(f.ColorOf(number))
	case isNumber && f.Custom.CellOptions.Type == "gauge":
		k.fill(rect{r.x + 4, r.y + 7, (r.w - 58), r.h - 14}, faint)
		k.fill(rect{r.x + 4, r.y + 7, (r.w - 58) * math.Min(math.Max(number, 0), 1), r.h - 14}, palette(0))
	case f.Custom.CellOptions.Type == "color-text":
		if mappedTo := mapped(f, text).Color; mappedTo != "" {
			ink = colour(mappedTo)
		}
	case len(f.Links) > 0:
		ink = "#6e9fff"
	}
	k.text(cellX(r.x, r.w, kind), r.y+17, cellSize, ink, shorten(text, cellSize, r.w-10), cellAnchor(kind))
}
