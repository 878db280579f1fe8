package db_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/db/dbtest"
	"marketdata/market"
)

func TestEnsureBarPartitions(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	years := func() string {
		return scalar[string](t, d, `
			SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '') FROM pg_class
			WHERE relispartition AND relkind = 'r' AND relname ~ '^bar_(before|204)'`)
	}
	for _, c := range []struct {
		name string
		r    market.Range
		want string
	}{
		{"before 2010", span("1962-01-02", "1999-01-01"), "bar_before_2010"},
		{"the end is not in the range", span("2040-06-01", "2041-01-01"), "bar_2040 bar_before_2010"},
		{"twice", span("2040-06-01", "2041-01-01"), "bar_2040 bar_before_2010"},
		{"several years", span("2041-12-31", "2043-01-02"), "bar_2040 bar_2041 bar_2042 bar_2043 bar_before_2010"},
		{"empty", span("2045-01-01", "2045-01-01"), "bar_2040 bar_2041 bar_2042 bar_2043 bar_before_2010"},
	} {
		require.NoError(t, d.EnsureBarPartitions(t.Context(), c.r), c.name)
		require.Equal(t, c.want, years(), c.name)
	}
}

func TestEnsureBarPartitionsDoesNotWaitForReaders(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	reader, err := d.Pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = reader.Exec(t.Context(), `SELECT FROM bar`)
	require.NoError(t, err)
	require.NoError(t, d.EnsureBarPartitions(t.Context(), span("2040-01-01", "2041-01-01")))
	require.NoError(t, reader.Rollback(t.Context()))
}

func TestEnsurePartitionsAtOnce(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	errs := make(chan error, 8)
	for range cap(errs) / 2 {
		go func() { errs <- d.EnsureBarPartitions(t.Context(), span("2040-01-01", "2044-01-01")) }()
		go func() { errs <- d.EnsureRawPagePartitions(t.Context(), at("2040-12-31T23:00:00Z")) }()
	}
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
	require.Equal(t, "raw_page_204012 raw_page_204101 raw_page_204102", scalar[string](t, d, `
		SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relname ~ '^raw_page_204'`))
}

func TestPartitionsHaveTheKeyAndTheRules(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	require.NoError(t, d.EnsureBarPartitions(t.Context(), span("2040-01-01", "2041-01-01")))
	insert := func(values string) error {
		_, err := d.Pool.Exec(t.Context(), `
			INSERT INTO bar (series_id, ts, open, high, low, close, volume, load_id) VALUES (1, '2040-05-05Z', `+values+`, 1)`)
		return err
	}
	for _, bad := range []string{
		"1, 0.5, 0.5, 1, 0", "1, 2, 1.5, 1, 0", "1, 2, 1, 1, -1", "'NaN', 'NaN', 'NaN', 'NaN', 0",
		"1, 'Infinity', 1, 1, 0", "1, 1, '-Infinity', 1, 0", "1, 1, 1, 1, 'NaN'",
	} {
		require.ErrorContains(t, insert(bad), "23514", bad)
	}
	require.NoError(t, insert("-1, -1, -2, -1, NULL"))
	require.ErrorContains(t, insert("1, 1, 1, 1, 0"), "23505")
}
