package delivery

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Covered counts statements.
type Covered struct {
	Name       string // of a package; "" for the whole
	Statements int
	Covered    int
}

// Percent returns which part is covered, 0 where there is nothing to cover.
func (c Covered) Percent() float64 {
	if c.Statements == 0 {
		return 0
	}
	return 100 * float64(c.Covered) / float64(c.Statements)
}

// Coverage is what a profile says: each package, and the whole module.
type Coverage struct {
	Total    Covered
	Packages []Covered // by name
}

// ReadCoverage reads a profile as `go test -coverprofile` writes it. With -coverpkg every test binary reports every
// block: a block counts once, and as covered if one of them ran it.
func ReadCoverage(profile io.Reader) (Coverage, error) {
	blocks := map[string]block{}
	lines := bufio.NewScanner(profile)
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "mode: ") {
			continue
		}
		place, b, err := parseBlock(line)
		if err != nil {
			return Coverage{}, fmt.Errorf("line %d of the profile: %w", number, err)
		}
		b.isCovered = b.isCovered || blocks[place].isCovered
		blocks[place] = b
	}
	if err := lines.Err(); err != nil {
		return Coverage{}, fmt.Errorf("read the profile: %w", err)
	}
	if len(blocks) == 0 {
		return Coverage{}, fmt.Errorf("the profile is empty: nothing was measured")
	}
	return sum(blocks), nil
}

type block struct {
	pkg        string
	statements int
	isCovered  bool
}

// parseBlock reads "marketdata/api/bar.go:12.34,15.2 3 1": place, statements, how often they ran.
func parseBlock(line string) (place string, b block, err error) {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return "", block{}, fmt.Errorf("%q is no block", line)
	}
	file, _, isPlace := strings.Cut(fields[0], ".go:")
	statements, err := strconv.Atoi(fields[1])
	if err != nil || !isPlace {
		return "", block{}, fmt.Errorf("%q is no block", line)
	}
	return fields[0], block{pkg: path.Dir(file), statements: statements, isCovered: fields[2] != "0"}, nil
}

func sum(blocks map[string]block) Coverage {
	var coverage Coverage
	packages := map[string]Covered{}
	for _, b := range blocks {
		p := packages[b.pkg]
		p.Name = b.pkg
		p.Statements += b.statements
		coverage.Total.Statements += b.statements
		if b.isCovered {
			p.Covered += b.statements
			coverage.Total.Covered += b.statements
		}
		packages[b.pkg] = p
	}
	for _, p := range packages {
		coverage.Packages = append(coverage.Packages, p)
	}
	slices.SortFunc(coverage.Packages, func(a, b Covered) int { return cmp.Compare(a.Name, b.Name) })
	return coverage
}

// Missing returns those packages that the profile does not know: nothing of them was measured.
func (c Coverage) Missing(packages []string) []string {
	var missing []string
	for _, name := range packages {
		if !slices.ContainsFunc(c.Packages, func(p Covered) bool { return p.Name == name }) {
			missing = append(missing, name)
		}
	}
	return missing
}

// Table returns the figures as Markdown, for the summary of a run.
func (c Coverage) Table(floor float64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## Coverage\n\n**%.1f %%** of %d statements of the whole module; the floor is %g %%.\n\n",
		c.Total.Percent(), c.Total.Statements, floor)
	b.WriteString("| package | statements | covered |\n|---|--:|--:|\n")
	for _, p := range c.Packages {
		fmt.Fprintf(&b, "| `%s` | %d | %.1f %% |\n", p.Name, p.Statements, p.Percent())
	}
	return b.String()
}

// Badge returns the total as a picture: green from the floor up, red below.
func (c Coverage) Badge(floor float64) string {
	colour := "#2e7d32"
	if c.Total.Percent() < floor {
		colour = "#c62828"
	}
	text := fmt.Sprintf("%.1f %%", c.Total.Percent())
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="120" height="20" role="img" aria-label="coverage: %[1]s">
  <title>coverage: %[1]s</title>
  <rect width="64" height="20" rx="3" fill="#444"/>
  <rect x="61" width="59" height="20" rx="3" fill="%[2]s"/>
  <rect x="61" width="3" height="20" fill="%[2]s"/>
  <g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
    <text x="31" y="14">coverage</text>
    <text x="91" y="14">%[1]s</text>
  </g>
</svg>
`, text, colour)
}
