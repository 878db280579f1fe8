package chaos

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"marketdata/db/audit"
	"marketdata/market"
)

// clockStep is how far the same instant may differ between what the worker stored, in microseconds, and the log.
const clockStep = time.Millisecond

// repeated lists requests that need not have been made. A request was needed if its own answer is stored, or if it came to
// nothing (refused, broken off, or lost with the worker or the database before it was stored) and the answer to the same
// request was stored later, by a chunk that was at work then. One that was refused is needed too if no such answer had been
// stored: it may have failed its chunk, and the stretch be loaded by another before the retry, which then asks for less.
// What a chunk asked twice by its own account comes first.
// late are such requests just after a frozen worker went on, one for each: it cannot know that its work was given to another.
func (p *Platform) repeated(ctx context.Context, thaws []time.Time) (repeated, late []string, err error) {
	problems, err := p.audit.Repeated(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, problem := range problems {
		repeated = append(repeated, problem.What)
	}
	pages, err := p.audit.Pages(ctx)
	if err != nil {
		return nil, nil, err
	}
	log, err := p.log(ctx)
	if err != nil {
		return nil, nil, err
	}
	odd, err := unneeded(log, pages)
	if err != nil {
		return nil, nil, err
	}
	faults, late := excuse(odd, thaws)
	return append(repeated, faults...), late, nil
}

// excuse takes out of the oddities, which ascend in time, one request at most for each thaw that came just before it.
func excuse(odd []oddity, thaws []time.Time) (faults, late []string) {
	left := slices.SortedFunc(slices.Values(thaws), time.Time.Compare)
	for _, o := range odd {
		i := slices.IndexFunc(left, func(thaw time.Time) bool { return o.at.After(thaw) && o.at.Before(thaw.Add(lateFor)) })
		if i < 0 || !o.isRequest {
			faults = append(faults, o.what)
			continue
		}
		late = append(late, o.what)
		left = slices.Delete(left, i, i+1)
	}
	return faults, late
}

// lateFor is how long after it went on a frozen worker may send a request that it had prepared before.
const lateFor = 20 * time.Second

// oddity is a request or an answer that has no counterpart.
type oddity struct {
	at        time.Time
	what      string
	isRequest bool
}

// log returns the requests for bars of the platform's series: those since an instrument was added, which asks for its
// listing.
func (p *Platform) log(ctx context.Context) ([]request, error) {
	all, err := p.rig.sim.log(ctx)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(all, func(r request) bool {
		for code, since := range p.addedAt {
			if r.isFor(code) {
				return r.At.Before(since)
			}
		}
		return true
	}), nil
}

// unneeded holds the log of requests against the stored answers. A stored answer that nobody asked for is reported too.
func unneeded(log []request, pages []audit.Page) ([]oddity, error) {
	stored := map[string][]audit.Page{}
	for _, page := range pages {
		key, err := keyOf(page.URL)
		if err != nil {
			return nil, err
		}
		stored[key] = append(stored[key], page)
	}
	asked := map[string][]request{}
	for _, r := range log {
		key, err := keyOf(r.Path + "?" + r.Query)
		if err != nil {
			return nil, err
		}
		asked[key] = append(asked[key], r)
	}
	var odd []oddity
	for key, requests := range asked {
		slices.SortFunc(requests, func(a, b request) int { return a.At.Compare(b.At) })
		odd = append(odd, match(key, requests, stored[key])...)
		delete(stored, key)
	}
	for key, pages := range stored {
		odd = append(odd, match(key, nil, pages)...)
	}
	slices.SortFunc(odd, func(a, b oddity) int { return a.at.Compare(b.at) })
	return odd, nil
}

// match finds the request behind each stored answer, the last ones first, and judges those that are left. Both ascend in
// time. The log has when a request came, the answer when it was about to be sent.
func match(key string, requests []request, pages []audit.Page) []oddity {
	var odd []oddity
	isTaken := make([]bool, len(requests))
	for _, page := range slices.Backward(pages) {
		i := closest(requests, isTaken, page.RequestedAt)
		if i < 0 {
			odd = append(odd, oddity{at: page.RequestedAt, what: fmt.Sprintf(
				"an answer of %s is stored that the simulator was not asked for: %s", market.FormatTime(page.RequestedAt), key)})
			continue
		}
		isTaken[i] = true
	}
	for i, r := range requests {
		if !isTaken[i] && !isNeeded(r, pages) {
			odd = append(odd, oddity{at: r.At, isRequest: true, what: fmt.Sprintf(
				"the request of %s (status %d) asked for what was stored: %s", market.FormatTime(r.At), r.Status, key)})
		}
	}
	return odd
}

// isNeeded judges a request without an answer of its own by the stored answers to the same request.
func isNeeded(r request, pages []audit.Page) bool {
	isLater := func(page audit.Page) bool { return page.RequestedAt.After(r.At.Add(-clockStep)) }
	isRetried := slices.ContainsFunc(pages, func(page audit.Page) bool { return isLater(page) && !page.ChunkAt.After(r.At) })
	isRefused := r.Status >= http.StatusBadRequest && !slices.ContainsFunc(pages, func(page audit.Page) bool { return !isLater(page) })
	return isRetried || isRefused
}

// closest returns the first free request that came after the instant, or -1.
func closest(requests []request, isTaken []bool, at time.Time) int {
	i, _ := slices.BinarySearchFunc(requests, at.Add(-clockStep), func(r request, at time.Time) int { return r.At.Compare(at) })
	for ; i < len(requests); i++ {
		if !isTaken[i] {
			return i
		}
	}
	return -1
}

// keyOf is the path of a request with its query in a fixed order.
func keyOf(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", fmt.Errorf("request %q: %w", text, err)
	}
	return cmp.Or(u.Path, "/") + "?" + u.Query().Encode(), nil
}
