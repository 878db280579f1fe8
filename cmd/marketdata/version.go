package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"marketdata/api"
)

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

// buildVersion reads what the Go toolchain recorded in the binary. BuiltAt is the time of the commit.
func buildVersion() api.VersionInfo {
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
