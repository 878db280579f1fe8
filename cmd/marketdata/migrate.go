package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"marketdata/config"
	"marketdata/db"
)

func newMigrate(a *app) *cobra.Command {
	group := &cobra.Command{ //nolint:gosec // its example shows where a password stands; none is there
		Use:     "migrate",
		Short:   "Bring the database's schema up, take it down, or show where it is",
		Example: "  marketdata migrate up --database-url postgres://owner:secret@127.0.0.1:5432/marketdata\n  marketdata migrate status",
	}
	for _, c := range []*cobra.Command{newMigrateUp(a), newMigrateDown(a), newMigrateStatus(a)} {
		config.AddFlags(c.Flags(), "database.url", "database.migrate_url")
		group.AddCommand(c)
	}
	return asGroup(group)
}

func newMigrateUp(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "up",
		Short:   "Apply every migration that is missing",
		Example: "  marketdata migrate up",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.databaseConfig(c)
			if err != nil {
				return err
			}
			if err := db.MigrateUp(c.Context(), cfg.Database.MigrationURL().Reveal()); err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.stdout, "The database is up to date.")
			return err
		},
	}
}

func newMigrateDown(a *app) *cobra.Command {
	var isSure bool
	var to int64
	c := &cobra.Command{
		Use:   "down",
		Short: "Take migrations back, and with them what only these hold",
		Long: `Take back every migration later than --to, the latest first, and with them what only these hold; without --to, all of
them and all data. Where the database holds rows it wants --yes. docs/upgrades.md says what each step loses.`,
		Example: "  marketdata migrate down --to 11 --yes\n  marketdata migrate down --yes",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.databaseConfig(c)
			if err != nil {
				return err
			}
			url := cfg.Database.MigrationURL().Reveal()
			if !isSure {
				if err := refuseLoss(c.Context(), url, to); err != nil {
					return err
				}
			}
			if err := db.MigrateDown(c.Context(), url, to); err != nil {
				return err
			}
			done := "The database is empty."
			if to > 0 {
				done = fmt.Sprintf("The database is at migration %d.", to)
			}
			_, err = fmt.Fprintln(a.stdout, done)
			return err
		},
	}
	c.Flags().BoolVar(&isSure, "yes", false, "yes, lose what the migrations that are taken back hold")
	c.Flags().Int64Var(&to, "to", 0, "the last migration to keep; 0 for none")
	return c
}

// refuseLoss says what would be lost, and how to do it all the same; nothing where there is nothing to lose.
func refuseLoss(ctx context.Context, url string, to int64) error {
	tables, err := db.TablesWithRows(ctx, url)
	if err != nil || len(tables) == 0 {
		return err
	}
	what := "all data"
	if to > 0 {
		what = fmt.Sprintf("what migrations later than %d hold (docs/upgrades.md says what that is)", to)
	}
	return usagef("this removes %s, and the database has rows in %s: back it up (docs/backup.md), then confirm with --yes",
		what, strings.Join(tables, ", "))
}

// migrationView is a migration as scripts see it.
type migrationView struct {
	Version   int64      `json:"version"`
	Name      string     `json:"name"`
	AppliedAt *time.Time `json:"applied_at"`
}

func newMigrateStatus(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "status",
		Short:   "List migrations and when they were applied",
		Example: "  marketdata migrate status --output json",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			asJSON, err := isJSON(c)
			if err != nil {
				return err
			}
			cfg, err := a.databaseConfig(c)
			if err != nil {
				return err
			}
			all, err := db.MigrationStatus(c.Context(), cfg.Database.MigrationURL().Reveal())
			if err != nil {
				return err
			}
			rows, views := [][]string{{"VERSION", "MIGRATION", "APPLIED"}}, make([]migrationView, 0, len(all))
			for _, m := range all {
				view, applied := migrationView{Version: m.Version, Name: m.Name}, "pending"
				if !m.AppliedAt.IsZero() {
					view.AppliedAt, applied = &m.AppliedAt, m.AppliedAt.Format(time.RFC3339)
				}
				views, rows = append(views, view), append(rows, []string{strconv.FormatInt(m.Version, 10), m.Name, applied})
			}
			if asJSON {
				return writeJSON(a.stdout, map[string]any{"data": views})
			}
			return writeTable(a.stdout, rows...)
		},
	}
	addOutput(c)
	return c
}
