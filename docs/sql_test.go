package docs_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"marketdata/docs/page"
	"marketdata/grafana/macro"
)

// sqlRunner runs the SQL of pages in the database of a stack and leaves nothing behind: each block in a transaction of its
// own that is rolled back; what PostgreSQL refuses in a transaction is run by itself and undone.
type sqlRunner struct {
	conn    *pgx.Conn
	archive string // a folder of the server's user, in the place of /mnt/archive
	absent  []absentSQL
	n       int // statements that were run
}

func (s *sandbox) newSQLRunner() *sqlRunner {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.DatabaseURL)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	r := &sqlRunner{conn: conn, absent: absent()}
	_, err = conn.Exec(s.t.Context(), "SET statement_timeout = '2min'")
	require.NoError(s.t, err)
	_, err = conn.Exec(s.t.Context(), `SELECT pg_create_physical_replication_slot('replica_1')
		WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = 'replica_1')`) // of a replica that is gone
	require.NoError(s.t, err)
	var data string
	require.NoError(s.t, conn.QueryRow(s.t.Context(), "SHOW data_directory").Scan(&data))
	info, err := os.Stat(data)
	require.NoError(s.t, err)
	r.archive = filepath.Join(filepath.Dir(data), "archive")
	require.NoError(s.t, os.Mkdir(r.archive, 0o700))
	s.t.Cleanup(func() { _ = os.RemoveAll(r.archive) })
	owner, isUnix := info.Sys().(*syscall.Stat_t)
	require.True(s.t, isUnix)
	require.NoError(s.t, os.Chown(r.archive, int(owner.Uid), int(owner.Gid)))
	return r
}

// sqlBlocks returns what a page has of SQL: blocks, and whole queries between backticks.
func sqlBlocks(p *page.Page) (blocks [][]page.Statement) {
	for _, f := range p.Fences {
		if f.IsSQL() {
			blocks = append(blocks, f.Statements())
		}
	}
	for _, c := range p.Codes {
		if strings.HasPrefix(c.Text, "SELECT ") && !strings.Contains(c.Text, "…") {
			blocks = append(blocks, []page.Statement{{Line: c.Line, Text: c.Text}})
		}
	}
	return blocks
}

// block runs the statements and says what is wrong with the first that fails.
func (r *sqlRunner) block(ctx context.Context, statements []page.Statement) (at page.Statement, err error) {
	slots, err := r.slots(ctx)
	if err != nil {
		return at, err
	}
	defer func() {
		if failure := r.undo(ctx, slots); err == nil {
			err = failure
		}
	}()
	for _, at = range statements {
		if err := r.run(ctx, at.Text); err != nil {
			return at, err
		}
		r.n++
	}
	return at, nil
}

// undo rolls back, and removes what outlives that.
func (r *sqlRunner) undo(ctx context.Context, slots []string) error {
	if _, err := r.conn.Exec(ctx, "ROLLBACK"); err != nil { // a warning where there is no transaction
		return err
	}
	var hasArchive bool
	if err := r.conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_tablespace WHERE spcname = 'archive')").Scan(&hasArchive); err != nil {
		return err
	}
	if hasArchive {
		if _, err := r.conn.Exec(ctx, "DROP TABLESPACE archive"); err != nil {
			return err
		}
	}
	_, err := r.conn.Exec(ctx, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT slot_name = ANY($1)", slots)
	return err
}

func (r *sqlRunner) slots(ctx context.Context) ([]string, error) {
	rows, err := r.conn.Query(ctx, "SELECT slot_name FROM pg_replication_slots")
	if err != nil {
		return nil, err
	}
	slots, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return append([]string{}, slots...), err
}

// run runs one statement in the transaction of its block.
func (r *sqlRunner) run(ctx context.Context, text string) error {
	if at := slices.IndexFunc(r.absent, func(a absentSQL) bool { return a.statement == text }); at >= 0 {
		text = r.absent[at].instead
	}
	switch verb := strings.ToUpper(strings.Fields(text)[0]); {
	case verb == "BEGIN" || verb == "COMMIT": // the block is a transaction already
		return nil
	case verb == "VACUUM" || strings.HasPrefix(text, "CREATE TABLESPACE"):
		if _, err := r.conn.Exec(ctx, "ROLLBACK"); err != nil {
			return err
		}
		_, err := r.conn.Exec(ctx, strings.ReplaceAll(text, "'/mnt/archive'", "'"+r.archive+"'"))
		return err
	}
	if r.conn.PgConn().TxStatus() == 'I' {
		if _, err := r.conn.Exec(ctx, "BEGIN"); err != nil {
			return err
		}
	}
	if strings.Contains(text, "$__") {
		return r.panel(ctx, text)
	}
	values, err := r.values(ctx, text)
	if err != nil {
		return err
	}
	tag, err := r.conn.Exec(ctx, text, values...)
	if err == nil && len(values) > 0 && tag.RowsAffected() == 0 {
		return fmt.Errorf("no row for %v", values)
	}
	return err
}

// panel runs a query of a dashboard as the role that dashboards have, over the last days.
func (r *sqlRunner) panel(ctx context.Context, text string) error {
	var now time.Time
	if err := r.conn.QueryRow(ctx, "SELECT now()").Scan(&now); err != nil {
		return err
	}
	expanded, err := macro.Context{From: now.AddDate(0, -6, 0), To: now, Interval: time.Hour}.SQL(text)
	if err != nil {
		return err
	}
	if _, err := r.conn.Exec(ctx, "SET LOCAL ROLE marketdata_grafana"); err != nil {
		return err
	}
	tag, err := r.conn.Exec(ctx, expanded.Text)
	if err == nil && tag.RowsAffected() == 0 {
		return fmt.Errorf("no row: %s", expanded.Text)
	}
	return err
}

