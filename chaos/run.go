package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"marketdata/market"
)

const (
	// atOnce is how many chunks may be unfinished before no more load is added.
	atOnce = 20
	// calmWithin is how long the platform may take to finish everything once all faults have ended. A step that failed
	// often waits for up to five minutes before it is tried again.
	calmWithin = 15 * time.Minute

	laneProcess, laneProvider, laneLoad = 1, 2, 3
)

// RunOptions say how a run goes.
type RunOptions struct {
	Seed    int64
	Lasts   time.Duration // of the faults; the platform gets what time it needs to finish after that
	Workers int
	Tell    func(format string, args ...any) // told what happens
}

// run is a run under way.
type run struct {
	*Platform

	options RunOptions
	over    <-chan struct{} // closed when no more fault is to begin

	mu      sync.Mutex
	hits    []hit
	rules   []hit // what the simulator's rules are to hit, in their order
	misses  map[string]int
	lies    []order // ranges about which the provider did not tell the truth
	thaws   []time.Time
	isNext  bool // whether new workers are of the other build
	thawing sync.WaitGroup
}

// hit is a fault that struck something.
type hit struct {
	fault      string
	jobIDs     []string
	workflowID string // of the chunk of the only backfill; "" where whole backfills are meant
}

// Run attacks a platform of its own for a while and returns what came of it. An error means that the run itself did not
// work; what the platform lost is in the report.
func (r *Rig) Run(ctx context.Context, o RunOptions) (Report, error) {
	begin := r.options.Now()
	p, err := r.Platform(ctx, o.Workers)
	if err != nil {
		return Report{}, err
	}
	for _, t := range instruments() {
		if err := p.Add(ctx, t); err != nil {
			return Report{}, err
		}
	}
	over, cancel := context.WithTimeout(ctx, o.Lasts)
	defer cancel()
	u := &run{Platform: p, options: o, over: over.Done(), misses: map[string]int{}}
	if err := u.attack(ctx); err != nil {
		return Report{}, err
	}
	o.Tell("the faults have ended")
	report := Report{Seed: o.Seed, Workers: o.Workers, Lasts: o.Lasts}
	if report.Failures, err = u.calm(ctx); err != nil {
		return Report{}, err
	}
	if err := u.judge(ctx, &report); err != nil {
		return Report{}, err
	}
	report.Took = r.options.Now().Sub(begin)
	return report, nil
}

// instruments are the targets of the catalogue, one for each instrument.
func instruments() []Target {
	var all []Target
	seen := map[string]bool{}
	for _, t := range catalogue() {
		if !seen[t.Symbol] {
			all = append(all, t)
			seen[t.Symbol] = true
		}
	}
	return all
}

// attack loads and injects until the time is over, and every fault that began has ended.
func (u *run) attack(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	lanes := []func(context.Context) error{
		u.load,
		func(ctx context.Context) error {
			return u.inject(ctx, NewPlan(u.options.Seed, laneProcess, processFaults()))
		},
		func(ctx context.Context) error {
			return u.inject(ctx, NewPlan(u.options.Seed, laneProvider, providerFaults()))
		},
	}
	var wait sync.WaitGroup
	for _, lane := range lanes {
		wait.Go(func() {
			if err := lane(ctx); err != nil {
				cancel(err)
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		wait.Wait()
		u.thawing.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case err := <-u.rig.Failed():
		cancel(err)
		<-ended
	}
	return context.Cause(ctx)
}

// isOver reports whether the time for faults is over, after a pause.
func (u *run) isOver(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-u.over:
		return true
	case <-ctx.Done():
		return true
	case <-timer.C:
		return false
	}
}

// load starts backfills as long as the platform keeps up.
func (u *run) load(ctx context.Context) error {
	random := newRandom(u.options.Seed, laneLoad)
	for n := 0; !u.isOver(ctx, seconds(random, 0.5, 2)); n++ {
		unfinished, err := u.audit.Unfinished(ctx)
		if err != nil || unfinished >= atOnce { // the database may be down
			continue
		}
		if _, err := u.ask(ctx, draw(random), fmt.Sprintf("load %d", n)); err != nil {
			return err
		}
	}
	return nil
}

// ask starts a backfill; it returns "" where one of the same range runs already.
func (u *run) ask(ctx context.Context, o order, key string) (jobID string, err error) {
	b, err := u.Begin(ctx, o.Target, o.Range, o.Policy, key)
	return b.ID, err
}

// inject carries out the plan until the time is over.
func (u *run) inject(ctx context.Context, plan *Plan) error {
	for n := 0; ; n++ {
		s := plan.Next()
		if u.isOver(ctx, s.Pause) {
			return nil
		}
		key := fmt.Sprintf("%s %d", s.Fault, n)
		u.options.Tell("%s: %s %s %s", s.Fault, s.Order.Target.Instrument(), s.Order.Target.Interval, s.Order.Range)
		err := u.strike(ctx, s, key)
		switch {
		case errors.Is(err, errMissed):
			u.miss(s.Fault)
		case err != nil:
			return fmt.Errorf("%s: %w", s.Fault, err)
		}
	}
}

// strike carries out one step, and notes what it hit. Errors: errMissed.
func (u *run) strike(ctx context.Context, s Step, key string) error {
	switch s.Fault {
	case KilledInFetch:
		return u.kill(ctx, s, key, "fetch")
	case KilledInNormalize:
		return u.kill(ctx, s, key, "normalize")
	case KilledInUpsert:
		return u.kill(ctx, s, key, "upsert")
	case WorkerStopped, WorkerReplaced:
		return u.replace(ctx, s, key)
	case WorkerFrozen:
		return u.freeze(ctx, s, key)
	case PostgresInUpsert, PostgresBetween:
		return u.crashPostgres(ctx, s, key)
	case TemporalKilled:
		return u.crashTemporal(ctx, s, key)
	case ProviderDown:
		return u.shutProvider(ctx, s, key)
	case Overlapping:
		return u.overlap(ctx, s, key)
	}
	return u.misbehave(ctx, s, key)
}

func (u *run) hit(h hit) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.hits = append(u.hits, h)
}

func (u *run) miss(fault string) {
	u.options.Tell("%s: missed", fault)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.misses[fault]++
}

// lie remembers that the provider did not tell the truth about a range.
func (u *run) lie(o order) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, t := range catalogue() {
		if t.Code == o.Target.Code { // the rule strikes every interval
			r := market.Range{Start: t.Interval.Floor(o.Range.Start), End: t.Interval.Next(o.Range.End)}
			u.lies = append(u.lies, order{Target: t, Range: r, Policy: market.PolicyAll})
		}
	}
}
