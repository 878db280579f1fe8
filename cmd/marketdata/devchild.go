package main

import (
	"context"
	"maps"
	"strconv"
	"strings"

	"go.temporal.io/sdk/client"

	"marketdata/devstack"
	"marketdata/simulator"
)

// temporalTries is how often the dev server is started: it picks ports for its inner services, and can lose one.
const temporalTries = 3

// temporalSpec runs the dev server with one partition per task queue, which is faster on a single node. The database
// file is named without its folder: that may hold characters that mean something in a SQLite URI.
func (d *devStack) temporalSpec() devstack.Spec {
	return devstack.Spec{
		Name: childTemporal, Path: d.temporal, StopGrace: stopWithin, StartTries: temporalTries,
		Args: []string{
			"server", "start-dev", "--ip", "127.0.0.1",
			"--port", strconv.Itoa(d.temporalPort.Number), "--ui-port", strconv.Itoa(d.uiPort.Number),
			"--db-filename", "temporal.db", "--namespace", d.cfg.Temporal.Namespace, "--log-level", "warn",
			"--dynamic-config-value", "matching.numTaskqueueReadPartitions=1",
			"--dynamic-config-value", "matching.numTaskqueueWritePartitions=1",
		},
		Ready: d.temporalReady,
	}
}

// temporalReady asks the server for its health.
func (d *devStack) temporalReady(ctx context.Context) error {
	c, err := client.NewLazyClient(client.Options{HostPort: d.temporalAddress(), Namespace: d.cfg.Temporal.Namespace, Logger: silent()})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err
}

func (d *devStack) simulatorSpec() devstack.Spec {
	return d.self(childSimulator, devstack.TCPReady(d.simPort.Address()), "simulate", "--adapter", "binance", "--listen", d.simPort.Address())
}

func (d *devStack) workerSpec() devstack.Spec {
	return d.self(childWorker, devstack.HTTPReady(d.workerPort.URL()+"/ready"), "worker")
}

func (d *devStack) apiSpec() devstack.Spec {
	return d.self(childAPI, devstack.HTTPReady(d.apiPort.URL()+"/ready"), "api")
}

// self runs a command of this program with the configuration of the stack.
func (d *devStack) self(name string, ready func(context.Context) error, args ...string) devstack.Spec {
	if d.configFile != "" {
		args = append(args, "--"+flagConfig, d.configFile)
	}
	return devstack.Spec{
		Name: name, Path: d.executable, Args: args, Env: d.environ(), Ready: ready, StopGrace: selfStopWithin,
		RestartAfter: restartAfter,
		OnRestart:    func(how error) { d.say("%v\nStarting %s again", how, name) },
	}
}

// environ is what the stack decides for its children, over whatever the user's environment says. Only the pacing of
// the simulated providers is left to a user who sets it.
func (d *devStack) environ() []string {
	decided := map[string]string{
		"MD_DATABASE__URL":      d.databaseURL,
		"MD_DATABASE__URL_FILE": "", // would contradict the URL
		"MD_TEMPORAL__ADDRESS":  d.temporalAddress(),
		"MD_TEMPORAL__UI_URL":   d.uiURL(),
		"MD_API__LISTEN":        d.apiPort.Address(),
		"MD_API__URL":           d.apiPort.URL(),
		"MD_WORKER__LISTEN":     d.workerPort.Address(),
	}
	for _, adapter := range simulator.Formats() {
		instance := simPrefix + adapter
		sim := "MD_PROVIDERS__" + strings.ToUpper(instance) + "__"
		decided[sim+"ADAPTER"] = adapter
		decided[sim+"BASE_URL"] = d.simPort.URL()
		decided[sim+"SYNTHETIC"] = "true"
		decided[sim+"ENABLED"] = "true"
		for _, budget := range []string{"requests_per_minute", "weight_per_minute"} {
			if !d.cfg.IsGiven("providers." + instance + "." + budget) {
				decided[sim+strings.ToUpper(budget)] = "60000"
			}
		}
	}
	environ := make([]string, 0, len(decided))
	for name := range maps.Keys(decided) {
		environ = append(environ, name+"="+decided[name])
	}
	return environ
}
