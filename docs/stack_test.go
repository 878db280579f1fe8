package docs_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/devstack"
)

const (
	upWithin   = 6 * time.Minute // with its demo, on a busy machine
	downWithin = 4 * time.Minute
)

// realProviders are the instances that need a network; in the sandbox the simulator answers in their place.
func realProviders() []string { return []string{"BINANCE", "COINBASE", "YAHOO"} }

// mute is an instance that says since when it has bars and then sends none: its backfills go on until they are canceled.
const mute = "sim_mute"

// stack is a running `marketdata dev` on free ports, with its demo loaded.
type stack struct {
	devstack.State

	home   string // the folder in which commands run: bin/marketdata, and the files of the checkout
	output string // what dev printed
}

// newStack builds the program, starts the stack, and stops it when the test ends.
func newStack(t *testing.T) *stack {
	t.Helper()
	s := &stack{home: newHome(t)}
	sim := devstack.Port{Use: "the simulator"}
	require.NoError(t, devstack.PickPorts(t.Context(), &sim))
	data := filepath.Join(t.TempDir(), "data")
	command := exec.Command(filepath.Join(s.home, "bin", "marketdata"), "dev", "--data-dir", data, "--api-port", "0",
		"--sim-port", strconv.Itoa(sim.Number), "--temporal-port", "0", "--temporal-ui-port", "0")
	command.Dir, command.Env = s.home, os.Environ()
	for _, name := range realProviders() {
		at := "MD_PROVIDERS__" + name + "__"
		command.Env = append(command.Env, at+"BASE_URL="+sim.URL(), at+"REQUESTS_PER_MINUTE=60000")
	}
	at := "MD_PROVIDERS__" + strings.ToUpper(mute) + "__"
	command.Env = append(command.Env, at+"ADAPTER=binance", at+"SYNTHETIC=true", at+"BASE_URL="+newMute(t, sim.URL()))
	var complaints bytes.Buffer
	command.Stderr = &complaints
	stdout, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	lines, ended := make(chan string, 1000), make(chan error, 1)
	go func() {
		for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
			lines <- scanner.Text()
		}
		close(lines)
		ended <- command.Wait()
	}()
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM) // it may have ended
		go func() {
			for range lines { // so that it does not wait for a reader
			}
		}()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the stack did not stop cleanly: %v\n%s", err, &complaints)
			}
		case <-time.After(downWithin):
			t.Error("the stack does not stop")
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), upWithin)
	defer cancel()
	for !strings.Contains(s.output, "Ctrl-C stops everything.") {
		select {
		case line, isOpen := <-lines:
			require.True(t, isOpen, "the stack ended: %s\n%s", s.output, &complaints)
			s.output += line + "\n"
		case <-ctx.Done():
			require.Fail(t, "the stack does not come up", "%s\n%s", s.output, &complaints)
		}
	}
	s.State, err = devstack.LoadState(data)
	require.NoError(t, err)
	return s
}

// newMute returns the address of a provider that passes on no question but for the first bar.
func newMute(t *testing.T, simulator string) string {
	t.Helper()
	target, err := url.Parse(simulator)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if query := r.URL.Query(); query.Get("limit") == "1" && query.Get("startTime") == "0" {
			proxy.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// newHome makes a folder that looks like a checkout in which `make build` ran.
func newHome(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	checkout, err := filepath.Abs(root)
	require.NoError(t, err)
	entries, err := os.ReadDir(checkout)
	require.NoError(t, err)
	for _, e := range entries {
		if name := e.Name(); name != "bin" && name != ".git" && name != ".marketdata" {
			require.NoError(t, os.Symlink(filepath.Join(checkout, name), filepath.Join(home, name)))
		}
	}
	temporal := filepath.Join(checkout, "bin", "temporal")
	require.FileExists(t, temporal, "the Temporal CLI is missing: run 'make bin/temporal'")
	require.NoError(t, os.Mkdir(filepath.Join(home, "bin"), 0o755))
	require.NoError(t, os.Symlink(temporal, filepath.Join(home, "bin", "temporal")))
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(home, "bin", "marketdata"), "../cmd/marketdata").CombinedOutput()
	require.NoError(t, err, string(out))
	return home
}

// environ is what commands of pages find in their environment.
func (s *stack) environ() []string {
	path := filepath.Join(s.home, "bin") + ":" + os.Getenv("PATH")
	if servers, _ := filepath.Glob("/usr/lib/postgresql/*/bin"); len(servers) > 0 { // where psql is, when not on PATH
		path += ":" + servers[len(servers)-1]
	}
	database, _ := url.Parse(s.DatabaseURL) // as dev wrote it
	password, _ := database.User.Password()
	return []string{
		"PGHOST=" + database.Hostname(), "PGPORT=" + database.Port(), "PGUSER=" + database.User.Username(), "PGPASSWORD=" + password,
		"PGDATABASE=" + strings.TrimPrefix(database.Path, "/"),
		"PATH=" + path, "HOME=" + s.home, "TZ=UTC", "LC_ALL=C.UTF-8", "COLUMNS=160",
		"API=" + s.URLs["api"], "DATABASE_URL=" + s.DatabaseURL,
		"MD_API__URL=" + s.URLs["api"], "MD_DATABASE__URL=" + s.DatabaseURL, "MD_TEMPORAL__UI_URL=" + s.URLs["temporal_ui"],
		fmt.Sprintf("MD_TEMPORAL__ADDRESS=127.0.0.1:%d", s.Ports["temporal"]),
	}
}
