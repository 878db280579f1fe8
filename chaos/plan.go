package chaos

import (
	"math/rand/v2"
	"time"

	"marketdata/market"
)

// The faults of a run, by the names that the table shows.
const (
	KilledInFetch     = "worker killed in fetch"
	KilledInNormalize = "worker killed in normalize"
	KilledInUpsert    = "worker killed in upsert"
	WorkerStopped     = "worker stopped (SIGTERM)"
	WorkerReplaced    = "worker replaced by another build"
	WorkerFrozen      = "worker frozen, then late"
	PostgresInUpsert  = "PostgreSQL stopped hard in upsert"
	PostgresBetween   = "PostgreSQL stopped hard before upsert"
	TemporalKilled    = "Temporal killed"

	ProviderDown  = "provider down"
	ServerErrors  = "provider answers 5xx"
	RateLimits    = "storm of 429"
	KeyRefused    = "key refused"
	HTML          = "HTML in place of JSON"
	CutBodies     = "cut bodies"
	SlowBodies    = "slow answers"
	Unsorted      = "rows unsorted"
	Duplicated    = "rows duplicated"
	OutOfWindow   = "rows out of window"
	Truncated     = "answers truncated"
	Revised       = "bars revised, then corrected"
	Gap           = "a gap that heals"
	MalformedRows = "malformed rows"
	Overlapping   = "two overlapping backfills at once"
)

// processFaults strike the platform's own processes, providerFaults what comes from outside.
func processFaults() []string {
	return []string{
		KilledInFetch, KilledInNormalize, KilledInUpsert, WorkerStopped, WorkerReplaced, WorkerFrozen, PostgresInUpsert, PostgresBetween,
		TemporalKilled,
	}
}

func providerFaults() []string {
	return []string{
		ProviderDown, ServerErrors, RateLimits, KeyRefused, HTML, CutBodies, SlowBodies, Unsorted, Duplicated, OutOfWindow, Truncated,
		Revised, Gap, MalformedRows, Overlapping,
	}
}

// Step is one fault with everything that is random about it.
type Step struct {
	Fault       string
	Order       order         // the backfill that the fault is to hit
	Pause       time.Duration // before it
	Lasts       time.Duration // of an outage, a freeze, a slow answer
	Count       int           // answers struck
	Rows        int
	Kind        string // of malformed rows
	IsImmediate bool   // how PostgreSQL ends
}

// order is a backfill to start.
type order struct {
	Target Target
	Range  market.Range
	Policy market.BackfillPolicy
}

// Plan draws the faults of a lane one after the other. Every fault comes once in each round, in an order of its own. Equal
// seeds draw equal steps, whatever happens meanwhile.
type Plan struct {
	random *rand.Rand
	faults []string
	left   []string
}

// NewPlan begins a plan. lane keeps plans of one seed apart.
func NewPlan(seed int64, lane uint64, faults []string) *Plan {
	return &Plan{random: newRandom(seed, lane), faults: faults}
}

func newRandom(seed int64, lane uint64) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(seed), lane)) //nolint:gosec // no secret: it has to be repeatable
}

// Next draws a step.
func (p *Plan) Next() Step {
	if len(p.left) == 0 {
		p.left = append(p.left, p.faults...)
		p.random.Shuffle(len(p.left), func(i, j int) { p.left[i], p.left[j] = p.left[j], p.left[i] })
	}
	s := Step{
		Fault: p.left[0], Order: draw(p.random), Pause: seconds(p.random, 1, 4), Lasts: seconds(p.random, 3, 12), Count: 1 + p.random.IntN(4),
		Rows: 1 + p.random.IntN(5), IsImmediate: p.random.IntN(2) == 0,
	}
	p.left = p.left[1:]
	kinds := malformations(s.Order.Target)
	s.Kind = kinds[p.random.IntN(len(kinds))]
	if isLong := p.random.IntN(2) == 0; s.Fault == WorkerFrozen && isLong {
		s.Lasts += heartbeatTimeout
	}
	if s.Fault != Overlapping {
		s.Order.Policy = market.PolicyAll // to be sure that something is asked
	}
	return s
}

// heartbeatTimeout is when the platform takes a silent worker for dead.
const heartbeatTimeout = time.Minute

// malformations are the kinds of rows that break a rule and leave the rest of the answer readable.
func malformations(t Target) []string {
	kinds := []string{"high_below_low", "negative_volume", "nan", "long_number", "misaligned"}
	if t.Adapter == "binance" {
		kinds = append(kinds, "short_row", "wrong_type")
	}
	return kinds
}

func seconds(random *rand.Rand, least, most float64) time.Duration {
	return time.Duration((least + random.Float64()*(most-least)) * float64(time.Second)).Round(time.Millisecond)
}
