package grafanatest

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marketdata/grafana"
	"marketdata/grafana/macro"
)

// Answer is what a query returned.
type Answer struct {
	Columns []string
	Types   []uint32 // OIDs
	Rows    [][]any
}

// Column returns the place of a column, -1 without it.
func (a Answer) Column(name string) int {
	for i, c := range a.Columns {
		if c == name {
			return i
		}
	}
	return -1
}

// Ask runs a query as Grafana does: in its role, read-only, with the role's time limit.
func Ask(ctx context.Context, pool *pgxpool.Pool, query string) (Answer, error) {
	var a Answer
	err := pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL ROLE marketdata_grafana"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SET LOCAL statement_timeout = '30s'"); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for _, f := range rows.FieldDescriptions() {
			a.Columns, a.Types = append(a.Columns, f.Name), append(a.Types, f.DataTypeOID)
		}
		for rows.Next() {
			values, err := rows.Values()
			if err != nil {
				return err
			}
			a.Rows = append(a.Rows, values)
		}
		return rows.Err()
	})
	return a, err
}

// Choose returns the values of the dashboard's variables as given, else what a person finds chosen who opens it: the
// first of a query, or all where there may be several.
func Choose(ctx context.Context, pool *pgxpool.Pool, board grafana.Dashboard, given map[string]macro.Value) (map[string]macro.Value, error) {
	values := map[string]macro.Value{}
	for _, v := range board.Templating.List {
		value, isGiven := given[v.Name]
		if !isGiven {
			var err error
			if value, err = chosen(ctx, pool, v, values); err != nil {
				return nil, fmt.Errorf("variable %s: %w", v.Name, err)
			}
		}
		values[v.Name] = value
	}
	return values, nil
}

func chosen(ctx context.Context, pool *pgxpool.Pool, v grafana.Variable, before map[string]macro.Value) (macro.Value, error) {
	if v.DataSource.UID == grafana.Prometheus && v.IncludeAll {
		return macro.Value{Chosen: []string{".*"}, Label: "All"}, nil
	}
	if v.Type != "query" || v.DataSource.UID == grafana.Prometheus { // nobody answers for Prometheus here
		current, _ := v.Current.Value.(string)
		return macro.One(current), nil
	}
	e, err := macro.Context{Variables: before}.SQL(v.Text())
	if err != nil {
		return macro.Value{}, err
	}
	a, err := Ask(ctx, pool, e.Text)
	if err != nil {
		return macro.Value{}, err
	}
	value := macro.Value{IsMulti: v.Multi}
	if v.Multi {
		value.Label = "All"
	}
	for _, row := range a.Rows {
		text, _ := row[0].(string)
		value.Chosen = append(value.Chosen, text)
		if !v.Multi {
			break
		}
	}
	return value, nil
}
