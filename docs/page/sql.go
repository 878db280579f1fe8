package page

import (
	"regexp"
	"slices"
	"strings"
)

// Statement is one statement of SQL, without its comments and without the semicolon behind it.
type Statement struct {
	Line int
	Text string
}

// IsSQL reports whether the block is SQL.
func (f Fence) IsSQL() bool {
	return slices.Contains([]string{"sql", "pgsql", "postgres", "postgresql"}, strings.ToLower(f.Language))
}

// Statements takes a block of SQL apart at its semicolons, those outside of quotes and comments.
func (f Fence) Statements() []Statement {
	// what may hold a semicolon: a comment, a string, a name, a body between dollars
	token := regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"[^"]*"|\$(?:[A-Za-z_]\w*)?\$|.`)
	var all []Statement
	var text strings.Builder
	line := f.Line
	begin := 0
	end := func() {
		if statement := strings.TrimSpace(text.String()); statement != "" {
			all = append(all, Statement{Line: begin, Text: statement})
		}
		text.Reset()
		begin = 0
	}
	for rest := f.Text(); rest != ""; {
		found := token.FindString(rest)
		if strings.HasPrefix(found, "$") && strings.HasSuffix(found, "$") && len(found) > 1 {
			if at := strings.Index(rest[len(found):], found); at >= 0 {
				found = rest[:at+2*len(found)]
			}
		}
		rest = rest[len(found):]
		switch {
		case found == ";":
			end()
		case strings.HasPrefix(found, "--") || strings.HasPrefix(found, "/*"):
			text.WriteString(" ")
		default:
			if begin == 0 && strings.TrimSpace(found) != "" {
				begin = line
			}
			text.WriteString(found)
		}
		line += strings.Count(found, "\n")
	}
	end()
	return all
}
