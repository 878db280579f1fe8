package devstack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// Process is a running process with what tells it apart from a later one of the same pid.
type Process struct {
	Name    string `json:"name"`
	PID     int    `json:"pid"`
	Started string `json:"started"` // when it started, as the system says it
	Command string `json:"command"` // its command line
}

// Identify looks up a live process. Errors: when there is none, or it ended and waits to be reaped.
func Identify(name string, pid int) (Process, error) {
	started, command, err := inspect(pid)
	if err != nil {
		return Process{}, fmt.Errorf("process %d: %w", pid, err)
	}
	return Process{Name: name, PID: pid, Started: started, Command: command}, nil
}

// IsAlive reports whether this very process still runs.
func (p Process) IsAlive() bool {
	now, err := Identify(p.Name, p.PID)
	return err == nil && p.Started != "" && now == p
}

// commandLine is how a process with these arguments shows up.
func commandLine(args []string) string {
	return strings.Join(strings.Fields(strings.Join(args, " ")), " ")
}

// leftoverGrace is how long a leftover may take to end before it is killed.
const leftoverGrace = 10 * time.Second

// StopLeftovers ends those of the processes that still run: first asked to, then killed with their process group. It
// never signals a pid that now belongs to another process. It returns the names of what it stopped.
func StopLeftovers(ctx context.Context, processes []Process) ([]string, error) {
	var alive []Process
	var names []string
	for _, p := range processes {
		if p.IsAlive() {
			alive = append(alive, p)
			names = append(names, p.Name)
		}
	}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		for _, p := range alive {
			if p.IsAlive() {
				signalGroup(p.PID, signal)
			}
		}
		err := poll(ctx, leftoverGrace, func(context.Context) error {
			for _, p := range alive {
				if p.IsAlive() {
					return fmt.Errorf("%s of an earlier run (pid %d) does not end", p.Name, p.PID)
				}
			}
			return nil
		}, nil)
		if err == nil {
			return names, nil
		}
		if ctx.Err() != nil || signal == syscall.SIGKILL {
			return names, err
		}
	}
	return names, nil
}

// signalGroup signals the process group that a child leads, or the process alone where it leads none.
func signalGroup(pid int, signal syscall.Signal) {
	if err := syscall.Kill(-pid, signal); errors.Is(err, syscall.ESRCH) {
		_ = syscall.Kill(pid, signal)
	}
}
