package drill

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"golang.org/x/sync/errgroup"

	"marketdata/db/pgserver"
	"marketdata/devstack"
)

const (
	readyWithin = 2 * time.Minute
	stopGrace   = 10 * time.Second
	workerGrace = 45 * time.Second
	// temporalTries is how often a Temporal server is started: it picks ports for its inner services, and can lose one.
	temporalTries = 3

	childSimulator = "simulator"
)

// rig is the servers of a drill. The copy's servers know nothing of the source's.
type rig struct {
	options      Options
	stack        *devstack.Stack
	simPort      devstack.Port
	source, copy *site
}

// site is a place where the platform runs: a PostgreSQL and a Temporal server.
type site struct {
	name         string
	temporalPort devstack.Port
	postgres     *pgserver.Server
}

func (s *site) temporal() string { return s.name + "-temporal" }

// openRig starts all servers and returns once they answer.
func openRig(ctx context.Context, o Options) (r *rig, err error) {
	stack, _, err := devstack.Open(ctx, o.Dir, o.Now())
	if err != nil {
		return nil, err
	}
	r = &rig{options: o, stack: stack, source: &site{name: "source"}, copy: &site{name: "copy"}}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close(ctx))
		}
	}()
	r.simPort.Use, r.source.temporalPort.Use, r.copy.temporalPort.Use = "the simulator", "a Temporal server", "a Temporal server"
	if err := devstack.PickPorts(ctx, &r.simPort, &r.source.temporalPort, &r.copy.temporalPort); err != nil {
		return nil, err
	}
	specs := []devstack.Spec{r.simulatorSpec(), r.temporalSpec(r.source), r.temporalSpec(r.copy)}
	for _, spec := range specs {
		if err := r.stack.Start(spec); err != nil {
			return nil, err
		}
	}
	group, all := errgroup.WithContext(ctx)
	for _, s := range []*site{r.source, r.copy} {
		group.Go(func() error { return s.startPostgres(all, o.Dir) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, spec := range specs {
		if err := r.stack.WaitReady(ctx, spec.Name, readyWithin); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// startPostgres runs a server that loses its data with the machine, and not before: the drill throws them away.
func (s *site) startPostgres(ctx context.Context, dir string) error {
	server, err := pgserver.Start(ctx, pgserver.Options{Dir: filepath.Join(dir, s.name), Fast: true})
	if err != nil {
		return fmt.Errorf("PostgreSQL of the %s: %w", s.name, err)
	}
	s.postgres = server
	return nil
}

// close ends everything that the rig started.
func (r *rig) close(ctx context.Context) error {
	now := make(chan struct{})
	close(now) // nothing is left to be done in peace
	errs := []error{r.stack.Close(now)}
	for _, s := range []*site{r.source, r.copy} {
		if s.postgres != nil {
			errs = append(errs, s.postgres.Stop(ctx))
		}
	}
	return errors.Join(errs...)
}

// homes are where the PostgreSQL servers keep their data, which may be outside of the drill's folder.
func (r *rig) homes() []string { return []string{r.source.postgres.Home(), r.copy.postgres.Home()} }

func (r *rig) simulatorSpec() devstack.Spec {
	return devstack.Spec{
		Name: childSimulator, Path: r.options.Binary, StopGrace: stopGrace, Ready: devstack.TCPReady(r.simPort.Address()),
		Args: []string{"simulate", "--listen", r.simPort.Address(), "--seed", "1"},
	}
}

// temporalSpec runs a dev server that is empty when it starts.
func (r *rig) temporalSpec(s *site) devstack.Spec {
	return devstack.Spec{
		Name: s.temporal(), Path: r.options.Temporal, StopGrace: stopGrace, StartTries: temporalTries,
		Args: []string{
			"server", "start-dev", "--ip", "127.0.0.1", "--port", strconv.Itoa(s.temporalPort.Number), "--headless", "--log-level", "error",
			"--dynamic-config-value", "matching.numTaskqueueReadPartitions=1",
			"--dynamic-config-value", "matching.numTaskqueueWritePartitions=1",
		},
		Ready: func(ctx context.Context) error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			defer c.Close()
			_, err = c.CheckHealth(ctx, &client.CheckHealthRequest{})
			return err
		},
	}
}

// dial returns a client of the site's Temporal server.
func (s *site) dial() (client.Client, error) {
	c, err := client.NewLazyClient(client.Options{
		HostPort: s.temporalPort.Address(), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return nil, fmt.Errorf("temporal: %w", err)
	}
	return c, nil
}

// sweep lets the sweep of each minute run now.
func (s *site) sweep(ctx context.Context) error {
	c, err := s.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.ScheduleClient().GetHandle(ctx, "maintenance-sweep").Trigger(ctx, client.ScheduleTriggerOptions{}); err != nil {
		return fmt.Errorf("trigger the sweep: %w", err)
	}
	return nil
}
