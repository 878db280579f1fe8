package page_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/docs/page"
)

const text = "# One & `two`: three\n" +
	"\n## Same\n## Same\n" +
	"See [it](a.md#b \"title\"), ![p](p.png) and `[no](link)`, <https://example.com/x>.\n" +
	"\n```sh\n# why\na one | b \"two three\" \\\n  --four   # after\n\n# next\nX=$(c d) e <<'EOF'\n# text\nEOF\n```\n" +
	"\n```json\n{}\n```\n\nwords\n\n" +
	"1. item\n\n   ```console\n   $ f \\\n   >   g\n   out 1\n   $ h\n   ```\n"

func TestPage(t *testing.T) {
	t.Parallel()
	p := page.Parse("x.md", text)
	require.Equal(t, map[string]bool{"one--two-three": true, "same": true, "same-1": true}, p.Anchors)
	require.Equal(t, []page.Link{{5, "a.md#b"}, {5, "p.png"}, {5, "https://example.com/x"}}, p.Links)
	require.Equal(t, []page.Code{{1, "two"}, {5, "[no](link)"}}, p.Codes)
	require.Len(t, p.Fences, 3)
	require.True(t, p.Fences[1].Follows)
	require.False(t, p.Fences[2].Follows)
	require.Equal(t, "x.md:5", p.Place(5))
}

func TestCommands(t *testing.T) {
	t.Parallel()
	p := page.Parse("x.md", text)
	commands, err := p.Fences[0].Commands()
	require.NoError(t, err)
	require.Equal(t, []page.Command{
		{Line: 9, Text: "a one | b \"two three\" \\\n  --four   # after", Calls: [][]string{{"a", "one"}, {"b", "two three", "--four"}}},
		{Line: 13, Text: "X=$(c d) e <<'EOF'\n# text\nEOF", Calls: [][]string{{"e"}, {"c", "d"}}},
	}, commands)
	commands, err = p.Fences[2].Commands()
	require.NoError(t, err)
	require.Equal(t, []page.Command{
		{Line: 27, Text: "f \\\n  g", Calls: [][]string{{"f", "g"}}, Shown: []string{"out 1"}},
		{Line: 30, Text: "h", Calls: [][]string{{"h"}}},
	}, commands)

	for _, wrong := range []string{"```sh\nif then\n```", "```console\nout\n```"} {
		_, err = page.Parse("x.md", wrong).Fences[0].Commands()
		require.Error(t, err, wrong)
	}
	require.False(t, page.Parse("x.md", "```text\n$ a\n```").Fences[0].IsShell())
	require.True(t, strings.HasSuffix(p.Fences[0].Text(), "EOF\n"))
}

func TestStatements(t *testing.T) {
	t.Parallel()
	p := page.Parse("x.md", "```sql\n-- why; because\nSELECT ';' AS \"a;b\"; /* and; */ SELECT 2  -- two\n  + 2;\n\nDO $x$ BEGIN; ';$$ END $x$;\nSELECT $1, 'it''s;'\n```\n```text\n```")
	require.True(t, p.Fences[0].IsSQL())
	require.False(t, p.Fences[1].IsSQL())
	require.Equal(t, []page.Statement{
		{3, `SELECT ';' AS "a;b"`}, {3, "SELECT 2   \n  + 2"}, {6, "DO $x$ BEGIN; ';$$ END $x$"}, {7, "SELECT $1, 'it''s;'"},
	}, p.Fences[0].Statements())
}
