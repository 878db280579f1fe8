package audit

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Schema describes everything that the database's schema is made of, one thing a line, sorted: tables with their columns,
// constraints, indexes, owners, rights and comments, functions, views, sequences, partitions, the platform's roles and
// their settings. Two databases that behave alike have equal lines. The migrations' own table is left out, and what
// sequences have counted so far stands in Sequences.
func (s *Snapshot) Schema(ctx context.Context) ([]string, error) {
	return s.lines(ctx, schemaQuery)
}

// Sequences describes how far every sequence has counted, sorted.
func (s *Snapshot) Sequences(ctx context.Context) ([]string, error) {
	return s.lines(ctx, `
		SELECT format('sequence %s is at %s', sequencename, coalesce(last_value::text, 'its start'))
		FROM pg_sequences WHERE schemaname = current_schema() AND sequencename NOT LIKE 'goose%' ORDER BY 1`)
}

func (s *Snapshot) lines(ctx context.Context, query string) ([]string, error) {
	rows, err := s.tx.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return lines, nil
}

// Rights of an object are written out with those that its owner has by default, so that it does not matter whether they
// were ever granted by word.
const schemaQuery = `
	WITH ours AS (
		SELECT c.* FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relname NOT LIKE 'goose%'
	), lines AS (
		SELECT format('%s %s: owner %s, options %s, partition %s, comment %s',
			CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence'
				WHEN 'i' THEN 'index' WHEN 'I' THEN 'partitioned index' ELSE c.relkind::text END,
			c.relname, pg_get_userbyid(c.relowner), c.reloptions, pg_get_expr(c.relpartbound, c.oid), obj_description(c.oid, 'pg_class')) AS line
		FROM ours c
		UNION ALL
		SELECT format('rights on %s: %s to %s', c.relname, a.privilege_type, CASE a.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(a.grantee) END)
		FROM ours c, aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) a
		WHERE c.relkind IN ('r', 'p', 'v', 'S')
		UNION ALL
		SELECT format('column %s.%s: %s, not null %s, default %s, identity %s, storage %s, rights %s, comment %s', c.relname, a.attname,
			format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attstorage, a.attacl,
			col_description(c.oid, a.attnum))
		FROM ours c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
		WHERE c.relkind IN ('r', 'p', 'v')
		UNION ALL
		SELECT format('constraint %s of %s: %s, valid %s', o.conname, c.relname, pg_get_constraintdef(o.oid), o.convalidated)
		FROM ours c JOIN pg_constraint o ON o.conrelid = c.oid
		UNION ALL
		SELECT format('index %s: %s, valid %s', c.relname, pg_get_indexdef(c.oid), i.indisvalid)
		FROM ours c JOIN pg_index i ON i.indexrelid = c.oid
		UNION ALL
		SELECT format('view %s: %s', c.relname, pg_get_viewdef(c.oid)) FROM ours c WHERE c.relkind = 'v'
		UNION ALL
		SELECT format('trigger %s of %s: %s', t.tgname, c.relname, pg_get_triggerdef(t.oid))
		FROM ours c JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
		UNION ALL
		SELECT format('function %s: owner %s, comment %s: %s', p.oid::regprocedure, pg_get_userbyid(p.proowner), obj_description(p.oid, 'pg_proc'),
			pg_get_functiondef(p.oid))
		FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace AND p.prokind = 'f'
		UNION ALL
		SELECT format('rights on %s: %s to %s', p.oid::regprocedure, a.privilege_type, CASE a.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(a.grantee) END)
		FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
		WHERE p.pronamespace = current_schema()::regnamespace AND p.prokind = 'f'
		UNION ALL
		SELECT format('type %s', t.typname) FROM pg_type t
		WHERE t.typnamespace = current_schema()::regnamespace AND t.typtype IN ('e', 'd', 'r')
		UNION ALL
		SELECT format('rights on the schema: %s to %s', a.privilege_type, CASE a.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(a.grantee) END)
		FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a WHERE n.nspname = current_schema()
		UNION ALL
		SELECT format('rights on what %s makes (%s): %s to %s', pg_get_userbyid(d.defaclrole), d.defaclobjtype, a.privilege_type,
			CASE a.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(a.grantee) END)
		FROM pg_default_acl d, aclexplode(d.defaclacl) a WHERE d.defaclnamespace = current_schema()::regnamespace
		UNION ALL
		SELECT format('role %s: login %s, inherits %s, settings %s, member of %s', r.rolname, r.rolcanlogin, r.rolinherit, r.rolconfig,
			(SELECT array_agg(pg_get_userbyid(m.roleid) ORDER BY 1) FROM pg_auth_members m WHERE m.member = r.oid))
		FROM pg_roles r WHERE r.rolname LIKE 'marketdata%'
		UNION ALL
		SELECT format('database: owner %s, encoding %s, locale %s %s, settings %s', pg_get_userbyid(d.datdba), pg_encoding_to_char(d.encoding),
			d.datcollate, d.datctype, (SELECT array_agg(s.setconfig) FROM pg_db_role_setting s WHERE s.setdatabase = d.oid))
		FROM pg_database d WHERE d.datname = current_database()
	)
	SELECT line FROM lines ORDER BY line COLLATE "C"`

// Role is what the role that an Auditor connects as may do.
type Role struct {
	Name             string
	StatementTimeout string
	ReadsBars        bool
	WritesBars       bool
	ReadsPages       bool // the answers of providers
	MakesTables      bool
}

// Role looks at the Auditor's own role.
func (a *Auditor) Role(ctx context.Context) (Role, error) {
	all, err := collect[Role](ctx, a, `
		SELECT current_user, current_setting('statement_timeout'), has_table_privilege('bar', 'SELECT'), has_table_privilege('bar', 'INSERT'),
			has_table_privilege('raw_page', 'SELECT'), has_schema_privilege(current_schema(), 'CREATE')`)
	if err != nil {
		return Role{}, err
	}
	return all[0], nil
}