// values finds what $1, $2 … stand for by the columns that they are compared with.
func (r *sqlRunner) values(ctx context.Context, text string) ([]any, error) {
	seen := map[string]string{}
	for _, found := range regexp.MustCompile(`(\w+) (?:=|<=|>=|<|>) \$(\d+)`).FindAllStringSubmatch(text, -1) {
		if other := seen[found[2]]; other != "" && other != found[1] {
			return nil, fmt.Errorf("$%s is compared with %s and with %s", found[2], other, found[1])
		}
		seen[found[2]] = found[1]
	}
	values := make([]any, len(seen))
	for at := range values {
		column := seen[fmt.Sprint(at+1)]
		from, isKnown := map[string]string{
			"series_id":    "SELECT series_id FROM bar ORDER BY series_id, ts LIMIT 1",
			"ts":           "SELECT ts FROM bar ORDER BY series_id, ts LIMIT 1",
			"committed_at": "SELECT now()",
		}[column]
		if !isKnown {
			return nil, fmt.Errorf("sql_test.go does not know what to put for $%d, which is compared with %q", at+1, column)
		}
		if err := r.conn.QueryRow(ctx, from).Scan(&values[at]); err != nil {
			return nil, fmt.Errorf("$%d: %w", at+1, err)
		}
	}
	return values, nil
}

// sqlProblems runs the SQL of every page, and says which statement is wrong.
func (s *sandbox) sqlProblems(r *sqlRunner, all map[string]*page.Page) (problems []string) {
	s.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, statements := range sqlBlocks(all[name]) {
			if at, err := r.block(s.t.Context(), statements); err != nil {
				problems = append(problems, fmt.Sprintf("%s: %s\n  %v", all[name].Place(at.Line), at.Text, err))
			}
		}
	}
	return problems
}

// TestDisguisesAreSeen: what is fenced as text and begins with a command or with SQL would not be run.
func TestDisguisesAreSeen(t *testing.T) {
	t.Parallel()
	check := newChecker(t)
	for text, want := range map[string]bool{
		"text\npg_basebackup -D x": true, "text\n# why\njq .data": true, "\ncurl -s $API/ready": true, "txt\nmake run": true, "text\nsudo ls": true,
		"text\nmarketdata version": true, "text\nSELECT 1": true, "text\nALTER ROLE x LOGIN": true,
		"json\nSELECT 1": false, "text\nmarketdata is a platform": false, "text\n curl": false, "text\nts | open": false, "text\nSELECT": false, "text\nSelect one": false,
	} {
		require.Equal(t, want, isDisguised(page.Parse("x.md", "```"+text+"\n```\n").Fences[0], check), text)
	}
}

// TestAbsentSQLIsOnAPage: no line of the list outlives its page.
func TestAbsentSQLIsOnAPage(t *testing.T) {
	t.Parallel()
	texts := map[string]bool{}
	for _, p := range pages(t) {
		for _, statements := range sqlBlocks(p) {
			for _, s := range statements {
				texts[s.Text] = true
			}
		}
	}
	for _, a := range absent() {
		require.True(t, texts[a.statement], "elsewhere_test.go: no page has this statement any more: %s", a.statement)
		require.NotEmpty(t, a.why, a.statement)
	}
}

// requireSQLIsRead proves that each kind of mistake on a page is noticed, and that a page leaves nothing behind.
func (s *sandbox) requireSQLIsRead(r *sqlRunner) {
	s.t.Helper()
	for text, want := range map[string]string{
		"SELECT ts FROM bar LIMIT 1; SELECT nothing FROM bar LIMIT 1": "nothing",
		"SELEC 1": "syntax error",
		"UPDATE raw_page SET body = NULL; VACUUM nowhere":                                              "nowhere",
		"SELECT pg_drop_replication_slot('nobody')":                                                    "nobody",
		"SELECT * FROM bar WHERE series_id = $1 AND ts = $2 AND false":                                 "no row",
		"SELECT * FROM bar WHERE open = $1":                                                            "does not know",
		"SELECT * FROM bar WHERE series_id = $1 OR ts = $1":                                            "with series_id and with ts",
		"SELECT create_distributed_table('bar', 'series')":                                             "create_distributed_table",
		"SELECT body FROM raw_page WHERE $__timeFilter(requested_at)":                                  "permission denied",
		"ALTER TABLE bar_2015 SET TABLESPACE archive":                                                  "archive",
		"CREATE TABLE left_behind (); CREATE TABLESPACE archive LOCATION '/mnt/archive'; DROP TABLE x": `"x"`,
	} {
		f := page.Parse("x.md", "```sql\n"+text+"\n```\n").Fences[0]
		_, err := r.block(s.t.Context(), f.Statements())
		require.ErrorContains(s.t, err, want, text)
	}
	var left int
	require.NoError(s.t, r.conn.QueryRow(s.t.Context(), `SELECT count(*) FROM pg_class WHERE relname IN ('left_behind', 'bar_plain')`).Scan(&left))
	require.Zero(s.t, left)
}
