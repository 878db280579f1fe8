package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"marketdata/config"
)

func newConfig(a *app) *cobra.Command {
	group := &cobra.Command{
		Use:     "config",
		Short:   "Show and check the configuration",
		Example: "  marketdata config show --config marketdata.yaml\n  marketdata config check",
	}
	group.AddCommand(newConfigShow(a), newConfigCheck(a))
	return asGroup(group)
}

func newConfigShow(a *app) *cobra.Command {
	var isExample bool
	c := &cobra.Command{
		Use:     "show",
		Short:   "Show every value and where it comes from, secrets hidden",
		Example: "  marketdata config show\n  marketdata config show --output json\n  marketdata config show --example > marketdata.yaml",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if isExample {
				_, err := fmt.Fprint(a.stdout, config.Default(adapterNames()).Example())
				return err
			}
			asJSON, err := isJSON(c)
			if err != nil {
				return err
			}
			cfg, err := a.loadConfig(c)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.stdout, cfg)
			}
			rows := [][]string{{"KEY", "VALUE", "FROM"}}
			for _, s := range cfg.Settings() {
				rows = append(rows, []string{s.Key, s.Value, s.Origin})
			}
			return writeTable(a.stdout, rows...)
		},
	}
	c.Flags().BoolVar(&isExample, "example", false, "print a commented YAML file with the defaults instead")
	addOutput(c)
	return c
}

func newConfigCheck(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "check",
		Short:   "Name everything that is wrong with the configuration",
		Example: "  marketdata config check --config marketdata.yaml",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.loadConfig(c)
			if err != nil {
				return err
			}
			if cfg.Require("database.url") != nil {
				_, _ = fmt.Fprintln(a.stderr, "Note: database.url is not set; api, worker and migrate need it.")
			}
			_, err = fmt.Fprintln(a.stdout, "The configuration is valid.")
			return err
		},
	}
	return c
}
