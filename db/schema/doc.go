// Package schema describes a migrated database from its catalogue, as docs/schema.md: a diagram of its tables, and each
// relation with its columns, keys and comments. Only tests use it; they hold the page against the migrations.
//
// read.go asks the catalogue, reference.go finds the references that no foreign key enforces, page.go writes Markdown.
// Partitions are folded into the table they are part of, and the table of the migrations themselves is left out.
package schema
