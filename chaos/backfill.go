package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"marketdata/db/audit"
	"marketdata/market"
	"marketdata/simulator"
)

// DatabaseURL is the URL of the platform's database, with its password.
func (p *Platform) DatabaseURL() string { return p.databaseURL }

// Audit looks into the platform's database.
func (p *Platform) Audit() *audit.Auditor { return p.audit }

// acceptWithin is how long something is offered to an API whose servers are down or busy.
const acceptWithin = 2 * time.Minute

// Add registers the instrument of the target, and returns when its listing is known: what is asked of the provider from then
// on is for bars.
func (p *Platform) Add(ctx context.Context, t Target) error {
	err := await(ctx, acceptWithin, func(ctx context.Context) (bool, error) {
		if err := p.api.add(ctx, t); err != nil { // which looks for the listing, again where it was not found
			return false, final(err)
		}
		if unlisted, err := p.audit.Unlisted(ctx); err != nil || unlisted > 0 {
			return false, err
		}
		isAsked, err := p.flows.isRunning(ctx, "listing/sim_"+t.Adapter+"/"+t.Instrument()) // a second time, by a repetition
		return !isAsked, err
	})
	if err != nil {
		return fmt.Errorf("add %s: %w", t.Instrument(), err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.addedAt[t.Code] = p.rig.options.Now()
	return nil
}

// Begin starts a backfill of [r.Start, r.End), again and again while the API cannot. key makes all tries one backfill. The
// ID is "" where another backfill of the same range runs already.
func (p *Platform) Begin(ctx context.Context, t Target, r market.Range, policy market.BackfillPolicy, key string) (Backfill, error) {
	var b Backfill
	err := await(ctx, acceptWithin, func(ctx context.Context) (isReached bool, err error) {
		b, err = p.api.start(ctx, t, r, policy, key)
		if refused, isRefused := errors.AsType[*refusal](err); isRefused && refused.status == http.StatusConflict {
			b, err = Backfill{}, nil
		}
		return err == nil, final(err)
	})
	return b, err
}

// final marks a refusal that no repetition can mend.
func final(err error) error {
	if refused, isRefused := errors.AsType[*refusal](err); isRefused && refused.status < http.StatusInternalServerError {
		return errors.Join(errFinal, err)
	}
	return err
}

// Backfill returns a backfill as it stands.
func (p *Platform) Backfill(ctx context.Context, id string) (Backfill, error) {
	return p.api.backfill(ctx, id)
}

// Retry lets the failed chunks of a backfill run again.
func (p *Platform) Retry(ctx context.Context, id string) error { return p.api.retry(ctx, id) }

// AwaitBackfill waits until the backfill has finished, whatever it came to.
func (p *Platform) AwaitBackfill(ctx context.Context, id string, within time.Duration) (Backfill, error) {
	var b Backfill
	err := awaitEach(ctx, finishPoll, within, func(ctx context.Context) (isReached bool, err error) {
		b, err = p.api.backfill(ctx, id)
		return err == nil && b.Status.IsFinished(), err
	})
	if err != nil {
		return b, fmt.Errorf("backfill %s is %s: %w", id, b.Status, err)
	}
	return b, nil
}

// AwaitStage waits until a chunk of the backfill is at work on the stage.
func (p *Platform) AwaitStage(ctx context.Context, jobID, stage string, within time.Duration) (audit.Chunk, error) {
	var found audit.Chunk
	err := await(ctx, within, func(ctx context.Context) (bool, error) {
		chunks, err := p.audit.Chunks(ctx, jobID)
		if err != nil {
			return false, err
		}
		for _, c := range chunks {
			if c.Status == "running" && c.Stage == stage {
				found = c
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		return found, fmt.Errorf("no chunk of backfill %s came to %s: %w", jobID, stage, err)
	}
	return found, nil
}

// AwaitHolder waits until a worker is at work on the stage of the chunk.
func (p *Platform) AwaitHolder(ctx context.Context, c audit.Chunk, stage string, within time.Duration) (*Worker, error) {
	var w *Worker
	err := await(ctx, within, func(ctx context.Context) (isHeld bool, err error) {
		w, isHeld, err = p.Holder(ctx, c, stage)
		return isHeld, err
	})
	if err != nil {
		return nil, fmt.Errorf("no worker took %s of %s: %w", stage, c.WorkflowID, err)
	}
	return w, nil
}

// Failure returns the kind and the message with which the latest run of a workflow failed.
func (p *Platform) Failure(ctx context.Context, workflowID string) (kind, message string, err error) {
	return p.flows.failure(ctx, workflowID)
}

// Waits returns how often the step that a chunk is at was begun, and the kind and message with which the last try ended.
func (p *Platform) Waits(ctx context.Context, c audit.Chunk) (number int, kind, message string, err error) {
	return p.flows.waits(ctx, c.WorkflowID)
}

// Attempts returns how often each step of a finished chunk was begun, by its name.
func (p *Platform) Attempts(ctx context.Context, c audit.Chunk) (map[string]Attempts, error) {
	return p.flows.attempts(ctx, c.WorkflowID)
}

// Misbehave makes the simulator follow the rules as well, until Heal.
func (r *Rig) Misbehave(ctx context.Context, rules ...simulator.Fault) error {
	return r.sim.misbehave(ctx, rules...)
}

// Heal ends every misbehaviour of the simulator.
func (r *Rig) Heal(ctx context.Context) error { return r.sim.heal(ctx) }

// ShutProvider takes the provider down: connections break off and no new one is taken.
func (r *Rig) ShutProvider() { r.gate.Shut() }

// OpenProvider brings the provider back.
func (r *Rig) OpenProvider(ctx context.Context) error { return r.gate.Open(ctx) }

var (
	// errFinal marks errors of a question that no repetition can mend.
	errFinal = errors.New("refused")
	// errDeadline says that what was asked for was not reached in time, though every question was answered.
	errDeadline = errors.New("not in time")
)

// await asks often until what is asked for is reached.
func await(ctx context.Context, within time.Duration, isReached func(context.Context) (bool, error)) error {
	return awaitEach(ctx, poll, within, isReached)
}

// awaitEach asks until what is asked for is reached. Other errors of the question than errFinal count as not yet: servers come
// and go. At the deadline the error is the last question's that was not cut off by it, or errDeadline.
func awaitEach(ctx context.Context, poll, within time.Duration, isReached func(context.Context) (bool, error)) error {
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	var last error
	for {
		reached, err := isReached(limited)
		if err == nil && reached {
			return nil
		}
		if errors.Is(err, errFinal) {
			return err
		}
		if limited.Err() == nil {
			last = err
		}
		select {
		case <-limited.Done():
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case last != nil:
				return fmt.Errorf("not after %s: %w", within, last)
			}
			return fmt.Errorf("%w: %s", errDeadline, within)
		case <-ticker.C:
		}
	}
}
