//go:build compose

package deploy_test

import (
	"context"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"marketdata/docs/page"
)

// shellOfPages is what stands before each command of a page: `docker compose` is the pinned Compose with the stack of the
// test, and `up` does not stay in the foreground. Services of which there is no image here are taken out of the words; a
// command that names nothing else would then mean every service, so it fails.
const shellOfPages = `set -euo pipefail
docker() {
  [ "$1" = compose ] || { echo "only docker compose is run here: docker $*" >&2; return 1; }
  shift
  local word words=() dropped='' left=''
  for word; do
    case " $WITHOUT_IMAGE " in *" $word "*) dropped=$word; continue ;; esac
    case " $WITH_IMAGE " in *" $word "*) left=$word ;; esac
    words+=("$word")
    [ "$word" != up ] || words+=(--detach)
  done
  [ -z "$dropped" ] || [ -n "$left" ] || { echo "there is no image of $dropped here: docker compose $*" >&2; return 1; }
  "$COMPOSE" "${words[@]}"
}
sudo() { "$@"; }
`

// testDocs runs, page by page and in order, every command with docker compose that a block for a shell in README.md or docs
// shows, with all that stands in the same command: pipes, && and files, which are in a folder of the page. Grafana and
// Prometheus, which have no image here (the profile `monitoring` of compose.local.yml), are taken out of its words. Nothing
// may be lost by it: the sequence that restores a backup makes another database, with the same bars. Pages begin with the
// same start, which is run once.
func (s *stack) testDocs(t *testing.T) {
	s = s.within(t)
	count, started := map[string]int{}, map[string]bool{}
	for _, p := range pagesWithCompose(t) {
		if len(s.containers("api")) == 0 { // the page before took the stack down
			s.compose("up", "--detach", "--no-build")
			s.awaitAll()
		}
		database, dir := s.database(), t.TempDir()
		for _, c := range commandsWithCompose(t, p) {
			if start := fmt.Sprint(c.Calls); !started[start] {
				s.runShown(p, c, dir)
				count[p.Name]++
				started[start] = isStart(c)
			}
		}
		if p.Name == "docs/backup.md" {
			require.NotEqual(t, database, s.database(), "the database was dropped and restored")
			s.compareAttacked()
			s.compareDemo()
		}
	}
	for _, name := range []string{"README.md", "docs/backup.md", "docs/deploy.md", "docs/getting-started.md"} {
		require.Positive(t, count[name], "%s has no docker compose any more", name)
	}
	t.Logf("commands that were run: %v", count)
}

// isStart reports whether a command does nothing but start the stack.
func isStart(c page.Command) bool {
	return len(c.Calls) == 1 && c.Calls[0][len(c.Calls[0])-1] == "up"
}

// pagesWithCompose returns README.md and the pages of docs, in the order of their names.
func pagesWithCompose(t *testing.T) (pages []*page.Page) {
	t.Helper()
	names := []string{"README.md"}
	require.NoError(t, filepath.WalkDir("../docs", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(path) == ".md" {
			names = append(names, strings.TrimPrefix(filepath.ToSlash(path), "../"))
		}
		return err
	}))
	for _, name := range names {
		p := page.Parse(name, readFile(t, filepath.Join("..", name)))
		if len(commandsWithCompose(t, p)) > 0 {
			pages = append(pages, p)
		}
	}
	return pages
}

// commandsWithCompose returns the commands of a page that call docker compose.
func commandsWithCompose(t *testing.T, p *page.Page) (commands []page.Command) {
	t.Helper()
	for _, fence := range p.Fences {
		if !fence.IsShell() {
			continue
		}
		found, err := fence.Commands()
		require.NoError(t, err, p.Place(fence.Line))
		for _, c := range found {
			if slices.ContainsFunc(c.Calls, func(words []string) bool { return strings.Contains(strings.Join(words, " "), "docker compose") }) {
				commands = append(commands, c)
			}
		}
	}
	return commands
}

// runShown runs a command of a page in a folder; it must end with 0. What it started is healthy before the next one.
func (s *stack) runShown(p *page.Page, c page.Command, dir string) {
	s.t.Helper()
	begin := time.Now()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, "bash", "-c", shellOfPages+c.Text)
	command.Dir, command.WaitDelay = dir, 5*time.Second
	command.Env = append(slices.Clone(s.environ), "COMPOSE="+filepath.Join(s.root, "bin/docker-compose"),
		"WITHOUT_IMAGE="+strings.Join(withoutImage(s.t), " "), "WITH_IMAGE="+strings.Join(append(services(), jobs()...), " "))
	out, err := command.CombinedOutput()
	require.NoError(s.t, err, "%s: %s\n%s", p.Place(c.Line), c.Text, out)
	s.t.Logf("%s: %s: %s", p.Place(c.Line), c.Text, time.Since(begin).Round(time.Second))
	for _, words := range c.Calls {
		if slices.Contains(words, "up") || slices.Contains(words, "start") || slices.Contains(words, "restart") {
			s.awaitAll()
			return
		}
	}
}

// withoutImage returns the services of which compose.local.yml has no image.
func withoutImage(t *testing.T) (names []string) {
	t.Helper()
	var local composeFile
	require.NoError(t, yaml.Unmarshal([]byte(readFile(t, "compose.local.yml")), &local))
	for name, service := range local.Services {
		if slices.Contains(service.Profiles, "monitoring") {
			names = append(names, name)
		}
	}
	require.Len(t, names, 2)
	return names
}

// database returns the number that PostgreSQL gave the database: another one is another database.
func (s *stack) database() string {
	s.t.Helper()
	id := strings.TrimSpace(s.compose("exec", "-T", "postgres", "psql", "--username", "postgres", "--no-align", "--tuples-only",
		"--command", "SELECT oid FROM pg_database WHERE datname = 'marketdata'"))
	require.Regexp(s.t, `^\d+$`, id)
	return id
}
