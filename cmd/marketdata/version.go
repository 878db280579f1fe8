package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"marketdata/api"
)

// version is what the linker stamps where no repository is at hand, as in an image: VERSION, COMMIT and DATE with spaces
// between them (-X 'main.version=1.2.3 4f2c1e7 2024-01-02T00:00:00Z'). Nothing else may write it.
var version string

func newVersion(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "version",
		Short:   "Print which build this is",
		Example: "  marketdata version --output json",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			asJSON, err := isJSON(c)
			if err != nil {
				return err
			}
			v := buildVersion()
			if asJSON {
				return writeJSON(a.stdout, v)
			}
			_, err = fmt.Fprintf(a.stdout, "marketdata %s (commit %s, built %s, %s)\n", v.Version, known(v.Commit), known(v.BuiltAt), v.Go)
			return err
		},
	}
	addOutput(c)
	return c
}

func known(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}

// buildVersion returns what the linker stamped, else what the Go toolchain recorded in the binary. BuiltAt is the time of
// the commit.
func buildVersion() api.VersionInfo {
	if v, ok := stampedVersion(version); ok {
		return v
	}
	return recordedVersion()
}

// stampedVersion reads a stamp; false where there is none, or one that is not whole.
func stampedVersion(stamp string) (api.VersionInfo, bool) {
	parts := strings.Fields(stamp)
	if len(parts) != 3 {
		return api.VersionInfo{}, false
	}
	return api.VersionInfo{Version: parts[0], Commit: parts[1], BuiltAt: parts[2], Go: runtime.Version()}, true
}

func recordedVersion() api.VersionInfo {
	v := api.VersionInfo{Version: "dev", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		v.Version = info.Main.Version
	}
	isModified := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			v.BuiltAt = s.Value
		case "vcs.modified":
			isModified = s.Value == "true"
		}
	}
	if isModified && v.Commit != "" {
		v.Commit += "-modified"
	}
	return v
}
