package yahoo

import (
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"marketdata/market"
	"marketdata/providers"
)

// The columns of a chart, and their names.
const (
	columnTime = iota
	columnOpen
	columnHigh
	columnLow
	columnClose
	columnVolume
	columns
)

func columnNames() [columns]string {
	return [columns]string{"timestamp", "open", "high", "low", "close", "volume"}
}

// What a JSON value is called in errors.
const (
	aNumber  = "a number"
	aString  = "a string"
	anArray  = "an array"
	anObject = "an object"
)

const (
	resultPath = "chart.result[0]"
	metaPath   = resultPath + ".meta"
	quotePath  = resultPath + ".indicators.quote[0]"
)

// chart is what is read of chart.result[0].
type chart struct {
	zone   *time.Location
	latest string // meta.regularMarketTime as written: the stamp of the last price; "" without one
	rows   []row
}

// row has the elements of one row as they are written, parts of one copy of the body.
type row [columns]string

// decode checks a body as a whole and returns its chart.result[0], or its chart.error. Errors: malformed, with the path
// of what is missing or of another type.
func decode(body []byte) (result gjson.Result, refused *refusal, err error) {
	if err := providers.RequireJSON(body, "chart data"); err != nil { // gjson reads anything as something
		return result, nil, err
	}
	root := gjson.ParseBytes(body)
	if got := describe(root); got != anObject {
		return result, nil, market.Errorf(market.KindMalformed, "chart data are %s, want %s", got, anObject)
	}
	top, err := member(root, "chart", "chart", anObject)
	if err != nil {
		return result, nil, err
	}
	failure, err := optional(top, "chart.error", "error", anObject)
	switch {
	case err != nil:
		return result, nil, err
	case failure.Exists():
		return result, &refusal{code: failure.Get("code").String(), description: failure.Get("description").String()}, nil
	}
	results, err := member(top, "chart.result", "result", anArray)
	if err != nil {
		return result, nil, err
	}
	result, err = member(results, resultPath, "0", anObject)
	return result, nil, err
}

// readChart reads the rows of chart.result[0]. Errors: malformed.
func readChart(result gjson.Result, asked market.Interval) (chart, error) {
	meta, zone, err := readMeta(result)
	if err != nil {
		return chart{}, err
	}
	granularity, err := optional(meta, metaPath+".dataGranularity", "dataGranularity", aString)
	if err != nil {
		return chart{}, err
	}
	if text := granularity.String(); text != "" && parseGranularity(text) != asked {
		return chart{}, market.Errorf(market.KindMalformed, "%s.dataGranularity is %q, want that of %s", metaPath, providers.Printable(text), asked)
	}
	latest, err := optional(meta, metaPath+".regularMarketTime", "regularMarketTime", aNumber)
	if err != nil {
		return chart{}, err
	}
	arrays, err := findColumns(result)
	if err != nil {
		return chart{}, err
	}
	return chart{zone: zone, latest: latest.Raw, rows: readRows(arrays)}, nil
}

// readMeta returns the meta object of chart.result[0] and the time zone of its dates. Errors: malformed.
func readMeta(result gjson.Result) (meta gjson.Result, zone *time.Location, err error) {
	if meta, err = member(result, metaPath, "meta", anObject); err != nil {
		return meta, nil, err
	}
	const path = metaPath + ".exchangeTimezoneName"
	name, err := member(meta, path, "exchangeTimezoneName", aString)
	if err != nil {
		return meta, nil, err
	}
	zone, err = time.LoadLocation(name.String())
	if err != nil || name.String() == "" || zone == time.Local { // of this machine, whatever that is
		return meta, nil, market.Errorf(market.KindMalformed, "%s is %q, which is no known time zone", path, providers.Printable(name.String()))
	}
	return meta, zone, nil
}

// parseGranularity returns the interval that meta.dataGranularity names, or "".
func parseGranularity(text string) market.Interval {
	switch text {
	case "1wk":
		return market.Interval1w
	case "60m":
		return market.Interval1h
	}
	i, err := market.ParseInterval(text)
	if err != nil {
		return ""
	}
	return i
}

