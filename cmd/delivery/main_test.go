package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// call runs the command in this folder.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, complaints bytes.Buffer
	code = run(t.Context(), args, &out, &complaints)
	return code, out.String(), complaints.String()
}

func TestRun_WithoutSense(t *testing.T) {
	t.Parallel()
	tests := [][]string{{}, {"unknown"}, {"sbom"}, {"sbom", "-o", "file"}, {"notes", "-unknown"}, {"coverage", "-unknown"}, {"licences", "-unknown"}, {"dist", "-unknown"}, {"vuln", "-unknown"}}
	for _, args := range tests {
		code, stdout, stderr := call(t, args...)
		require.Equal(t, exitUsage, code, args)
		require.Empty(t, stdout)
		require.NotEmpty(t, stderr)
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := call(t, "notes", "-changelog", "../../CHANGELOG.md", "v0.1.0")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "The first version")
	code, _, stderr = call(t, "notes", "-changelog", "../../CHANGELOG.md", "v99.0.0")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "says nothing of v99.0.0")
	code, _, stderr = call(t, "notes", "-changelog", "none", "v0.1.0")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "read the changelog")
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	profile, badge, table := filepath.Join(dir, "coverage.out"), filepath.Join(dir, "coverage.svg"), filepath.Join(dir, "summary.md")
	require.NoError(t, os.WriteFile(profile, []byte("mode: set\nmarketdata/cmd/delivery/main.go:1.1,2.2 9 1\nmarketdata/cmd/delivery/main.go:3.1,4.2 1 0\n"), 0o600))
	arguments := []string{"coverage", "-profile", profile, "-badge", badge, "-table", table}

	code, stdout, stderr := call(t, append(arguments, "-floor", "90")...)
	require.Zero(t, code, stderr)
	require.Equal(t, "coverage 90.0 % of 10 statements, floor 90 %\n", stdout)
	require.FileExists(t, badge)
	code, _, stderr = call(t, append(arguments, "-floor", "91")...)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "below its floor")
	text, err := os.ReadFile(table)
	require.NoError(t, err)
	require.Equal(t, 2, bytes.Count(text, []byte("## Coverage")), "what a summary says already is kept")

	require.NoError(t, os.WriteFile(profile, []byte("mode: set\nmarketdata/api/bar.go:1.1,2.2 9 1\n"), 0o600))
	code, _, stderr = call(t, arguments...)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "nothing was measured of marketdata/cmd/delivery")
	code, _, _ = call(t, "coverage", "-profile", filepath.Join(dir, "none"))
	require.Equal(t, 1, code)
	code, _, stderr = call(t, "coverage", "-profile", profile, "-table", dir)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "open the table")
	code, _, stderr = call(t, "coverage", "-profile", profile, "-badge", dir)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "write the badge")
}

// What is made of the whole checkout is made by `make` in every run of .ci/run; here are the refusals.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"licences"}, {"sbom", "-o", "x", "y"}, {"dist", "-platforms", "linux/amd64"}} {
		code, _, stderr := call(t, args...)
		require.Equal(t, 1, code)
		require.Contains(t, stderr, "go list", "there is no product in this folder")
	}
	code, _, stderr := call(t, "dist", "-platforms", "plan9/amd64")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "plan9/amd64")
}

func TestVuln_Answers(t *testing.T) {
	t.Setenv("GOVULNDB", "file:///a-mirror")
	tool := filepath.Join(t.TempDir(), "govulncheck")
	check := func(script string) (code int, stdout, stderr string) {
		require.NoError(t, os.WriteFile(tool, []byte("#!/bin/sh\n"+script), 0o700))
		return call(t, "vuln", "-mod", "../../go.mod", "-tool", tool, "./...")
	}
	code, stdout, stderr := check("[ \"$*\" = '-format json -db file:///a-mirror ./...' ] || exit 9\n")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "database: file:///a-mirror")
	require.Contains(t, stdout, "no known vulnerabilities")

	code, stdout, _ = check(`echo '{"finding": {"osv": "GO-1", "trace": [{"module": "m", "version": "v1.0.0", "package": "m", "function": "F"}]}}'`)
	require.Equal(t, exitFound, code)
	require.Contains(t, stdout, "GO-1")

	code, _, stderr = check("echo no module here >&2; exit 1")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "no module here")
	code, _, stderr = check("echo no JSON")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "read what govulncheck says")
	code, _, stderr = call(t, "vuln", "-mod", "none")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "read go.mod")
	code, _, stderr = call(t, "vuln", "-mod", "main.go")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "names no Go release")
}

func TestVuln_IsNotGreenWithoutADatabase(t *testing.T) {
	t.Setenv("GOVULNDB", "")
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	code, stdout, stderr := call(t, "vuln", "-mod", "../../go.mod", "-tool", "true", "./...")
	require.Equal(t, exitNotChecked, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "NOT CHECKED")
}
