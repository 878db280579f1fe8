package grafana_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"marketdata/grafana"
)

const schemaFile = "schema/dashboard.schema.json"

// schemas compiles definitions of the schema that tools/grafanaschema derives from Grafana's own types.
type schemas struct {
	compiler *jsonschema.Compiler
	names    map[string]any
}

func newSchemas(t *testing.T) schemas {
	t.Helper()
	text, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	s := schemas{compiler: jsonschema.NewCompiler()}
	require.NoError(t, s.compiler.AddResource("dashboard.json", document))
	object, _ := document.(map[string]any)
	s.names, _ = object["definitions"].(map[string]any)
	require.NotEmpty(t, s.names)
	require.Contains(t, object["$comment"], "@grafana/schema ")
	return s
}

// validate checks a value against a definition.
func (s schemas) validate(name string, value any) error {
	if _, isThere := s.names[name]; !isThere {
		return fmt.Errorf("no definition of %s", name)
	}
	schema, err := s.compiler.Compile("dashboard.json#/definitions/" + name)
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// validateBoard checks a dashboard, and the options and fields of each of its panels against those of its kind.
func (s schemas) validateBoard(text []byte) error {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	board, _ := document.(map[string]any)
	if err := takeQueries(board); err != nil {
		return err
	}
	if err := s.validate("dashboard", document); err != nil {
		return err
	}
	panels, _ := board["panels"].([]any)
	for _, p := range panels {
		panel, _ := p.(map[string]any)
		kind, _ := panel["type"].(string)
		if kind == "row" {
			continue
		}
		if err := s.validatePanel(kind, panel); err != nil {
			return fmt.Errorf("panel %v: %w", panel["title"], err)
		}
	}
	return nil
}

// takeQueries takes the queries out of annotations, where the published type has room for those of the built-in source
// alone, as a note in it says, and looks at what a query of SQL has; those of panels are of no type there.
func takeQueries(board map[string]any) error {
	annotations, _ := board["annotations"].(map[string]any)
	list, _ := annotations["list"].([]any)
	queries := []any{}
	for _, a := range list {
		annotation, _ := a.(map[string]any)
		if target, isThere := annotation["target"]; isThere {
			queries = append(queries, target)
			delete(annotation, "target")
		}
	}
	panels, _ := board["panels"].([]any)
	for _, p := range panels {
		panel, _ := p.(map[string]any)
		targets, _ := panel["targets"].([]any)
		queries = append(queries, targets...)
	}
	known := []string{"refId", "datasource", "editorMode", "rawQuery", "format", "rawSql", "expr", "legendFormat", "instant", "range"}
	for _, q := range queries {
		query, _ := q.(map[string]any)
		for key := range query {
			if !slices.Contains(known, key) {
				return fmt.Errorf("a query has no %s", key)
			}
		}
		if sql, isSQL := query["rawSql"]; isSQL && (query["rawQuery"] != true || query["editorMode"] != "code" || sql == "") {
			return fmt.Errorf("a query in SQL is raw and in code mode: %v", query["refId"])
		}
	}
	return nil
}

func (s schemas) validatePanel(kind string, panel map[string]any) error {
	if err := s.validate(kind+".Options", panel["options"]); err != nil {
		return err
	}
	config, _ := panel["fieldConfig"].(map[string]any)
	defaults, _ := config["defaults"].(map[string]any)
	custom, _ := defaults["custom"].(map[string]any)
	if _, isThere := s.names[kind+".FieldConfig"]; !isThere {
		if len(custom) > 0 {
			return fmt.Errorf("fields of a %s know nothing beside: %v", kind, custom)
		}
		return nil
	}
	if len(custom) == 0 {
		return nil
	}
	return s.validate(kind+".FieldConfig", custom)
}

func TestDashboardsFitTheSchema(t *testing.T) {
	t.Parallel()
	s := newSchemas(t)
	for _, board := range boards(t) {
		text, err := grafana.Files.ReadFile("dashboards/" + board.File)
		require.NoError(t, err)
		require.NoError(t, s.validateBoard(text), board.File)
		var indented bytes.Buffer
		require.NoError(t, json.Indent(&indented, text, "", "  "))
		require.Equal(t, indented.String(), string(text), "%s: indented by two", board.File)
	}
}

func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	s := newSchemas(t)
	text, err := grafana.Files.ReadFile("dashboards/price-history.json")
	require.NoError(t, err)
	for name, mutation := range map[string][2]string{
		"a kind of variable that is none": {`"type": "custom"`, `"type": "customised"`},
		"an unknown field of a board":     {`"graphTooltip": 1`, `"graphTooltips": 1`},
		"a width that is a text":          {`"w": 24`, `"w": "24"`},
		"an unknown mode of candles":      {`"candles+volume"`, `"candles+volumes"`},
		"an option that candles lack":     {`"includeAllFields"`, `"includeEveryField"`},
		"an unknown style of lines":       {`"drawStyle": "line"`, `"drawStyle": "lines"`},
		"a field that graphs lack":        {`"lineWidth"`, `"lineWeight"`},
		"a threshold without colour":      {`"color": "text"`, `"colour": "text"`},
		"a kind of panel without schema":  {`"type": "candlestick"`, `"type": "graph"`},
		"a query that is not raw":         {`"rawQuery": true`, `"rawQuery": false`},
		"an unknown part of a query":      {`"rawSql"`, `"rawSQL"`},
		"a link of no kind":               {`"type": "dashboards"`, `"type": "dashboard"`},
	} {
		broken := strings.Replace(string(text), mutation[0], mutation[1], 1)
		require.NotEqual(t, string(text), broken, name)
		require.Error(t, s.validateBoard([]byte(broken)), name)
	}
}
