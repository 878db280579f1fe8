package grafana

import (
	"embed"
	"encoding/json"
	"io/fs"
	"path"
	"regexp"

	"marketdata/market"
)

// Files holds dashboards/*.json and provisioning/*/*.yaml as Grafana gets them.
//
//go:embed dashboards/*.json provisioning/*/*.yaml
var Files embed.FS

// UIDs of the data sources that are provisioned.
const (
	Database   = "marketdata"
	Prometheus = "prometheus"
)

// Dashboard is what is read of a dashboard's JSON.
type Dashboard struct {
	File        string `json:"-"`
	UID         string `json:"uid"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Timezone    string `json:"timezone"`
	Time        struct {
		From string `json:"from"`
		To   string `json:"to"`
	} `json:"time"`
	Tags        []string                    `json:"tags"`
	Links       []Link                      `json:"links"`
	Panels      []Panel                     `json:"panels"`
	Templating  struct{ List []Variable }   `json:"templating"`
	Annotations struct{ List []Annotation } `json:"annotations"`
}

// Link leads from a dashboard to others, or from a field to a page.
type Link struct {
	Title string   `json:"title"`
	Type  string   `json:"type"`
	URL   string   `json:"url"`
	Tags  []string `json:"tags"`
}

// DataSource names a data source.
type DataSource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// Panel is one picture of a dashboard, or a row of them.
type Panel struct {
	ID              int             `json:"id"`
	Type            string          `json:"type"`
	Title           string          `json:"title"`
	Description     string          `json:"description"`
	GridPos         GridPos         `json:"gridPos"`
	DataSource      DataSource      `json:"datasource"`
	MaxDataPoints   int             `json:"maxDataPoints"`
	Interval        string          `json:"interval"` // the least width of a point, "" for none
	Targets         []Target        `json:"targets"`
	FieldConfig     FieldConfig     `json:"fieldConfig"`
	Options         json.RawMessage `json:"options"`
	Transformations []struct {
		ID      string            `json:"id"`
		Options map[string]string `json:"options"`
	} `json:"transformations"`
}

// GridPos is where a panel stands, in 24 columns and rows of 30 pixels.
type GridPos struct {
	X int `json:"x"`
	Y int `json:"y"`
	W int `json:"w"`
	H int `json:"h"`
}

// Target is one query of a panel.
type Target struct {
	RefID        string     `json:"refId"`
	DataSource   DataSource `json:"datasource"`
	Format       string     `json:"format"` // of SQL: time_series or table
	RawSQL       string     `json:"rawSql"`
	Expr         string     `json:"expr"`
	LegendFormat string     `json:"legendFormat"`
}

// Variable is a choice above the panels.
type Variable struct {
	Type       string          `json:"type"` // query or custom
	Name       string          `json:"name"`
	Label      string          `json:"label"`
	DataSource DataSource      `json:"datasource"`
	Query      json.RawMessage `json:"query"`
	Multi      bool            `json:"multi"`
	IncludeAll bool            `json:"includeAll"`
	Regex      string          `json:"regex"`       // which part of a result is the value
	SkipURL    bool            `json:"skipUrlSync"` // an address cannot choose it
	Current    struct {
		Value any `json:"value"`
	} `json:"current"`
}

// Text is the query of a variable, or the list of a custom one; "" where it is not a text.
func (v Variable) Text() string {
	var text string
	if json.Unmarshal(v.Query, &text) != nil {
		return ""
	}
	return text
}

// PromQL is the expression in what a variable asks Prometheus, and the label that it takes of every series, which is "" where
// its Regex takes the value out of the result. Both are "" where the variable asks for something else.
func (v Variable) PromQL() (expression, label string) {
	var asked struct {
		QueryType int    `json:"qryType"`
		Query     string `json:"query"`
	}
	if json.Unmarshal(v.Query, &asked) != nil {
		return "", ""
	}
	const labelValues, queryResult = 1, 3 // as Grafana numbers them
	if match := regexp.MustCompile(`^label_values\((.+), *(\w+)\)$`).FindStringSubmatch(asked.Query); match != nil && asked.QueryType == labelValues {
		return match[1], match[2]
	}
	if match := regexp.MustCompile(`^query_result\((.+)\)$`).FindStringSubmatch(asked.Query); match != nil && asked.QueryType == queryResult {
		return match[1], ""
	}
	return "", ""
}

// Annotation marks points or stretches of time on all panels.
type Annotation struct {
	Name       string     `json:"name"`
	BuiltIn    int        `json:"builtIn"`
	DataSource DataSource `json:"datasource"`
	Enable     bool       `json:"enable"`
	IconColor  string     `json:"iconColor"`
	Target     Target     `json:"target"`
}

// Dashboards reads all dashboards, by file name. Errors: invalid.
func Dashboards() ([]Dashboard, error) {
	names, err := fs.Glob(Files, "dashboards/*.json")
	if err != nil {
		return nil, market.Errorf(market.KindInternal, "list the dashboards: %w", err)
	}
	all := make([]Dashboard, len(names))
	for i, name := range names {
		text, err := Files.ReadFile(name)
		if err != nil {
			return nil, market.Errorf(market.KindInternal, "read %s: %w", name, err)
		}
		if all[i], err = Parse(text); err != nil {
			return nil, market.Errorf(market.KindInvalid, "%s: %w", name, err)
		}
		all[i].File = path.Base(name)
	}
	return all, nil
}

// Parse reads the JSON of a dashboard. Errors: invalid.
func Parse(text []byte) (Dashboard, error) {
	var d Dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		return d, market.Errorf(market.KindInvalid, "not a dashboard: %w", err)
	}
	return d, nil
}
