package devstack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Spec says how to run one child.
type Spec struct {
	Name  string // names its log file too
	Path  string // of the program
	Args  []string
	Env   []string                    // added to ours
	Ready func(context.Context) error // nil error once it answers
	// StopGrace is how long it may take to end when asked to, before it is killed.
	StopGrace time.Duration
	// StartTries is how often WaitReady starts it in all when it ends before it first answers, as a program may that
	// chooses further ports by itself and loses one to another; 0 and 1 mean once.
	StartTries int
	// RestartAfter is how long the child must have run to be started again when it ends by itself: one that ends at once
	// would end for ever. 0 means never.
	RestartAfter time.Duration
	// OnRestart is told how the child ended, before it is started again; required with RestartAfter.
	OnRestart func(error)
}

// child is a running Spec.
type child struct {
	spec       Spec
	process    Process
	log        string
	ended      chan struct{} // closed after err is set
	err        error
	isStopping atomic.Bool
	isSettled  atomic.Bool // has run for RestartAfter
	isReady    atomic.Bool // has answered
}

// startChild runs the program with its output in a fresh log file; that of the run before is kept beside it.
func startChild(spec Spec, dataDir string) (*child, error) {
	name := filepath.Join(dataDir, "logs", spec.Name+".log")
	previous := filepath.Join(dataDir, "logs", spec.Name+".previous.log")
	if err := os.Rename(name, previous); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("log of %s: %w", spec.Name, err)
	}
	log, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) //nolint:gosec // in the data folder that the caller names
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", spec.Name, err)
	}
	defer func() { _ = log.Close() }()

	command := exec.Command(spec.Path, spec.Args...) //nolint:gosec,noctx // the caller names the program; it outlives every context and is stopped in order
	command.Dir = dataDir
	command.Env = append(command.Environ(), spec.Env...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = childAttributes()
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	c := &child{spec: spec, log: name, ended: make(chan struct{})}
	// The command line is what we gave: the kernel may not show it yet. Where the process ended at once it has no
	// identity, and is never signalled later.
	c.process, _ = Identify(spec.Name, command.Process.Pid)
	c.process.Name, c.process.PID, c.process.Command = spec.Name, command.Process.Pid, commandLine(command.Args)
	settle := time.AfterFunc(spec.RestartAfter, func() { c.isSettled.Store(true) })
	go func() {
		c.err = command.Wait()
		settle.Stop()
		close(c.ended)
	}()
	return c, nil
}

// isExpendable reports whether WaitReady starts it again should it end.
func (c *child) isExpendable() bool { return c.spec.StartTries > 1 && !c.isReady.Load() }

// stop asks the child to end, and kills it when its grace is over or kill is closed.
func (c *child) stop(kill <-chan struct{}) {
	c.isStopping.Store(true)
	select {
	case <-c.ended:
		return
	default:
	}
	signalGroup(c.process.PID, syscall.SIGTERM)
	timer := time.NewTimer(c.spec.StopGrace)
	defer timer.Stop()
	select {
	case <-c.ended:
		return
	case <-timer.C:
	case <-kill:
	}
	signalGroup(c.process.PID, syscall.SIGKILL)
	<-c.ended
}

// failure says how the child ended, with its last log lines.
func (c *child) failure() error {
	how := "ended by itself"
	if c.err != nil {
		how = "ended unexpectedly: " + c.err.Error()
	}
	lines := lastLines(c.log, 15)
	if lines == "" {
		return fmt.Errorf("%s %s; its log %s is empty", c.spec.Name, how, c.log)
	}
	return fmt.Errorf("%s %s; the last lines of %s:\n%s", c.spec.Name, how, c.log, lines)
}

// lastLines returns up to n lines from the end of a file, each indented.
func lastLines(name string, n int) string {
	file, err := os.Open(name) //nolint:gosec // a log in the data folder
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }()
	const most = 16 << 10
	if size, err := file.Seek(0, io.SeekEnd); err == nil {
		_, _ = file.Seek(max(0, size-most), io.SeekStart)
	}
	content, _ := io.ReadAll(io.LimitReader(file, most))
	content = bytes.TrimSpace(content)
	if len(content) == 0 {
		return ""
	}
	lines := strings.Split(string(content), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-n):], "\n  ")
}
