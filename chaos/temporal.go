package chaos

import (
	"context"
	"strconv"

	"go.temporal.io/sdk/client"

	"marketdata/devstack"
)

// temporalTries is how often the server is started: it picks ports for its inner services, and can lose one.
const temporalTries = 3

// temporalSpec runs the dev server with its data in a file, so that they survive its end.
func (r *Rig) temporalSpec() devstack.Spec {
	args := []string{
		"server", "start-dev", "--ip", "127.0.0.1", "--port", strconv.Itoa(r.temporalPort.Number), "--headless",
		"--db-filename", "temporal.db", "--log-level", "error",
		"--dynamic-config-value", "matching.numTaskqueueReadPartitions=1",
		"--dynamic-config-value", "matching.numTaskqueueWritePartitions=1",
	}
	for n := range r.options.Most {
		args = append(args, "--namespace", namespace(n))
	}
	return devstack.Spec{
		Name: childTemporal, Path: r.options.Temporal, Args: args, StopGrace: stopGrace, StartTries: temporalTries,
		Ready: r.temporalReady,
	}
}

func (r *Rig) temporalReady(ctx context.Context) error {
	c, err := client.NewLazyClient(client.Options{HostPort: r.temporalPort.Address(), Namespace: namespace(0), Logger: silent()})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err
}

// CrashTemporal kills the Temporal server.
func (r *Rig) CrashTemporal() { r.stack.Kill(childTemporal) }

// StartTemporal starts the Temporal server on its data and returns once it answers.
func (r *Rig) StartTemporal(ctx context.Context) error {
	if err := r.stack.Start(r.temporalSpec()); err != nil {
		return err
	}
	return r.stack.WaitReady(ctx, childTemporal, readyWithin)
}
