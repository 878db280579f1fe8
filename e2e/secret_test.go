package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"marketdata/db/dbtest"
	"marketdata/devstack"
	"marketdata/simulator"
)

// secretStack is the product as processes of their own, with secrets in its environment and its log at debug level.
type secretStack struct {
	t           *testing.T
	leaks       *leaks
	stack       *devstack.Stack
	dir         string
	program     string
	databaseURL string
	temporal    client.Client
	namespace   string
	environ     []string
	api, worker string // URLs
	sim         string
	isTold      atomic.Bool // the webhook was asked with its secrets
}

// TestNoSecretGetsOut runs the product with secrets through successes and failures, and then reads everything that it left behind:
// logs and output of every process, histories of all workflows, every row of every table with bodies uncompressed, metrics and
// answers.
func TestNoSecretGetsOut(t *testing.T) {
	t.Parallel()
	s := startSecretStack(t)
	s.fail()
	s.ask()
	s.say()
	s.readLogs()
	s.readHistories()
	s.readTables()
	require.Greater(t, s.leaks.seen, 200, "it has looked at much")
}

func startSecretStack(t *testing.T) *secretStack {
	t.Helper()
	s := &secretStack{t: t, dir: t.TempDir(), databaseURL: dbtest.URL(t)}
	s.leaks = &leaks{t: t, secrets: []string{secretKey, secretPath, secretQuery, secretSign, secretRefused, secretPassword, secretTypo}}
	if u, err := url.Parse(s.databaseURL); err == nil {
		if password, has := u.User.Password(); has && len(password) > 10 { // one that is given may be a word
			s.leaks.secrets = append(s.leaks.secrets, password)
		}
	}
	s.program = filepath.Join(s.dir, "marketdata")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-s -w", "-o", s.program, "../cmd/marketdata").CombinedOutput()
	require.NoError(t, err, "%s", out)
	provider, err := simulator.New(simulator.Options{Seed: 1, Now: time.Now})
	require.NoError(t, err)
	sim := httptest.NewServer(provider)
	t.Cleanup(sim.Close)
	s.sim = sim.URL
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signature := r.Header.Get("X-Marketdata-Signature")
		s.isTold.Store(strings.Contains(r.RequestURI, secretPath) && strings.Contains(r.RequestURI, secretQuery) && signature != "")
		w.WriteHeader(http.StatusForbidden) // and says what it was asked, as some do
		_, _ = fmt.Fprintf(w, "no: %s %s", r.URL, signature)
	}))
	t.Cleanup(hook.Close)

	address, namespace := namespace(t)
	s.namespace = namespace
	s.temporal, err = client.Dial(client.Options{HostPort: address, Namespace: namespace})
	require.NoError(t, err)
	t.Cleanup(s.temporal.Close)
	apiPort, workerPort := devstack.Port{Use: "the API"}, devstack.Port{Use: "the worker"}
	s.stack, _, err = devstack.Open(t.Context(), s.dir, time.Now())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.stack.Close(nil)) })
	require.NoError(t, devstack.PickPorts(t.Context(), &apiPort, &workerPort))
	s.api, s.worker = apiPort.URL(), workerPort.URL()
	s.environ = []string{
		"MD_DATABASE__URL=" + s.databaseURL, "MD_TEMPORAL__ADDRESS=" + address, "MD_TEMPORAL__NAMESPACE=" + namespace,
		"MD_API__LISTEN=" + apiPort.Address(), "MD_API__URL=" + s.api, "MD_WORKER__LISTEN=" + workerPort.Address(),
		"MD_LOG__LEVEL=debug", "MD_LOG__FORMAT=json",
		"MD_PROVIDERS__SIM_BINANCE__ADAPTER=binance", "MD_PROVIDERS__SIM_BINANCE__BASE_URL=" + s.sim, "MD_PROVIDERS__SIM_BINANCE__SYNTHETIC=true",
		"MD_PROVIDERS__SIM_BINANCE__REQUESTS_PER_MINUTE=60000", "MD_PROVIDERS__SIM_BINANCE__WEIGHT_PER_MINUTE=600000",
		"MD_PROVIDERS__SIM_BINANCE__API_KEY=" + secretKey, "MD_PROVIDERS__YAHOO__API_KEY=" + secretKey,
		"MD_ALERTS__WEBHOOKS__OPS__URL=" + hook.URL + "/hook/" + secretPath + "?token=" + secretQuery, "MD_ALERTS__WEBHOOKS__OPS__SECRET=" + secretSign,
		"MD_ALERTS__WEBHOOKS__NOBODY__URL=http://127.0.0.1:1/" + secretRefused, "MD_ALERTS__WEBHOOKS__NOBODY__FORMAT=slack",
	}
	for _, part := range []struct{ name, url string }{{"api", s.api}, {"worker", s.worker}} {
		require.NoError(t, s.stack.Start(s.spec(part.name, part.url, s.environ)))
	}
	for _, name := range []string{"api", "worker"} {
		require.NoError(t, s.stack.WaitReady(t.Context(), name, 2*time.Minute))
	}
	return s
}

