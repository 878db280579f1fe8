package page

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// Page is a Markdown page.
type Page struct {
	Name    string // as Parse was told
	Anchors map[string]bool
	Links   []Link
	Codes   []Code
	Fences  []Fence
}

// Link is the target of a link or an image, as written.
type Link struct {
	Line   int
	Target string
}

// Code is text between backticks, outside of fences.
type Code struct {
	Line int
	Text string
}

// Fence is a fenced block. Its lines have lost the indentation of the fence.
type Fence struct {
	Line     int // of its first line within
	Language string
	Lines    []string
	// Follows reports that nothing but blank lines stands between this block and the one before: it shows an answer.
	Follows bool
}

// Text returns the lines of the block.
func (f Fence) Text() string { return strings.Join(f.Lines, "\n") + "\n" }

// Place says where a line of the page is, as editors understand it.
func (p *Page) Place(line int) string { return fmt.Sprintf("%s:%d", p.Name, line) }

// Parse takes a page apart.
func Parse(name, text string) *Page {
	p := &Page{Name: name, Anchors: map[string]bool{}}
	r := reader{
		page: p, counts: map[string]int{}, opening: regexp.MustCompile("^(```+|~~~+)(.*)$"),
		heading: regexp.MustCompile(`^#{1,6} +(.*?)(?: #+)?$`), code: regexp.MustCompile("``([^`]+)``|`([^`]+)`"),
		id: regexp.MustCompile(`(?:id|name)="([^"]+)"`),
	}
	for _, pattern := range []string{`\]\(([^)\s]+)(?: +"[^"]*")?\)`, `(?:src|href)="([^"]+)"`, `^\[[^\]]+\]: +(\S+)`, `<(https?://[^>]+)>`} {
		r.links = append(r.links, regexp.MustCompile(pattern))
	}
	for at, line := range strings.Split(text, "\n") {
		r.read(at+1, line)
	}
	return p
}

// reader is where Parse is on a page.
type reader struct {
	page    *Page
	fence   *Fence // the open one
	mark    string // what closes it
	indent  int
	isAfter bool           // nothing but blank lines since the last fence
	counts  map[string]int // headings by anchor

	opening, heading, code, id *regexp.Regexp
	links                      []*regexp.Regexp
}

func (r *reader) read(number int, line string) {
	trimmed := strings.TrimLeft(line, " ")
	if r.fence != nil {
		if strings.TrimSpace(line) == r.mark {
			r.page.Fences, r.fence, r.isAfter = append(r.page.Fences, *r.fence), nil, true
			return
		}
		r.fence.Lines = append(r.fence.Lines, strings.TrimPrefix(line, strings.Repeat(" ", min(r.indent, len(line)-len(trimmed)))))
		return
	}
	if opened := r.opening.FindStringSubmatch(trimmed); opened != nil {
		language, _, _ := strings.Cut(strings.TrimSpace(opened[2]), " ")
		r.fence = &Fence{Line: number + 1, Language: language, Follows: r.isAfter}
		r.mark, r.indent = opened[1], len(line)-len(trimmed)
		return
	}
	if strings.TrimSpace(line) == "" {
		return
	}
	r.isAfter = false
	if heading := r.heading.FindStringSubmatch(line); heading != nil {
		r.anchor(heading[1])
	}
	r.spans(number, line)
}

// anchor notes what GitHub makes of a heading: lower case, hyphens for spaces, nothing but letters, digits, _ and -.
func (r *reader) anchor(heading string) {
	heading = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(heading, "$1")
	anchor := strings.Map(func(c rune) rune {
		switch {
		case unicode.IsLetter(c) || unicode.IsDigit(c) || c == '_' || c == '-':
			return unicode.ToLower(c)
		case c == ' ':
			return '-'
		}
		return -1
	}, strings.TrimSpace(heading))
	if n := r.counts[anchor]; n > 0 {
		r.page.Anchors[fmt.Sprintf("%s-%d", anchor, n)] = true
	} else {
		r.page.Anchors[anchor] = true
	}
	r.counts[anchor]++
}

// spans notes code and links of a line. What is code holds no link.
func (r *reader) spans(number int, line string) {
	for _, found := range r.code.FindAllStringSubmatch(line, -1) {
		r.page.Codes = append(r.page.Codes, Code{Line: number, Text: found[1] + found[2]})
	}
	line = r.code.ReplaceAllString(line, "x")
	for _, pattern := range r.links {
		for _, found := range pattern.FindAllStringSubmatch(line, -1) {
			r.page.Links = append(r.page.Links, Link{Line: number, Target: found[1]})
		}
	}
	for _, found := range r.id.FindAllStringSubmatch(line, -1) {
		r.page.Anchors[found[1]] = true
	}
}
