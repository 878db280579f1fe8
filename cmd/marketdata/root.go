package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"marketdata/config"
)

// usageError is a command line that cannot be understood.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

const (
	flagConfig = "config"
	flagOutput = "output"

	outputTable = "table"
	outputJSON  = "json"
)

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "marketdata",
		Short: "Load, keep and serve historical market data",
		Long: `marketdata loads historical bars of stocks, indices and crypto into PostgreSQL, keeps them complete and correct,
and serves them over HTTP.

Configuration: defaults < --config file < MD_… environment < flags; see 'marketdata config show'.`,
		Example: `  marketdata dev                                  # everything on this machine, with demo data
  marketdata backfill start BTCUSDT.SIM --interval 1m --start 2024-01-01 --end 2024-02-01 --watch
  marketdata bars BTCUSDT.SIM --interval 1d --start 2024-01-01 --format csv`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().String(flagConfig, "", "YAML configuration file")
	config.AddFlags(root.PersistentFlags(), "log.level", "log.format")
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), "{{if .Runnable}}", "{{if and .Runnable (not .HasAvailableSubCommands)}}", 1))
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddCommand(
		newDev(a), newAPI(a), newWorker(a), newMigrate(a), newSimulate(a), newDemo(a),
		newBackfill(a), newSchedules(a), newInstruments(a), newBars(a), newProviders(a), newAlerts(a), newCalendars(a),
		newConfig(a), newHealth(a), newVersion(a),
	)
	return asGroup(root)
}

// asGroup makes a command that only holds others refuse everything else, instead of printing help as if all were well.
func asGroup(group *cobra.Command) *cobra.Command {
	group.SuggestionsMinimumDistance = 2
	group.Args = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		hint := ""
		if near := group.SuggestionsFor(args[0]); len(near) > 0 {
			hint = ": did you mean " + strings.Join(near, " or ") + "?"
		}
		return usagef("unknown command %q of %s%s", args[0], group.CommandPath(), hint)
	}
	group.RunE = func(*cobra.Command, []string) error {
		var names []string
		for _, c := range group.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		return usagef("%s wants a command: %s", group.CommandPath(), strings.Join(names, ", "))
	}
	return group
}

// arguments wants between least and most arguments; most 0 means no limit.
func arguments(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usagef("an argument is missing: %s", c.UseLine())
		case most > 0 && len(args) > most, most == 0 && least == 0 && len(args) > 0:
			return usagef("too many arguments: %s", c.UseLine())
		}
		return nil
	}
}

// requireFlags returns a usage error naming those of the flags that were not given.
func requireFlags(c *cobra.Command, names ...string) error {
	var missing []string
	for _, name := range names {
		if !c.Flags().Changed(name) {
			missing = append(missing, "--"+name)
		}
	}
	if len(missing) > 0 {
		return usagef("required: %s", strings.Join(missing, ", "))
	}
	return nil
}

// addOutput adds --output.
func addOutput(c *cobra.Command) {
	c.Flags().String(flagOutput, outputTable, "table, or json for scripts")
}

// isJSON reads --output.
func isJSON(c *cobra.Command) (bool, error) {
	switch output, _ := c.Flags().GetString(flagOutput); output {
	case outputTable:
		return false, nil
	case outputJSON:
		return true, nil
	default:
		return false, usagef("--output wants table or json, not %q", output)
	}
}

// loadConfig reads the configuration for a command.
func (a *app) loadConfig(c *cobra.Command) (config.Config, error) {
	file, err := c.Flags().GetString(flagConfig)
	if err != nil {
		return config.Config{}, err
	}
	if file == "" && c.Flags().Changed(flagConfig) {
		return config.Config{}, usagef("--config wants the name of a file")
	}
	return config.Load(config.Sources{Adapters: adapterNames(), File: file, Environ: a.environ, Flags: c.Flags()})
}

// joined is one error for several, or nil.
func joined(errs ...error) error { return errors.Join(errs...) }
