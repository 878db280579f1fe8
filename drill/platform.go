package drill

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"marketdata/devstack"
)

// database is the name of the platform's database, on both sites.
const database = "drill"

// platform is an API and a worker over a site.
type platform struct {
	rig  *rig
	site *site
	urls urls
	api  api
}

// urls are the database's for each of the roles that docs/configuration.md tells of.
type urls struct{ admin, owner, app, grafana string }

// at are the same logins at another site, as they are once the roles were restored there.
func (u urls) at(from, to *site) urls {
	host := func(s *site) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.postgres.Port())) }
	move := func(url string) string { return strings.Replace(url, host(from), host(to), 1) }
	return urls{admin: move(u.admin), owner: move(u.owner), app: move(u.app), grafana: move(u.grafana)}
}

func (p *platform) apiName() string    { return p.site.name + "-api" }
func (p *platform) workerName() string { return p.site.name + "-worker" }

// start runs the API and the worker and returns once both are ready.
func (p *platform) start(ctx context.Context) error {
	if err := p.startAPI(ctx); err != nil {
		return err
	}
	return p.startWorker(ctx)
}

func (p *platform) startAPI(ctx context.Context) error {
	port := devstack.Port{Use: "the API"}
	if err := devstack.PickPorts(ctx, &port); err != nil {
		return err
	}
	p.api = api{url: port.URL()}
	return p.run(ctx, p.apiName(), "api", port.Address(), devstack.HTTPReady(port.URL()+"/ready"))
}

func (p *platform) startWorker(ctx context.Context) error {
	log := filepath.Join(p.rig.options.Dir, "logs", p.workerName()+".log")
	return p.run(ctx, p.workerName(), "worker", "127.0.0.1:0", func(context.Context) error {
		text, err := os.ReadFile(log) //nolint:gosec // a log of this run
		if err == nil && !bytes.Contains(text, []byte("worker polls")) {
			err = errors.New("it does not poll yet")
		}
		return err
	})
}

func (p *platform) run(ctx context.Context, name, command, listen string, ready func(context.Context) error) error {
	environ := append(p.environ(), "MD_API__LISTEN="+listen, "MD_WORKER__LISTEN="+listen)
	spec := devstack.Spec{
		Name: name, Path: p.rig.options.Binary, Args: []string{command}, Env: environ, StopGrace: workerGrace, Ready: ready,
	}
	if err := p.rig.stack.Start(spec); err != nil {
		return err
	}
	return p.rig.stack.WaitReady(ctx, name, readyWithin)
}

// loseWorker ends the worker as the end of its machine does.
func (p *platform) loseWorker() {
	now := make(chan struct{})
	close(now)
	p.rig.stack.StopChild(p.workerName(), now)
}

// command runs a command of the product over the site and returns what it says.
func (p *platform) command(ctx context.Context, args ...string) (string, error) {
	c := exec.CommandContext(ctx, p.rig.options.Binary, args...) //nolint:gosec // the caller names the binary under test
	c.Env = append(c.Environ(), p.environ()...)
	out, err := c.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("marketdata %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

func (p *platform) environ() []string {
	environ := []string{
		"MD_DATABASE__URL=" + p.urls.app, "MD_DATABASE__MIGRATE_URL=" + p.urls.owner, "MD_TEMPORAL__ADDRESS=" + p.site.temporalPort.Address(),
		"MD_TEMPORAL__UI_URL=http://ui.example", "MD_LOG__FORMAT=json",
	}
	for _, adapter := range []string{"binance", "coinbase", "yahoo"} {
		real, instance := "MD_PROVIDERS__"+strings.ToUpper(adapter)+"__", "MD_PROVIDERS__SIM_"+strings.ToUpper(adapter)+"__"
		environ = append(environ, real+"ENABLED=false", instance+"ADAPTER="+adapter, instance+"BASE_URL="+p.rig.simPort.URL(),
			instance+"SYNTHETIC=true", instance+"REQUESTS_PER_MINUTE=60000")
		if adapter == "binance" {
			environ = append(environ, instance+"WEIGHT_PER_MINUTE=600000")
		}
	}
	return environ
}
