package docs_test

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// madeElsewhere are targets that no checkout has: a branch of the repository that CI writes.
func madeElsewhere(target string) bool {
	return strings.HasPrefix(target, "../../raw/badges/") || strings.HasPrefix(target, "../../actions/")
}

// TestLinks: every relative link leads to a file and every anchor to a heading; links to the world are well-formed. It
// asks nothing of the network.
func TestLinks(t *testing.T) {
	t.Parallel()
	all := pages(t)
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p := all[name]
		for _, link := range p.Links {
			complain := func(format string, args ...any) {
				problems = append(problems, p.Place(link.Line)+": "+link.Target+": "+fmt.Sprintf(format, args...))
			}
			u, err := url.Parse(link.Target)
			if err != nil {
				complain("is no address: %v", err)
				continue
			}
			if u.Scheme != "" {
				if u.Scheme != "mailto" && (u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || !strings.Contains(u.Host, ".")) {
					complain("is no address on the web")
				}
				continue
			}
			if madeElsewhere(link.Target) {
				continue
			}
			target := name
			if u.Path != "" {
				target = path.Join(path.Dir(name), u.Path)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				complain("there is no such file: mend the link, or land it together with the page it leads to")
				continue
			}
			if linked, isPage := all[target]; u.Fragment != "" && isPage && !linked.Anchors[u.Fragment] {
				complain("%s has no heading with that anchor; it has %s", target, strings.Join(slices.Sorted(maps.Keys(linked.Anchors)), ", "))
			}
		}
	}
	requireNone(t, problems)
}

// TestEveryPageIsReachable: who begins at the index comes to every page of docs/ by links.
func TestEveryPageIsReachable(t *testing.T) {
	t.Parallel()
	all := pages(t)
	const index = "docs/README.md"
	seen, todo := map[string]bool{index: true}, []string{index}
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		for _, link := range all[name].Links {
			target, _, _ := strings.Cut(link.Target, "#")
			target = path.Join(path.Dir(name), target)
			if info, err := os.Stat(filepath.Join(root, target)); err == nil && info.IsDir() {
				target = path.Join(target, "README.md")
			}
			if _, isPage := all[target]; isPage && !seen[target] && strings.HasPrefix(target, "docs/") {
				seen[target] = true
				todo = append(todo, target)
			}
		}
	}
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if strings.HasPrefix(name, "docs/") && !seen[name] {
			problems = append(problems, name+": no way leads there from "+index+": add a line to it")
		}
	}
	requireNone(t, problems)
}
