package api_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	"marketdata/api"
	"marketdata/market"
)

var update = flag.Bool("update", false, "rewrite the golden files under testdata")

// requireGolden compares with testdata/name; -update rewrites it.
func requireGolden(t *testing.T, name, got string) {
	t.Helper()
	require.Regexp(t, "(Is|Are)Current$", t.Name(), "make generate finds a test that rewrites by its name")
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run go test ./api -update and look at the difference")
}

func TestOpenAPIIsCurrent(t *testing.T) {
	t.Parallel()
	a := newWorld().get(t, "/openapi.yaml")
	require.Equal(t, http.StatusOK, a.status)
	requireGolden(t, "openapi.yaml", a.body)
}

func TestOpenAPI_DescribesEveryOperation(t *testing.T) {
	t.Parallel()
	document := decode[struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			Summary     string                     `json:"summary"`
			Description string                     `json:"description"`
			Responses   map[string]json.RawMessage `json:"responses"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]json.RawMessage `json:"schemas"`
		} `json:"components"`
	}](t, newWorld().get(t, "/openapi.json"), http.StatusOK)
	require.True(t, strings.HasPrefix(document.OpenAPI, "3.1."))
	require.NotContains(t, document.Components.Schemas, "ErrorModel")
	require.Contains(t, document.Components.Schemas, "Problem")
	for path, operations := range document.Paths {
		for method, operation := range operations {
			require.NotEmpty(t, operation.Summary, "%s %s", method, path)
			require.NotEmpty(t, operation.Description, "%s %s", method, path)
			for _, status := range []string{"422", "500", "503"} {
				require.Contains(t, operation.Responses, status, "%s %s", method, path)
			}
		}
	}
}

func TestRoutesAreCurrent(t *testing.T) {
	t.Parallel()
	routes, ok := api.New(newWorld().options).(chi.Routes)
	require.True(t, ok)
	var lines []string
	require.NoError(t, chi.Walk(routes, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		lines = append(lines, method+" "+route)
		return nil
	}))
	sort.Strings(lines)
	requireGolden(t, "routes.txt", strings.Join(lines, "\n")+"\n")
}

func TestProblems_ExplainEveryKind(t *testing.T) {
	t.Parallel()
	for _, kind := range market.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			explained := decode[map[string]any](t, newWorld().get(t, "/problems/"+string(kind)), http.StatusOK)
			for _, member := range []string{"type", "kind", "title", "status", "description", "remedy"} {
				require.NotEmpty(t, explained[member], member)
			}
		})
	}
	newWorld().get(t, "/problems/nonsense").problem(t, http.StatusNotFound, market.KindNotFound)
}

// TestNoRequestNamesAPlace: no parameter and no member of a body is a URL, a host or a file; where workers go is configuration alone.
// A webhook is named, and a name that is not configured is not known.
func TestNoRequestNamesAPlace(t *testing.T) {
	t.Parallel()
	type schema struct {
		Format     string                     `json:"format"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	document := decode[struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Name   string `json:"name"`
				Schema schema `json:"schema"`
			} `json:"parameters"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]schema `json:"schemas"`
		} `json:"components"`
	}](t, newWorld().get(t, "/openapi.json"), http.StatusOK)
	names := map[string]string{}
	for _, operations := range document.Paths {
		for _, operation := range operations {
			for _, p := range operation.Parameters {
				names[p.Name] = p.Schema.Format
			}
		}
	}
	bodies := 0
	for name, s := range document.Components.Schemas {
		if !strings.HasSuffix(name, "Input") {
			continue
		}
		bodies++
		for member, text := range s.Properties {
			var property schema
			require.NoError(t, json.Unmarshal(text, &property))
			names[member] = property.Format
		}
	}
	require.Greater(t, bodies, 5)
	require.Contains(t, names, "instruments")
	for name, format := range names {
		require.NotRegexp(t, "(?i)ur[il]|host|endpoint|addr|proxy|path|file|callback|redirect", name)
		require.NotContains(t, []string{"uri", "uri-reference", "hostname", "ipv4", "ipv6"}, format, name)
	}
}
