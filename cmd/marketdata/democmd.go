package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newDemo(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "demo",
		Short: "Register the demo instruments and load their first bars",
		Long: `Register the demo instruments of venue SIM and load their first bars, through the API of a stack that has a simulator, its
instances among the providers, and a worker. What is there is kept, so it may be repeated. 'marketdata dev' does this by
itself.`,
		Example: "  marketdata demo --api-url http://127.0.0.1:8080",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			api, err := a.openAPI(c)
			if err != nil {
				return err
			}
			d := &demo{
				api: api, today: a.now().UTC().Truncate(24 * time.Hour),
				progress: func() progress { return a.newProgress(a.stdout) },
				say:      func(format string, args ...any) { _, _ = fmt.Fprintf(a.stdout, format+"\n", args...) },
			}
			if err := d.run(c.Context()); err != nil {
				return err
			}
			d.say("Try:\n  %s", strings.Join(d.curls(api.base), "\n  "))
			return nil
		},
	}
	addAPIURL(c)
	return c
}
