package picture

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"marketdata/grafana"
)

// candlestick draws candles with their volume at the foot, and every further number as a line.
func candlestick(k *canvas, p grafana.Panel, c Context, r rect, t Table) {
	var options struct {
		Colors struct{ Up, Down string } `json:"colors"`
	}
	_ = json.Unmarshal(p.Options, &options) // the schema has looked at it
	columns := map[string]Column{}
	rest := Table{}
	for _, column := range t {
		columns[column.Name] = column
		switch column.Name {
		case "open", "high", "low", "close", "volume":
		default:
			rest = append(rest, column)
		}
	}
	lines := linesOf(p, []Table{rest})
	for i := range lines {
		lines[i].name = c.text(lines[i].name)
	}
	up, down := line{name: "rises", colour: options.Colors.Up}, line{name: "falls", colour: options.Colors.Down}
	plot := legend(k, r, append([]line{up, down}, lines...))
	low, high := extremes(columns["low"].Values, columns["high"].Values)
	from, to := yRange(low-(high-low)*0.22, high, nil, nil) // the foot is for the volume
	plot, y := yAxis(k, plot, p.FieldConfig.Of("close", "number"), from, to)
	x := xAxis(k, plot, c)
	k.clip(plot, func() {
		volumes(k, columns, plot, x, options.Colors.Up, options.Colors.Down)
		candles(k, columns, x, y, options.Colors.Up, options.Colors.Down)
		for _, l := range lines {
			tops := make([]float64, len(l.points))
			for i, q := range l.points {
				tops[i] = q.value
			}
			field := p.FieldConfig.Defaults
			field.Custom.FillOpacity, field.Custom.LineWidth = 0, 1.8
			drawLine(k, l, tops, x, y, field)
		}
	})
}

func extremes(low, high []any) (float64, float64) {
	least, most := math.Inf(1), math.Inf(-1)
	for i := range low {
		l, isLow := low[i].(float64)
		h, isHigh := high[i].(float64)
		if isLow && isHigh {
			least, most = math.Min(least, l), math.Max(most, h)
		}
	}
	return least, most
}

// candleWidth is how wide a candle may be: most of the usual step between two.
func candleWidth(times []any, x scale) float64 {
	step := math.Inf(1)
	for i := 1; i < len(times); i++ {
		a, _ := times[i-1].(time.Time)
		b, _ := times[i].(time.Time)
		if d := float64(b.Sub(a).Milliseconds()); d > 0 {
			step = math.Min(step, d)
		}
	}
	if math.IsInf(step, 1) {
		return 8
	}
	return math.Min(math.Max((x.at(x.from+step)-x.low)*0.7, 1), 14)
}

func candles(k *canvas, columns map[string]Column, x, y scale, upColour, downColour string) {
	var wicks, bodies [2]strings.Builder
	w := candleWidth(columns["time"].Values, x)
	for i, value := range columns["time"].Values {
		at, isTime := value.(time.Time)
		open, isOpen := columns["open"].Values[i].(float64)
		closed, isClose := columns["close"].Values[i].(float64)
		high, isHigh := columns["high"].Values[i].(float64)
		low, isLow := columns["low"].Values[i].(float64)
		if !isTime || !isOpen || !isClose || !isHigh || !isLow {
			continue
		}
		side := 0
		if closed < open {
			side = 1
		}
		px := x.at(float64(at.UnixMilli()))
		fmt.Fprintf(&wicks[side], "M%s %sV%s", num(px), num(y.at(high)), num(y.at(low)))
		top, h := y.at(math.Max(open, closed)), math.Max(math.Abs(y.at(open)-y.at(closed)), 0.7)
		fmt.Fprintf(&bodies[side], "M%s %sh%sv%sh%sz", num(px-w/2), num(top), num(w), num(h), num(-w))
	}
	for side, name := range []string{upColour, downColour} {
		k.path(wicks[side].String(), name, 1, "none", 1)
		k.path(bodies[side].String(), "none", 0, name, 1)
	}
}

// volumes draws the volume in the lowest fifth.
func volumes(k *canvas, columns map[string]Column, plot rect, x scale, upColour, downColour string) {
	column, isThere := columns["volume"]
	if !isThere {
		return
	}
	_, most := extremes(column.Values, column.Values)
	var bars [2]strings.Builder
	w := candleWidth(columns["time"].Values, x)
	for i, v := range column.Values {
		volume, isNumber := v.(float64)
		at, isTime := columns["time"].Values[i].(time.Time)
		if !isNumber || !isTime || most <= 0 {
			continue
		}
		open, _ := columns["open"].Values[i].(float64)
		closed, _ := columns["close"].Values[i].(float64)
		side := 0
		if closed < open {
			side = 1
		}
		h := volume / most * plot.h * 0.17
		fmt.Fprintf(&bars[side], "M%s %sv%sh%sv%sz", num(x.at(float64(at.UnixMilli()))-w/2), num(plot.y+plot.h), num(-h), num(w), num(h))
	}
	for side, name := range []string{upColour, downColour} {
		k.path(bars[side].String(), "none", 0, name, 0.35)
	}
}
