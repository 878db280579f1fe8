package picture

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// The colours of Grafana's dark theme, as far as they are used.
const (
	bright = "#ccccdc"
	plain  = "#a9abb8"
	dim    = "#7b7d88"
	faint  = "#2a2d33"
	frame  = "#2c3035"
)

type rect struct{ x, y, w, h float64 }

func (r rect) inset(by float64) rect { return rect{r.x + by, r.y + by, r.w - 2*by, r.h - 2*by} }

type anchor string

const (
	start  anchor = "start"
	middle anchor = "middle"
	end    anchor = "end"
)

// bold as an option of text.
const bold = true

// canvas collects SVG. All of it is text that people can read and compare.
type canvas struct {
	out   bytes.Buffer
	clips int
}

func newCanvas(w, h float64) *canvas {
	k := &canvas{}
	fmt.Fprintf(&k.out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %s %s\" width=\"%s\" height=\"%s\" font-family=\"Inter, 'DejaVu Sans', Helvetica, Arial, sans-serif\">\n", num(w), num(h), num(w), num(h))
	k.fill(rect{0, 0, w, h}, "#111217")
	return k
}

func (k *canvas) bytes() []byte {
	k.out.WriteString("</svg>\n")
	return k.out.Bytes()
}

// num writes a coordinate, to a tenth of a pixel.
func num(v float64) string {
	return strconv.FormatFloat(math.Round(v*10)/10+0, 'f', -1, 64) // +0: no negative zero
}

func (k *canvas) fill(r rect, colour string) {
	fmt.Fprintf(&k.out, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" fill=\"%s\"/>\n", num(r.x), num(r.y), num(r.w), num(r.h), colour)
}

// box has a frame and round corners.
func (k *canvas) box(r rect, fill string) {
	fmt.Fprintf(&k.out, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" rx=\"2\" fill=\"%s\" stroke=\"%s\"/>\n", num(r.x), num(r.y), num(r.w), num(r.h), fill, frame)
}

// line is one of a grid.
func (k *canvas) line(x1, y1, x2, y2 float64) {
	fmt.Fprintf(&k.out, "<path d=\"M%s %sL%s %s\" stroke=\"%s\"/>\n", num(x1), num(y1), num(x2), num(y2), faint)
}

// path draws a line of the width and fills with the opacity.
func (k *canvas) path(d, stroke string, strokeWidth float64, fill string, opacity float64) {
	if d == "" {
		return
	}
	fmt.Fprintf(&k.out, "<path d=\"%s\" stroke=\"%s\" stroke-width=\"%s\" fill=\"%s\"", d, stroke, num(strokeWidth), fill)
	if opacity < 1 {
		fmt.Fprintf(&k.out, " fill-opacity=\"%s\"", strconv.FormatFloat(opacity, 'f', 2, 64))
	}
	k.out.WriteString(" stroke-linejoin=\"round\"/>\n")
}

func (k *canvas) text(x, y, size float64, colour, text string, at anchor, isBold ...bool) {
	fmt.Fprintf(&k.out, "<text x=\"%s\" y=\"%s\" font-size=\"%s\" fill=\"%s\"", num(x), num(y), num(size), colour)
	if at != start {
		fmt.Fprintf(&k.out, " text-anchor=\"%s\"", at)
	}
	if len(isBold) > 0 && isBold[0] {
		k.out.WriteString(" font-weight=\"600\"")
	}
	fmt.Fprintf(&k.out, ">%s</text>\n", html.EscapeString(text))
}

// turned writes a text upwards, for the label of an axis.
func (k *canvas) turned(x, y, size float64, colour, text string) {
	fmt.Fprintf(&k.out, "<text transform=\"translate(%s %s) rotate(-90)\" font-size=\"%s\" fill=\"%s\" text-anchor=\"middle\">%s</text>\n", num(x), num(y), num(size), colour, html.EscapeString(text))
}

// clip draws what draw draws, but nothing outside r.
func (k *canvas) clip(r rect, draw func()) {
	k.clips++
	fmt.Fprintf(&k.out, "<clipPath id=\"c%d\"><rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/></clipPath>\n<g clip-path=\"url(#c%d)\">\n", k.clips, num(r.x), num(r.y), num(r.w), num(r.h), k.clips)
	draw()
	k.out.WriteString("</g>\n")
}

// textWidth estimates how wide a text is.
func textWidth(text string, size float64) float64 {
	n := 0.0
	for _, letter := range text {
		switch {
		case strings.ContainsRune("iljtfrI.,:;'|!()[] -", letter):
			n += 0.38
		case strings.ContainsRune("mwMW%", letter):
			n += 0.9
		case letter >= 'A' && letter <= 'Z':
			n += 0.7
		default:
			n += 0.61
		}
	}
	return n * size
}

// shorten cuts a text to a width.
func shorten(text string, size, limit float64) string {
	if textWidth(text, size) <= limit {
		return text
	}
	letters := []rune(text)
	for len(letters) > 1 && textWidth(string(letters)+"…", size) > limit {
		letters = letters[:len(letters)-1]
	}
	return strings.TrimRight(string(letters), " .,") + "…"
}

// palette is Grafana's classic one, less its darker half.
func palette(n int) string {
	colours := []string{"#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#3fb8af", "#fade2a", "#e0b400", "#a352cc", "#c4162a"}
	return colours[n%len(colours)]
}

// colour gives a colour's name its value.
func colour(name string) string {
	switch name {
	case "", "text":
		return bright
	case "green":
		return "#73bf69"
	case "red":
		return "#f2495c"
	}
	return name
}
