package delivery_test

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/delivery"
)

// checkout makes a git repository with a program in a folder of its own, tagged v1.2.3.
func checkout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":            "module tiny\n\ngo 1.26.0\n",
		"cmd/tiny/main.go":  "package main\n\nfunc main() { println(\"tiny\") }\n",
		"LICENSE":           "Apache License Version 2.0, January 2004\n",
		"catalog/some.yaml": "- some\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	git(t, dir, [][]string{{"init", "-q"}, {"add", "."}, {"commit", "-q", "-m", "tiny"}, {"tag", "v1.2.3"}})
	return dir
}

// commitToolchain moves the tag to a commit that names a Go release of the future.
func commitToolchain(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module tiny\n\ngo 1.26.0\n\ntoolchain go1.99.0\n"), 0o600))
	git(t, dir, [][]string{{"commit", "-q", "-a", "-m", "toolchain"}, {"tag", "-f", "v1.2.3"}})
}

func git(t *testing.T, dir string, commands [][]string) {
	t.Helper()
	for _, args := range commands {
		command := exec.CommandContext(t.Context(), "git", append([]string{"-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"}, args...)...)
		command.Dir = dir
		command.Env = append(command.Environ(), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@a.invalid", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@a.invalid",
			"GIT_AUTHOR_DATE=2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")
		out, err := command.CombinedOutput()
		require.NoError(t, err, string(out))
	}
}

func tinyDist(t *testing.T) delivery.Dist {
	t.Helper()
	return delivery.Dist{
		Root: checkout(t), Out: filepath.Join(t.TempDir(), "dist"), Package: "./cmd/tiny", Version: "v1.2.3",
		Platforms: []delivery.Platform{delivery.Platform(runtime.GOOS + "/" + runtime.GOARCH)},
		Extras:    []string{"LICENSE", "catalog/*.yaml"},
		GCFlags:   os.Getenv("MARKETDATA_GCFLAGS"), // of the Makefile: the standard library is compiled once
	}
}

func TestDist_IsTheSameFromEveryFolder(t *testing.T) {
	t.Parallel()
	var sums []string
	for range 2 {
		d := tinyDist(t)
		names, err := d.Make(t.Context())
		require.NoError(t, err)
		base := "tiny-v1.2.3-" + runtime.GOOS + "-" + runtime.GOARCH
		require.Equal(t, []string{base + ".cdx.json", base + ".tar.gz", "SHA256SUMS"}, names)
		text, err := os.ReadFile(filepath.Join(d.Out, "SHA256SUMS"))
		require.NoError(t, err)
		for _, name := range names[:2] {
			content, err := os.ReadFile(filepath.Join(d.Out, name))
			require.NoError(t, err)
			require.Contains(t, string(text), fmt.Sprintf("%x  %s\n", sha256.Sum256(content), name))
		}
		requireArchive(t, filepath.Join(d.Out, base+".tar.gz"), base)
		requireSBOM(t, filepath.Join(d.Out, base+".cdx.json"))
		sums = append(sums, string(text))
	}
	require.Equal(t, sums[0], sums[1])
}

// requireArchive looks at the names, the modes and the times in an archive.
func requireArchive(t *testing.T, path, folder string) {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	unzipped, err := gzip.NewReader(file)
	require.NoError(t, err)
	modes := map[string]int64{}
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		require.True(t, header.ModTime.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), header.ModTime)
		require.Zero(t, header.Uid)
		require.Empty(t, header.Uname)
		modes[strings.TrimPrefix(header.Name, folder+"/")] = header.Mode
	}
	require.Equal(t, map[string]int64{"tiny": 0o755, "LICENSE": 0o644, "catalog/some.yaml": 0o644, "THIRD-PARTY-NOTICES.txt": 0o644}, modes)
}

func requireSBOM(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	var document struct {
		BomFormat, SpecVersion, SerialNumber string
		Metadata                             struct {
			Timestamp string
			Component struct{ Name, Version, PURL string }
		}
		Components []struct {
			Name, Version, PURL string
			Licenses            []struct{ Expression string }
		}
		Dependencies []struct {
			Ref       string
			DependsOn []string
		}
	}
	require.NoError(t, json.Unmarshal(content, &document))
	require.Equal(t, "CycloneDX", document.BomFormat)
	require.Regexp(t, `^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, document.SerialNumber)
	require.Equal(t, "2026-01-02T03:04:05Z", document.Metadata.Timestamp)
	require.Equal(t, "pkg:golang/tiny@v1.2.3", document.Metadata.Component.PURL)
	require.Len(t, document.Components, 1)
	require.Equal(t, "std", document.Components[0].Name)
	require.Equal(t, strings.TrimPrefix(runtime.Version(), "go"), document.Components[0].Version)
	require.Equal(t, "BSD-3-Clause", document.Components[0].Licenses[0].Expression)
	require.Equal(t, []string{document.Components[0].PURL}, document.Dependencies[0].DependsOn)
}

func TestDist_RefusesWhatIsNoRelease(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, refusal string
		change        func(*testing.T, *delivery.Dist)
	}{
		{"another tag", "not v1.2.4", func(_ *testing.T, d *delivery.Dist) { d.Version = "v1.2.4" }},
		{"a work tree with changes", "work tree clean", func(t *testing.T, d *delivery.Dist) {
			t.Helper()
			require.NoError(t, os.WriteFile(filepath.Join(d.Root, "cmd", "tiny", "more.go"), []byte("package main\n"), 0o600))
		}},
		{"no repository", "(devel) to Go", func(t *testing.T, d *delivery.Dist) {
			t.Helper()
			require.NoError(t, os.RemoveAll(filepath.Join(d.Root, ".git")))
		}},
		{"an older Go release than go.mod names", "a release is built with go1.99.0", func(t *testing.T, d *delivery.Dist) {
			t.Helper()
			commitToolchain(t, d.Root)
		}},
		{"a file that is not there", "there is no NOTHING", func(_ *testing.T, d *delivery.Dist) { d.Extras = []string{"NOTHING"} }},
		{"no such package", "go list", func(_ *testing.T, d *delivery.Dist) { d.Package = "./cmd/none" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := tinyDist(t)
			tt.change(t, &d)
			_, err := d.Make(t.Context())
			require.ErrorContains(t, err, tt.refusal)
		})
	}
}

func TestSBOM_OfThisProgram(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	require.NoError(t, err)
	_, err = delivery.SBOM(program, nil)
	require.ErrorContains(t, err, "the licence of std is not known")
	_, err = delivery.SBOM(filepath.Join(t.TempDir(), "none"), nil)
	require.ErrorContains(t, err, "read the binary")
	_, err = delivery.SBOM("dist_test.go", nil)
	require.ErrorContains(t, err, "was built from")
}
