package delivery_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/delivery"
)

const findings = `
{"config": {"go_version": "go1.26.8"}}
{"osv": {"id": "GO-1", "summary": "old Go"}}
{"osv": {"id": "GO-2", "summary": "newest Go"}}
{"osv": {"id": "GO-3", "summary": "a module"}}
{"finding": {"osv": "GO-1", "fixed_version": "v1.26.9", "trace": [{"module": "stdlib", "version": "v1.26.8", "package": "net/http"}]}}
{"finding": {"osv": "GO-1", "fixed_version": "v1.26.9", "trace": [
  {"module": "stdlib", "version": "v1.26.8", "package": "net/http", "function": "Serve"},
  {"module": "marketdata", "package": "marketdata/api", "function": "New", "position": {"filename": "api/api.go", "line": 7}}]}}
{"finding": {"osv": "GO-1", "fixed_version": "v1.26.9", "trace": [{"module": "stdlib", "version": "v1.26.8", "package": "net/http", "function": "Get"}]}}
{"finding": {"osv": "GO-2", "trace": [{"module": "stdlib", "version": "v1.26.8", "package": "os", "function": "Open"}]}}
{"finding": {"osv": "GO-3", "fixed_version": "v2.0.1", "trace": [{"module": "a.example/m", "version": "v2.0.0", "package": "a.example/m/x", "function": "F"}]}}
{"finding": {"osv": "GO-4", "fixed_version": "v2.0.1", "trace": [{"module": "a.example/only-required", "version": "v2.0.0"}]}}
`

func TestReadVulns_JudgesForARelease(t *testing.T) {
	t.Parallel()
	report, err := delivery.ReadVulns(strings.NewReader(findings), "go1.26.10")
	require.NoError(t, err)
	require.Equal(t, []delivery.Vulnerability{
		{ID: "GO-1", Summary: "old Go", Where: "net/http@v1.26.8", Fixed: "v1.26.9", Reached: "api/api.go:7"},
	}, report.Here)
	require.Len(t, report.Release, 2, "one without a mended Go release, one of a module; not one that is only required")
	require.Equal(t, "GO-2", report.Release[0].ID)
	require.Equal(t, "GO-3", report.Release[1].ID)
	require.Contains(t, report.String(), "2 known vulnerabilities in what is released")
	require.Contains(t, report.String(), "WARNING: the Go release here is older")
	require.Contains(t, report.String(), "mended: not yet")

	older, err := delivery.ReadVulns(strings.NewReader(findings), "go1.26.8")
	require.NoError(t, err)
	require.Empty(t, older.Here, "a release would have it too")
	require.Len(t, older.Release, 3)
}

func TestReadVulns_OfNothing(t *testing.T) {
	t.Parallel()
	report, err := delivery.ReadVulns(strings.NewReader(""), "go1.26.10")
	require.NoError(t, err)
	require.Equal(t, "no known vulnerabilities in code that is reached, as it is released\n", report.String())
	_, err = delivery.ReadVulns(strings.NewReader("{"), "go1.26.10")
	require.ErrorContains(t, err, "read what govulncheck says")
}

func TestToolchain(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, mod, want string }{
		{"named", "module x\n\ngo 1.26.0\n\ntoolchain go1.26.10\n", "go1.26.10"},
		{"only go", "module x\n\ngo 1.26.0\n", "go1.26.0"},
		{"neither", "module x\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := delivery.Toolchain(tt.mod)
			require.Equal(t, tt.want, got)
			require.Equal(t, tt.want == "", err != nil)
		})
	}
}
