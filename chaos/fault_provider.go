package chaos

import (
	"context"
	"fmt"
	"slices"
	"time"

	"marketdata/simulator"
)

// answerWithin is how long a look at a backfill may take while a fault lasts.
const answerWithin = 2 * time.Second

// shutProvider takes every provider down for a while. Errors: errMissed where no backfill is known to have waited for it.
func (u *run) shutProvider(ctx context.Context, s Step, key string) error {
	jobID, err := u.ask(ctx, s.Order, key)
	if err != nil {
		return err
	}
	u.rig.ShutProvider()
	u.wait(ctx, 2*s.Lasts)
	isWaiting := u.isWaiting(ctx, jobID)
	if err := u.rig.OpenProvider(ctx); err != nil {
		return err
	}
	if !isWaiting {
		return errMissed
	}
	u.hit(hit{fault: s.Fault, jobIDs: []string{jobID}})
	return nil
}

// isWaiting reports whether the backfill is known not to have finished. The other lane may have ended what would know.
func (u *run) isWaiting(ctx context.Context, jobID string) bool {
	if jobID == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	b, err := u.Backfill(ctx, jobID)
	return err == nil && !b.Status.IsFinished()
}

// overlap starts two backfills at once that want a part of one series both. Errors: errMissed where the very range of one
// is being loaded already, so that there are no two.
func (u *run) overlap(ctx context.Context, s Step, key string) error {
	both := hit{fault: s.Fault}
	for i, o := range []order{s.Order, s.Order.later()} {
		jobID, err := u.ask(ctx, o, fmt.Sprintf("%s, backfill %d", key, i+1))
		if err != nil {
			return err
		}
		both.jobIDs = append(both.jobIDs, jobID)
	}
	if slices.Contains(both.jobIDs, "") {
		return errMissed
	}
	u.hit(both)
	return nil
}

// misbehave makes the provider strike at the next answers for a symbol, and asks for some. A rule that finds nothing to
// strike stays until it does.
func (u *run) misbehave(ctx context.Context, s Step, key string) error {
	if s.Fault == Revised || s.Fault == Gap {
		u.lie(order{Target: s.Order.Target, Range: s.Order.middle()})
	}
	if err := u.rig.Misbehave(ctx, s.rule()); err != nil {
		return err
	}
	jobID, err := u.ask(ctx, s.Order, key)
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.rules = append(u.rules, hit{fault: s.Fault, jobIDs: []string{jobID}})
	return nil
}

// countStruck notes which of the rules struck, and which missed; struck is in the order of u.rules.
func (u *run) countStruck(struck []int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, rule := range u.rules {
		if i < len(struck) && struck[i] > 0 {
			u.hits = append(u.hits, rule)
		} else {
			u.misses[rule.fault]++
		}
	}
}

// rule is what the simulator is told.
func (s Step) rule() simulator.Fault {
	rule := simulator.Fault{Symbol: s.Order.Target.Code, Count: s.Count}
	middle := s.Order.middle()
	switch s.Fault {
	case ServerErrors:
		rule.Fault = "server_error"
	case RateLimits:
		rule.Fault, rule.Symbol, rule.Count, rule.RetryAfterSeconds = "rate_limit", "", 5*s.Count, 1
	case KeyRefused:
		rule.Fault, rule.Count = "unauthorized", 1
	case HTML:
		rule.Fault = "html"
	case CutBodies:
		rule.Fault = "cut"
	case SlowBodies:
		rule.Fault, rule.DelayMS = "slow", int(s.Lasts.Milliseconds())/4
	case Unsorted:
		rule.Fault = "unsorted"
	case Duplicated:
		rule.Fault, rule.Rows = "duplicates", s.Rows
	case OutOfWindow:
		rule.Fault = "out_of_window"
	case Truncated:
		rule.Fault, rule.Rows = "truncate", 20*s.Rows
	case Revised:
		rule.Fault, rule.Start, rule.End = "revise", middle.Start, middle.End
	case Gap:
		rule.Fault, rule.Start, rule.End, rule.Count = "gap", middle.Start, middle.End, 1
	case MalformedRows:
		rule.Fault, rule.Rows, rule.Kind, rule.Count = "malformed_rows", s.Rows, s.Kind, 1
	}
	return rule
}