func (s *secretStack) spec(name, url string, environ []string) devstack.Spec {
	command, _, _ := strings.Cut(name, "-")
	return devstack.Spec{
		Name: name, Path: s.program, Args: []string{command}, Env: environ, StopGrace: 45 * time.Second, Ready: devstack.HTTPReady(url + "/ready"),
	}
}

// client is the API's, with the helpers of the other tests.
func (s *secretStack) client() *stack { return &stack{t: s.t, url: s.api, sim: s.sim} }

// fail loads bars, and lets everything fail that can.
func (s *secretStack) fail() {
	c := s.client()
	for _, symbol := range []string{"BTCUSDT", "ETHUSDT", "SOLUSDT"} {
		c.addInstrument(symbol)
	}
	load := func(symbol, start, end string) backfill {
		return c.run(map[string]any{"instruments": []string{symbol + ".SIM"}, "interval": "1d", "start": start, "end": end})
	}
	c.fault(
		map[string]any{"fault": "unauthorized", "symbol": "ETHUSDT"}, map[string]any{"fault": "html", "symbol": "SOLUSDT"},
		map[string]any{"fault": "rate_limit", "symbol": "BTCUSDT", "count": 1, "retry_after_seconds": 1},
		map[string]any{"fault": "malformed_rows", "symbol": "BTCUSDT", "rows": 1, "count": 1},
	)
	require.Equal(s.t, "completed_with_gaps", load("BTCUSDT", "2024-01-01", "2024-03-01").Status)
	for symbol, kind := range map[string]string{"ETHUSDT": "denied", "SOLUSDT": "malformed"} {
		b := load(symbol, "2024-01-01", "2024-02-01")
		require.Equal(s.t, "failed", b.Status)
		require.Equal(s.t, kind, b.Failures[0].Kind)
	}
	for webhook, why := range map[string]string{"ops": "answered 403", "nobody": "did not answer: the connection was refused"} {
		said := s.run(false, "alerts", "test", webhook, "--timeout", "20s")
		require.Contains(s.t, said, why, "webhook %s", webhook)
	}
	require.True(s.t, s.isTold.Load(), "the secrets were in use")
}

// run runs a command of the product with the stack's environment and more, and looks at what it says.
func (s *secretStack) run(isGood bool, args ...string) string {
	s.t.Helper()
	return s.runWith(nil, isGood, args...)
}

func (s *secretStack) runWith(environ []string, isGood bool, args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, s.program, args...)
	command.Env = append(append(command.Environ(), s.environ...), environ...)
	out, err := command.CombinedOutput()
	if isGood {
		require.NoError(s.t, err, "%v: %s", args, out)
	} else {
		require.Error(s.t, err, "%v: %s", args, out)
	}
	s.leaks.look("the output of marketdata "+args[0], out)
	return string(out)
}

