package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

// TestRunbooks: there is a page for every kind, and the index lists every page. The tests of docs run their commands.
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
	for _, name := range pages {
		if name = filepath.Base(name); name != "README.md" {
			require.Contains(t, string(index), "("+name+")", "the index lists every page")
		}
	}
}
