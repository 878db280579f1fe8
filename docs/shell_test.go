package docs_test

import (
	"flag"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"marketdata/docs/page"
)

// only narrows TestCommands for who writes a page: go test ./docs -run TestCommands -pages getting-started.
var only = flag.String("pages", "", "run the commands of pages whose name contains this")

// shown is a command with what its page shows of its output.
type shown struct {
	page.Command

	page   *page.Page
	output string
}

// shownBy takes all blocks for a shell of a page apart. The answer to the last command of a block may stand in a block of
// its own, right behind.
func shownBy(p *page.Page, check *checker) (commands []shown, problems []string) {
	for at, fence := range p.Fences {
		if !fence.IsShell() {
			if isDisguised(fence, check) {
				problems = append(problems, p.Place(fence.Line)+": this is a command or SQL: fence it as sh or as sql, so that it is run")
			}
			continue
		}
		found, err := fence.Commands()
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v; where it is no command, fence it as text", p.Place(fence.Line), err))
			continue
		}
		for _, c := range found {
			commands = append(commands, shown{c, p, strings.Join(c.Shown, "\n")})
		}
		if at+1 < len(p.Fences) && len(found) > 0 && commands[len(commands)-1].output == "" {
			if next := p.Fences[at+1]; next.Follows && slices.Contains([]string{"", "text", "json", "csv"}, next.Language) {
				commands[len(commands)-1].output = next.Text()
			}
		}
	}
	return commands, problems
}

// isDisguised reports whether a block that is fenced as text, or as nothing, begins with a command or with SQL.
func isDisguised(f page.Fence, check *checker) bool {
	if !slices.Contains([]string{"", "text", "txt", "plain"}, f.Language) {
		return false
	}
	for _, line := range f.Lines {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" || strings.HasPrefix(line, " ") {
			continue
		}
		_, isKnown := check.help[strings.Join(words[1:min(2, len(words))], " ")]
		return isOurs(words[0]) && isKnown || slices.Contains(append(tools(), "make", "docker", "apt-get", "apt", "sudo"), words[0]) ||
			regexp.MustCompile(`^(SELECT|WITH|INSERT INTO|UPDATE|DELETE FROM|CREATE|ALTER|DROP|GRANT|REVOKE|EXPLAIN|VACUUM) \S`).MatchString(line)
	}
	return false
}

// course is what becomes of a command.
type course int

const (
	isRun       course = iota
	isChecked          // it is looked at, in check_test.go
	isElsewhere        // another test runs it
	isUnknown
)

// courseOf decides, and says what is wrong.
func courseOf(c page.Command, check *checker, proofs []proof, isUsed []bool) (course, string) {
	if at, exists := find(proofs, c.Text); exists {
		isUsed[at] = true
		return isElsewhere, ""
	}
	decided := isRun
	for _, call := range c.Calls {
		problem, isLookedAt := check.check(call)
		switch name := call[0]; {
		case problem != "":
			return isUnknown, problem
		case isLookedAt:
			decided = isChecked
		case name == "curl" && !isLocal(call):
			return isUnknown, "it asks the network, which no test may: show it for an address of the stack"
		case !isOurs(name) && !slices.Contains(tools(), name):
			return isUnknown, name + " is none of the tools in check_test.go, so nothing runs it. Use one of them; or let a test of yours run the " +
				"command and name it in elsewhere_test.go; or fence the block as text, where it is no command"
		}
	}
	return decided, ""
}

// isLocal reports whether a call of curl asks nothing but the stack.
func isLocal(call []string) bool {
	return !slices.ContainsFunc(call, func(word string) bool {
		return regexp.MustCompile(`^https?://`).MatchString(word) && !regexp.MustCompile(`^http://(127\.0\.0\.1|localhost):\d`).MatchString(word)
	})
}

// plan is what becomes of the commands of all pages.
type plan struct {
	toRun    map[string][]shown // by page
	starts   []shown            // what starts the stack, with what pages show of it
	counts   map[course]int
	problems []string
}

