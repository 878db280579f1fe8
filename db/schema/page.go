package schema

import (
	"fmt"
	"strings"
)

const head = `# Schema

<!-- Generated from the migrations by db/schema; make generate writes it, make verify proves that it is current. -->

What PostgreSQL holds, read from the catalogue of a migrated database. Names of types are short: ` + "`timestamptz`" + ` is
` + "`timestamp with time zone`" + `. [architecture.md](architecture.md) says how rows come to be.

Solid lines are foreign keys. Dotted lines are references by name that the code keeps and no foreign key checks: a key from
` + "`bar`" + `, of which there are billions, would cost more than it proves, and a receipt outlives what it tells of.

`

// Page returns docs/schema.md.
func (s *Schema) Page() string {
	var b strings.Builder
	b.WriteString(head)
	s.writeDiagram(&b)
	s.writeRelations(&b, "Tables", false)
	s.writeRelations(&b, "Views", true)
	b.WriteString("\n## Functions\n\n| function | what it does |\n|---|---|\n")
	for _, f := range s.Functions {
		fmt.Fprintf(&b, "| `%s(%s)` | %s |\n", f.Name, cell(shortType(f.Arguments)), cell(f.Comment))
	}
	return b.String()
}

// writeDiagram draws tables with their columns and the references between them.
func (s *Schema) writeDiagram(b *strings.Builder) {
	references := s.References()
	b.WriteString("```mermaid\nerDiagram\n")
	for _, f := range references {
		line, many, one := "..", "}o", "o|"
		if f.IsEnforced {
			line = "--"
		}
		if f.IsOne {
			many = "|o"
		}
		if f.IsRequired {
			one = "||"
		}
		fmt.Fprintf(b, "    %s %s%s%s %s : %s\n", f.From, many, line, one, f.To, f.Column)
	}
	for _, r := range s.Relations {
		if r.IsView {
			continue
		}
		fmt.Fprintf(b, "    %s {\n", r.Name)
		for _, c := range r.Columns {
			fmt.Fprintf(b, "        %s %s%s\n", strings.ReplaceAll(c.Type, " ", "_"), c.Name, marks(r, c.Name, references))
		}
		b.WriteString("    }\n")
	}
	b.WriteString("```\n")
}

// marks says that a column is part of the primary key, refers to another table, or both.
func marks(r *Relation, column string, references []Reference) string {
	var marks []string
	if r.isKey(column) {
		marks = append(marks, "PK")
	}
	for _, f := range references {
		if f.From == r.Name && f.Column == column {
			marks = append(marks, "FK")
		}
	}
	if len(marks) == 0 {
		return ""
	}
	return " " + strings.Join(marks, ", ")
}

func (s *Schema) writeRelations(b *strings.Builder, title string, isView bool) {
	fmt.Fprintf(b, "\n## %s\n", title)
	for _, r := range s.Relations {
		if r.IsView == isView {
			r.write(b)
		}
	}
}

func (r *Relation) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n", r.Name)
	if r.Comment != "" {
		fmt.Fprintf(b, "%s\n\n", r.Comment)
	}
	if r.IsView {
		fmt.Fprintf(b, "Reads %s.\n\n| column | type | meaning |\n|---|---|---|\n", strings.Join(quoted(r.Reads), ", "))
		for _, c := range r.Columns {
			fmt.Fprintf(b, "| `%s` | `%s` | %s |\n", c.Name, c.Type, cell(c.Comment))
		}
		return
	}
	if r.PartitionedBy != "" {
		fmt.Fprintf(b, "Partitioned by `%s`.\n\n", r.PartitionedBy)
	}
	b.WriteString("| column | type | NULL | default | meaning |\n|---|---|---|---|---|\n")
	for _, c := range r.Columns {
		null, preset := "yes", ""
		if c.IsRequired {
			null = ""
		}
		if c.Default != "" {
			preset = "`" + cell(c.Default) + "`"
		}
		fmt.Fprintf(b, "| `%s` | `%s` | %s | %s | %s |\n", c.Name, c.Type, null, preset, cell(c.Comment))
	}
	var rules []string
	for _, c := range r.Constraints {
		rules = append(rules, c.Definition)
	}
	if rules = append(rules, r.Indexes...); len(rules) > 0 {
		b.WriteString("\n")
	}
	for _, rule := range rules {
		fmt.Fprintf(b, "- `%s`\n", rule)
	}
}

func quoted(names []string) []string {
	quoted := make([]string, len(names))
	for at, name := range names {
		quoted[at] = "`" + name + "`"
	}
	return quoted
}

// cell makes text fit for a cell of a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}

// shortType is the name by which people call a type.
func shortType(name string) string {
	return strings.NewReplacer("timestamp with time zone", "timestamptz", "timestamp without time zone", "timestamp",
		"character varying", "varchar", "double precision", "float8").Replace(name)
}
