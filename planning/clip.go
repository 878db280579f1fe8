package planning

import (
	"context"
	"slices"
	"sync"
	"time"

	"marketdata/market"
)

// How long a plan waits for providers to say since when they have bars, and how many are asked at once.
const (
	listingTimeout = 5 * time.Second
	listingsAtOnce = 8
)

// clip cuts the wanted range to what can exist: from the listing, where it is known, to the last closed bar. Of a range in
// which the market was closed nothing is wanted.
func (t *Target) clip(wanted market.Range, now time.Time) *Fault {
	closed := t.grid.ClosedBefore(now, t.Provider.Capabilities.Settle)
	t.Wanted = market.Range{Start: t.grid.Ceil(wanted.Start), End: earlier(t.grid.Ceil(wanted.End), closed)}
	switch {
	case !wanted.Start.Before(earlier(closed, now)):
		return t.outside(FieldStart, "the range lies in the future: no %s bar from %s on has closed",
			t.grid.Interval, market.FormatTime(closed))
	case !t.grid.Calendar.IsContinuous() && !t.Wanted.Start.Before(wanted.End): // the market was closed: nothing is missing
		t.Wanted.End = t.Wanted.Start
		return nil
	case t.Wanted.IsEmpty():
		return t.outside(FieldStart, "no closed %s bar begins in the range", t.grid.Interval)
	}
	if t.series.ListedAt != nil {
		listed := t.grid.Holding(*t.series.ListedAt)
		t.Wanted.Start = later(t.Wanted.Start, listed)
		if t.Wanted.IsEmpty() {
			return t.outside(FieldInstrument, "the range lies before the listing of %s at %s on %s",
				t.Instrument.ID, t.Provider.Name, market.FormatTime(listed))
		}
	}
	if t.series.DelistedAt != nil {
		delisted := t.grid.Ceil(*t.series.DelistedAt)
		t.Wanted.End = earlier(t.Wanted.End, delisted)
		if t.Wanted.IsEmpty() {
			return t.outside(FieldInstrument, "the range lies after the delisting of %s at %s on %s",
				t.Instrument.ID, t.Provider.Name, market.FormatTime(delisted))
		}
	}
	return nil
}

// ClipToListings asks for the listings that are not known and matter, clips again and returns the targets that are left.
// A provider that does not answer in time leaves the range as it is: its empty stretches will be confirmed empty.
// Errors: *Error of kind invalid with every target that falls away.
func (p *Planner) ClipToListings(ctx context.Context, targets []Target, r Request) ([]Target, error) {
	ctx, cancel := context.WithTimeout(ctx, listingTimeout)
	defer cancel()
	slots := make(chan struct{}, listingsAtOnce)
	found := make([]*Fault, len(targets))
	var wait sync.WaitGroup
	for i := range targets {
		if !targets[i].needsListing(r) {
			continue
		}
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			found[i] = p.clipToListing(ctx, &targets[i], r)
		})
	}
	wait.Wait()
	var faults []Fault
	left := slices.Clone(targets)[:0]
	for i, fault := range found {
		if fault != nil {
			faults = append(faults, *fault)
			continue
		}
		left = append(left, targets[i])
	}
	return left, wrong(market.KindInvalid, faults)
}

// needsListing reports whether the listing is not known and could shorten what will be asked.
func (t *Target) needsListing(r Request) bool {
	if t.series.ListedAt != nil {
		return false
	}
	return !t.Wanted.IsEmpty() && (r.Policy == market.PolicyAll || len(t.Wanted.Subtract(t.series.Covered)) > 0)
}

func (p *Planner) clipToListing(ctx context.Context, t *Target, r Request) *Fault {
	err := p.Listings.FindListing(ctx, t.Instrument.ID, t.Symbol)
	if err == nil {
		err = p.measure(ctx, t, r)
	}
	switch {
	case market.KindOf(err) == market.KindNotFound:
		return t.fault(FieldInstrument, "%s does not know the symbol %s", t.Provider.Name, t.Symbol.Symbol)
	case err != nil:
		p.OnNoListing(ctx, *t, err)
		return nil
	}
	return t.clip(r.Range, p.Now())
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
