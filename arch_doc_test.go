package marketdata_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRoomsAreDocumented holds the table of rooms in docs/architecture.md against allowed(): each has its row, which names
// what it may import. A row that says "nothing" imports nothing; one that says "all …" or "what they test" is for readers.
func TestRoomsAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/architecture.md")
	require.NoError(t, err)
	rows := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.*) \\| ([^|]*) \\|$").FindAllStringSubmatch(string(text), -1) {
		rows[row[1]] = row[3]
	}
	name := regexp.MustCompile("`([^`]+)`")
	for room, may := range allowed() {
		if room == "" { // the tests of the root
			continue
		}
		knows, isListed := rows[room]
		require.True(t, isListed, "%q has no row in docs/architecture.md", room)
		if strings.HasPrefix(knows, "all ") || knows == "what they test" {
			continue
		}
		var told []string
		for _, m := range name.FindAllStringSubmatch(knows, -1) {
			told = append(told, strings.Replace(m[1], "providers/*", adapters, 1))
		}
		may = slices.Clone(may)
		if room == "providers/all" { // its row says providers/*, which is the contract and every adapter
			may = []string{adapters}
		}
		require.ElementsMatch(t, may, told, "the row of %q in docs/architecture.md", room)
	}
}
