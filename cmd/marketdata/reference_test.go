package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/config"
)

// TestConfigurationPageIsCurrent: the table of keys in docs/configuration.md is what the code knows.
func TestConfigurationPageIsCurrent(t *testing.T) {
	t.Parallel()
	const name, begin, end = "../../docs/configuration.md", "<!-- keys: make generate writes this table from the code -->\n", "<!-- end of keys -->"
	page, err := os.ReadFile(name)
	require.NoError(t, err)
	before, rest, hasBegin := strings.Cut(string(page), begin)
	_, after, hasEnd := strings.Cut(rest, end)
	require.True(t, hasBegin && hasEnd, "the table stands between %q and %q", begin, end)
	golden(t, name, before+begin+"\n"+config.Reference()+"\n"+end+after)
}