// ask reads what the API and the worker answer, errors included.
func (s *secretStack) ask() {
	c := s.client()
	for _, path := range []string{
		"/health", "/ready", "/version", "/metrics", "/openapi.json", "/v1/providers", "/v1/instruments", "/v1/instruments/BTCUSDT.SIM", "/v1/schedules",
		"/v1/backfills", "/v1/backfills?status=failed", "/v1/alerts", "/v1/instruments/BTCUSDT.SIM/bars?interval=1d&start=2024-01-01&end=2024-03-01",
		"/v1/nothing", "/v1/backfills?limit=x", "/v1/instruments/ETHUSDT.SIM/bars?interval=1d&start=2024-01-01&end=2024-02-01",
	} {
		s.leaks.look(path, c.call(http.MethodGet, s.api+path, nil).body)
	}
	s.leaks.look("a refused webhook", c.call(http.MethodPost, s.api+"/v1/alerts/test", map[string]string{"webhook": "none"}).body)
	for _, path := range []string{"/health", "/ready", "/metrics"} {
		s.leaks.look("the worker's "+path, c.call(http.MethodGet, s.worker+path, nil).body)
	}
}

// say lets commands tell their configuration and what is wrong with it.
func (s *secretStack) say() {
	wrong := strings.Replace(s.databaseURL, "@", secretPassword+"@", 1) // the right one, and more
	s.run(true, "config", "show")
	s.run(true, "config", "show", "--output", "json")
	s.run(true, "config", "check")
	s.run(true, "health")
	s.run(true, "migrate", "status")
	s.run(false, "migrate", "status", "--database-url", wrong)
	s.run(false, "migrate", "up", "--database-migrate-url", wrong)
	s.run(false, "migrate", "status", "--database-url", "postgres://u:"+secretPassword+"@h:port/x")
	s.run(false, "migrate", "status", "--database-url", "host=h password="+secretPassword)
	s.run(false, "worker", "--database-url", wrong, "--no-such-flag="+secretTypo)
	for _, variable := range []string{
		"MD_PROVIDERS__SIM_BINANCE__APIKEY", "MD_DATABASE__PASSWORD", "MD_ALERTS__WEBHOOKS__OPS__TOKEN",
	} {
		s.runWith([]string{variable + "=" + secretTypo}, false, "config", "check")
	}
	for _, value := range []string{
		"MD_ALERTS__WEBHOOKS__OPS__URL=" + secretPath, "MD_ALERTS__WEBHOOKS__OPS__URL=http://h:" + secretPath, "MD_DATABASE__URL=" + secretPassword,
		"MD_PROVIDERS__SIM_BINANCE__BASE_URL=http://" + secretKey + "@h", "MD_PROVIDERS__SIM_BINANCE__BASE_URL=http://h/?key=" + secretKey,
	} {
		s.runWith([]string{value}, false, "config", "check")
	}
	// a worker and an API that are refused by the database go on trying, and say why
	port := devstack.Port{Use: "a worker in vain"}
	require.NoError(s.t, devstack.PickPorts(s.t.Context(), &port))
	environ := append(append([]string{}, s.environ...), "MD_DATABASE__URL="+wrong, "MD_WORKER__LISTEN="+port.Address(), "MD_API__LISTEN=127.0.0.1:0")
	for _, name := range []string{"worker-refused", "api-refused"} {
		require.NoError(s.t, s.stack.Start(s.spec(name, port.URL(), environ)))
		log := filepath.Join(s.dir, "logs", name+".log")
		require.Eventually(s.t, func() bool {
			text, err := os.ReadFile(log)
			return err == nil && bytes.Contains(text, []byte("database"))
		}, patience, 50*time.Millisecond, "it says that the database refuses it")
		s.stack.StopChild(name, nil)
	}
}
