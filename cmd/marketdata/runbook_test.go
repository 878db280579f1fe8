package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

// TestRunbooks: there is a page for every kind, the index lists every page, and every command and address in them exists.
func TestRunbooks(t *testing.T) {
	t.Parallel()
	const folder = "../../docs/runbooks"
	index, err := os.ReadFile(filepath.Join(folder, "README.md"))
	require.NoError(t, err)
	for _, kind := range market.Kinds() {
		require.FileExists(t, filepath.Join(folder, string(kind)+".md"))
	}
	pages, err := filepath.Glob(filepath.Join(folder, "*.md"))
	require.NoError(t, err)
	var commands, addresses int
	for _, name := range pages {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		if filepath.Base(name) != "README.md" {
			require.Contains(t, string(index), "("+filepath.Base(name)+")", "the index lists every page")
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "marketdata ") {
				commandExists(t, name, line)
				commands++
			}
			for _, address := range regexp.MustCompile(`\$API(/[^\s"?]*)`).FindAllStringSubmatch(line, -1) {
				addressExists(t, name, address[1])
				addresses++
			}
		}
	}
	require.Positive(t, commands)
	require.Positive(t, addresses)
}

// commandExists takes the line apart as the program would, without running it.
func commandExists(t *testing.T, page, line string) {
	t.Helper()
	var args []string
	for _, arg := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(line, -1)[1:] {
		args = append(args, strings.Trim(arg, `"`))
	}
	command, rest, err := newRoot(testApp(&bytes.Buffer{}, &bytes.Buffer{})).Find(args)
	require.NoError(t, err, "%s: %s", page, line)
	require.NoError(t, command.ParseFlags(rest), "%s: %s", page, line)
	require.True(t, command.Runnable(), "%s: %s", page, line)
	require.NoError(t, command.ValidateArgs(command.Flags().Args()), "%s: %s", page, line)
}

// addressExists looks for the path among the API's routes.
func addressExists(t *testing.T, page, path string) {
	t.Helper()
	routes, err := os.ReadFile("../../api/testdata/routes.txt")
	require.NoError(t, err)
	for route := range strings.Lines(string(routes)) {
		_, pattern, _ := strings.Cut(strings.TrimSpace(route), " ")
		pattern = regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(pattern, `[^/]+`)
		if regexp.MustCompile("^" + pattern + "$").MatchString(path) {
			return
		}
	}
	require.Fail(t, "no such address", "%s: %s", page, path)
}
