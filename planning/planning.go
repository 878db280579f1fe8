package planning

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"marketdata/market"
	"marketdata/market/calendar"
)

// Store is the catalogue and the coverage ledger. *db.DB satisfies it.
type Store interface {
	// Instrument returns one. Errors: not_found.
	Instrument(ctx context.Context, id market.InstrumentID) (market.Instrument, error)
	// Series returns the series of the provider with what is covered of r. Errors: not_found.
	Series(ctx context.Context, id market.InstrumentID, interval market.Interval, provider string, r market.Range) (market.Series, error)
}

// Lister asks providers since when they have bars. workflows.Client satisfies it.
type Lister interface {
	// FindListing asks the provider and stores the answer; it waits at most until ctx's deadline. Errors: not_found when
	// the provider does not know the symbol.
	FindListing(ctx context.Context, id market.InstrumentID, p market.ProviderSymbol) error
}

// Planner plans backfills. Every field is required; it is safe for concurrent use.
type Planner struct {
	Store     Store
	Listings  Lister
	Providers []market.ProviderInstance // all configured instances, also disabled ones
	Now       func() time.Time
	// OnNoListing is told of a provider that did not say since when it has bars; it may be called concurrently.
	OnNoListing func(ctx context.Context, t Target, err error)
}

// Request is what is to be planned.
type Request struct {
	Instruments []market.InstrumentID // each once
	Interval    market.Interval
	Range       market.Range // not empty
	Provider    string       // "": of each instrument the first enabled one that has the interval
	Policy      market.BackfillPolicy
}

// Target is one series of a planned request.
type Target struct {
	Index      int // of its instrument in the request
	Instrument market.Instrument
	Provider   market.ProviderInstance
	Symbol     market.ProviderSymbol
	Wanted     market.Range // on the grid; empty where the market was closed

	series market.Series
	grid   market.Grid
}

// Backfill returns the target as a backfill takes it.
func (t Target) Backfill() market.BackfillTarget {
	return market.BackfillTarget{
		Instrument: t.Instrument.ID, Provider: t.Provider.Name, PriceBasis: t.Provider.Capabilities.PriceBasis, Range: t.Wanted,
	}
}

// Plan finds the series of each instrument and the range to ask of it. Errors: *Error of kind not_found when instruments
// are not known, else of kind invalid with every place that is wrong.
func (p *Planner) Plan(ctx context.Context, r Request) ([]Target, error) {
	targets, faults, err := p.choose(ctx, r)
	if err != nil {
		return nil, err
	}
	planned := targets[:0]
	for _, t := range targets {
		if err := p.measure(ctx, &t, r); err != nil {
			return nil, err
		}
		if fault := t.clip(r.Range, p.Now()); fault != nil {
			faults = append(faults, *fault)
			continue
		}
		planned = append(planned, t)
	}
	slices.SortStableFunc(faults, func(a, b Fault) int { return a.Index - b.Index })
	return planned, wrong(market.KindInvalid, faults)
}

// Check reports whether each instrument is known and has a provider for the request, whatever its range. Errors: as Plan.
func (p *Planner) Check(ctx context.Context, r Request) error {
	_, faults, err := p.choose(ctx, r)
	if err != nil {
		return err
	}
	return wrong(market.KindInvalid, faults)
}

// choose finds the instrument and the provider of each target; faults are those of providers. Errors: *Error of kind
// not_found with every instrument that is not known.
func (p *Planner) choose(ctx context.Context, r Request) (targets []Target, faults []Fault, err error) {
	targets = make([]Target, 0, len(r.Instruments))
	var unknown []Fault
	for i, id := range r.Instruments {
		t := Target{Index: i}
		t.Instrument, err = p.Store.Instrument(ctx, id)
		if market.KindOf(err) == market.KindNotFound {
			unknown = append(unknown, Fault{Field: FieldInstrument, Index: i, Message: "no such instrument: " + id.String()})
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if fault := p.chooseProvider(&t, r); fault != nil {
			faults = append(faults, *fault)
			continue
		}
		targets = append(targets, t)
	}
	return targets, faults, wrong(market.KindNotFound, unknown)
}

// chooseProvider picks the provider: the one asked for, else the first of the instrument's that has the interval.
func (p *Planner) chooseProvider(t *Target, r Request) *Fault {
	for _, symbol := range t.Instrument.Providers {
		if r.Provider != "" && symbol.Name != r.Provider {
			continue
		}
		instance, isKnown := p.find(symbol.Name)
		if isKnown && instance.Enabled && instance.Supports(r.Interval) {
			t.Provider, t.Symbol = instance, symbol
			return nil
		}
		switch {
		case r.Provider == "":
		case !isKnown || !instance.Enabled:
			return t.fault(FieldProvider, "the provider is not enabled")
		default:
			return t.fault(FieldInterval, "%s has no %s bars", symbol.Name, r.Interval)
		}
	}
	if r.Provider != "" {
		return t.fault(FieldProvider, "%s lists %s only", t.Instrument.ID, listed(t.Instrument))
	}
	return t.fault(FieldInterval, "no enabled provider of %s has %s bars", t.Instrument.ID, r.Interval)
}

func (p *Planner) find(name string) (market.ProviderInstance, bool) {
	for _, instance := range p.Providers {
		if instance.Name == name {
			return instance, true
		}
	}
	return market.ProviderInstance{}, false
}

// listed names an instrument's providers for people.
func listed(i market.Instrument) string {
	if len(i.Providers) == 0 {
		return "none"
	}
	names := make([]string, len(i.Providers))
	for n, p := range i.Providers {
		names[n] = p.Name
	}
	return strings.Join(names, ", ")
}

func (t *Target) fault(field Field, format string, args ...any) *Fault {
	return &Fault{Field: field, Index: t.Index, Message: fmt.Sprintf(format, args...)}
}

func (t *Target) outside(field Field, format string, args ...any) *Fault {
	fault := t.fault(field, format, args...)
	fault.IsOutside = true
	return fault
}

// measure looks up the series and its grid.
func (p *Planner) measure(ctx context.Context, t *Target, r Request) error {
	reach := market.Range{Start: r.Range.Start, End: r.Interval.Next(r.Interval.Next(r.Range.End))} // ends on the grid
	var err error
	if t.series, err = p.Store.Series(ctx, t.Instrument.ID, r.Interval, t.Provider.Name, reach); err != nil {
		return err
	}
	t.grid, err = calendar.GridOf(t.series.Interval, t.series.Calendar)
	if err != nil { // stored by a newer build
		return market.Errorf(market.KindInternal, "%s: %w", t.Instrument.ID, err)
	}
	return nil
}
