package delivery_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// workflow is the part of a workflow, or of a composite action, that is held against the repository.
type workflow struct {
	path        string
	Name        string
	On          yaml.Node
	Permissions map[string]string
	Jobs        map[string]job
	Runs        struct{ Steps []step }
}

type job struct {
	RunsOn      string `yaml:"runs-on"`
	Timeout     int    `yaml:"timeout-minutes"`
	Permissions map[string]string
	Needs       yaml.Node
	Uses        string // another workflow in the place of steps
	Steps       []step
}

type step struct {
	Uses string
	Run  string
	With map[string]string
}

// workflows reads all of them, and the composite actions beside them.
func workflows(t *testing.T) []workflow {
	t.Helper()
	paths, err := filepath.Glob("../.github/workflows/*.yml")
	require.NoError(t, err)
	actions, err := filepath.Glob("../.github/actions/*/action.yml")
	require.NoError(t, err)
	var all []workflow
	for _, path := range append(paths, actions...) {
		w := workflow{path: path}
		require.NoError(t, yaml.Unmarshal(read(t, path), &w), path)
		all = append(all, w)
	}
	require.NotEmpty(t, paths)
	return all
}

// steps returns those of all jobs, by a name for messages.
func (w workflow) steps() map[string]step {
	all := map[string]step{}
	for name, j := range w.Jobs {
		for i, s := range j.Steps {
			all[fmt.Sprintf("%s, job %s, step %d", w.path, name, i+1)] = s
		}
	}
	for i, s := range w.Runs.Steps {
		all[fmt.Sprintf("%s, step %d", w.path, i+1)] = s
	}
	return all
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return content
}

func TestWorkflows_PinEveryAction(t *testing.T) {
	t.Parallel()
	pinned := regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	commits := map[string]string{}
	for _, w := range workflows(t) {
		for line := range strings.Lines(string(read(t, w.path))) {
			_, uses, isUse := strings.Cut(strings.TrimSpace(line), "uses: ")
			if !isUse {
				continue
			}
			if local, isLocal := strings.CutPrefix(uses, "./"); isLocal {
				local = strings.TrimPrefix(local, "another/folder/")
				if filepath.Ext(local) != ".yml" { // of a workflow it is the file, of an action its folder
					local = filepath.Join(local, "action.yml")
				}
				require.FileExists(t, filepath.Join("..", local), w.path)
				continue
			}
			require.Regexp(t, pinned, uses, "%s: an action is named by its full commit, with its version behind it", w.path)
			action, commit, _ := strings.Cut(uses, "@")
			owner, _, _ := strings.Cut(action, "/")
			require.Contains(t, []string{"actions", "docker", "github"}, owner, "%s: only actions of GitHub and Docker", w.path)
			repository := strings.Join(strings.SplitN(action, "/", 3)[:2], "/")
			if commits[repository] == "" {
				commits[repository] = commit
			}
			require.Equal(t, commits[repository], commit, "%s: %s is pinned to two commits", w.path, repository)
		}
	}
	require.NotEmpty(t, commits)
}

func TestWorkflows_MayDoNoMoreThanTheyMust(t *testing.T) {
	t.Parallel()
	writers := map[string][]string{ // which jobs may write what
		"badge":   {"contents"},
		"codeql":  {"security-events"},
		"image":   {"attestations", "id-token", "packages"}, // by the workflow of that name
		"publish": {"attestations", "contents", "id-token", "packages"},
	}
	for _, w := range workflows(t) {
		if len(w.Jobs) == 0 {
			continue // a composite action has the permissions of its job
		}
		require.NotNil(t, w.Permissions, "%s: no permissions by default", w.path)
		require.Empty(t, w.Permissions, "%s: permissions are given to jobs", w.path)
		on, err := yaml.Marshal(&w.On)
		require.NoError(t, err)
		require.NotRegexp(t, "pull_request_target|workflow_run", string(on), "%s: foreign code would run with our rights", w.path)
		for name, j := range w.Jobs {
			require.NotEmpty(t, j.Permissions, "%s, job %s", w.path, name)
			require.True(t, j.Timeout != 0 || j.Uses != "", "%s, job %s has no time limit", w.path, name)
			for scope, right := range j.Permissions {
				if right != "read" {
					require.Contains(t, writers[name], scope, "%s, job %s", w.path, name)
				}
			}
		}
		for name, s := range w.steps() {
			if strings.HasPrefix(s.Uses, "actions/checkout@") {
				require.Equal(t, "false", s.With["persist-credentials"], "%s leaves a token behind", name)
			}
		}
	}
}

