package chaos

import (
	"context"
	"errors"
	"time"

	"marketdata/db/audit"
)

// aimWithin is how long a fault waits for something to hit.
const aimWithin = 20 * time.Second

// errMissed says that nothing came by that a fault could hit. It is no fault of the run, and is counted.
var errMissed = errors.New("nothing came by")

// aim provokes work and waits until a chunk is as wanted and stays so while every worker is frozen, as they are when it
// returns. The caller thaws them. Errors: errMissed at the deadline, and whatever kept it from looking.
func (u *run) aim(ctx context.Context, s Step, key string, isWanted func(context.Context, audit.Chunk) bool) (audit.Chunk, error) {
	if _, err := u.ask(ctx, s.Order, key); err != nil {
		return audit.Chunk{}, err
	}
	var found audit.Chunk
	err := await(ctx, aimWithin, func(ctx context.Context) (bool, error) {
		if _, isSeen, err := u.find(ctx, isWanted); err != nil || !isSeen {
			return false, err
		}
		u.freezeAll()
		c, isStill, err := u.find(ctx, isWanted)
		if err != nil || !isStill {
			u.thawAll()
			return false, err
		}
		found = c
		return true, nil
	})
	if errors.Is(err, errDeadline) {
		return found, errMissed
	}
	return found, err
}

// aimAtWorker is aim at a chunk that a worker holds in the stage.
func (u *run) aimAtWorker(ctx context.Context, s Step, key, stage string) (audit.Chunk, *Worker, error) {
	var holder *Worker
	c, err := u.aim(ctx, s, key, func(ctx context.Context, c audit.Chunk) bool {
		if !isIn(c, stage) {
			return false
		}
		w, isHeld, err := u.Holder(ctx, c, stage)
		holder = w
		return err == nil && isHeld && !w.isFrozen.Load()
	})
	return c, holder, err
}

// isIn reports whether the step of the chunk is under way.
func isIn(c audit.Chunk, stage string) bool {
	return c.Stage == stage && (stage != "normalize" || !c.IsNormal)
}

func (u *run) find(ctx context.Context, isWanted func(context.Context, audit.Chunk) bool) (audit.Chunk, bool, error) {
	chunks, err := u.audit.Running(ctx)
	if err != nil {
		return audit.Chunk{}, false, err
	}
	for _, c := range chunks {
		if isWanted(ctx, c) {
			return c, true, nil
		}
	}
	return audit.Chunk{}, false, nil
}

// freezeAll and thawAll hold the workers for a moment; one that is frozen for longer stays so.
func (u *run) freezeAll() {
	for _, w := range u.Workers() {
		_ = w.Freeze() // one that has just ended cannot go on either
	}
}

func (u *run) thawAll() {
	for _, w := range u.Workers() {
		if !w.isFrozen.Load() {
			_ = w.Thaw() // as above
		}
	}
}

// kill kills the worker that is at work on the stage of a chunk, and starts another.
func (u *run) kill(ctx context.Context, s Step, key, stage string) error {
	c, w, err := u.aimAtWorker(ctx, s, key, stage)
	if err != nil {
		return err
	}
	w.Kill()
	u.thawAll()
	u.hit(hit{s.Fault, []string{c.JobID}, c.WorkflowID})
	return u.another(ctx)
}

// another starts a worker of the build that is current and waits until it polls.
func (u *run) another(ctx context.Context) error {
	binary := u.rig.options.Binary
	u.mu.Lock()
	if u.isNext {
		binary = u.rig.options.Next
	}
	u.mu.Unlock()
	w, err := u.StartWorker(binary)
	if err != nil {
		return err
	}
	return w.AwaitReady(ctx)
}

// replace stops a worker that has work as an upgrade does, and starts another, of the other build for WorkerReplaced.
func (u *run) replace(ctx context.Context, s Step, key string) error {
	c, w, err := u.aimAtWorker(ctx, s, key, "fetch")
	if err != nil {
		return err
	}
	u.thawAll()
	if s.Fault == WorkerReplaced {
		u.mu.Lock()
		u.isNext = !u.isNext
		u.mu.Unlock()
	}
	w.Stop()
	u.hit(hit{s.Fault, []string{c.JobID}, c.WorkflowID})
	return u.another(ctx)
}

// freeze stops a worker in the middle of its work and lets it go on later, when Temporal may have given its work to others.
// The run goes on meanwhile.
func (u *run) freeze(ctx context.Context, s Step, key string) error {
	u.thawing.Wait() // one at a time
	c, w, err := u.aimAtWorker(ctx, s, key, "fetch")
	if err != nil {
		return err
	}
	w.isFrozen.Store(true)
	u.thawAll()
	u.hit(hit{s.Fault, []string{c.JobID}, c.WorkflowID})
	u.thawing.Go(func() {
		u.isOver(ctx, s.Lasts)
		w.isFrozen.Store(false)
		u.mu.Lock()
		u.thaws = append(u.thaws, u.rig.options.Now())
		u.mu.Unlock()
		_ = w.Thaw() // it may have been killed meanwhile
	})
	return nil
}

// crashPostgres ends the database while a chunk is being loaded, or when its rows are stored and not loaded yet.
func (u *run) crashPostgres(ctx context.Context, s Step, key string) error {
	c, err := u.aim(ctx, s, key, func(_ context.Context, c audit.Chunk) bool {
		if s.Fault == PostgresBetween {
			return c.IsNormal && c.Stage == "normalize"
		}
		return isIn(c, "upsert")
	})
	if err != nil {
		return err
	}
	err = u.rig.CrashPostgres(s.IsImmediate)
	u.thawAll()
	if err != nil {
		return err
	}
	u.hit(hit{s.Fault, []string{c.JobID}, c.WorkflowID})
	u.wait(ctx, s.Lasts)
	return u.rig.StartPostgres(ctx)
}

// crashTemporal kills the Temporal server while there is work.
func (u *run) crashTemporal(ctx context.Context, s Step, key string) error {
	c, err := u.aim(ctx, s, key, func(context.Context, audit.Chunk) bool { return true })
	if err != nil {
		return err
	}
	u.thawAll()
	u.rig.CrashTemporal()
	u.hit(hit{s.Fault, []string{c.JobID}, c.WorkflowID})
	u.wait(ctx, s.Lasts)
	return u.rig.StartTemporal(ctx)
}

// wait waits, also when the time for faults is over meanwhile.
func (u *run) wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
