package docs_test

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNames: what a page puts between backticks and what looks like a name of ours is one: a target of make, a file, a
// key of the configuration, a variable of the environment, a flag, a metric, a route of the API. History may speak of
// what is gone: the changelog and the decisions are left out.
func TestNames(t *testing.T) {
	t.Parallel()
	n := newNames(t)
	var problems []string
	all := pages(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name == "CHANGELOG.md" || strings.HasPrefix(name, "docs/adr/") {
			continue
		}
		for _, code := range all[name].Codes {
			if problem := n.problem(name, code.Text); problem != "" {
				problems = append(problems, fmt.Sprintf("%s: `%s`: %s", all[name].Place(code.Line), code.Text, problem))
			}
		}
	}
	requireNone(t, problems)
}

// names is what exists.
type names struct {
	check   *checker
	keys    string // the page of all keys
	metrics string // the page of all metrics
	help    string
	routes  []*regexp.Regexp
}

func newNames(t *testing.T) *names {
	t.Helper()
	n := &names{
		check: newChecker(t), keys: text(t, "docs/configuration.md"), metrics: text(t, "docs/metrics.md"),
		help: text(t, "cmd/marketdata/testdata/help.golden"),
	}
	for line := range strings.Lines(text(t, "api/testdata/routes.txt")) {
		_, pattern, _ := strings.Cut(strings.TrimSpace(line), " ")
		n.routes = append(n.routes, regexp.MustCompile("^"+regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(pattern, `[^/]+`)+"$"))
	}
	return n
}

// problem says why a name is none, or "".
func (n *names) problem(page, name string) string {
	first, rest, _ := strings.Cut(name, " ")
	switch {
	case first == "make" && rest != "":
		return n.check.checkMake(shellWords(rest))
	case first == "marketdata" && rest != "" || first == "bin/marketdata" && rest != "":
		return n.check.checkOurs(shellWords(rest))
	case strings.HasPrefix(name, "MD_"):
		return n.variable(name)
	case regexp.MustCompile(`^--[a-z][a-z-]+$`).MatchString(name):
		if !strings.Contains(n.help, name+" ") && !strings.Contains(n.help, name+"\n") && !slices.Contains(otherFlags(), name) {
			return "no command of marketdata has this flag; of another program, write the program with it"
		}
	case regexp.MustCompile(`^marketdata_[a-z_]+$`).MatchString(name):
		base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		if !strings.Contains(n.metrics, "`"+base+"`") && !isRole(name) {
			return "docs/metrics.md has no such metric"
		}
	case regexp.MustCompile(`^((GET|POST|PUT|PATCH|DELETE)(\|[A-Z]+)* )?/(v1|health|ready|version|openapi|problems)\b`).MatchString(name):
		return n.route(name)
	case isPath(name):
		return missing(page, name)
	}
	return ""
}

// otherFlags are flags of other programs that pages speak of by themselves.
func otherFlags() []string {
	return strings.Fields("--profile --scale --privileged --create --exit-on-error --jobs")
}

// isRole reports whether the name is that of a role of the database.
func isRole(name string) bool {
	return slices.Contains([]string{"marketdata_app", "marketdata_grafana", "marketdata_owner"}, name)
}

// variable compares level by level with the page of all keys: what a user names is NAME or ID there.
func (n *names) variable(name string) string {
	name, _, _ = strings.Cut(strings.Fields(name)[0], "=")
	if strings.Contains(name, "…") || name == "MD_" {
		return ""
	}
	for _, ending := range []string{"", "_FILE"} {
		levels := strings.Split(strings.TrimSuffix(name, ending), "__")
		for _, at := range []int{-1, 1, 2} {
			for _, placeholder := range []string{"NAME", "ID"} {
				tried := slices.Clone(levels)
				if at >= 0 && at < len(tried) {
					tried[at] = placeholder
				}
				if strings.Contains(n.keys, "`"+strings.Join(tried, "__")+"`") {
					return ""
				}
			}
		}
	}
	return "docs/configuration.md has no such variable"
}

