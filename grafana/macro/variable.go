package macro

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Value is what is chosen of a variable.
type Value struct {
	Chosen  []string // one, or several of a variable that may have them; all of them where All is chosen
	IsMulti bool     // the variable may have several values, or All
	Label   string   // what is shown, where it differs
}

// One is the value of a variable with a single choice.
func One(value string) Value { return Value{Chosen: []string{value}} }

// Several is the value of a variable that may have several, or all of them.
func Several(values ...string) Value { return Value{Chosen: values, IsMulti: true} }

// Formats that a place gives a variable without one of its own.
const (
	quotedForSQL   = "" // PostgreSQL: quoted where there may be several, with doubled quotes otherwise
	regexForPromQL = "promql"
	formatGlob     = "glob"
)

func variable() *regexp.Regexp {
	return regexp.MustCompile(`\$\{(\w+)(?:\.[^}:]+)?(?::([^}]+))?\}|\$(\w+)|\[\[(\w+)(?::(\w+))?\]\]`)
}

// interpolate replaces variables; macros and what is not known stay.
func (c Context) interpolate(text, format string) (string, error) {
	return replaceAll(variable(), text, func(match []string) (string, error) {
		name, wanted := match[1]+match[3]+match[4], match[2]+match[5]
		if builtin, ok := c.builtin(name, wanted); ok {
			return builtin, nil
		}
		value, ok := c.Variables[name]
		if !ok {
			return match[0], nil
		}
		if wanted == "" {
			wanted = format
		}
		return value.format(name, wanted)
	})
}

// builtin returns the value of a variable that every dashboard has.
func (c Context) builtin(name, format string) (string, bool) {
	seconds := int64(c.To.Sub(c.From) / time.Second)
	switch name {
	case "__interval":
		return FormatInterval(c.Interval), true
	case "__interval_ms":
		return strconv.FormatInt(c.Interval.Milliseconds(), 10), true
	case "__rate_interval": // four scrapes of 15 seconds at least
		return FormatInterval(max(c.Interval+15*time.Second, time.Minute)), true
	case "__range":
		return strconv.FormatInt(seconds, 10) + "s", true
	case "__range_s":
		return strconv.FormatInt(seconds, 10), true
	case "__range_ms":
		return strconv.FormatInt(c.To.Sub(c.From).Milliseconds(), 10), true
	case "__from":
		return instant(c.From, format), true
	case "__to":
		return instant(c.To, format), true
	case "__timezone":
		return "UTC", true
	}
	return "", false
}

func instant(t time.Time, format string) string {
	switch format {
	case "date", "date:iso":
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	case "date:seconds":
		return strconv.FormatInt(t.Unix(), 10)
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}

// format writes the chosen values. A format that is not known is glob, as in Grafana. Where there is nothing to choose, Grafana
// writes nothing.
func (v Value) format(name, format string) (string, error) {
	if len(v.Chosen) == 0 && !v.IsMulti {
		v.Chosen = []string{""}
	}
	switch format {
	case quotedForSQL:
		if !v.IsMulti {
			return strings.ReplaceAll(v.Chosen[0], "'", "''"), nil
		}
		return v.join("'", "''", "'"), nil
	case "sqlstring":
		return v.join("'", "''", "'"), nil
	case "singlequote":
		return v.join("'", `\'`, "'"), nil
	case "doublequote":
		return v.join(`"`, `\"`, `"`), nil
	case "csv", "raw":
		return strings.Join(v.Chosen, ","), nil
	case "pipe":
		return strings.Join(v.Chosen, "|"), nil
	case "regex", regexForPromQL:
		return v.regex(format), nil
	case "json":
		text, err := json.Marshal(append([]string{}, v.Chosen...))
		return string(text), err
	case "percentencode":
		return strings.ReplaceAll(url.QueryEscape(strings.Join(v.Chosen, ",")), "+", "%20"), nil
	case "queryparam":
		parts := make([]string, len(v.Chosen))
		for i, value := range v.Chosen {
			parts[i] = "var-" + name + "=" + url.QueryEscape(value)
		}
		return strings.Join(parts, "&"), nil
	case "text":
		if v.Label != "" {
			return v.Label, nil
		}
		return strings.Join(v.Chosen, " + "), nil
	}
	if len(v.Chosen) < 2 {
		return strings.Join(v.Chosen, ""), nil
	}
	return "{" + strings.Join(v.Chosen, ",") + "}", nil
}

// join quotes each value, with the quotes in it escaped, and puts commas between them.
func (v Value) join(open, escaped, closing string) string {
	quoted := make([]string, len(v.Chosen))
	for i, value := range v.Chosen {
		quoted[i] = open + strings.ReplaceAll(value, open, escaped) + closing
	}
	return strings.Join(quoted, ",")
}

// regex matches any of the values. In a string of PromQL a backslash is written twice.
func (v Value) regex(format string) string {
	escaped := make([]string, len(v.Chosen))
	for i, value := range v.Chosen {
		escaped[i] = regexp.QuoteMeta(value)
		if format == regexForPromQL {
			escaped[i] = strings.ReplaceAll(escaped[i], `\`, `\\`)
			if !v.IsMulti {
				escaped[i] = value
			}
		}
	}
	if len(escaped) == 1 {
		return escaped[0]
	}
	return "(" + strings.Join(escaped, "|") + ")"
}
