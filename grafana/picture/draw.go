package picture

import (
	"strings"
	"time"

	"marketdata/grafana"
	"marketdata/grafana/macro"
)

// Column is a column of an answer. A value is a time.Time, a float64, a string, a bool, or nil.
type Column struct {
	Name   string
	Values []any
}

// Kind is "time", "number", "boolean" or "string", by the first value that is there.
func (c Column) Kind() string {
	for _, v := range c.Values {
		switch v.(type) {
		case time.Time:
			return "time"
		case float64:
			return "number"
		case bool:
			return "boolean"
		case string:
			return "string"
		}
	}
	return "number"
}

// Table is the answer to one query.
type Table []Column

// rows is the number of rows.
func (t Table) rows() int {
	if len(t) == 0 {
		return 0
	}
	return len(t[0].Values)
}

// Context is what a dashboard is looked at with.
type Context struct {
	From, To time.Time
	Values   map[string]macro.Value // of its variables
}

// text expands variables; a text that cannot be expanded stays.
func (c Context) text(text string) string {
	expanded, err := macro.Context{From: c.From, To: c.To, Variables: c.Values}.Text(text)
	if err != nil {
		return text
	}
	return expanded
}

const (
	width     = 1200
	head      = 84
	gridW     = width / 24
	gridH     = 30
	gap       = 4
	titleSize = 12.5
)

// Draw returns the dashboard as SVG. answers holds the answers of each panel, by its id and in the order of its targets.
func Draw(d grafana.Dashboard, c Context, answers map[int][]Table) []byte {
	bottom := 0
	for _, p := range d.Panels {
		bottom = max(bottom, p.GridPos.Y+p.GridPos.H)
	}
	k := newCanvas(width, float64(head+bottom*gridH+10))
	header(k, d, c)
	for _, p := range d.Panels {
		r := rect{x: float64(p.GridPos.X * gridW), y: float64(head + p.GridPos.Y*gridH), w: float64(p.GridPos.W * gridW), h: float64(p.GridPos.H * gridH)}.inset(gap / 2)
		if p.Type == "row" {
			k.text(r.x+8, r.y+19, 13, bright, "▾ "+p.Title, start, bold)
			continue
		}
		panel(k, p, c, r, answers[p.ID])
	}
	return k.bytes()
}

// header draws the title, the time range and the variables.
func header(k *canvas, d grafana.Dashboard, c Context) {
	k.text(14, 30, 19, bright, d.Title, start, bold)
	k.text(width-14, 30, 12.5, plain, c.From.UTC().Format("2006-01-02 15:04")+" to "+c.To.UTC().Format("2006-01-02 15:04")+" UTC", end)
	x := 14.0
	for _, v := range d.Templating.List {
		value, isThere := c.Values[v.Name]
		if !isThere {
			continue
		}
		chosen := value.Label
		if chosen == "" {
			chosen = strings.Join(value.Chosen, " + ")
		}
		chosen = shorten(chosen, 12, 300)
		label, text := textWidth(v.Label, 12), textWidth(chosen, 12)
		k.box(rect{x, 46, label + 14, 26}, "#22252b")
		k.text(x+7, 63, 12, "#6e9fff", v.Label, start)
		k.box(rect{x + label + 14, 46, text + 16, 26}, "#111217")
		k.text(x+label+22, 63, 12, bright, chosen, start)
		x += label + text + 42
	}
}

// panel draws one panel with its frame and title.
func panel(k *canvas, p grafana.Panel, c Context, r rect, tables []Table) {
	k.box(r, "#181b1f")
	k.text(r.x+10, r.y+19, titleSize, bright, shorten(c.text(p.Title), titleSize, r.w-20), start, bold)
	inner := rect{r.x + 10, r.y + 28, r.w - 20, r.h - 36}
	if len(tables) == 0 || tables[0].rows() == 0 {
		k.text(inner.x+inner.w/2, inner.y+inner.h/2, 13, dim, noValue(p), middle)
		return
	}
	switch p.Type {
	case "stat":
		stats(k, p, inner, tables)
	case "candlestick":
		candlestick(k, p, c, inner, tables[0])
	case "timeseries":
		graph(k, p, c, inner, tables)
	case "status-history":
		history(k, p, c, inner, tables[0])
	case "barchart":
		barChart(k, p, inner, tables[0])
	case "bargauge":
		barGauge(k, p, inner, tables[0])
	case "table":
		grid(k, p, inner, transformed(p, tables[0]))
	}
}

func noValue(p grafana.Panel) string {
	if text := p.FieldConfig.Defaults.NoValue; text != "" {
		return text
	}
	return "no data"
}
