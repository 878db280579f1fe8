package grafana

import "encoding/json"

// FieldConfig says how the values of a panel look: the defaults, and what differs for some fields.
type FieldConfig struct {
	Defaults  Field `json:"defaults"`
	Overrides []struct {
		Matcher struct {
			ID      string `json:"id"`
			Options string `json:"options"`
		} `json:"matcher"`
		Properties []struct {
			ID    string          `json:"id"`
			Value json.RawMessage `json:"value"`
		} `json:"properties"`
	} `json:"overrides"`
}

// Field says how the values of one column look.
type Field struct {
	DisplayName string     `json:"displayName"`
	Unit        string     `json:"unit"`
	Decimals    *int       `json:"decimals"`
	NoValue     string     `json:"noValue"`
	Min         *float64   `json:"min"`
	Max         *float64   `json:"max"`
	Color       Color      `json:"color"`
	Thresholds  Thresholds `json:"thresholds"`
	Mappings    []Mapping  `json:"mappings"`
	Links       []Link     `json:"links"`
	Custom      Custom     `json:"custom"`
}

// Color says where a field takes its colour from: thresholds, a fixed one, or the palette.
type Color struct {
	Mode  string `json:"mode"`
	Fixed string `json:"fixedColor"`
}

// Thresholds colour a value by the last step that it reaches; the first has no value.
type Thresholds struct {
	Steps []struct {
		Color string   `json:"color"`
		Value *float64 `json:"value"`
	} `json:"steps"`
}

// Mapping gives values a text or a colour.
type Mapping struct {
	Type    string `json:"type"`
	Options map[string]struct {
		Text  string `json:"text"`
		Color string `json:"color"`
	} `json:"options"`
}

// Custom is what graphs and tables know beside.
type Custom struct {
	DrawStyle   string  `json:"drawStyle"` // line or bars
	FillOpacity float64 `json:"fillOpacity"`
	LineWidth   float64 `json:"lineWidth"`
	AxisLabel   string  `json:"axisLabel"`
	Stacking    struct {
		Mode string `json:"mode"`
	} `json:"stacking"`
	CellOptions struct {
		Type string `json:"type"`
	} `json:"cellOptions"`
}

// Of returns how a column looks; kind is "number", "string", "time" or "boolean".
func (c FieldConfig) Of(name, kind string) Field {
	field := c.Defaults
	for _, o := range c.Overrides {
		isIts := o.Matcher.ID == "byName" && o.Matcher.Options == name || o.Matcher.ID == "byType" && o.Matcher.Options == kind
		if !isIts {
			continue
		}
		for _, p := range o.Properties {
			field.set(p.ID, p.Value)
		}
	}
	return field
}

// set changes one property; those that are not read here are left alone.
func (f *Field) set(id string, value json.RawMessage) {
	if id == "thresholds" {
		f.Thresholds = Thresholds{} // the steps of the defaults are theirs
	}
	targets := map[string]any{
		"displayName": &f.DisplayName, "unit": &f.Unit, "decimals": &f.Decimals, "noValue": &f.NoValue, "min": &f.Min, "max": &f.Max,
		"color": &f.Color, "thresholds": &f.Thresholds, "mappings": &f.Mappings, "links": &f.Links, "custom.cellOptions": &f.Custom.CellOptions,
	}
	if target, ok := targets[id]; ok {
		_ = json.Unmarshal(value, target) // the schema has looked at it
	}
}

// ColorOf is the threshold's colour of a value, "" without thresholds.
func (f Field) ColorOf(value float64) string {
	color := ""
	for _, s := range f.Thresholds.Steps {
		if s.Value == nil || value >= *s.Value {
			color = s.Color
		}
	}
	return color
}
