package macro

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"marketdata/market"
)

// Context is what a query is expanded for: the dashboard's time range [From, To], the panel's interval, and the values of
// the dashboard's variables by name.
type Context struct {
	From, To  time.Time
	Interval  time.Duration
	Variables map[string]Value
}

// Expanded is a query as it is sent.
type Expanded struct {
	Text string
	Fill *Fill // what Grafana adds to the answer, where a time group asks for it
}

// Fill says which points Grafana adds where a group of time has no row.
type Fill struct {
	Interval time.Duration
	Mode     FillMode
	Value    float64 // of FillValue
}

// FillMode is how the value of an added point is found.
type FillMode string

// The modes of a fill.
const (
	FillNull     FillMode = "null"
	FillPrevious FillMode = "previous"
	FillValue    FillMode = "value"
)

// SQL expands a query of the PostgreSQL data source. Errors: invalid.
func (c Context) SQL(query string) (Expanded, error) {
	text, err := c.interpolate(query, quotedForSQL)
	if err != nil {
		return Expanded{}, err
	}
	e := Expanded{}
	e.Text, err = replaceAll(macroCall(), text, func(match []string) (string, error) { return c.call(match[1], arguments(match[2]), &e) })
	if err != nil {
		return Expanded{}, err
	}
	if left := leftover().FindString(e.Text); left != "" {
		return Expanded{}, market.Errorf(market.KindInvalid, "%s is neither a variable nor a macro", left)
	}
	return e, nil
}

// PromQL expands a query of the Prometheus data source. Errors: invalid.
func (c Context) PromQL(query string) (string, error) {
	text, err := c.interpolate(query, regexForPromQL)
	if err != nil {
		return "", err
	}
	if left := leftover().FindString(text); left != "" {
		return "", market.Errorf(market.KindInvalid, "%s is not a variable", left)
	}
	return text, nil
}

// Text expands a title, a link or a name. Errors: invalid.
func (c Context) Text(text string) (string, error) { return c.interpolate(text, formatGlob) }

func macroCall() *regexp.Regexp { return regexp.MustCompile(`\$(__[A-Za-z]+)\(([^)]*)\)`) }

// leftover finds what nothing has replaced; a dollar before a digit is a parameter of a statement.
func leftover() *regexp.Regexp { return regexp.MustCompile(`\$\{?[A-Za-z_]\w*|\[\[\w+`) }

// arguments splits the list of a macro.
func arguments(list string) []string {
	if strings.TrimSpace(list) == "" {
		return nil
	}
	all := strings.Split(list, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// call expands one macro.
func (c Context) call(name string, args []string, e *Expanded) (string, error) {
	if len(args) < arity(name) {
		return "", market.Errorf(market.KindInvalid, "$%s needs %d arguments, not %d", name, arity(name), len(args))
	}
	switch name {
	case "__time":
		return args[0] + ` AS "time"`, nil
	case "__timeEpoch":
		return fmt.Sprintf(`extract(epoch from %s) AS "time"`, args[0]), nil
	case "__timeFilter":
		return fmt.Sprintf("%s BETWEEN %s AND %s", args[0], literal(c.From), literal(c.To)), nil
	case "__timeFrom":
		return literal(c.From), nil
	case "__timeTo":
		return literal(c.To), nil
	case "__timeGroup", "__timeGroupAlias":
		return c.group(name, "extract(epoch from "+args[0]+")", args, e)
	case "__unixEpochGroup", "__unixEpochGroupAlias":
		return c.group(name, args[0], args, e)
	}
	return c.epoch(name, args)
}

// arity is the least number of arguments of a macro.
func arity(name string) int {
	switch name {
	case "__timeGroup", "__timeGroupAlias", "__unixEpochGroup", "__unixEpochGroupAlias":
		return 2
	case "__time", "__timeEpoch", "__timeFilter", "__unixEpochFilter", "__unixEpochNanoFilter":
		return 1
	}
	return 0
}

// epoch expands the macros over times that are stored as numbers.
func (c Context) epoch(name string, args []string) (string, error) {
	switch name {
	case "__unixEpochFilter":
		return fmt.Sprintf("%[1]s >= %[2]d AND %[1]s <= %[3]d", args[0], c.From.Unix(), c.To.Unix()), nil
	case "__unixEpochFrom":
		return strconv.FormatInt(c.From.Unix(), 10), nil
	case "__unixEpochTo":
		return strconv.FormatInt(c.To.Unix(), 10), nil
	case "__unixEpochNanoFilter":
		return fmt.Sprintf("%[1]s >= %[2]d AND %[1]s <= %[3]d", args[0], c.From.UnixNano(), c.To.UnixNano()), nil
	case "__unixEpochNanoFrom":
		return strconv.FormatInt(c.From.UnixNano(), 10), nil
	case "__unixEpochNanoTo":
		return strconv.FormatInt(c.To.UnixNano(), 10), nil
	}
	return "", market.Errorf(market.KindInvalid, "$%s is no macro of the PostgreSQL data source", name)
}

// group expands a group of time and notes its fill.
func (c Context) group(name, seconds string, args []string, e *Expanded) (string, error) {
	width, err := ParseInterval(strings.Trim(args[1], `'"`))
	if err != nil {
		return "", err
	}
	if len(args) > 2 {
		if e.Fill, err = fill(width, strings.Trim(args[2], `'"`)); err != nil {
			return "", err
		}
	}
	n := strconv.FormatFloat(width.Seconds(), 'f', -1, 64)
	text := fmt.Sprintf("floor(%s/%s)*%s", seconds, n, n)
	if strings.HasSuffix(name, "Alias") {
		text += ` AS "time"`
	}
	return text, nil
}

func fill(width time.Duration, word string) (*Fill, error) {
	switch strings.ToLower(word) {
	case "null":
		return &Fill{Interval: width, Mode: FillNull}, nil
	case "previous":
		return &Fill{Interval: width, Mode: FillPrevious}, nil
	}
	value, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return nil, market.Errorf(market.KindInvalid, "a group of time is filled with NULL, previous or a number, not with %q", word)
	}
	return &Fill{Interval: width, Mode: FillValue, Value: value}, nil
}

func literal(t time.Time) string { return "'" + t.UTC().Format(time.RFC3339Nano) + "'" }

// replaceAll replaces what the expression finds and stops at the first error.
func replaceAll(expression *regexp.Regexp, text string, replace func(match []string) (string, error)) (string, error) {
	var failure error
	replaced := expression.ReplaceAllStringFunc(text, func(found string) string {
		with, err := replace(expression.FindStringSubmatch(found))
		if err != nil && failure == nil {
			failure = err
		}
		return with
	})
	return replaced, failure
}
