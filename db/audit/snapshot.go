package audit

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Snapshot sees a database as it was when the snapshot was taken, whatever is written since. It is used by one caller at
// a time, and must be closed.
type Snapshot struct {
	ID   string // for pg_dump --snapshot, while this one is open
	conn *pgx.Conn
	tx   pgx.Tx
}

// Snapshot takes one.
func (a *Auditor) Snapshot(ctx context.Context) (*Snapshot, error) {
	conn, err := pgx.ConnectConfig(ctx, a.pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	s := &Snapshot{conn: conn}
	if s.tx, err = conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}); err == nil {
		err = s.tx.QueryRow(ctx, "SELECT pg_export_snapshot()").Scan(&s.ID)
	}
	if err != nil {
		s.Close(ctx)
		return nil, fmt.Errorf("audit: %w", err)
	}
	return s, nil
}

// Close ends the snapshot.
func (s *Snapshot) Close(ctx context.Context) { _ = s.conn.Close(ctx) } // it only read

// Digest stands for the rows of a table, or for those of one series where the table has series.
type Digest struct {
	Table  string
	Series int64 // 0 where the table has none
	Rows   int64
	// Sum is over all columns of every row, whatever their order.
	Sum string
}

// Digests returns one Digest for every table, and for every series that it has rows of, by table and series. A table
// without rows has one too.
func (s *Snapshot) Digests(ctx context.Context) ([]Digest, error) {
	const tables = `
		SELECT c.relname, EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'series_id' AND NOT attisdropped)
		FROM pg_class c
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		ORDER BY c.relname COLLATE "C"`
	type table struct {
		Name      string
		HasSeries bool
	}
	rows, err := s.tx.Query(ctx, tables)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	var digests []Digest
	for _, t := range all {
		of, err := s.digest(ctx, t.Name, t.HasSeries)
		if err != nil {
			return nil, err
		}
		digests = append(digests, of...)
	}
	return digests, nil
}

// digest adds up the two halves of each row's MD5: a sum does not depend on the order, and rows that are there twice do
// not cancel each other out, as they would in an exclusive or.
func (s *Snapshot) digest(ctx context.Context, table string, hasSeries bool) ([]Digest, error) {
	series := "0::bigint"
	if hasSeries {
		series = "t.series_id"
	}
	rows, err := s.tx.Query(ctx, fmt.Sprintf(`
		SELECT $1::text, series, count(*),
			sum(('x' || left(hash, 16))::bit(64)::bigint::numeric) || ' ' || sum(('x' || right(hash, 16))::bit(64)::bigint::numeric)
		FROM (SELECT %s AS series, md5(t::text) AS hash FROM %s t) h GROUP BY series ORDER BY series`,
		series, pgx.Identifier{table}.Sanitize()), table)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	digests, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Digest])
	if err != nil {
		return nil, fmt.Errorf("audit: digest of %s: %w", table, err)
	}
	if len(digests) == 0 {
		digests = []Digest{{Table: table}}
	}
	return digests, nil
}
