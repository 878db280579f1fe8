package trace

import "sync"

// maxRuns bounds how many runs are remembered; the oldest are forgotten first.
const maxRuns = 10_000

// runKey is how the Temporal SDK names a run in its log lines.
const runKey = "RunID"

// runs knows which request caused a run, for lines that know the run alone: the SDK's own have no context.
type runs struct {
	mu    sync.Mutex
	ids   map[string]string
	order []string // a ring, once it is full
	next  int
}

// remember keeps the first id of a run: later ones are of requests that steer it.
func (r *runs) remember(run, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, isKnown := r.ids[run]; isKnown {
		return
	}
	if len(r.order) < maxRuns {
		r.order = append(r.order, run)
	} else {
		delete(r.ids, r.order[r.next])
		r.order[r.next] = run
		r.next = (r.next + 1) % maxRuns
	}
	r.ids[run] = id
}

func (r *runs) requestID(run string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ids[run]
}
