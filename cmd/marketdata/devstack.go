package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"marketdata/config"
	"marketdata/db"
	"marketdata/db/pgserver"
	"marketdata/devstack"
)

const (
	readyWithin = 2 * time.Minute // a slow machine's first start of a child
	stopWithin  = 15 * time.Second
	// selfStopWithin is above what a worker gives its activities and the API its requests to finish.
	selfStopWithin = 45 * time.Second
	// restartAfter is how long a part of this program must have run to be started again when it dies.
	restartAfter = 5 * time.Second

	childTemporal  = "temporal"
	childSimulator = "simulator"
	childWorker    = "worker"
	childAPI       = "api"
)

// devStack is a local stack: what dev runs, and how.
type devStack struct {
	app        *app
	cfg        config.Config
	configFile string // absolute, or ""
	dataDir    string // absolute
	executable string
	temporal   string // the CLI; "" where a server is given
	stack      *devstack.Stack
	postgres   *pgserver.Server // nil where a database is given

	apiPort, simPort, temporalPort, uiPort, workerPort devstack.Port

	databaseURL string
	isStopping  atomic.Bool
}

// newDevStack takes the data folder and checks everything that can be checked before anything is started.
func (a *app) newDevStack(ctx context.Context, cfg config.Config, configFile string, o devOptions) (*devStack, error) {
	d := &devStack{
		app: a, cfg: cfg, databaseURL: cfg.Database.URL.Reveal(),
		apiPort:      devstack.Port{Use: "the API", Flag: "--api-port", Number: o.apiPort},
		simPort:      devstack.Port{Use: "the simulator", Flag: "--sim-port", Number: o.simPort},
		temporalPort: devstack.Port{Use: "the Temporal server", Flag: "--temporal-port", Number: o.temporalPort},
		uiPort:       devstack.Port{Use: "the Temporal UI", Flag: "--temporal-ui-port", Number: o.uiPort},
		workerPort:   devstack.Port{Use: "the worker"}, // any: nobody looks for it
	}
	var err error
	if d.dataDir, err = filepath.Abs(o.dataDir); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if d.executable, err = os.Executable(); err != nil {
		return nil, fmt.Errorf("path of this program: %w", err)
	}
	if configFile != "" {
		if d.configFile, err = filepath.Abs(configFile); err != nil {
			return nil, fmt.Errorf("configuration file: %w", err)
		}
	}
	ports := []*devstack.Port{&d.apiPort, &d.simPort, &d.workerPort}
	if !cfg.IsGiven("temporal.address") {
		if d.temporal, err = findTemporal(d.executable, exec.LookPath); err != nil {
			return nil, err
		}
		ports = append(ports, &d.temporalPort, &d.uiPort)
	}
	stack, left, err := devstack.Open(ctx, d.dataDir, a.now())
	if err != nil {
		return nil, err
	}
	d.stack = stack
	for _, name := range left {
		d.say("Stopped the %s that an earlier run had left", name)
	}
	if err := devstack.PickPorts(ctx, ports...); err != nil {
		return nil, joined(err, stack.Close(nil))
	}
	return d, nil
}

func (d *devStack) say(format string, args ...any) {
	_, _ = fmt.Fprintf(d.app.stdout, format+"\n", args...)
}

// start runs all parts and returns when all are ready.
func (d *devStack) start(ctx context.Context) error {
	if err := d.startDatabase(ctx); err != nil {
		return err
	}
	if err := d.stack.Start(d.simulatorSpec()); err != nil {
		return err
	}
	if d.temporal != "" {
		d.say("Starting the Temporal server")
		if err := d.stack.Start(d.temporalSpec()); err != nil {
			return err
		}
	}
	d.say("Preparing the database")
	owner := d.databaseURL
	if d.postgres == nil {
		owner = d.cfg.Database.MigrationURL().Reveal()
	}
	if err := db.MigrateUp(ctx, owner); err != nil {
		return fmt.Errorf("prepare the database: %w", err)
	}
	for _, name := range []string{childSimulator, childTemporal} {
		if name == childTemporal && d.temporal == "" {
			continue
		}
		if err := d.stack.WaitReady(ctx, name, readyWithin); err != nil {
			return err
		}
	}
	d.say("Starting the worker and the API")
	for _, spec := range []devstack.Spec{d.workerSpec(), d.apiSpec()} {
		if err := d.stack.Start(spec); err != nil {
			return err
		}
	}
	for _, name := range []string{childAPI, childWorker} {
		if err := d.stack.WaitReady(ctx, name, readyWithin); err != nil {
			return err
		}
	}
	return d.stack.Record(d.describe)
}