// newPlan decides on every command of every block for a shell.
func newPlan(t *testing.T) *plan {
	t.Helper()
	check, proofs := newChecker(t), elsewhere()
	isUsed, p := make([]bool, len(proofs)), &plan{toRun: map[string][]shown{}, counts: map[course]int{}}
	for name, page := range pages(t) {
		commands, wrong := shownBy(page, check)
		p.problems = append(p.problems, wrong...)
		for _, c := range commands {
			decided, problem := courseOf(c.Command, check, proofs, isUsed)
			p.counts[decided]++
			switch {
			case problem != "":
				p.problems = append(p.problems, fmt.Sprintf("%s: %s\n  %s", page.Place(c.Line), c.Text, problem))
			case decided == isRun && strings.Contains(name, *only):
				p.toRun[name] = append(p.toRun[name], c)
			case decided == isChecked && c.output != "" && regexp.MustCompile(`^(make run|(\./)?bin/marketdata dev)`).MatchString(c.Text):
				p.starts = append(p.starts, c)
			}
		}
	}
	for at, proof := range proofs {
		if !isUsed[at] {
			p.problems = append(p.problems, "elsewhere_test.go: no page has this command any more: "+proof.command)
		}
	}
	slices.Sort(p.problems)
	return p
}

// TestEveryCommandHasACourse: each is run by TestCommands, or looked at here (check_test.go), or named with the test that
// runs it (elsewhere_test.go). None is left out.
func TestEveryCommandHasACourse(t *testing.T) {
	t.Parallel()
	p := newPlan(t)
	t.Logf("%d commands are run, %d looked at, %d are run by other tests", p.counts[isRun], p.counts[isChecked], p.counts[isElsewhere])
	requireNone(t, p.problems)
}

// TestCommands runs the commands of every page, and holds what the page shows of their output against what came. Then it
// runs the SQL of the pages.
func TestCommands(t *testing.T) {
	t.Parallel()
	p, s := newPlan(t), newSandbox(t)
	var problems []string
	for _, c := range p.starts {
		if difference := unlike(c.output, s.output); difference != "" {
			problems = append(problems, fmt.Sprintf("%s: %s\n  %s; it printed\n%s", c.page.Place(c.Line), c.Text, difference, s.output))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.toRun)) {
		begin := time.Now()
		problems = append(problems, s.problems(p.toRun[name])...)
		s.settle()
		t.Logf("%s: %d commands, %.1f s", name, len(p.toRun[name]), time.Since(begin).Seconds())
	}
	begin, r := time.Now(), s.newSQLRunner()
	problems = append(problems, s.sqlProblems(r, pages(t))...)
	t.Logf("SQL: %d statements, %.1f s", r.n, time.Since(begin).Seconds())
	s.requireSQLIsRead(r)
	requireNone(t, problems)
}

// problems runs the commands of a page and says what did not come as the page tells.
func (s *sandbox) problems(commands []shown) (problems []string) {
	s.t.Helper()
	plain := make([]page.Command, len(commands))
	for at, c := range commands {
		plain[at] = c.Command
	}
	for at, r := range s.run(plain) {
		c := commands[at]
		complain := func(format string, args ...any) {
			problems = append(problems, fmt.Sprintf("%s: %s\n  %s", c.page.Place(c.Line), c.Text, fmt.Sprintf(format, args...)))
		}
		difference := unlike(c.output, r.stdout)
		if difference != "" && unlike(c.output, r.stdout+"\n"+r.stderr) == "" {
			difference = ""
		}
		switch {
		case !r.hasRun:
			complain("was not run: a command before it failed")
		case r.code != "0":
			complain("ended with %q: %s", r.code, first(r.stderr+"\n"+r.stdout, 600))
		case strings.Contains(c.Text, "curl ") && strings.Contains(r.stdout, `"/problems/`) && !strings.Contains(c.output, "/problems/"):
			complain("was answered with a problem, which the page does not show: %s", first(r.stdout, 600))
		case c.output != "" && difference != "":
			complain("the page shows another output: %s; it printed\n%s", difference, first(r.stdout+"\n"+r.stderr, 600))
		}
	}
	return problems
}

func first(text string, length int) string {
	if len(text) > length {
		return text[:length] + " …"
	}
	return text
}
