package chaos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"marketdata/db"
	"marketdata/db/pgserver"
	"marketdata/devstack"
)

const (
	readyWithin = 2 * time.Minute
	stopGrace   = 10 * time.Second
	// workerGrace is above what a worker gives its activities to hand back.
	workerGrace = 45 * time.Second
	poll        = 10 * time.Millisecond  // for what passes soon
	finishPoll  = 200 * time.Millisecond // for what stays as it is

	childTemporal  = "temporal"
	childSimulator = "simulator"
)

// Options say what a rig runs. Every field but Latency is required.
type Options struct {
	Dir      string        // absolute; for data and logs
	Binary   string        // of the product
	Next     string        // another build of it, for workers that are replaced
	Temporal string        // the CLI
	Seed     int64         // of the simulator's market
	Most     int           // platforms at most
	Latency  time.Duration // of a provider's answers
	Now      func() time.Time
	Logger   *slog.Logger
}

// Rig is the servers that platforms share: PostgreSQL, Temporal, the simulator. Its methods are safe for concurrent use.
type Rig struct {
	options Options
	stack   *devstack.Stack
	gate    *gate
	sim     *sim

	temporalPort devstack.Port
	simPort      devstack.Port

	mu        sync.Mutex
	postgres  *pgserver.Server
	platforms []*Platform
}

// Start runs the servers and returns once they answer.
func Start(ctx context.Context, o Options) (rig *Rig, err error) {
	stack, _, err := devstack.Open(ctx, o.Dir, o.Now())
	if err != nil {
		return nil, err
	}
	r := &Rig{
		options: o, stack: stack,
		temporalPort: devstack.Port{Use: "the Temporal server"}, simPort: devstack.Port{Use: "the simulator"},
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close(ctx))
		}
	}()
	gatePort := devstack.Port{Use: "the way to the simulator"}
	if err := devstack.PickPorts(ctx, &r.temporalPort, &r.simPort, &gatePort); err != nil {
		return nil, err
	}
	r.gate = &gate{address: gatePort.Address(), target: r.simPort.Address(), latency: o.Latency}
	r.sim = &sim{url: r.simPort.URL()}
	if err := r.gate.Open(ctx); err != nil {
		return nil, err
	}
	if err := r.stack.Start(r.simulatorSpec()); err != nil {
		return nil, err
	}
	if err := r.stack.Start(r.temporalSpec()); err != nil {
		return nil, err
	}
	if err := r.StartPostgres(ctx); err != nil {
		return nil, err
	}
	return r, errors.Join(
		r.stack.WaitReady(ctx, childSimulator, readyWithin), r.stack.WaitReady(ctx, childTemporal, readyWithin))
}

// Close ends everything that the rig started.
func (r *Rig) Close(ctx context.Context) error {
	r.mu.Lock()
	platforms, postgres := r.platforms, r.postgres
	r.platforms, r.postgres = nil, nil
	r.mu.Unlock()
	now := make(chan struct{})
	close(now) // nothing is left to be done in peace
	for _, p := range platforms {
		p.close(now)
	}
	errs := []error{r.stack.Close(now)}
	if r.gate != nil {
		r.gate.Shut()
	}
	if postgres != nil {
		errs = append(errs, postgres.Stop(ctx))
	}
	return errors.Join(errs...)
}

// Failed receives the first process that ended without being told to, and could not be started again.
func (r *Rig) Failed() <-chan error { return r.stack.Failed() }

// PostgresHome is where the server's data lie, which may be outside of the rig's folder.
func (r *Rig) PostgresHome() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.postgres == nil {
		return ""
	}
	return r.postgres.Home()
}

func (r *Rig) simulatorSpec() devstack.Spec {
	return devstack.Spec{
		Name: childSimulator, Path: r.options.Binary, StopGrace: stopGrace, Ready: devstack.TCPReady(r.simPort.Address()),
		Args: []string{"simulate", "--listen", r.simPort.Address(), "--seed", strconv.FormatInt(r.options.Seed, 10)},
	}
}

// Platform makes a platform with so many workers over a database and a namespace that no other has.
func (r *Rig) Platform(ctx context.Context, workers int) (*Platform, error) {
	r.mu.Lock()
	n := len(r.platforms)
	if n >= r.options.Most {
		r.mu.Unlock()
		return nil, fmt.Errorf("the rig was made for %d platforms", r.options.Most)
	}
	p := &Platform{rig: r, name: namespace(n), addedAt: map[string]time.Time{}}
	r.platforms = append(r.platforms, p)
	postgres := r.postgres
	r.mu.Unlock()
	if err := postgres.CreateDatabase(ctx, p.name); err != nil {
		return nil, err
	}
	p.databaseURL = postgres.DatabaseURL(p.name)
	if err := db.MigrateUp(ctx, p.databaseURL); err != nil {
		return nil, fmt.Errorf("prepare the database: %w", err)
	}
	return p, p.start(ctx, workers)
}

// namespace is the name of the nth platform: of its Temporal namespace and of its database.
func namespace(n int) string { return fmt.Sprintf("chaos_%d", n) }

func (r *Rig) postgresDir() string { return filepath.Join(r.options.Dir, "postgres") }
