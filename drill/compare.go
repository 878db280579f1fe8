package drill

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"marketdata/db/audit"
)

// books is everything that a database holds, as far as two can be compared.
type books struct {
	digests   []audit.Digest
	schema    []string
	sequences []string
}

func read(ctx context.Context, s *audit.Snapshot) (books, error) {
	var b books
	var err error
	if b.digests, err = s.Digests(ctx); err != nil {
		return b, err
	}
	if b.schema, err = s.Schema(ctx); err != nil {
		return b, err
	}
	b.sequences, err = s.Sequences(ctx)
	return b, err
}

// told are the tables that the report tells by name. Each must have rows, or nothing is proven of it.
func told() []string {
	return []string{
		"bar", "bar_revision", "bar_withdrawal", "load", "series_coverage", "series", "instrument", "instrument_alias", "tracked_interval",
		"quarantined_bar", "raw_page", "ingest_job", "ingest_chunk", "schedule",
	}
}

// compare adds a row for each table that is told by name, one for all others, and those of the schema.
func (r *Report) compare(source, copied books) {
	others := Row{What: "other tables"}
	var tables, rows int64
	for _, name := range tablesOf(source, copied) {
		row := compareTable(name, source, copied)
		if slices.Contains(told(), name) {
			r.Rows = append(r.Rows, row)
			continue
		}
		tables++
		_, n := of(name, copied)
		rows += n
		others.Faults = append(others.Faults, row.Faults...)
	}
	others.Found = fmt.Sprintf("%d tables, %d rows", tables, rows)
	r.Rows = append(r.Rows, others)
	r.add("schema, rights, roles", fmt.Sprintf("%d things", len(copied.schema)), differences(source.schema, copied.schema)...)
	r.add("sequences", strconv.Itoa(len(copied.sequences)), differences(source.sequences, copied.sequences)...)
}

func compareTable(name string, source, copied books) Row {
	was, _ := of(name, source)
	is, n := of(name, copied)
	row := Row{What: name, Found: fmt.Sprintf("%d rows", n)}
	if len(is) > 0 && is[0].Series != 0 {
		row.Found += fmt.Sprintf(" in %d series", len(is))
	}
	for _, d := range was {
		i := slices.IndexFunc(is, func(o audit.Digest) bool { return o.Series == d.Series })
		switch {
		case i < 0:
			row.Faults = append(row.Faults, fmt.Sprintf("%s has %d rows%s in the source and none in the copy", name, d.Rows, inSeries(d)))
		case is[i].Rows != d.Rows:
			row.Faults = append(row.Faults, fmt.Sprintf("%s has %d rows%s in the source and %d in the copy", name, d.Rows, inSeries(d), is[i].Rows))
		case is[i].Sum != d.Sum:
			row.Faults = append(row.Faults, fmt.Sprintf("the %d rows of %s%s are not equal", d.Rows, name, inSeries(d)))
		}
	}
	for _, d := range is {
		if !slices.ContainsFunc(was, func(o audit.Digest) bool { return o.Series == d.Series }) {
			row.Faults = append(row.Faults, fmt.Sprintf("%s has %d rows%s in the copy and none in the source", name, d.Rows, inSeries(d)))
		}
	}
	if n == 0 && slices.Contains(told(), name) {
		row.Faults = append(row.Faults, "there is none, so nothing is proven")
	}
	return row
}

func inSeries(d audit.Digest) string {
	if d.Series == 0 {
		return ""
	}
	return fmt.Sprintf(" of series %d", d.Series)
}

// tablesOf lists the tables of both in the order in which they are told, others last.
func tablesOf(all ...books) []string {
	names := told()
	for _, b := range all {
		for _, d := range b.digests {
			if !slices.Contains(names, d.Table) {
				names = append(names, d.Table)
			}
		}
	}
	return names
}

// of returns the digests of a table that has rows, and how many.
func of(table string, b books) (digests []audit.Digest, rows int64) {
	for _, d := range b.digests {
		if d.Table == table && d.Rows > 0 {
			digests, rows = append(digests, d), rows+d.Rows
		}
	}
	return digests, rows
}

// differences lists the lines that only one of the two has.
func differences(source, copied []string) []string {
	var faults []string
	for _, line := range source {
		if !slices.Contains(copied, line) {
			faults = append(faults, "only in the source: "+line)
		}
	}
	for _, line := range copied {
		if !slices.Contains(source, line) {
			faults = append(faults, "only in the copy: "+line)
		}
	}
	return faults
}
