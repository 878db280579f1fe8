package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// proof says of commands that are not run with the page they stand on which test runs them, and why not here.
type proof struct {
	command string // as on the page, * for anything
	why     string
	test    string // the name of a test, or "file: words in it"
}

// elsewhere is the whole list: a command that is neither run, checked by check_test.go, nor here fails TestEveryCommandHasACourse,
// and so does a line here that no page needs any more.
func elsewhere() []proof {
	return []proof{
		{"marketdata instruments add BTCFILE.SIM *", "wants a file of the reader's and a second simulator", "TestMadeUpMonths"},
		{"marketdata backfill start BTCFILE.SIM *", "the same", "TestMadeUpMonths"},
		{"go test ./docs*", "it is this test", "TestCommands"},
		{"gh attestation verify *", "asks GitHub about a release that is published", ".github/workflows/release.yml: actions/attest"},
		{"sha256sum --check *", "the files of a release; that the sums are right is tested where they are made", "TestDist_IsTheSameFromEveryFolder"},
		{"git checkout vX.Y.Z && make dist *", "a tag that does not exist yet; the same from every folder", "TestDist_IsTheSameFromEveryFolder"},
	}
}

// absentSQL is a statement of a page that wants an extension which no test has: it has never been run. What runs in its
// place, as far as the place goes, is a statement that needs the same tables and columns.
type absentSQL struct {
	statement string // as on the page
	why       string
	instead   string
}

// absent is the whole list: a statement that is not on it is run by TestCommands, as it stands.
func absent() []absentSQL {
	const timescale, citus = "TimescaleDB is not installed here: not run", "Citus is not installed here: not run"
	distributed := func(table string) string {
		return "SELECT create_distributed_table('" + table + "', 'series_id', colocate_with => 'bar')"
	}
	return []absentSQL{
		{"SELECT create_hypertable('bar', by_range('ts', INTERVAL '1 year'))", timescale, "SELECT ts + INTERVAL '1 year' FROM bar LIMIT 1"},
		{"CREATE EXTENSION citus", citus, "SELECT"},
		{"SELECT citus_set_coordinator_host('coordinator', 5432)", citus, "SELECT"},
		{"SELECT citus_add_node('node-1', 5432)", citus, "SELECT"},
		{"SELECT citus_add_node('node-2', 5432)", citus, "SELECT"},
		{"SELECT create_reference_table('instrument')", citus, "SELECT FROM instrument LIMIT 1"},
		{"SELECT create_reference_table('series')", citus, "SELECT FROM series LIMIT 1"},
		{"SELECT create_distributed_table('bar', 'series_id')", citus, "SELECT series_id FROM bar LIMIT 1"},
		{distributed("bar_revision"), citus, "SELECT series_id FROM bar_revision LIMIT 1"},
		{distributed("bar_withdrawal"), citus, "SELECT series_id FROM bar_withdrawal LIMIT 1"},
		{distributed("series_coverage"), citus, "SELECT series_id FROM series_coverage LIMIT 1"},
	}
}

// find returns the line for a command.
func find(proofs []proof, command string) (at int, exists bool) {
	command = strings.Join(strings.Fields(command), " ")
	for at, p := range proofs {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(p.command), `\*`, `.*`)
		if regexp.MustCompile("^" + pattern + "( *#.*)?$").MatchString(command) {
			return at, true
		}
	}
	return 0, false
}

// TestElsewhereExists: the tests that the list names are there.
func TestElsewhereExists(t *testing.T) {
	t.Parallel()
	var tests strings.Builder
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := os.ReadFile(path)
		tests.Write(content)
		return err
	}))
	for _, p := range elsewhere() {
		require.NotEmpty(t, p.why, p.command)
		if file, words, isFile := strings.Cut(p.test, ": "); isFile {
			require.Contains(t, text(t, file), words, p.command)
			continue
		}
		require.Contains(t, tests.String(), "func "+p.test+"(", p.command)
	}
}
