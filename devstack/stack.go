package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Stack is a set of running children over one data folder. Its methods are safe for concurrent use.
type Stack struct {
	dataDir string
	lock    *os.File
	forks   chan func()
	failed  chan error

	starting  sync.Mutex // held while a child is started, and to forbid it from then on
	isClosing bool

	mu       sync.Mutex
	state    State
	children []*child
}

// Open makes and locks the data folder, an absolute path, and stops what an earlier stack left running in it; left
// names what that was. startedAt is recorded in dev.json.
func Open(ctx context.Context, dataDir string, startedAt time.Time) (s *Stack, left []string, err error) {
	if err := os.MkdirAll(filepath.Join(dataDir, "logs"), 0o755); err != nil { //nolint:gosec // the user that PostgreSQL runs as has to pass through
		return nil, nil, fmt.Errorf("data folder: %w", err)
	}
	held, err := lock(dataDir)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			_ = unlock(held) // err says more
		}
	}()
	earlier, err := LoadState(dataDir)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: remove the file once nothing of an earlier run is left", err)
	}
	left, err = StopLeftovers(ctx, earlier.Processes)
	if err != nil {
		return nil, nil, err
	}
	s = &Stack{
		dataDir: dataDir, lock: held, forks: make(chan func()), failed: make(chan error, 1),
		state: State{PID: os.Getpid(), StartedAt: startedAt.UTC(), URLs: map[string]string{}, Ports: map[string]int{}, Processes: []Process{}},
	}
	go s.fork()
	return s, left, s.Record(func(*State) {})
}

// fork runs functions on one thread until Stop: the kernel tells children of their parent's death when the thread that
// started them ends, so that thread has to stay.
func (s *Stack) fork() {
	runtime.LockOSThread()
	for run := range s.forks {
		run()
	}
}

// onForkThread runs f on the thread that children are started from.
func (s *Stack) onForkThread(f func() error) error {
	result := make(chan error, 1)
	s.forks <- func() { result <- f() }
	return <-result
}

// Record changes the state and writes dev.json.
func (s *Stack) Record(change func(*State)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.state)
	return s.state.Save(s.dataDir)
}

// Start runs a child and records it. It does not wait until the child is ready.
func (s *Stack) Start(spec Spec) error {
	s.starting.Lock()
	defer s.starting.Unlock()
	if s.isClosing {
		return nil
	}
	var c *child
	err := s.onForkThread(func() (err error) {
		c, err = startChild(spec, s.dataDir)
		return err
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.children = append(s.children, c)
	s.mu.Unlock()
	go s.watch(c)
	return s.Record(func(state *State) { state.Processes = append(state.Processes, c.process) })
}

// watch starts a child again that ended though nobody stopped it, or reports the failure.
func (s *Stack) watch(c *child) {
	<-c.ended
	if c.isStopping.Load() || c.isExpendable() {
		return
	}
	if c.spec.RestartAfter == 0 || !c.isSettled.Load() {
		s.Fail(c.failure())
		return
	}
	c.spec.OnRestart(c.failure())
	if err := s.startAgain(c, c.spec); err != nil {
		s.Fail(err)
	}
}

// startAgain runs the spec in place of a child that ended.
func (s *Stack) startAgain(c *child, spec Spec) error {
	s.mu.Lock()
	s.children = slices.DeleteFunc(s.children, func(other *child) bool { return other == c })
	s.state.Processes = slices.DeleteFunc(s.state.Processes, func(p Process) bool { return p.PID == c.process.PID })
	s.mu.Unlock()
	if err := s.Start(spec); err != nil {
		return fmt.Errorf("start %s again: %w", spec.Name, err)
	}
	return nil
}

// WaitReady waits until the child answers, at most within for each of its tries. When the last one ends first, the error
// has its last log lines.
func (s *Stack) WaitReady(ctx context.Context, name string, within time.Duration) error {
	c := s.child(name)
	if c == nil {
		return fmt.Errorf("%s was not started", name)
	}
	err := poll(ctx, within, c.spec.Ready, c.ended)
	if err == nil {
		c.isReady.Store(true)
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	select {
	case <-c.ended:
		if !c.isExpendable() {
			return c.failure()
		}
		again := c.spec
		again.StartTries--
		if err := s.startAgain(c, again); err != nil {
			return err
		}
		return s.WaitReady(ctx, name, within)
	default:
		return fmt.Errorf("%s is %w; the last lines of %s:\n%s", name, err, c.log, lastLines(c.log, 15))
	}
}

// Fail reports that a part of the stack ended that nobody stopped. Only the first report counts.
func (s *Stack) Fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

// Failed receives the first failure.
func (s *Stack) Failed() <-chan error { return s.failed }

// StopChild stops a child, if it runs, within its grace; closing kill ends the grace.
func (s *Stack) StopChild(name string, kill <-chan struct{}) {
	c := s.child(name)
	if c == nil {
		return
	}
	c.stop(kill)
	s.forget(c)
}

func (s *Stack) forget(c *child) {
	s.mu.Lock()
	s.children = slices.DeleteFunc(s.children, func(other *child) bool { return other == c })
	s.mu.Unlock()
}

// Close stops every child that still runs, latest first, forgets them in dev.json and gives the data folder free.
func (s *Stack) Close(kill <-chan struct{}) error {
	s.starting.Lock()
	s.isClosing = true
	s.starting.Unlock()
	s.mu.Lock()
	children := slices.Clone(s.children)
	s.mu.Unlock()
	for _, c := range slices.Backward(children) {
		c.stop(kill)
	}
	err := s.Record(func(state *State) { state.Processes, state.PID, state.PostgresPID = []Process{}, 0, 0 })
	close(s.forks)
	return errors.Join(err, unlock(s.lock))
}

func (s *Stack) child(name string) *child {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.children {
		if c.spec.Name == name {
			return c
		}
	}
	return nil
}
