package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// writeJSON prints a document, indented.
func writeJSON(w io.Writer, document any) error {
	encoded, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("encode the output: %w", err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, encoded, "", "  "); err != nil {
		return fmt.Errorf("encode the output: %w", err)
	}
	indented.WriteByte('\n')
	_, err = indented.WriteTo(w)
	return err
}

// writeList prints entries of a list as the API does.
func writeList(w io.Writer, entries []json.RawMessage) error {
	return writeJSON(w, map[string]any{"data": entries})
}

// writeTable prints aligned columns; the first row is the heading.
func writeTable(w io.Writer, rows ...[]string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = printable(cell)
		}
		if _, err := fmt.Fprintln(table, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return table.Flush()
}

// printable keeps what others wrote from moving the cursor of a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// decodeAll reads every entry of a list.
func decodeAll[T any](entries []json.RawMessage) ([]T, error) {
	decoded := make([]T, len(entries))
	for i, entry := range entries {
		if err := json.Unmarshal(entry, &decoded[i]); err != nil {
			return nil, fmt.Errorf("an answer of the API is not understood: %w", err)
		}
	}
	return decoded, nil
}