// route compares with the routes of the API; … stands for anything.
func (n *names) route(name string) string {
	fields := strings.Fields(name)
	where, _, _ := strings.Cut(fields[len(fields)-1], "?")
	if strings.Contains(where, "…") || where == "/v1" {
		return ""
	}
	where = regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(where, "x")
	for _, last := range strings.Split(where[strings.LastIndex(where, "/")+1:], "|") {
		tried := strings.TrimSuffix(where[:strings.LastIndex(where, "/")+1]+last, "/")
		if !slices.ContainsFunc(n.routes, func(r *regexp.Regexp) bool { return r.MatchString(tried) }) {
			return "the API has no such route"
		}
	}
	return ""
}

// isPath reports whether the name looks like a file of the checkout: a folder of it with something behind, or a file name
// with an ending that files of ours have.
func isPath(name string) bool {
	if strings.ContainsAny(name, " *<>{}$…:") || strings.HasPrefix(name, "/") || strings.HasPrefix(name, ".marketdata/") {
		return false
	}
	if regexp.MustCompile(`^[\w./-]+\.(go|md|sql|sh|yaml|yml|golden|json|png|svg|xml|mod|sum)$`).MatchString(name) && strings.Contains(name, "/") {
		return true
	}
	folder, rest, isBelow := strings.Cut(name, "/")
	return isBelow && rest != "" && slices.Contains([]string{".ci", ".github", "api", "catalog", "cmd", "db", "deploy", "docs", "e2e", "grafana", "market", "tools"}, folder)
}

// missing looks for a file below the root, beside the page, or in a folder that the page speaks of.
func missing(page, name string) string {
	for _, folder := range []string{"", path.Dir(page), "docs", "deploy", "grafana", "grafana/provisioning"} {
		if _, err := os.Stat(filepath.Join(root, folder, name)); err == nil {
			return ""
		}
	}
	return "there is no such file; where it is no file of the checkout, write it with a leading / or an …"
}

// shellWords splits as far as names need it.
func shellWords(text string) []string {
	var words []string
	for _, word := range regexp.MustCompile(`\S*"[^"]*"\S*|\S+`).FindAllString(text, -1) {
		words = append(words, strings.Trim(word, `"`))
	}
	return words
}

func TestNamesAreLookedUp(t *testing.T) {
	t.Parallel()
	n := newNames(t)
	for name, want := range map[string]string{
		"make test":                          "",
		"make nothing":                       "no target",
		"marketdata backfill retry ID":       "",
		"marketdata fly":                     "no such command",
		"bin/marketdata --help":              "",
		"MD_PROVIDERS__BINANCE__BASE_URL":    "",
		"MD_DATABASE__URL_FILE=/run/secrets": "",
		"MD_ALERTS__WEBHOOKS__OPS__URL":      "",
		"MD_FLY":                             "no such variable",
		"--api-port":                         "",
		"--fly":                              "no command",
		"marketdata_database_up":             "",
		"marketdata_fly_total":               "no such metric",
		"GET /v1/backfills/{id}":             "",
		"/v1/flies":                          "no such route",
		"db/migrations":                      "",
		"db/migrations/fly.sql":              "no such file",
		"true":                               "",
	} {
		problem := n.problem("README.md", name)
		require.Contains(t, problem, want, name)
		require.Equal(t, want == "", problem == "", "%s: %s", name, problem)
	}
}

// TestPictures: the badge of the Go version says what go.mod wants, and no picture weighs on who reads the page.
func TestPictures(t *testing.T) {
	t.Parallel()
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(text(t, "go.mod"))[1]
	require.Contains(t, text(t, "docs/pictures/go.svg"), "<title>Go "+version+"</title>")
	require.Contains(t, text(t, "README.md"), "Go "+version)
	pictures, err := filepath.Glob("pictures/*.*")
	require.NoError(t, err)
	require.NotEmpty(t, pictures)
	for _, name := range pictures {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.LessOrEqual(t, info.Size(), int64(300<<10), name)
	}
}
