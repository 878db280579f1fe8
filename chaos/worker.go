package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"marketdata/db/audit"
)

// Worker is a worker process.
type Worker struct {
	platform *Platform
	name     string
	isFrozen atomic.Bool // for longer than a moment
}

// AwaitReady waits until the worker polls.
func (w *Worker) AwaitReady(ctx context.Context) error {
	return w.platform.rig.stack.WaitReady(ctx, w.name, readyWithin)
}

// ready returns nil once the worker said that it polls.
func (w *Worker) ready(context.Context) error {
	log, err := os.ReadFile(w.LogFile())
	if err == nil && !bytes.Contains(log, []byte("worker polls")) {
		err = errors.New("it does not poll yet")
	}
	return err
}

// LogFile is where the worker logs.
func (w *Worker) LogFile() string {
	return filepath.Join(w.platform.rig.options.Dir, "logs", w.name+".log")
}

// Kill ends the worker as kill -9 does.
func (w *Worker) Kill() {
	w.platform.rig.stack.Kill(w.name)
	w.platform.forget(w)
}

// Stop asks the worker to end, as a restart or an upgrade does, and waits until it has.
func (w *Worker) Stop() {
	w.platform.rig.stack.StopChild(w.name, nil)
	w.platform.forget(w)
}

// Freeze stops the worker where it stands, until Thaw.
func (w *Worker) Freeze() error { return w.platform.rig.stack.Freeze(w.name) }

// Thaw lets a frozen worker go on.
func (w *Worker) Thaw() error { return w.platform.rig.stack.Thaw(w.name) }

// Holder returns the worker that is at work on the stage of the chunk, and true; false where none is just now.
func (p *Platform) Holder(ctx context.Context, c audit.Chunk, stage string) (*Worker, bool, error) {
	pid, isHeld, err := p.flows.holder(ctx, c.WorkflowID, stage)
	if err != nil || !isHeld {
		return nil, false, err
	}
	for _, w := range p.Workers() {
		if own, err := p.rig.stack.PID(w.name); err == nil && own == pid {
			return w, true, nil
		}
	}
	return nil, false, fmt.Errorf("process %d is at work on %s, and is none of ours", pid, c.WorkflowID)
}
