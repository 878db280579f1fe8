package page

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Command is a statement for a shell, with all its lines: a pipeline, a loop, an assignment.
type Command struct {
	Line  int
	Text  string
	Calls [][]string // every program it calls, with its words, quotes removed; an assignment alone calls none
	Shown []string   // what the page shows of its output; none where it shows nothing
}

// IsShell reports whether the block is for a shell.
func (f Fence) IsShell() bool {
	return slices.Contains([]string{"sh", "bash", "shell", "console", "shell-session", "zsh"}, f.Language)
}

// Commands takes a block for a shell apart. In a console block commands follow "$ ", and other lines are output.
func (f Fence) Commands() ([]Command, error) {
	if !strings.HasPrefix(f.Language, "console") && f.Language != "shell-session" {
		return statements(f.Line, f.Text())
	}
	var commands []Command
	for at := 0; at < len(f.Lines); at++ {
		text, isCommand := strings.CutPrefix(f.Lines[at], "$ ")
		if !isCommand {
			if len(commands) == 0 {
				return nil, fmt.Errorf("output before any command: commands of a console block follow %q", "$ ")
			}
			last := &commands[len(commands)-1]
			last.Shown = append(last.Shown, f.Lines[at])
			continue
		}
		begin := at
		for strings.HasSuffix(text, `\`) && at+1 < len(f.Lines) {
			at++
			text += "\n" + strings.TrimPrefix(f.Lines[at], "> ")
		}
		found, err := statements(f.Line+begin, text+"\n")
		if err != nil {
			return nil, err
		}
		commands = append(commands, found...)
	}
	return commands, nil
}

// statements takes shell text apart; the text begins at the line.
func statements(line int, text string) ([]Command, error) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		return nil, fmt.Errorf("not for a shell: %w", err)
	}
	commands := make([]Command, len(file.Stmts))
	for at, s := range file.Stmts {
		end := uint(len(text))
		if at+1 < len(file.Stmts) {
			end = file.Stmts[at+1].Pos().Offset()
		}
		c := &commands[at]
		c.Line, c.Text = line+int(s.Pos().Line())-1, withoutComments(text[s.Pos().Offset():end])
		syntax.Walk(s, func(n syntax.Node) bool {
			if call, isCall := n.(*syntax.CallExpr); isCall && len(call.Args) > 0 {
				words := make([]string, len(call.Args))
				for at, word := range call.Args {
					words[at] = written(word)
				}
				c.Calls = append(c.Calls, words)
			}
			return true
		})
	}
	return commands, nil
}

// withoutComments drops the lines after a statement that explain the next one.
func withoutComments(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for len(lines) > 1 && (strings.HasPrefix(strings.TrimSpace(lines[len(lines)-1]), "#") || strings.TrimSpace(lines[len(lines)-1]) == "") {
		lines = lines[:len(lines)-1]
	}
	return strings.Join(lines, "\n")
}

// written is a word without its quotes; what a shell would put in stays as it is written.
func written(word *syntax.Word) string {
	var b strings.Builder
	for _, part := range word.Parts {
		writePart(&b, part)
	}
	return b.String()
}

func writePart(b *strings.Builder, part syntax.WordPart) {
	switch p := part.(type) {
	case *syntax.Lit:
		b.WriteString(p.Value)
	case *syntax.SglQuoted:
		b.WriteString(p.Value)
	case *syntax.DblQuoted:
		for _, inner := range p.Parts {
			writePart(b, inner)
		}
	default:
		var out bytes.Buffer
		_ = syntax.NewPrinter().Print(&out, part) // into memory
		b.Write(out.Bytes())
	}
}
