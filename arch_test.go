// Package marketdata_test holds the picture of the rooms against the code.
package marketdata_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "marketdata"

// adapters stands for every package providers/<name> that is not listed by itself: a new provider needs no line here.
const adapters = "providers/<name>"

// allowed says, for each package, which packages of this module its code may import. A package that is not listed
// fails the test: a new room needs a place in the picture first (docs/architecture.md).
func allowed() map[string][]string {
	return map[string][]string{
		"":                       {},
		"market":                 {},
		"market/calendar":        {"market"},
		"trace":                  {},
		"config":                 {"market"},
		"providers":              {"market"},
		"providers/all":          {"providers", adapters},
		adapters:                 {"market", "providers"},
		"providers/providertest": {"market", "market/calendar", "providers", "simulator"},
		"simulator":              {"market", "market/calendar"},
		"db":                     {"market", "market/calendar"},
		"db/audit":               {"market"},
		"db/dbtest":              {"db", "db/pgserver"},
		"db/pgserver":            {},
		"db/schema":              {},
		"alerts":                 {"market"},
		"planning":               {"market", "market/calendar"},
		"activities":             {"alerts", "market", "market/calendar", "planning", "providers", "trace"},
		"workflows":              {"market", "activities", "trace"},
		"worker":                 {"market", "activities", "trace", "workflows"},
		"api":                    {"alerts", "market", "market/calendar", "planning", "trace", "workflows"},
		"metrics":                {"market", "market/calendar"},
		"devstack":               {},
		"chaos":                  {"db", "db/audit", "db/pgserver", "devstack", "market", "market/calendar", "simulator"},
		"cmd/chaos":              {"chaos"},
		"drill":                  {"db/audit", "db/pgserver", "devstack", "market", "simulator"},
		"cmd/drill":              {"drill"},
		"docs":                   {},
		"docs/page":              {},
		"e2e":                    {},
		"deploy":                 {},
		"delivery":               {},
		"cmd/delivery":           {"delivery"},
		"grafana":                {"grafana/macro", "market"},
		"grafana/macro":          {"market"},
		"grafana/picture":        {"grafana", "grafana/macro"},
		"grafana/grafanatest":    {"grafana", "grafana/macro"},
		"cmd/marketdata": {
			"activities", "alerts", "api", "config", "db", "db/pgserver", "devstack", "market", "market/calendar", "metrics", "planning", "providers",
			"providers/all", "simulator", "trace", "worker", "workflows",
		},
	}
}

// testOnly lists packages that no code but tests may import.
func testOnly() []string {
	return []string{"db/dbtest", "db/schema", "docs/page", "grafana/grafanatest", "grafana/picture", "providers/providertest"}
}

// families says which packages may import which modules of others. A module that is not listed fails the test.
func families() map[string][]string {
	return map[string][]string{
		"database/sql":                     {"db"}, // SQL lives in db
		"github.com/danielgtaylor/huma":    {"api"},
		"github.com/fergusstrange":         {"db/pgserver"},
		"github.com/go-chi/chi":            {"api"},
		"github.com/go-viper/mapstructure": {"config"},
		"github.com/google/uuid":           {"activities", "api", "db", "delivery"},
		"github.com/jackc/pgx":             {"db", "db/audit", "db/dbtest", "db/pgserver", "db/schema", "grafana/grafanatest"},
		"github.com/klauspost/compress":    {"db"},
		"github.com/knadh/koanf":           {"config"},
		"github.com/pressly/goose":         {"db"},
		"github.com/prometheus":            {"grafana/grafanatest", "metrics"},
		"github.com/rickar/cal":            {"market/calendar"},
		"github.com/robfig/cron":           {"market"},
		"github.com/schollz/progressbar":   {"cmd/marketdata"},
		"github.com/shopspring/decimal":    {"simulator"},
		"github.com/spf13/cobra":           {"cmd/marketdata"},
		"github.com/spf13/pflag":           {"cmd/marketdata", "config"},
		"github.com/stretchr/testify":      {"providers/providertest"},
		"github.com/testcontainers":        {"db/dbtest"},
		"github.com/tidwall/gjson":         {adapters},
		"github.com/uptrace/bun":           {"db"},
		"go.yaml.in/yaml":                  {"cmd/marketdata"},
		"go.opentelemetry.io/otel":         {"metrics"}, // what the Temporal SDK's metrics pass through
		"go.temporal.io":                   {"activities", "api", "chaos", "cmd/marketdata", "drill", "worker", "workflows"},
		"golang.org/x/sync":                {"activities", "cmd/marketdata", "drill"},
		"golang.org/x/term":                {"cmd/marketdata"},
		"mvdan.cc/sh":                      {"docs/page"},
		"pgregory.net/rapid":               {"providers/providertest"},
	}
}

