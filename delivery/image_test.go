package delivery_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"marketdata/delivery"
)

// imageTexts runs the part of deploy/build.sh that gathers the licence texts of the image, and returns their names.
func imageTexts(t *testing.T, script string) []string {
	t.Helper()
	part := regexp.MustCompile(`(?s)# The licence texts of what is linked.*?\n\n`).FindString(script)
	require.NotEmpty(t, part, "deploy/build.sh has a part for licences")
	out := t.TempDir()
	texts := filepath.Join(out, "usr", "share", "licenses")
	require.NoError(t, os.MkdirAll(texts, 0o755))
	shell := exec.CommandContext(t.Context(), "sh", "-euc", part)
	shell.Dir, shell.Env = "..", append(os.Environ(), "out="+out, "TARGETOS=linux", "TARGETARCH="+runtime.GOARCH)
	said, err := shell.CombinedOutput()
	require.NoError(t, err, "%s", said)
	var names []string
	require.NoError(t, filepath.WalkDir(texts, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		short, err := filepath.Rel(texts, name)
		names = append(names, filepath.ToSlash(short))
		return err
	}))
	without, err := os.ReadFile(filepath.Join(texts, "WITHOUT_A_TEXT"))
	require.NoError(t, err)
	for _, module := range strings.Fields(string(without)) {
		names = append(names, module+" without a text")
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == "WITHOUT_A_TEXT" || name == "LICENSE" })
	slices.Sort(names)
	return names
}

// noticesTexts returns the names of the texts in the notices of a release for the platform of an image.
func noticesTexts(t *testing.T) []string {
	t.Helper()
	modules, err := delivery.Modules(t.Context(), "..", "./cmd/marketdata", []delivery.Platform{delivery.Platform("linux/" + runtime.GOARCH)})
	require.NoError(t, err)
	licensed, err := delivery.License(modules)
	require.NoError(t, err)
	notices, err := delivery.Notices(licensed)
	require.NoError(t, err)
	var names []string
	for _, m := range licensed {
		folder := m.Path
		if folder == "std" {
			folder = "go"
		}
		require.Contains(t, notices, m.Path+" "+m.Version+" (")
		if len(m.Files) == 0 {
			names = append(names, folder+" without a text")
		}
		for _, file := range m.Files {
			require.Contains(t, notices, "\n--- "+file+"\n")
			names = append(names, path.Join(folder, filepath.ToSlash(file)))
		}
	}
	slices.Sort(names)
	return names
}

// TestImageAndReleaseHoldTheSameLicences: both ways of handing the binary on name the same modules and texts.
func TestImageAndReleaseHoldTheSameLicences(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile("../deploy/build.sh")
	require.NoError(t, err)
	image := imageTexts(t, string(script))
	require.Greater(t, len(image), 80)
	require.Equal(t, noticesTexts(t), image)

	narrower := strings.Replace(string(script), ` "$dir"/NOTICE*`, "", 1)
	require.NotEqual(t, image, imageTexts(t, narrower), "a text that is left out is noticed")
}

// TestTemporalIsOneVersion: containers run the server and the UI that tests and a local stack run.
func TestTemporalIsOneVersion(t *testing.T) {
	t.Parallel()
	compose, tools := string(read(t, "../docker-compose.yml")), string(read(t, "../tools/temporal/go.mod"))
	for image, module := range map[string]string{
		"server": "go.temporal.io/server", "admin-tools": "go.temporal.io/server", "ui": "github.com/temporalio/ui-server/v2",
	} {
		version := regexp.MustCompile(regexp.QuoteMeta(module) + ` v(\S+)`).FindStringSubmatch(tools)
		require.NotNil(t, version, module)
		require.Regexp(t, `temporalio/`+image+`:`+regexp.QuoteMeta(version[1])+`[-}]`, compose, "the image and tools/temporal/go.mod")
	}
}

// TestLabelsOfFormsAreNamed: GitHub sets a label of a form only where a person has made it.
func TestLabelsOfFormsAreNamed(t *testing.T) {
	t.Parallel()
	forms, err := filepath.Glob("../.github/ISSUE_TEMPLATE/*.yml")
	require.NoError(t, err)
	page, n := string(read(t, "../docs/releasing.md")), 0
	for _, name := range forms {
		var form struct{ Labels []string }
		require.NoError(t, yaml.Unmarshal(read(t, name), &form))
		for _, label := range form.Labels {
			require.Regexp(t, "(?m)^\\* \\*\\*Labels\\*\\*.*`"+regexp.QuoteMeta(label)+"`", page, name)
			n++
		}
	}
	require.Positive(t, n)
}