// TestWorkflows_PublishTheImageOfATagLast: a tag that is refused has no image either.
func TestWorkflows_PublishTheImageOfATagLast(t *testing.T) {
	t.Parallel()
	found := map[string]workflow{}
	for _, w := range workflows(t) {
		found[w.Name] = w
	}
	last := found["release"].Jobs["image"]
	require.Equal(t, "publish", last.Needs.Value)
	require.Equal(t, "./.github/workflows/image.yml", last.Uses)
	on, err := yaml.Marshal(new(found["image"].On))
	require.NoError(t, err)
	require.Contains(t, string(on), "branches")
	require.NotContains(t, string(on), "tags")
}

func TestWorkflows_TakeNoForeignWordsIntoScripts(t *testing.T) {
	t.Parallel()
	for _, w := range workflows(t) {
		for name, s := range w.steps() {
			require.NotContains(t, s.Run, "${{", "%s: values go into scripts through the environment", name)
		}
	}
}

func TestWorkflows_NameFilesThatAreThere(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, w := range workflows(t) {
		for name, s := range w.steps() {
			if file := s.With["file"]; file != "" {
				require.FileExists(t, filepath.Join("..", file), name)
				seen++
			}
		}
	}
	require.Positive(t, seen)
}

func TestCodeOwners_AreReal(t *testing.T) {
	t.Parallel()
	patterns := 0
	for line := range strings.Lines(string(read(t, "../.github/CODEOWNERS"))) {
		fields := strings.Fields(strings.Split(line, "#")[0])
		if len(fields) == 0 {
			continue
		}
		patterns++
		matches, err := filepath.Glob(filepath.Join("..", strings.TrimSuffix(fields[0], "**")))
		require.NoError(t, err)
		require.NotEmpty(t, matches, "nothing is called %s", fields[0])
		for _, owner := range fields[1:] {
			require.Regexp(t, `^(@[A-Za-z0-9-]+(/[A-Za-z0-9._-]+)?|[^@\s]+@[^@\s]+)$`, owner)
			require.NotRegexp(t, `(?i)example|placeholder|your|todo|owner|org/|team$`, owner, "a name that does not resolve is no rule")
		}
	}
	require.NotZero(t, patterns)
}

func TestDependabot_SeesEveryDependency(t *testing.T) {
	t.Parallel()
	var config struct {
		Version int
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directory   string
			Directories []string
		}
	}
	require.NoError(t, yaml.Unmarshal(read(t, "../.github/dependabot.yml"), &config))
	require.Equal(t, 2, config.Version)
	covers := func(ecosystem, directory string) bool {
		for _, u := range config.Updates {
			if u.Ecosystem != ecosystem {
				continue
			}
			for _, pattern := range append(u.Directories, u.Directory) {
				if isCovered, err := filepath.Match(pattern, directory); err == nil && isCovered {
					return true
				}
			}
		}
		return false
	}
	ecosystems := map[string]string{
		"go.mod": "gomod", "package.json": "npm", "Dockerfile": "docker", "docker-compose.yml": "docker-compose", "action.yml": "github-actions",
	}
	seen := map[string]int{}
	require.NoError(t, filepath.WalkDir("..", func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		ignored := []string{"bin", "dist", "node_modules", "testdata", ".git", ".marketdata"}
		if entry.IsDir() && slices.Contains(ignored, entry.Name()) {
			return filepath.SkipDir
		}
		if ecosystem := ecosystems[entry.Name()]; ecosystem != "" {
			seen[ecosystem]++
			directory := "/" + strings.Trim(strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), ".."), "/")
			require.True(t, covers(ecosystem, directory), "dependabot.yml does not cover %s", path)
		}
		return nil
	}))
	require.GreaterOrEqual(t, seen["gomod"], 2)
	require.True(t, covers("github-actions", "/"))
}