// startDatabase runs PostgreSQL, unless one is given.
func (d *devStack) startDatabase(ctx context.Context) error {
	if d.databaseURL != "" {
		d.say("Using the database %s", d.cfg.Database.URL)
		return nil
	}
	d.say("Starting PostgreSQL")
	var err error
	if d.postgres, err = pgserver.Start(ctx, pgserver.Options{Dir: d.postgresDir()}); err != nil {
		return err
	}
	d.databaseURL = d.postgres.URL()
	go func() {
		<-d.postgres.Ended()
		if !d.isStopping.Load() {
			d.stack.Fail(fmt.Errorf("PostgreSQL ended unexpectedly; its log is server.log below %s", d.postgresDir()))
		}
	}()
	return d.stack.Record(func(s *devstack.State) {
		s.DatabaseURL, s.PostgresPID, s.Ports["postgres"] = d.databaseURL, d.postgres.PID(), d.postgres.Port()
	})
}

func (d *devStack) postgresDir() string { return filepath.Join(d.dataDir, "postgres") }

// describe fills in dev.json.
func (d *devStack) describe(s *devstack.State) {
	s.DatabaseURL = d.databaseURL
	s.URLs = map[string]string{
		"api": d.apiPort.URL(), "openapi": d.apiPort.URL() + "/openapi.json",
		"simulator": d.simPort.URL(), "worker": d.workerPort.URL(), "temporal_ui": d.uiURL(),
	}
	s.Ports["api"], s.Ports["simulator"], s.Ports["worker"] = d.apiPort.Number, d.simPort.Number, d.workerPort.Number
	if d.temporal != "" {
		s.Ports["temporal"], s.Ports["temporal_ui"] = d.temporalPort.Number, d.uiPort.Number
	}
}

func (d *devStack) temporalAddress() string {
	if d.temporal == "" {
		return d.cfg.Temporal.Address
	}
	return d.temporalPort.Address()
}

func (d *devStack) uiURL() string {
	if d.temporal == "" {
		return d.cfg.Temporal.UIURL
	}
	return d.uiPort.URL()
}

// loadDemo registers the demo and loads its bars. What does not load is told, and the stack stays: its UI shows why.
func (d *devStack) loadDemo(ctx context.Context) error {
	err := d.demo().run(ctx)
	if err != nil && ctx.Err() == nil {
		_, _ = fmt.Fprintf(d.app.stderr, "marketdata: the demo did not load: %s\n", err)
		return nil
	}
	return ctx.Err()
}

func (d *devStack) demo() *demo {
	return &demo{
		api: newClient(d.apiPort.URL()), today: d.app.now().UTC().Truncate(24 * time.Hour),
		progress: func() progress { return d.app.newProgress(d.app.stdout) }, say: d.say,
	}
}

func (d *devStack) printSummary(o devOptions) {
	d.say("\nmarketdata is running:")
	_ = writeTable(d.app.stdout,
		[]string{"  API", d.apiPort.URL()}, []string{"  OpenAPI", d.apiPort.URL() + "/openapi.json"},
		[]string{"  Temporal UI", d.uiURL()}, []string{"  Simulator", d.simPort.URL()},
		[]string{"  Data and logs", d.dataDir})
	commands := []string{"curl '" + d.apiPort.URL() + "/v1/instruments'"}
	if !o.hasNoDemo {
		commands = d.demo().curls(d.apiPort.URL())
	}
	d.say("\nTry:\n  %s\n\nCtrl-C stops everything.", strings.Join(commands, "\n  "))
}

// stop ends all parts in the order in which they need each other.
func (d *devStack) stop(kill <-chan struct{}) error {
	d.isStopping.Store(true)
	for _, name := range []string{childAPI, childWorker, childSimulator, childTemporal} {
		d.stack.StopChild(name, kill)
	}
	return errors.Join(d.stopDatabase(kill), d.stack.Close(kill))
}

func (d *devStack) stopDatabase(kill <-chan struct{}) error {
	if d.postgres == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	go func() {
		select {
		case <-kill:
			cancel()
		case <-ctx.Done():
		}
	}()
	return d.postgres.Stop(ctx)
}
