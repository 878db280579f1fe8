package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/devstack"
)

const (
	upWithin   = 6 * time.Minute
	downWithin = 4 * time.Minute // its parts end one after the other, each with a grace of its own
)

// buildForDev builds the program into a folder that has the Temporal CLI too.
func buildForDev(t *testing.T) string {
	t.Helper()
	temporal, err := filepath.Abs(filepath.Join("..", "..", "bin", "temporal"))
	require.NoError(t, err)
	require.FileExists(t, temporal, "the Temporal CLI is missing: run 'make bin/temporal'")
	dir := t.TempDir()
	require.NoError(t, os.Symlink(temporal, filepath.Join(dir, "temporal")))
	program := filepath.Join(dir, "marketdata")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	return program
}

// runningDev is a started `marketdata dev`.
type runningDev struct {
	command *exec.Cmd
	lines   chan string // of standard output; closed at its end
	stderr  *bytes.Buffer
	ended   chan error
}

func startDev(t *testing.T, program, dataDir string, args ...string) *runningDev {
	t.Helper()
	args = append([]string{"dev", "--data-dir", dataDir, "--sim-port", "0", "--temporal-port", "0", "--temporal-ui-port", "0"}, args...)
	d := &runningDev{command: exec.Command(program, args...), lines: make(chan string, 1000), stderr: &bytes.Buffer{}, ended: make(chan error, 1)}
	d.command.Dir = t.TempDir()
	d.command.Stderr = d.stderr
	stdout, err := d.command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, d.command.Start())
	t.Cleanup(func() { _ = d.command.Process.Signal(syscall.SIGTERM) }) // where a step before the end failed
	go func() {
		for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
			d.lines <- scanner.Text()
		}
		close(d.lines)
		d.ended <- d.command.Wait()
	}()
	return d
}

// awaitCurl reads output up to the line to paste, and returns all of it and the URL in that line.
func (d *runningDev) awaitCurl(t *testing.T) (output, url string) {
	t.Helper()
	timeout := time.After(upWithin)
	for {
		select {
		case line, isOpen := <-d.lines:
			if !isOpen {
				require.Fail(t, "dev ended", "%v\n%s\n%s", <-d.ended, output, d.stderr)
			}
			output += line + "\n"
			if found := regexp.MustCompile(`^  curl '(.*)'$`).FindStringSubmatch(line); found != nil {
				return output, found[1]
			}
		case <-timeout:
			require.Fail(t, "dev does not come up", output)
		}
	}
}

func (d *runningDev) awaitEnd(t *testing.T) error {
	t.Helper()
	timeout := time.After(downWithin)
	for {
		select {
		case err := <-d.ended:
			return err
		case _, isOpen := <-d.lines:
			if !isOpen {
				d.lines = nil // no longer ready
			}
		case <-timeout:
			require.Fail(t, "dev does not end")
		}
	}
}

// bars asks what the printed line asks, and returns how many bars came.
func bars(t *testing.T, url string) int {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, string(body))
	var page struct {
		Data []json.RawMessage `json:"data"`
	}
	require.NoError(t, json.Unmarshal(body, &page))
	return len(page.Data)
}

// stateOf reads dev.json and identifies PostgreSQL too, so that its end can be seen.
func stateOf(t *testing.T, dataDir string) (devstack.State, []devstack.Process) {
	t.Helper()
	state, err := devstack.LoadState(dataDir)
	require.NoError(t, err)
	postgres, err := devstack.Identify("postgres", state.PostgresPID)
	require.NoError(t, err)
	processes := append(state.Processes, postgres)
	require.Len(t, processes, 5)
	for _, p := range processes {
		require.True(t, p.IsAlive(), p.Name)
	}
	return state, processes
}

func requireGone(t *testing.T, processes []devstack.Process) {
	t.Helper()
	for _, p := range processes {
		require.Eventually(t, func() bool { return !p.IsAlive() }, downWithin, 50*time.Millisecond, p.Name)
	}
}

func TestDevRunsResumesAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	program := buildForDev(t)
	dataDir := filepath.Join(t.TempDir(), "data of dev")

	first := startDev(t, program, dataDir, "--api-port", "0")
	output, url := first.awaitCurl(t)
	require.Positive(t, bars(t, url))
	state, processes := stateOf(t, dataDir)
	require.Equal(t, first.command.Process.Pid, state.PID)
	for _, name := range []string{"api", "openapi", "temporal_ui", "simulator"} {
		require.Contains(t, output, state.URLs[name])
	}
	require.Contains(t, output, "BTCUSDT.SIM 1m: completed, 100%")
	for _, name := range []string{"openapi", "temporal_ui"} {
		require.NoError(t, devstack.HTTPReady(state.URLs[name])(t.Context()))
	}

	// A second stack on the folder, and one on a port that is in use, say so in one line and disturb nothing.
	second := startDev(t, program, dataDir, "--api-port", "0")
	require.Error(t, second.awaitEnd(t))
	require.Regexp(t, `^marketdata: another stack \(pid \d+\) runs on .*data of dev: stop it, or choose another folder with --data-dir\n$`, second.stderr.String())
	apiPort := fmt.Sprint(state.Ports["api"])
	other := startDev(t, program, t.TempDir(), "--api-port", apiPort)
	require.Error(t, other.awaitEnd(t))
	require.Equal(t, "marketdata: port "+apiPort+", for the API, is in use: free it or choose another with --api-port (0 picks a free one)\n", other.stderr.String())
	require.Positive(t, bars(t, url))

	// Killed, it comes back with its data, and asks for nothing again.
	require.NoError(t, first.command.Process.Kill())
	require.Error(t, first.awaitEnd(t))
	again := startDev(t, program, dataDir, "--api-port", apiPort)
	output, url = again.awaitCurl(t)
	require.Contains(t, url, apiPort)
	require.Positive(t, bars(t, url))
	require.Equal(t, 5, strings.Count(output, "is loaded already"), output)
	requireGone(t, processes)

	_, processes = stateOf(t, dataDir)
	require.NoError(t, again.command.Process.Signal(syscall.SIGTERM))
	require.NoError(t, again.awaitEnd(t), again.stderr.String())
	requireGone(t, processes)
}

func TestDevStopsWhenAPartFails(t *testing.T) {
	t.Parallel()
	program := buildForDev(t)
	dataDir := t.TempDir()
	d := startDev(t, program, dataDir, "--api-port", "0", "--no-demo")
	_, url := d.awaitCurl(t)
	require.True(t, strings.HasSuffix(url, "/v1/instruments"))
	_, processes := stateOf(t, dataDir)
	for _, p := range processes {
		if p.Name == childTemporal {
			require.NoError(t, syscall.Kill(p.PID, syscall.SIGKILL))
		}
	}
	require.Error(t, d.awaitEnd(t))
	require.Contains(t, d.stderr.String(), "marketdata: temporal ended unexpectedly: signal: killed")
	requireGone(t, processes)
}
