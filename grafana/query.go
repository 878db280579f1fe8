package grafana

import (
	"regexp"
	"strconv"
	"time"

	"marketdata/grafana/macro"
	"marketdata/market"
)

// QueryKind says what a query is for.
type QueryKind string

// What queries are for.
const (
	OfPanel      QueryKind = "panel"
	OfVariable   QueryKind = "variable"
	OfAnnotation QueryKind = "annotation"
)

// Query is one query of a dashboard.
type Query struct {
	Dashboard  string // its title
	Name       string // of the panel, the variable or the annotation
	Kind       QueryKind
	DataSource string // its UID
	Text       string // SQL or PromQL, as it stands in the JSON
	Format     string
	Panel      Panel // of a panel's query
}

// Queries returns the queries of the dashboard: variables first, then annotations, then panels. A variable that asks
// Prometheus has no text, but Variable.PromQL.
func (d Dashboard) Queries() []Query {
	var all []Query
	for _, v := range d.Templating.List {
		if v.Type == "query" {
			all = append(all, Query{Dashboard: d.Title, Name: v.Name, Kind: OfVariable, DataSource: v.DataSource.UID, Text: v.Text()})
		}
	}
	for _, a := range d.Annotations.List {
		if a.BuiltIn == 0 {
			all = append(all, Query{Dashboard: d.Title, Name: a.Name, Kind: OfAnnotation, DataSource: a.DataSource.UID, Text: a.Target.RawSQL, Format: a.Target.Format})
		}
	}
	for _, p := range d.Panels {
		for _, t := range p.Targets {
			all = append(all, Query{
				Dashboard: d.Title, Name: p.Title, Kind: OfPanel, DataSource: t.DataSource.UID, Text: t.RawSQL + t.Expr, Format: t.Format, Panel: p,
			})
		}
	}
	return all
}

// Limit is the most rows that the query returns: the number of its last LIMIT. Errors: invalid, where it does not end with one.
func (q Query) Limit() (int, error) {
	match := regexp.MustCompile(`(?s)\bLIMIT (\d+)\s*$`).FindStringSubmatch(q.Text)
	if match == nil {
		return 0, market.Errorf(market.KindInvalid, "%s, %s: it does not end with a LIMIT", q.Dashboard, q.Name)
	}
	return strconv.Atoi(match[1])
}

// IntervalOf is the width of a point of the panel over a range: that of 1,000 points where the panel does not say, as on a
// wide screen.
func (p Panel) IntervalOf(r time.Duration) (time.Duration, error) {
	points := p.MaxDataPoints
	if points == 0 {
		points = 1000
	}
	least := time.Duration(0)
	if p.Interval != "" {
		var err error
		if least, err = macro.ParseInterval(p.Interval); err != nil {
			return 0, err
		}
	}
	return macro.IntervalOf(r, points, least), nil
}

// TimeRange reads the range that the dashboard opens with, such as now-90d to now. Errors: invalid.
func (d Dashboard) TimeRange(now time.Time) (from, to time.Time, err error) {
	match := regexp.MustCompile(`^now-(\w+)$`).FindStringSubmatch(d.Time.From)
	if match == nil || d.Time.To != "now" {
		return from, to, market.Errorf(market.KindInvalid, "%s: it opens with %s to %s, not with now-… to now", d.Title, d.Time.From, d.Time.To)
	}
	length, err := macro.ParseInterval(match[1])
	return now.Add(-length), now, err
}
