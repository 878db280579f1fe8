package chaos

import (
	"context"
	"fmt"
	"time"

	"marketdata/simulator"
)

// strikeWithin is how long a rule stays in force when it strikes less often than it may.
const strikeWithin = 15 * time.Second

// shutProvider takes every provider down for a while.
func (u *run) shutProvider(ctx context.Context, s Step, key string) error {
	jobID, err := u.ask(ctx, s.Order, key)
	if err != nil {
		return err
	}
	u.rig.ShutProvider()
	u.hit(hit{fault: s.Fault, jobIDs: []string{jobID}})
	u.wait(ctx, 2*s.Lasts)
	return u.rig.OpenProvider(ctx)
}

// overlap starts two backfills at once that want a part of one series both.
func (u *run) overlap(ctx context.Context, s Step, key string) error {
	both := hit{fault: s.Fault}
	for i, o := range []order{s.Order, s.Order.later()} {
		jobID, err := u.ask(ctx, o, fmt.Sprintf("%s, backfill %d", key, i+1))
		if err != nil {
			return err
		}
		both.jobIDs = append(both.jobIDs, jobID)
	}
	u.hit(both)
	return nil
}

// misbehave lets the provider strike at the answers to a backfill, until it has done so or the time is over.
func (u *run) misbehave(ctx context.Context, s Step, key string) error {
	rule := s.rule()
	if s.Fault == Revised || s.Fault == Gap {
		u.lie(order{Target: s.Order.Target, Range: s.Order.middle()})
	}
	if err := u.rig.Misbehave(ctx, rule); err != nil {
		return err
	}
	jobID, err := u.ask(ctx, s.Order, key)
	if err != nil {
		return err
	}
	struck := 0
	_ = await(ctx, strikeWithin, func(ctx context.Context) (isReached bool, err error) { // what did not strike is not counted
		struck, err = u.rig.sim.struck(ctx)
		return struck >= rule.Count, err
	})
	if struck > 0 {
		u.hit(hit{fault: s.Fault, jobIDs: []string{jobID}})
	}
	return u.rig.Heal(ctx)
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
