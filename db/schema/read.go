package schema

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Schema is what a database holds: relations and functions by name.
type Schema struct {
	Relations []*Relation
	Functions []Function
}

// Relation is a table or a view.
type Relation struct {
	Name, Comment string
	IsView        bool
	PartitionedBy string   // as in RANGE (ts); "" for a table in one piece
	Reads         []string // of a view, the relations it selects from

	Columns     []Column
	Constraints []Constraint
	Indexes     []string // definitions of those that stand behind no constraint
}

// Column is one column of a relation.
type Column struct {
	Name, Type, Default, Comment string
	IsRequired                   bool
}

// Constraint is a key, a foreign key or a check. Its columns are in the order of the key.
type Constraint struct {
	Kind       string // of pg_constraint: p, u, f, c
	Definition string
	Columns    []string
	References string // the other table of a foreign key, else ""
}

// Function is a function that the migrations made.
type Function struct{ Name, Arguments, Comment string }

// isOurs are the relations that the page shows.
const isOurs = `c.relnamespace = 'public'::regnamespace AND NOT c.relispartition AND c.relname <> 'goose_db_version'`

const selectRelations = `
	SELECT c.relname::text, coalesce(obj_description(c.oid, 'pg_class'), ''), c.relkind IN ('v', 'm'), coalesce(pg_get_partkeydef(c.oid), ''),
		ARRAY(SELECT DISTINCT t.relname::text FROM pg_rewrite w JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
			AND d.refclassid = 'pg_class'::regclass JOIN pg_class t ON t.oid = d.refobjid AND t.oid <> c.oid WHERE w.ev_class = c.oid ORDER BY 1)
	FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm') AND ` + isOurs + ` ORDER BY c.relname::text COLLATE "C"`

const selectColumns = `
	SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod),
		CASE WHEN a.attidentity <> '' THEN 'identity' ELSE coalesce(pg_get_expr(d.adbin, d.adrelid), '') END,
		coalesce(col_description(c.oid, a.attnum), ''), a.attnotnull
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
	WHERE c.relkind IN ('r', 'p', 'v', 'm') AND ` + isOurs + ` ORDER BY c.relname, a.attnum`

const selectConstraints = `
	SELECT c.relname::text, n.contype::text, pg_get_constraintdef(n.oid, true),
		ARRAY(SELECT a.attname::text FROM unnest(n.conkey) WITH ORDINALITY k(num, at) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.num ORDER BY k.at),
		coalesce((SELECT r.relname::text FROM pg_class r WHERE r.oid = n.confrelid), '')
	FROM pg_class c JOIN pg_constraint n ON n.conrelid = c.oid AND n.contype IN ('p', 'u', 'f', 'c')
	WHERE ` + isOurs + ` ORDER BY c.relname, array_position(ARRAY['p', 'u', 'f', 'c'], n.contype::text), n.conname::text COLLATE "C"`

const selectIndexes = `
	SELECT c.relname::text, pg_get_indexdef(i.indexrelid)
	FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid
	WHERE NOT EXISTS (SELECT 1 FROM pg_constraint n WHERE n.conindid = i.indexrelid AND n.conrelid = c.oid AND n.contype IN ('p', 'u')) AND ` + isOurs + `
	ORDER BY c.relname, x.relname::text COLLATE "C"`

const selectFunctions = `
	SELECT p.proname::text, pg_get_function_identity_arguments(p.oid), coalesce(obj_description(p.oid, 'pg_proc'), '')
	FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
		AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
	ORDER BY 1, 2`

// Read returns the schema of the database that url names.
func Read(ctx context.Context, url string) (*Schema, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is in flight
	s := &Schema{}
	byName := map[string]*Relation{}
	ask := func(query string, scan func(pgx.Rows) error) {
		if err == nil {
			err = each(ctx, conn, query, scan)
		}
	}
	ask(selectRelations, func(rows pgx.Rows) error {
		r := &Relation{}
		s.Relations = append(s.Relations, r)
		err := rows.Scan(&r.Name, &r.Comment, &r.IsView, &r.PartitionedBy, &r.Reads)
		byName[r.Name] = r
		return err
	})
	ask(selectColumns, func(rows pgx.Rows) error {
		var relation string
		var c Column
		err := rows.Scan(&relation, &c.Name, &c.Type, &c.Default, &c.Comment, &c.IsRequired)
		c.Type = shortType(c.Type)
		byName[relation].Columns = append(byName[relation].Columns, c)
		return err
	})
	ask(selectConstraints, func(rows pgx.Rows) error {
		var relation string
		var c Constraint
		err := rows.Scan(&relation, &c.Kind, &c.Definition, &c.Columns, &c.References)
		byName[relation].Constraints = append(byName[relation].Constraints, c)
		return err
	})
	ask(selectIndexes, func(rows pgx.Rows) error {
		var relation, definition string
		err := rows.Scan(&relation, &definition)
		byName[relation].Indexes = append(byName[relation].Indexes, definition)
		return err
	})
	ask(selectFunctions, func(rows pgx.Rows) error {
		var f Function
		err := rows.Scan(&f.Name, &f.Arguments, &f.Comment)
		s.Functions = append(s.Functions, f)
		return err
	})
	return s, err
}

// each runs a query and hands over each row.
func each(ctx context.Context, conn *pgx.Conn, query string, scan func(pgx.Rows) error) error {
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return fmt.Errorf("read the schema: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return fmt.Errorf("read the schema: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the schema: %w", err)
	}
	return nil
}
