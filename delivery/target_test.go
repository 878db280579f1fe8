package delivery_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// makeTargets returns those that the Makefile has, and those that `make help` shows.
func makeTargets(t *testing.T) (all, shown []string) {
	t.Helper()
	for _, match := range regexp.MustCompile(`(?m)^([a-z][a-z-]*):(.*)$`).FindAllStringSubmatch(string(read(t, "../Makefile")), -1) {
		all = append(all, match[1])
		if strings.Contains(match[2], "## ") {
			shown = append(shown, match[1])
		}
	}
	require.NotEmpty(t, shown)
	return all, shown
}

// made returns the targets that a script asks make for.
func made(script string) []string {
	script = regexp.MustCompile(`(?m)^\s*#.*$`).ReplaceAllString(script, "")
	script = regexp.MustCompile(`step '[^']*'`).ReplaceAllString(script, "step")
	script = regexp.MustCompile(`"[^"]*"|'[^']*'`).ReplaceAllString(script, "")
	script = regexp.MustCompile(` -C \S+`).ReplaceAllString(script, "")
	var targets []string
	for _, match := range regexp.MustCompile(`(?m)(?:^|[\s(])make((?:[ \t]+[\w=./-]+)+)`).FindAllStringSubmatch(script, -1) {
		for word := range strings.FieldsSeq(match[1]) {
			if !strings.HasPrefix(word, "-") && !strings.Contains(word, "=") {
				targets = append(targets, word)
			}
		}
	}
	return targets
}

// runByTargets returns the targets that others run in their recipes.
func runByTargets(t *testing.T, targets []string) (inner []string) {
	t.Helper()
	makefile := string(read(t, "../Makefile"))
	for _, target := range targets {
		recipe := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(target) + `:.*\n((?:\t.*\n)+)`).FindStringSubmatch(makefile)
		if recipe != nil {
			inner = append(inner, made(strings.ReplaceAll(recipe[1], "$(MAKE)", "make"))...)
		}
	}
	return inner
}

func TestWorkflows_RunEveryTarget(t *testing.T) {
	t.Parallel()
	all, shown := makeTargets(t)
	script := string(read(t, "../.ci/run")) + string(read(t, "../.ci/containers"))
	local, remote := made(script), []string(nil)
	for _, w := range workflows(t) {
		for name, s := range w.steps() {
			for _, target := range made(s.Run) {
				require.Contains(t, all, target, "%s: make has no such target", name)
			}
			remote = append(remote, made(s.Run)...)
			if strings.Contains(s.Run, ".ci/run") {
				remote = append(remote, local...)
			}
		}
	}
	for _, target := range local {
		require.Contains(t, all, target, ".ci/run: make has no such target")
	}
	local, remote = append(local, runByTargets(t, local)...), append(remote, runByTargets(t, remote)...)
	for _, target := range shown {
		require.Contains(t, local, target, ".ci/run does not run a target that make help shows")
		require.Contains(t, remote, target, "no workflow runs a target that make help shows")
	}
}

// TestGate_StepsAreThere: a step is a function of the scripts or make, and what begins beside others is waited for.
func TestGate_StepsAreThere(t *testing.T) {
	t.Parallel()
	lib := string(read(t, "../.ci/lib.sh"))
	for _, path := range []string{"../.ci/run", "../.ci/containers"} {
		script := string(read(t, path))
		steps := regexp.MustCompile(`(?m)^\s*step '[^']*' (\S+)(?: (\S+) ?(\S*))?`).FindAllStringSubmatch(script, -1)
		require.Greater(t, len(steps), 5, path)
		begun := map[string]bool{}
		for _, words := range steps {
			command := words[1]
			switch command {
			case "begin":
				begun[words[2]], command = true, words[3]
			case "finish":
				require.True(t, begun[words[2]], "%s: %s was not begun", path, words[2])
				delete(begun, words[2])
			}
			if command != "make" {
				require.Regexp(t, `(?m)^`+regexp.QuoteMeta(command)+`\(\) \{`, script+lib, "%s: no function, nor make", path)
			}
		}
		require.Empty(t, begun, "%s does not wait for them", path)
	}
}

func TestMade_ReadsScripts(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"run", "chaos", "dist", "notes", "fmt", "lint"}, made(`
# make nothing
step 'make chaos, one minute' short_chaos
make run ARGS="--data-dir $data" > log &
short_chaos() { make chaos MINUTES=1; }
make -C another/folder --silent dist VERSION="$GITHUB_REF_NAME" | tee x
make notes VERSION=unreleased > /dev/null; make fmt lint && echo done
command -v make > /dev/null || missing+=(make)
`))
}
