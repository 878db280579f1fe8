package chaos

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"marketdata/db/audit"
	"marketdata/devstack"
)

// adapters are the providers that the simulator plays.
func adapters() []string { return []string{"binance", "coinbase", "yahoo"} }

// perMinute is the budget of each simulated provider: enough to be out of the way.
const perMinute = "60000"

// Platform is an API and workers over a database and a namespace of their own. Its methods are safe for concurrent use.
type Platform struct {
	rig         *Rig
	name        string
	databaseURL string
	apiPort     devstack.Port
	audit       *audit.Auditor
	flows       *flows
	api         *api

	mu      sync.Mutex
	workers []*Worker
	started int
	addedAt map[string]time.Time // when the instrument was added, by the provider's code
}

// start runs the API and the workers and returns once they are ready.
func (p *Platform) start(ctx context.Context, workers int) error {
	var err error
	if p.audit, err = audit.Open(ctx, p.databaseURL); err != nil {
		return err
	}
	if p.flows, err = dialFlows(p.rig.temporalPort.Address(), p.name); err != nil {
		return err
	}
	p.apiPort.Use = "the API"
	if err := devstack.PickPorts(ctx, &p.apiPort); err != nil {
		return err
	}
	p.api = &api{url: p.apiPort.URL()}
	ready := devstack.HTTPReady(p.apiPort.URL() + "/ready")
	if err := p.rig.stack.Start(p.spec(p.name+"-api", p.rig.options.Binary, "api", p.apiPort.Address(), ready)); err != nil {
		return err
	}
	for range workers {
		if _, err := p.StartWorker(p.rig.options.Binary); err != nil {
			return err
		}
	}
	if err := p.rig.stack.WaitReady(ctx, p.name+"-api", readyWithin); err != nil {
		return err
	}
	for _, w := range p.Workers() {
		if err := w.AwaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *Platform) close(kill <-chan struct{}) {
	for _, w := range p.Workers() {
		p.rig.stack.StopChild(w.name, kill)
	}
	p.rig.stack.StopChild(p.name+"-api", kill)
	if p.flows != nil {
		p.flows.close()
	}
	if p.audit != nil {
		p.audit.Close()
	}
}

// spec runs a command of the product. What dies by itself is started again, as a service manager does.
func (p *Platform) spec(name, binary, command, listen string, ready func(context.Context) error) devstack.Spec {
	return devstack.Spec{
		Name: name, Path: binary, Args: []string{command}, Env: p.environ(listen), StopGrace: workerGrace, Ready: ready,
		RestartAfter: time.Nanosecond,
		OnRestart: func(how error) {
			p.rig.options.Logger.Warn("a process ended by itself and is started again", slog.String("process", name), slog.String("how", how.Error())) //nolint:sloglint // no request is behind it
		},
	}
}

func (p *Platform) environ(listen string) []string {
	environ := []string{
		"MD_DATABASE__URL=" + p.databaseURL, "MD_TEMPORAL__ADDRESS=" + p.rig.temporalPort.Address(), "MD_TEMPORAL__NAMESPACE=" + p.name,
		"MD_API__LISTEN=" + listen, "MD_WORKER__LISTEN=" + listen, "MD_LOG__FORMAT=json",
	}
	for _, adapter := range adapters() {
		real, instance := "MD_PROVIDERS__"+strings.ToUpper(adapter)+"__", "MD_PROVIDERS__SIM_"+strings.ToUpper(adapter)+"__"
		environ = append(environ, real+"ENABLED=false", instance+"ADAPTER="+adapter, instance+"BASE_URL=http://"+p.rig.gate.address,
			instance+"SYNTHETIC=true", instance+"REQUESTS_PER_MINUTE="+perMinute)
		if adapter == "binance" {
			environ = append(environ, instance+"WEIGHT_PER_MINUTE="+perMinute)
		}
	}
	return environ
}

// Workers returns the workers that were started and neither stopped nor killed, oldest first.
func (p *Platform) Workers() []*Worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*Worker(nil), p.workers...)
}

// StartWorker runs another worker from a binary; it is not waited for.
func (p *Platform) StartWorker(binary string) (*Worker, error) {
	p.mu.Lock()
	p.started++
	w := &Worker{platform: p, name: fmt.Sprintf("%s-worker-%d", p.name, p.started)}
	p.mu.Unlock()
	// Nobody asks it for its health: it says in its log when it polls, so it takes whatever port is free.
	if err := p.rig.stack.Start(p.spec(w.name, binary, "worker", "127.0.0.1:0", w.ready)); err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.workers = append(p.workers, w)
	p.mu.Unlock()
	return w, nil
}

func (p *Platform) forget(gone *Worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var left []*Worker
	for _, w := range p.workers {
		if w != gone {
			left = append(left, w)
		}
	}
	p.workers = left
}
