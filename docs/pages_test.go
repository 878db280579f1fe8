package docs_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/docs/page"
)

// root is the checkout, as tests of this folder see it.
const root = ".."

// pages returns every Markdown page of the checkout, by its path from the root.
func pages(t *testing.T) map[string]*page.Page {
	t.Helper()
	all := map[string]*page.Page{}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (name == "testdata" || name == "bin" || name == "node_modules" || strings.HasPrefix(name, ".") && name != ".github") {
			return fs.SkipDir
		}
		if entry.IsDir() || filepath.Ext(name) != ".md" {
			return nil
		}
		short, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		all[filepath.ToSlash(short)] = page.Parse(filepath.ToSlash(short), string(text))
		return err
	}))
	require.Contains(t, all, "README.md")
	return all
}

// text returns a file of the checkout.
func text(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return string(content)
}

// requireNone fails the test with all problems at once, each with its place, so that an author mends a page in one go.
func requireNone(t *testing.T, problems []string) {
	t.Helper()
	if len(problems) > 0 {
		require.Fail(t, fmt.Sprintf("%d problems", len(problems)), strings.Join(problems, "\n\n"))
	}
}