// findColumns returns the arrays of a chart, all of one length. A chart without rows lacks the timestamps, and its
// quote is an empty object. Errors: malformed.
func findColumns(result gjson.Result) (arrays [columns]gjson.Result, err error) {
	names := columnNames()
	const timePath = resultPath + ".timestamp"
	if arrays[columnTime], err = optional(result, timePath, names[columnTime], anArray); err != nil {
		return arrays, err
	}
	indicators, err := member(result, resultPath+".indicators", "indicators", anObject)
	if err != nil {
		return arrays, err
	}
	quotes, err := member(indicators, resultPath+".indicators.quote", "quote", anArray)
	if err != nil {
		return arrays, err
	}
	quote, err := member(quotes, quotePath, "0", anObject)
	if err != nil {
		return arrays, err
	}
	quote.ForEach(func(name, v gjson.Result) bool { // one look at every column
		if column := slices.Index(names[columnOpen:], name.String()); column >= 0 {
			arrays[columnOpen+column] = v
		}
		return true
	})
	rows := count(arrays[columnTime])
	for column := columnOpen; column < columns; column++ {
		path := quotePath + "." + names[column]
		if rows == 0 && arrays[column].Type == gjson.Null {
			arrays[column] = gjson.Result{}
			continue
		}
		if err := require(arrays[column], path, anArray); err != nil {
			return arrays, err
		}
		if n := count(arrays[column]); n != rows {
			return arrays, market.Errorf(market.KindMalformed, "%s has %d elements, and %s has %d", path, n, timePath, rows)
		}
	}
	return arrays, nil
}

// readRows turns columns of one length into rows.
func readRows(arrays [columns]gjson.Result) []row {
	rows := make([]row, count(arrays[columnTime]))
	for column, array := range arrays {
		i := 0
		if inner, ok := flat(array); ok {
			for raw := range strings.SplitSeq(inner, ",") {
				rows[i][column] = strings.TrimSpace(raw)
				i++
			}
			continue
		}
		array.ForEach(func(_, element gjson.Result) bool {
			rows[i][column] = element.Raw
			i++
			return true
		})
	}
	return rows
}

// count returns the number of elements of an array, 0 for none.
func count(array gjson.Result) int {
	if inner, ok := flat(array); ok {
		return strings.Count(inner, ",") + 1
	}
	return int(array.Get("#").Int())
}

// flat returns what is between the brackets of an array that has elements, none of which is a text, array or object:
// they are what commas separate. All columns are such arrays, unless they are broken.
func flat(array gjson.Result) (inner string, ok bool) {
	if !array.IsArray() {
		return "", false
	}
	inner = strings.TrimSpace(array.Raw[1 : len(array.Raw)-1])
	for _, c := range []byte(`"[{`) {
		if strings.IndexByte(inner, c) >= 0 {
			return "", false
		}
	}
	return inner, inner != ""
}

// member returns a member of an object, or an element of an array, that must be there. path is its place in the body.
// Errors: malformed when it is missing or not what is wanted.
func member(parent gjson.Result, path, name, want string) (gjson.Result, error) {
	v := parent.Get(name)
	return v, require(v, path, want)
}

// optional is member for what may be missing or null: then the result does not exist.
func optional(parent gjson.Result, path, name, want string) (gjson.Result, error) {
	v := parent.Get(name)
	if v.Type == gjson.Null {
		return gjson.Result{}, nil
	}
	return v, require(v, path, want)
}

func require(v gjson.Result, path, want string) error {
	if !v.Exists() {
		return market.Errorf(market.KindMalformed, "%s is missing", path)
	}
	if got := describe(v); got != want {
		return market.Errorf(market.KindMalformed, "%s is %s, want %s", path, got, want)
	}
	return nil
}

func describe(v gjson.Result) string {
	switch v.Type {
	case gjson.Null:
		return "null"
	case gjson.False, gjson.True:
		return "a boolean"
	case gjson.Number:
		return aNumber
	case gjson.String:
		return aString
	case gjson.JSON:
	}
	if v.IsArray() {
		return anArray
	}
	return anObject
}
