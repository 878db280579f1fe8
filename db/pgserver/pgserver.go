package pgserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	readyTimeout = 3 * time.Minute // after a crash it recovers first
	stopTimeout  = 30 * time.Second
	startTries   = 3
	user         = "marketdata"
	database     = "marketdata"
)

// Options say where and how the server runs.
type Options struct {
	Dir      string            // its folder; created where missing
	Port     int               // 0 picks a free one
	Fast     bool              // for tests: nothing is flushed to disk, a crash of the machine loses the data
	Settings map[string]string // more server settings
}

// Server is a running PostgreSQL server.
type Server struct {
	home     home
	bin      string // where its programs are
	port     int
	password string
	command  *exec.Cmd
	exited   chan struct{} // closed when the process has ended
	ended    chan struct{} // closed when, after that, the folder is free for another server
}

// Start initialises the data folder where it is new, stops a verified leftover of an earlier run, and returns once the
// server takes connections and has the database marketdata. One process at a time runs a server on a folder. The error
// says what a person must do.
func Start(ctx context.Context, o Options) (*Server, error) {
	home, err := place(o.Dir)
	if err != nil {
		return nil, err
	}
	lock, err := home.lock()
	if err != nil {
		return nil, err
	}
	s, err := home.start(ctx, o)
	if err != nil {
		unlock(lock)
		return nil, err
	}
	go func() {
		<-s.exited
		unlock(lock)
		close(s.ended)
	}()
	return s, nil
}

// start brings the server up; the folder is locked.
func (h home) start(ctx context.Context, o Options) (*Server, error) {
	if o.Port != 0 {
		if err := checkPort(ctx, o.Port); err != nil {
			return nil, err
		}
	}
	if err := h.make(); err != nil {
		return nil, err
	}
	bin, err := findBinaries(ctx, h)
	if err != nil {
		return nil, err
	}
	if err := h.initialise(ctx, bin, o.Fast); err != nil {
		return nil, err
	}
	if err := h.stopLeftover(ctx); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		s, err := h.launch(ctx, bin, o)
		if err == nil || o.Port != 0 || try == startTries || ctx.Err() != nil || !h.isPortTaken() {
			return s, err
		}
	}
}

// isPortTaken reports whether the server ended because another process took its port first.
func (h home) isPortTaken() bool {
	return strings.Contains(tail(h.logFile()), "Address already in use")
}

// URL is the connection URL of the database marketdata, with its password.
func (s *Server) URL() string { return s.DatabaseURL(database) }

// DatabaseURL is the connection URL of a database of the server, with its password.
func (s *Server) DatabaseURL(name string) string { return s.LoginURL(name, user, s.password) }

// LoginURL is the connection URL of a database of the server for another role.
func (s *Server) LoginURL(name, role, password string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(role, password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), Path: "/" + name, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Home is the folder that holds the data, the password and the log: in Options.Dir, or elsewhere where the server's user
// cannot reach that.
func (s *Server) Home() string { return s.home.base }

// Port is where the server listens on 127.0.0.1.
func (s *Server) Port() int { return s.port }

// PID is the process id of the server.
func (s *Server) PID() int { return s.command.Process.Pid }

// Ended is closed when the server's process has ended, for whatever reason, and another may be started on its folder.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// Stop ends the server: connections are closed, data are flushed. When ctx ends or it takes longer than 30 s, it is
// killed, which loses nothing but makes the next start recover.
func (s *Server) Stop(ctx context.Context) error {
	err := s.stopProcess(ctx)
	<-s.ended
	return err
}

func (s *Server) stopProcess(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	_ = s.command.Process.Signal(os.Interrupt) // it may have ended just now; if not, it is killed below
	select {
	case <-s.exited:
		return nil
	case <-ctx.Done():
		_ = s.command.Process.Kill() // it may have ended just now
		<-s.exited
		return errors.New("PostgreSQL did not stop in time and was killed; the next start recovers")
	}
}

// launch starts the process and waits until it answers.
func (h home) launch(ctx context.Context, bin string, o Options) (*Server, error) {
	password, err := os.ReadFile(h.passwordFile())
	if err != nil {
		return nil, fmt.Errorf("password of the private PostgreSQL: %w", err)
	}
	s := &Server{home: h, bin: bin, port: o.Port, password: string(password), exited: make(chan struct{}), ended: make(chan struct{})}
	if s.port == 0 {
		if s.port, err = freePort(ctx); err != nil {
			return nil, err
		}
	}
	log, err := os.OpenFile(h.logFile(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log of PostgreSQL: %w", err)
	}
	defer func() { _ = log.Close() }()                                                  // the child has its own handle
	s.command = exec.Command(filepath.Join(bin, "postgres"), h.arguments(s.port, o)...) //nolint:gosec,noctx // an installed PostgreSQL; it outlives every context and is stopped in order
	s.command.Dir = h.base
	s.command.Env = environment()
	s.command.Stdout, s.command.Stderr = log, log
	s.command.SysProcAttr = childAttributes(h.owner)
	if err := s.run(); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	if err := s.awaitReady(ctx); err != nil {
		_ = s.stopProcess(context.WithoutCancel(ctx)) // the first error says more
		return nil, fmt.Errorf("%w; its log %s ends:\n%s", err, h.logFile(), tail(h.logFile()))
	}
	return s, nil
}

// run starts the process.
func (s *Server) run() error {
	return startChild(s.command, func() {
		_ = s.command.Wait() // how it ended is in its log
		close(s.exited)
	})
}

// startChild starts a command from an OS thread of its own, which ends with wait, and wait with the process: a child that
// is to die with its parent dies with the thread that started it. A thread that starts such a child in passing may be made
// another's own, and end with that.
func startChild(command *exec.Cmd, wait func()) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			wait()
		}
	}()
	return <-started
}

func (h home) arguments(port int, o Options) []string {
	settings := map[string]string{
		"listen_addresses": "127.0.0.1", "port": strconv.Itoa(port), "unix_socket_directories": "",
		"timezone": "UTC", "log_timezone": "UTC", "max_connections": "200",
		"shared_buffers": "256MB", "max_wal_size": "4GB", "jit": "off",
	}
	if o.Fast {
		settings["fsync"], settings["synchronous_commit"], settings["full_page_writes"] = "off", "off", "off"
		settings["shared_buffers"] = "128MB"
	}
	for key, value := range o.Settings {
		settings[key] = value
	}
	arguments := []string{"-D", h.data()}
	for key, value := range settings {
		arguments = append(arguments, "-c", key+"="+value)
	}
	return arguments
}

// awaitReady connects until it succeeds, and makes the database where it is missing.
func (s *Server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for delay := 5 * time.Millisecond; ; delay = min(2*delay, 250*time.Millisecond) {
		err := s.createDatabase(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return errors.New("PostgreSQL ended while starting")
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not answer: %w", err)
		case <-time.After(delay):
		}
	}
}

func (s *Server) createDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.DatabaseURL("postgres"))
	if err != nil {
		return errors.New("no connection yet") // the cause holds the address and user only
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is in flight
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", database).Scan(&exists); err != nil || exists {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+database)
	return err
}

// checkPort says in one line that a wanted port is taken.
func checkPort(ctx context.Context, port int) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("port %d of 127.0.0.1, wanted for PostgreSQL, is in use: stop what uses it, or choose another port", port)
	}
	return listener.Close()
}

func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("no free port on 127.0.0.1: %w", err)
	}
	port := listener.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // a TCP listener has a TCP address
	return port, listener.Close()
}

// environment is ours without the variables by which PostgreSQL's programs are steered.
func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"} //nolint:forbidigo // passed on to a child, not configuration
}
