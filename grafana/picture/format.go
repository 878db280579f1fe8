package picture

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"marketdata/grafana"
)

// format writes a value of a field as Grafana would.
func format(f grafana.Field, value any) string {
	switch v := value.(type) {
	case nil:
		if f.NoValue != "" {
			return f.NoValue
		}
		return "–"
	case time.Time:
		if v.Second() == 0 {
			return v.UTC().Format("2006-01-02 15:04")
		}
		return v.UTC().Format("2006-01-02 15:04:05")
	case bool:
		return strconv.FormatBool(v)
	case string:
		return v
	case float64:
		if text := mapped(f, strconv.FormatFloat(v, 'f', -1, 64)).Text; text != "" {
			return text
		}
		return number(f, v)
	}
	return fmt.Sprint(value)
}

// mapped returns what a mapping gives the value.
func mapped(f grafana.Field, value string) (found struct{ Text, Color string }) {
	for _, m := range f.Mappings {
		if to, isThere := m.Options[value]; isThere {
			found.Text, found.Color = to.Text, to.Color
		}
	}
	return found
}

// number writes a number with its unit.
func number(f grafana.Field, v float64) string {
	suffix, isSuffix := strings.CutPrefix(f.Unit, "suffix:")
	switch {
	case isSuffix:
		return scaled(v, f.Decimals) + suffix
	case f.Unit == "percentunit":
		return fixed(v*100, decimals(f.Decimals, v*100)) + "%"
	case f.Unit == "s":
		return duration(v, f.Decimals)
	case f.Unit == "reqps":
		return scaled(v, f.Decimals) + " req/s"
	case f.Unit == "bytes":
		return bytesOf(v)
	case f.Unit == "short":
		return scaled(v, f.Decimals)
	case f.Unit == "locale":
		return grouped(fixed(v, decimals(f.Decimals, v)))
	}
	return fixed(v, decimals(f.Decimals, v))
}

// decimals is the number of digits after the point: those asked for, or enough for three figures that tell something.
func decimals(asked *int, v float64) int {
	if asked != nil {
		return *asked
	}
	size := math.Abs(v)
	switch {
	case v == math.Trunc(v):
		return 0
	case size >= 1000:
		return 0
	case size >= 10:
		return 2
	case size >= 1:
		return 2
	}
	return 3
}

func fixed(v float64, digits int) string {
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Trim(text, "-0.") == "" {
		return strings.TrimPrefix(text, "-")
	}
	return text
}

// scaled shortens large numbers: 1.2 K, 3.4 Mil.
func scaled(v float64, asked *int) string {
	for _, step := range []struct {
		size float64
		name string
	}{{1e12, " Tri"}, {1e9, " Bil"}, {1e6, " Mil"}, {1e3, " K"}} {
		if math.Abs(v) >= step.size {
			return trimmed(fixed(v/step.size, 1)) + step.name
		}
	}
	if asked == nil || v == math.Trunc(v) {
		return trimmed(fixed(v, min(decimals(nil, v), 2)))
	}
	return fixed(v, *asked)
}

func trimmed(text string) string {
	if !strings.Contains(text, ".") {
		return text
	}
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}

func bytesOf(v float64) string {
	for _, step := range []struct {
		size float64
		name string
	}{{1 << 30, " GiB"}, {1 << 20, " MiB"}, {1 << 10, " KiB"}} {
		if v >= step.size {
			return trimmed(fixed(v/step.size, 1)) + step.name
		}
	}
	return fixed(v, 0) + " B"
}

func duration(v float64, asked *int) string {
	for _, step := range []struct {
		size float64
		name string
	}{{365 * 86400, " years"}, {7 * 86400, " weeks"}, {86400, " days"}, {3600, " hours"}, {60, " mins"}, {1, " s"}} {
		if math.Abs(v) >= step.size {
			return trimmed(fixed(v/step.size, 2)) + step.name
		}
	}
	if v == 0 {
		return "0 s"
	}
	return trimmed(fixed(v*1000, decimals(asked, v*1000))) + " ms"
}

// grouped puts a comma between thousands.
func grouped(text string) string {
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	whole, part, hasPart := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if hasPart {
		whole += "." + part
	}
	return sign + whole
}