// pkg is what `go list -json` tells of a package.
type pkg struct {
	ImportPath  string
	Name        string
	Imports     []string
	TestGoFiles []string
}

// path is the package's place in the module, "" for its root.
func (p pkg) path() string { return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/") }

// place is the line of a path in the picture: the path itself, or that of all adapters.
func place(path string) string {
	name, isProvider := strings.CutPrefix(path, "providers/")
	if _, isListed := allowed()[path]; isProvider && !isListed && !strings.Contains(name, "/") {
		return adapters
	}
	return path
}

func listPackages(t *testing.T) []pkg {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Name,Imports,TestGoFiles", "./...")
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.Output()
	require.NoError(t, err, complaints.String())
	var packages []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		packages = append(packages, p)
	}
	require.NotEmpty(t, packages)
	return packages
}

// ours returns the package's place in this module, or false for one of others.
func ours(importPath string) (string, bool) {
	if importPath == module {
		return "", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func TestPackageArrows(t *testing.T) {
	t.Parallel()
	rules, seen := allowed(), map[string]bool{}
	for _, p := range listPackages(t) {
		seen[place(p.path())] = true
		may, isListed := rules[place(p.path())]
		require.True(t, isListed, "%q has no place in the picture: add it to allowed() and docs/architecture.md", p.path())
		for _, imported := range p.Imports {
			if path, isOurs := ours(imported); isOurs {
				require.Contains(t, may, place(path), "%s must not import %s", p.ImportPath, imported)
			}
		}
	}
	for path, may := range rules {
		require.True(t, seen[path], "%q is in the picture but not in the code", path)
		for _, target := range may {
			require.Contains(t, rules, target, "%q may import %q, which is not in the picture", path, target)
		}
	}
}

func TestPackageTestHelpersStayInTests(t *testing.T) {
	t.Parallel()
	for _, p := range listPackages(t) {
		for _, imported := range p.Imports {
			path, _ := ours(imported)
			require.NotContains(t, testOnly(), path, "%s imports a package of tests", p.ImportPath)
		}
	}
}

func TestPackageTestsStandOutside(t *testing.T) {
	t.Parallel()
	for _, p := range listPackages(t) {
		if p.Name == "main" { // nothing can import it, its own tests included
			continue
		}
		for _, file := range p.TestGoFiles {
			require.True(t, strings.HasSuffix(file, "_internal_test.go"),
				"%s/%s is inside its package: use package x_test, or say so in its name", p.ImportPath, file)
		}
	}
}

func TestPackageFamilies(t *testing.T) {
	t.Parallel()
	rules := families()
	for _, p := range listPackages(t) {
		for _, imported := range p.Imports {
			if _, isOurs := ours(imported); isOurs {
				continue
			}
			family, isForeign := familyOf(imported, rules)
			if !isForeign {
				continue
			}
			require.NotEmpty(t, family, "%s imports %s, which has no place: add it to families()", p.ImportPath, imported)
			require.True(t, slices.Contains(rules[family], place(p.path())), "%s must not import %s", p.ImportPath, imported)
		}
	}
}

// familyOf returns the rule an import falls under, "" where none does, and whether it needs one: imports of the
// standard library do only where they are listed.
func familyOf(imported string, rules map[string][]string) (family string, isForeign bool) {
	for prefix := range rules {
		if imported == prefix || strings.HasPrefix(imported, prefix+"/") || strings.HasPrefix(imported, prefix+".") {
			return prefix, true
		}
	}
	host, _, _ := strings.Cut(imported, "/")
	return "", strings.Contains(host, ".")
}
