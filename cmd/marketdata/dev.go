package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"marketdata/config"
	"marketdata/simulator"
)

// devOptions are the flags of dev.
type devOptions struct {
	dataDir      string
	hasNoDemo    bool
	apiPort      int
	simPort      int
	temporalPort int
	uiPort       int
}

func newDev(a *app) *cobra.Command {
	var o devOptions
	c := &cobra.Command{ //nolint:gosec // its example shows where a password stands; none is there
		Use:   "dev",
		Short: "Run everything on this machine, with demo data",
		Long: `Run PostgreSQL, a Temporal server with its UI, the API, a worker and a simulated provider as children of this
command, register a demo catalogue and load its bars. Ctrl-C stops all of it; what was loaded is kept in the data
folder, and the next start goes on with it. Settings of the MD_… environment and of --config apply to all parts.`,
		Example: `  marketdata dev
  marketdata dev --data-dir /tmp/md --api-port 0 --sim-port 0 --temporal-port 0 --temporal-ui-port 0
  marketdata dev --no-demo --database-url postgres://me:secret@127.0.0.1:5432/marketdata`,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			// the stack brings these providers along; what a user sets of them is not the whole of it
			for _, adapter := range simulator.Formats() {
				a.environ = append([]string{"MD_PROVIDERS__" + strings.ToUpper(simPrefix+adapter) + "__ADAPTER=" + adapter}, a.environ...)
			}
			cfg, err := a.loadConfig(c)
			if err != nil {
				return err
			}
			file, _ := c.Flags().GetString(flagConfig)
			return a.runDev(c.Context(), cfg, file, o)
		},
	}
	flags := c.Flags()
	flags.StringVar(&o.dataDir, "data-dir", ".marketdata", "folder for data, logs and dev.json")
	flags.BoolVar(&o.hasNoDemo, "no-demo", false, "register and load nothing")
	flags.IntVar(&o.apiPort, "api-port", 8080, "port of the API (0: a free one)")
	flags.IntVar(&o.simPort, "sim-port", 8090, "port of the simulator (0: a free one)")
	flags.IntVar(&o.temporalPort, "temporal-port", 7233, "port of the Temporal server (0: a free one)")
	flags.IntVar(&o.uiPort, "temporal-ui-port", 8233, "port of the Temporal UI (0: a free one)")
	config.AddFlags(flags, "database.url", "temporal.address")
	flags.Lookup(config.FlagName("database.url")).Usage = "use this PostgreSQL database instead of running one"
	flags.Lookup(config.FlagName("temporal.address")).Usage = "use this Temporal server (host:port) instead of running one"
	return c
}

// runDev runs the stack until ctx ends or a part of it fails.
func (a *app) runDev(ctx context.Context, cfg config.Config, configFile string, o devOptions) (err error) {
	d, err := a.newDevStack(ctx, cfg, configFile, o)
	if err != nil {
		return err
	}
	defer func() {
		d.say("Stopping")
		err = joined(err, d.stop(a.kill))
		if err == nil {
			d.say("Stopped; the data stay in %s", d.dataDir)
		}
	}()
	if err := d.run(ctx, o); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// run starts everything, loads the demo, and stays until ctx ends or a part fails.
func (d *devStack) run(ctx context.Context, o devOptions) error {
	// What fails meanwhile interrupts whatever is being waited for.
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case err := <-d.stack.Failed():
			cancel(err)
		case <-running.Done():
		}
	}()
	err := d.start(running)
	if err == nil && !o.hasNoDemo {
		err = d.loadDemo(running)
	}
	if err == nil {
		d.printSummary(o)
		<-running.Done()
		err = running.Err()
	}
	if ctx.Err() == nil && running.Err() != nil {
		return context.Cause(running)
	}
	return err
}

// findTemporal looks for the Temporal CLI: beside this program, in bin/ of the folders of this program and of the
// shell, then on PATH.
func findTemporal(executable string, look func(string) (string, error)) (string, error) {
	beside := filepath.Dir(executable)
	candidates := []string{filepath.Join(beside, "temporal"), filepath.Join(beside, "bin", "temporal"), filepath.Join("bin", "temporal"), "temporal"}
	for _, candidate := range candidates {
		if found, err := look(candidate); err == nil {
			return filepath.Abs(found)
		}
	}
	return "", fmt.Errorf("the Temporal CLI is missing: run 'make bin/temporal', put temporal on PATH, or name a server with --temporal-address")
}
