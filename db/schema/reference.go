package schema

import (
	"slices"
	"strings"
)

// Reference says that a column holds the key of another table.
type Reference struct {
	From, Column, To string
	IsRequired       bool // the column cannot be NULL
	IsOne            bool // at most one row refers to a row
	IsEnforced       bool // by a foreign key; the others are kept by the code alone
}

// otherwiseNamed are the columns that refer to a table under a name that does not show it.
func otherwiseNamed() map[string]string { return map[string]string{"bar_revision.replaced_by": "load"} }

// References returns the references between tables: foreign keys, then columns named after the key of a table, as in
// load_id and chunk_id, with the type of that key.
func (s *Schema) References() []Reference {
	var references []Reference
	for _, r := range s.Relations {
		if r.IsView {
			continue
		}
		for _, c := range r.Constraints {
			if c.Kind == "f" {
				references = append(references, r.reference(c.Columns[0], c.References, true))
			}
		}
		for _, c := range r.Columns {
			to := s.named(r.Name, c)
			isKnown := slices.ContainsFunc(references, func(f Reference) bool { return f.From == r.Name && f.Column == c.Name })
			if to != "" && !isKnown {
				references = append(references, r.reference(c.Name, to, false))
			}
		}
	}
	return references
}

// named returns the table that the column's name points at, or "".
func (s *Schema) named(relation string, c Column) string {
	if to, ok := otherwiseNamed()[relation+"."+c.Name]; ok {
		return to
	}
	name, isKey := strings.CutSuffix(c.Name, "_id")
	if !isKey {
		return ""
	}
	for _, r := range s.Relations {
		if r.Name != name && r.Name != "ingest_"+name {
			continue
		}
		for _, key := range r.Columns {
			if key.Name == "id" && key.Type == c.Type {
				return r.Name
			}
		}
	}
	return ""
}

func (r *Relation) reference(column, to string, isEnforced bool) Reference {
	f := Reference{From: r.Name, Column: column, To: to, IsEnforced: isEnforced}
	for _, c := range r.Columns {
		f.IsRequired = f.IsRequired || c.Name == column && c.IsRequired
	}
	for _, c := range r.Constraints {
		f.IsOne = f.IsOne || (c.Kind == "p" || c.Kind == "u") && slices.Equal(c.Columns, []string{column})
	}
	return f
}

// isKey reports whether the column is part of the relation's primary key.
func (r *Relation) isKey(column string) bool {
	return slices.ContainsFunc(r.Constraints, func(c Constraint) bool { return c.Kind == "p" && slices.Contains(c.Columns, column) })
}
