package audit_test

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"marketdata/db/audit"
	"marketdata/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// database is one with three bars in two partitions and two series, written in the order given.
type database struct {
	t     *testing.T
	url   string
	audit *audit.Auditor
}

func newDatabase(t *testing.T, bars ...string) database {
	t.Helper()
	d := database{t: t, url: dbtest.URL(t)}
	var err error
	d.audit, err = audit.Open(t.Context(), d.url)
	require.NoError(t, err)
	t.Cleanup(d.audit.Close)
	for _, values := range bars {
		d.exec("INSERT INTO bar (series_id, ts, open, high, low, close, volume, load_id) VALUES (" + values + ")")
	}
	return d
}

func (d database) exec(statement string) {
	d.t.Helper()
	conn, err := pgx.Connect(d.t.Context(), d.url)
	require.NoError(d.t, err)
	defer func() { require.NoError(d.t, conn.Close(d.t.Context())) }()
	_, err = conn.Exec(d.t.Context(), statement)
	require.NoError(d.t, err)
}

func (d database) snapshot() *audit.Snapshot {
	d.t.Helper()
	s, err := d.audit.Snapshot(d.t.Context())
	require.NoError(d.t, err)
	d.t.Cleanup(func() { s.Close(d.t.Context()) })
	return s
}

// bars are the digests of table bar.
func (d database) bars() []audit.Digest {
	d.t.Helper()
	all, err := d.snapshot().Digests(d.t.Context())
	require.NoError(d.t, err)
	return slices.DeleteFunc(all, func(o audit.Digest) bool { return o.Table != "bar" })
}

const (
	first  = "1, '2005-03-01Z', 10, 12, 9, 11, 100.5, 7"
	second = "1, '2021-03-01Z', 10, 12, 9, 11, NULL, 7"
	third  = "2, '2021-03-01Z', 10, 12, 9, 11, 100.5, 8"
)

func TestDigestsTellEveryDifferenceAndNoOrder(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, first, second, third)
	want := d.bars()
	require.Len(t, want, 2)
	require.Equal(t, []int64{2, 1}, []int64{want[0].Rows, want[1].Rows})
	require.Equal(t, want, newDatabase(t, third, second, first).bars())

	for _, change := range []string{
		"UPDATE bar SET volume = 100.50 WHERE ts < '2010-01-01'", // the digits are kept as they came
		"UPDATE bar SET volume = 0 WHERE volume IS NULL",
		"UPDATE bar SET load_id = 9 WHERE series_id = 2",
		"UPDATE bar SET ts = ts + interval '1 microsecond' WHERE series_id = 2",
		"DELETE FROM bar WHERE ts < '2010-01-01'",
	} {
		d := newDatabase(t, first, second, third)
		require.Equal(t, want, d.bars())
		d.exec(change)
		require.NotEqual(t, want, d.bars(), change)
	}
	// two bars that changed places, and one that is there twice beside none, have the same rows in sum
	require.NotEqual(t, want, newDatabase(t, first, second, "2, '2021-03-01Z', 10, 12, 9, 11, 100.5, 7", "3, '2021-03-01Z', 1, 1, 1, 1, 1, 8").bars())
}

func TestSnapshotDoesNotMove(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, first)
	s := d.snapshot()
	before, err := s.Digests(t.Context())
	require.NoError(t, err)
	d.exec("INSERT INTO bar (series_id, ts, open, high, low, close, load_id) VALUES (1, '2022-01-01Z', 1, 1, 1, 1, 1)")
	after, err := s.Digests(t.Context())
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.NotEmpty(t, s.ID)
}

func TestSchemaTellsEveryDifference(t *testing.T) {
	t.Parallel()
	read := func(d database) []string {
		lines, err := d.snapshot().Schema(t.Context())
		require.NoError(t, err)
		return slices.DeleteFunc(lines, func(line string) bool { return len(line) > 8 && line[:8] == "database" }) // its name differs
	}
	want := read(newDatabase(t))
	require.Equal(t, want, read(newDatabase(t)))
	for _, change := range []string{
		"ALTER TABLE bar ADD COLUMN note text",
		"ALTER TABLE bar DROP CONSTRAINT bar_low_le_prices",
		"CREATE INDEX extra ON load (version)",
		"DROP INDEX load_chunk",
		"REVOKE SELECT ON bar FROM marketdata_grafana",
		"GRANT SELECT ON raw_page TO marketdata_grafana",
		"GRANT EXECUTE ON FUNCTION ensure_bar_partitions TO PUBLIC",
		"COMMENT ON TABLE bar IS 'something else'",
		"ALTER TABLE series_coverage SET (fillfactor = 100)",
		"ALTER TABLE bar DETACH PARTITION bar_2020",
		"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM marketdata_app",
		"DROP VIEW ingest_job_state CASCADE",
	} {
		d := newDatabase(t)
		d.exec(change)
		require.False(t, slices.Equal(want, read(d)), change)
	}
}
