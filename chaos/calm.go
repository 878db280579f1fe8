package chaos

import (
	"context"
	"fmt"
	"slices"
	"time"

	"marketdata/market"
)

// calmPoll is how often the backfills are looked at meanwhile.
const (
	calmPoll = time.Second
	tellEach = 30 // looks
)

// maxRetries is how often an operator retries what failed before giving it up as lost.
const maxRetries = 3

// failures is what a run saw of failed chunks.
type failures struct {
	byKind      map[string]int
	unexplained []string // without a kind or a message, or told otherwise by the run
}

// calm ends every fault, waits until the platform has finished, and does what an operator would: it retries what failed,
// and asks again for what the provider told wrongly.
func (u *run) calm(ctx context.Context) (failures, error) {
	seen := failures{byKind: map[string]int{}}
	struck, err := u.rig.sim.struck(ctx)
	if err != nil {
		return seen, err
	}
	u.countStruck(struck)
	if err := u.rig.Heal(ctx); err != nil {
		return seen, err
	}
	u.thawAll()
	for try := 0; ; try++ {
		failed, err := u.settle(ctx)
		if err != nil || len(failed) == 0 || try == maxRetries {
			if err != nil {
				return seen, err
			}
			break
		}
		if err := u.look(ctx, failed, &seen); err != nil {
			return seen, err
		}
		for _, b := range failed {
			u.options.Tell("retrying backfill %s, which failed", b.ID)
			if err := u.api.retry(ctx, b.ID); err != nil {
				return seen, err
			}
		}
	}
	u.mu.Lock()
	lies := slices.Clone(u.lies)
	u.mu.Unlock()
	for i, o := range lies {
		if _, err := u.ask(ctx, o, fmt.Sprintf("second look %d", i)); err != nil {
			return seen, err
		}
	}
	_, err = u.settle(ctx)
	return seen, err
}

// settle waits until every backfill has finished and returns those that failed. What has not finished by then is left to
// the verdict.
func (u *run) settle(ctx context.Context) ([]Backfill, error) {
	var all []Backfill
	last, looks := -1, 0
	_ = awaitEach(ctx, calmPoll, calmWithin, func(ctx context.Context) (isReached bool, err error) {
		if all, err = u.api.backfills(ctx); err != nil {
			return false, err
		}
		open := 0
		for _, b := range all {
			if !b.Status.IsFinished() {
				open++
			}
		}
		if open != last {
			u.options.Tell("%d of %d backfills have not finished", open, len(all))
			last = open
		}
		if looks++; looks%tellEach == 0 {
			u.tellWaiting(ctx)
		}
		return open == 0, nil
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return slices.DeleteFunc(all, func(b Backfill) bool {
		return b.Status != market.StatusFailed && b.Status != market.StatusCanceled
	}), nil
}

// tellWaiting tells what the chunks at work wait for.
func (u *run) tellWaiting(ctx context.Context) {
	chunks, err := u.audit.Running(ctx)
	if err != nil { // it is only told
		return
	}
	for _, c := range chunks {
		if number, kind, message, err := u.flows.waits(ctx, c.WorkflowID); err == nil {
			u.options.Tell("  %s: try %d of %s, last %s: %s", c.WorkflowID, number, c.Stage, kind, message)
		}
	}
}

// look reads why chunks failed, from the API and from their runs, which must say the same.
func (u *run) look(ctx context.Context, failed []Backfill, seen *failures) error {
	for _, b := range failed {
		if len(b.Failures) == 0 {
			seen.unexplained = append(seen.unexplained, fmt.Sprintf("backfill %s is %s without a failure", b.ID, b.Status))
		}
		for _, f := range b.Failures {
			seen.byKind[f.Kind]++
			kind, message, err := u.flows.failure(ctx, f.WorkflowID)
			if err != nil {
				return err
			}
			if f.Kind == "" || f.Message == "" || kind != f.Kind || message != f.Message {
				seen.unexplained = append(seen.unexplained,
					fmt.Sprintf("%s: the API says %q %q, its run %q %q", f.WorkflowID, f.Kind, f.Message, kind, message))
			}
		}
	}
	return nil
}
