package devstack_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/devstack"
)

// role is the environment variable that makes the test binary play a child of the stack.
const role = "DEVSTACK_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		os.Exit(m.Run())
	case "serve at second start":
		if _, err := os.Stat(os.Args[2]); err != nil {
			_ = os.WriteFile(os.Args[2], []byte("started"), 0o600)
			os.Exit(3)
		}
		fallthrough
	case "serve":
		stopped := make(chan os.Signal, 1)
		signal.Notify(stopped, syscall.SIGTERM)
		listener, err := net.Listen("tcp", os.Args[1])
		if err != nil {
			panic(err)
		}
		server := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Minute}
		go func() { _ = server.Serve(listener) }()
		<-stopped
		fmt.Println("stopped as asked")
	case "stubborn":
		ignored := make(chan os.Signal, 1)
		signal.Notify(ignored, syscall.SIGTERM)
		if len(os.Args) > 1 {
			_ = os.WriteFile(os.Args[1], []byte("up"), 0o600)
		}
		for range ignored { // for ever
			continue
		}
	case "fail":
		fmt.Fprintln(os.Stderr, "first line")
		fmt.Fprintln(os.Stderr, "cannot go on")
		os.Exit(3)
	}
}

func freePort(t *testing.T) devstack.Port {
	t.Helper()
	p := devstack.Port{Use: "a test", Flag: "--test-port"}
	require.NoError(t, devstack.PickPorts(t.Context(), &p))
	return p
}

func spec(t *testing.T, name, does string, args ...string) devstack.Spec {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	return devstack.Spec{
		Name: name, Path: self, Args: args, Env: []string{role + "=" + does},
		Ready: func(context.Context) error { return errors.New("does not answer") }, StopGrace: 5 * time.Second,
	}
}

func open(t *testing.T, dataDir string) *devstack.Stack {
	t.Helper()
	s, _, err := devstack.Open(t.Context(), dataDir, time.Unix(0, 0))
	require.NoError(t, err)
	return s
}

func TestPickPorts(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	number := taken.Addr().(*net.TCPAddr).Port
	free := freePort(t)

	a, b := devstack.Port{Flag: "--a"}, devstack.Port{Flag: "--b"}
	kept := free
	// A child that another test is starting holds copies of all that is open until it runs its program.
	require.Eventually(t, func() bool { return devstack.PickPorts(t.Context(), &a, &b, &kept) == nil }, 10*time.Second, 10*time.Millisecond)
	require.NotZero(t, a.Number)
	require.NotEqual(t, a.Number, b.Number)
	require.Less(t, max(a.Number, b.Number), 32768, "outgoing connections are given ports from there on")
	require.Equal(t, free.Number, kept.Number)
	require.Equal(t, "http://127.0.0.1:"+strconv.Itoa(kept.Number), kept.URL())

	err = devstack.PickPorts(t.Context(), &devstack.Port{Use: "the API", Flag: "--api-port", Number: number})
	require.EqualError(t, err, fmt.Sprintf("port %d, for the API, is in use: free it or choose another with --api-port (0 picks a free one)", number))

	err = devstack.PickPorts(t.Context(), &devstack.Port{Flag: "--a", Number: free.Number}, &devstack.Port{Flag: "--b", Number: free.Number})
	require.EqualError(t, err, fmt.Sprintf("port %d is asked for twice, by --a and --b", free.Number))
}

func TestStateIsPrivateAndComesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty, err := devstack.LoadState(dir)
	require.NoError(t, err)
	require.Zero(t, empty)

	want := devstack.State{
		PID: 7, StartedAt: time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC), URLs: map[string]string{"api": "http://127.0.0.1:1"},
		Ports: map[string]int{"api": 1}, DatabaseURL: "postgres://a:b@c/d", Processes: []devstack.Process{{Name: "api", PID: 8, Started: "x", Command: "y"}},
	}
	require.NoError(t, want.Save(dir))
	have, err := devstack.LoadState(dir)
	require.NoError(t, err)
	require.Equal(t, want, have)
	info, err := os.Stat(filepath.Join(dir, "dev.json"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	require.NoError(t, os.WriteFile(filepath.Join(dir, "dev.json"), []byte("{"), 0o600))
	_, err = devstack.LoadState(dir)
	require.ErrorContains(t, err, "is damaged")
}

func TestStackRunsAndStopsAChild(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "with spaces", "data")
	port := freePort(t)
	s := open(t, dir)
	child := spec(t, "server", "serve", port.Address())
	child.Ready = devstack.TCPReady(port.Address())
	require.NoError(t, s.Start(child))
	require.NoError(t, s.WaitReady(t.Context(), "server", time.Minute))

	state, err := devstack.LoadState(dir)
	require.NoError(t, err)
	require.Equal(t, os.Getpid(), state.PID)
	require.Len(t, state.Processes, 1)
	require.True(t, state.Processes[0].IsAlive())

	_, _, err = devstack.Open(t.Context(), dir, time.Unix(0, 0))
	require.EqualError(t, err, fmt.Sprintf("another stack (pid %d) runs on %s: stop it, or choose another folder with --data-dir", os.Getpid(), dir))

	require.NoError(t, s.Close(nil))
	require.False(t, state.Processes[0].IsAlive())
	require.Empty(t, s.Failed())
	log, err := os.ReadFile(filepath.Join(dir, "logs", "server.log"))
	require.NoError(t, err)
	require.Equal(t, "stopped as asked\n", string(log))

	again := open(t, dir)
	state, err = devstack.LoadState(dir)
	require.NoError(t, err)
	require.Empty(t, state.Processes)
	require.NoError(t, again.Close(nil))
}

func TestStackTellsHowAChildFailed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	require.NoError(t, s.Start(spec(t, "worker", "fail")))
	err := s.WaitReady(t.Context(), "worker", time.Minute)
	want := "worker ended unexpectedly: exit status 3; the last lines of " + filepath.Join(dir, "logs", "worker.log") + ":\n  first line\n  cannot go on"
	require.EqualError(t, err, want)
	require.EqualError(t, <-s.Failed(), want)
	require.NoError(t, s.Close(nil))
	require.ErrorContains(t, s.WaitReady(t.Context(), "api", time.Minute), "was not started")
}

func TestStackKillsAStubbornChild(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		grace time.Duration
		kill  func() <-chan struct{}
	}{
		{"when its grace is over", time.Millisecond, func() <-chan struct{} { return nil }},
		{"when told to", time.Hour, func() <-chan struct{} { kill := make(chan struct{}); close(kill); return kill }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir, mark := t.TempDir(), filepath.Join(t.TempDir(), "up")
			s := open(t, dir)
			child := spec(t, "stubborn", "stubborn", mark)
			child.StopGrace = test.grace
			child.Ready = func(context.Context) error { _, err := os.Stat(mark); return err }
			require.NoError(t, s.Start(child))
			require.NoError(t, s.WaitReady(t.Context(), "stubborn", time.Minute))
			state, err := devstack.LoadState(dir)
			require.NoError(t, err)
			s.StopChild("stubborn", test.kill())
			require.False(t, state.Processes[0].IsAlive())
			require.NoError(t, s.Close(nil))
		})
	}
}

func TestWaitReadyGivesUp(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	mark := filepath.Join(t.TempDir(), "up")
	require.NoError(t, s.Start(spec(t, "silent", "stubborn", mark)))
	require.ErrorContains(t, s.WaitReady(t.Context(), "silent", time.Millisecond), "silent is not ready after 1ms: does not answer")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.WaitReady(ctx, "silent", time.Minute), context.Canceled)
	kill := make(chan struct{})
	close(kill)
	require.NoError(t, s.Close(kill))
}

// start runs a process that is no child of a stack, as one that was left over, and returns its identity.
func start(t *testing.T, does string, args ...string) devstack.Process {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	command := exec.Command(self, args...)
	command.Env = append(os.Environ(), role+"="+does)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, command.Start())
	go func() { _ = command.Wait() }()
	t.Cleanup(func() { _ = command.Process.Kill() })
	var p devstack.Process
	require.Eventually(t, func() bool { // the kernel may not show the command line at once
		p, err = devstack.Identify(does, command.Process.Pid)
		return err == nil && p.Command != ""
	}, 10*time.Second, time.Millisecond)
	return p
}

func TestOpenStopsLeftoversAndNothingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	port := freePort(t)
	left, stranger := start(t, "serve", port.Address()), start(t, "stubborn")
	reused := stranger
	reused.Started = "another time"
	renamed := stranger
	renamed.Command = "another program"
	gone := devstack.Process{Name: "gone", PID: left.PID, Started: "before", Command: "x"}
	require.NoError(t, devstack.State{PID: 1, Processes: []devstack.Process{left, reused, renamed, gone}}.Save(dir))

	s, stopped, err := devstack.Open(t.Context(), dir, time.Unix(0, 0))
	require.NoError(t, err)
	require.Equal(t, []string{"serve"}, stopped)
	require.False(t, left.IsAlive())
	require.True(t, stranger.IsAlive())
	require.NoError(t, s.Close(nil))
}

func TestHTTPReady(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	require.Error(t, devstack.HTTPReady(port.URL())(t.Context()))
	start(t, "serve", port.Address())
	require.Eventually(t, func() bool { return devstack.TCPReady(port.Address())(t.Context()) == nil }, time.Minute, 10*time.Millisecond)
	require.ErrorContains(t, devstack.HTTPReady(port.URL())(t.Context()), "404")
	require.True(t, strings.HasPrefix(port.URL(), "http://"))
}

func TestStackStartsAChildAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	defer func() { require.NoError(t, s.Close(nil)) }()
	port := freePort(t)
	told := make(chan error, 1)
	server := spec(t, "server", "serve", port.Address())
	server.RestartAfter, server.OnRestart = time.Nanosecond, func(how error) { told <- how }
	server.Ready = devstack.TCPReady(port.Address())
	require.NoError(t, s.Start(server))
	require.NoError(t, s.WaitReady(t.Context(), "server", 10*time.Second))
	first, err := devstack.LoadState(dir)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(first.Processes[0].PID, syscall.SIGKILL))
	require.ErrorContains(t, <-told, "signal: killed")
	require.Eventually(t, func() bool {
		now, err := devstack.LoadState(dir)
		return err == nil && len(now.Processes) == 1 && now.Processes[0].PID != first.Processes[0].PID &&
			s.WaitReady(t.Context(), "server", 10*time.Second) == nil
	}, 20*time.Second, 10*time.Millisecond)
	select {
	case err := <-s.Failed():
		require.NoError(t, err)
	default:
	}
}

// TestWaitReadyStartsAgainWhatEndsAtOnce: a program that chooses ports of its own may lose one to another.
func TestWaitReadyStartsAgainWhatEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	port := freePort(t)
	server := spec(t, "server", "serve at second start", port.Address(), filepath.Join(t.TempDir(), "mark"))
	server.Ready, server.StartTries = devstack.TCPReady(port.Address()), 3
	require.NoError(t, s.Start(server))
	require.NoError(t, s.WaitReady(t.Context(), "server", time.Minute))
	hopeless := spec(t, "worker", "fail")
	hopeless.StartTries = 2
	require.NoError(t, s.Start(hopeless))
	require.ErrorContains(t, s.WaitReady(t.Context(), "worker", time.Minute), "exit status 3")
	require.ErrorContains(t, <-s.Failed(), "exit status 3", "the last try counts")
	require.NoError(t, s.Close(nil))
}

func TestStackFreezesAndKillsAChild(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	defer func() { require.NoError(t, s.Close(nil)) }()
	port := freePort(t)
	server := spec(t, "server", "serve", port.Address())
	server.RestartAfter, server.OnRestart = time.Nanosecond, func(how error) { t.Error("started again:", how) }
	server.Ready = devstack.TCPReady(port.Address())
	require.NoError(t, s.Start(server))
	require.NoError(t, s.WaitReady(t.Context(), "server", time.Minute))
	pid, err := s.PID("server")
	require.NoError(t, err)
	isFrozen := func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		require.NoError(t, err)
		return strings.Contains(string(stat), ") T ")
	}
	require.NoError(t, s.Freeze("server"))
	require.Eventually(t, isFrozen, 10*time.Second, time.Millisecond)
	require.NoError(t, s.Thaw("server"))
	require.Eventually(t, func() bool { return !isFrozen() }, 10*time.Second, time.Millisecond)

	require.NoError(t, s.Freeze("server")) // also then
	s.Kill("server")
	require.Error(t, syscall.Kill(pid, 0), "its process is gone")
	require.Empty(t, s.Failed())
	_, err = s.PID("server")
	require.EqualError(t, err, "server does not run")
	require.EqualError(t, s.Thaw("server"), "server does not run")
	s.Kill("server")
}
