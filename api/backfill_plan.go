package api

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"marketdata/market"
)

// How long a new backfill waits for providers to say since when they have bars, and how many are asked at once.
const (
	planListingTimeout = 5 * time.Second
	planListingsAtOnce = 8
)

// target is one series of a new backfill while it is being planned.
type target struct {
	at         string // its place in the body
	instrument market.Instrument
	provider   market.ProviderInstance
	symbol     market.ProviderSymbol
	grid       market.Grid
	series     market.Series
	wanted     market.Range // on the grid
}

// plan finds the series of each instrument and the range to ask of it. Places of the body that are wrong come back as
// one error. Errors: not_found for unknown instruments, invalid for the rest.
func (s *server) plan(ctx context.Context, b *backfillInput) ([]target, error) {
	targets := make([]target, 0, len(b.ids))
	var unknown, wrong []problemError
	for i, id := range b.ids {
		t := target{at: fmt.Sprintf("body.instruments[%d]", i)}
		var err error
		t.instrument, err = s.store.Instrument(ctx, id)
		if market.KindOf(err) == market.KindNotFound {
			unknown = append(unknown, problemError{Location: t.at, Message: "no such instrument: " + id.String()})
			continue
		}
		if err != nil {
			return nil, err
		}
		if place := s.choose(&t, b); place != nil {
			wrong = append(wrong, *place)
			continue
		}
		if err := s.measure(ctx, &t, b); err != nil {
			return nil, err
		}
		if place := t.clip(b.wanted, s.now()); place != nil {
			wrong = append(wrong, *place)
			continue
		}
		targets = append(targets, t)
	}
	switch {
	case len(unknown) > 0:
		return nil, faultAt(market.KindNotFound, unknown)
	case len(wrong) > 0:
		return nil, invalid(wrong)
	}
	return targets, nil
}

// choose picks the provider: the one asked for, else the first of the instrument's that has the interval.
func (s *server) choose(t *target, b *backfillInput) *problemError {
	interval := market.Interval(b.Interval)
	for _, symbol := range t.instrument.Providers {
		if b.Provider != "" && symbol.Name != b.Provider {
			continue
		}
		instance, isKnown := s.providers.find(symbol.Name)
		if isKnown && instance.Enabled && supports(instance, interval) {
			t.provider, t.symbol = instance, symbol
			return nil
		}
		switch {
		case b.Provider == "":
		case !isKnown || !instance.Enabled:
			return &problemError{Location: "body.provider", Message: "the provider is not enabled"}
		default:
			return &problemError{Location: "body.interval", Message: fmt.Sprintf("%s has no %s bars", symbol.Name, interval)}
		}
	}
	if b.Provider != "" {
		return &problemError{Location: "body.provider", Message: fmt.Sprintf("%s lists %s only",
			t.instrument.ID, listedProviders(t.instrument))}
	}
	return &problemError{Location: "body.interval", Message: fmt.Sprintf("no enabled provider of %s has %s bars", t.instrument.ID, interval)}
}

// measure looks up the series and its grid.
func (s *server) measure(ctx context.Context, t *target, b *backfillInput) error {
	var err error
	interval := market.Interval(b.Interval)
	t.series, err = s.store.Series(ctx, t.instrument.ID, interval, t.provider.Name, widen(interval, b.wanted))
	if err != nil {
		return err
	}
	t.grid, err = s.gridOf(t.series)
	return err
}

// clip cuts the wanted range to what can exist: from the listing, where it is known, to the last closed bar. Of a range in
// which the market was closed nothing is wanted.
func (t *target) clip(wanted market.Range, now time.Time) *problemError {
	closed := t.grid.ClosedBefore(now, t.provider.Capabilities.Settle)
	t.wanted = market.Range{Start: t.grid.Ceil(wanted.Start), End: earlier(t.grid.Ceil(wanted.End), closed)}
	switch {
	case !wanted.Start.Before(earlier(closed, now)):
		return &problemError{Location: "body.start", Message: fmt.Sprintf("the range lies in the future: no %s bar from %s on has closed",
			t.grid.Interval, market.FormatTime(closed))}
	case !t.grid.Calendar.IsContinuous() && !t.wanted.Start.Before(wanted.End): // the market was closed: nothing is missing
		t.wanted.End = t.wanted.Start
		return nil
	case t.wanted.IsEmpty():
		return &problemError{Location: "body.start", Message: fmt.Sprintf("no closed %s bar begins in the range", t.grid.Interval)}
	}
	if t.series.ListedAt != nil {
		listed := t.grid.Holding(*t.series.ListedAt)
		t.wanted.Start = later(t.wanted.Start, listed)
		if t.wanted.IsEmpty() {
			return &problemError{Location: t.at, Message: fmt.Sprintf("the range lies before the listing of %s at %s on %s",
				t.instrument.ID, t.provider.Name, market.FormatTime(listed))}
		}
	}
	if t.series.DelistedAt != nil {
		delisted := t.grid.Ceil(*t.series.DelistedAt)
		t.wanted.End = earlier(t.wanted.End, delisted)
		if t.wanted.IsEmpty() {
			return &problemError{Location: t.at, Message: fmt.Sprintf("the range lies after the delisting of %s at %s on %s",
				t.instrument.ID, t.provider.Name, market.FormatTime(delisted))}
		}
	}
	return nil
}

// clipToListings asks for the listings that are not known and matter, and clips again. A provider that does not answer
// in time leaves the range as it is: its empty stretches will be confirmed empty.
func (s *server) clipToListings(ctx context.Context, targets []target, b *backfillInput) error {
	ctxListing, cancel := context.WithTimeout(ctx, planListingTimeout)
	defer cancel()
	slots := make(chan struct{}, planListingsAtOnce)
	places := make([]*problemError, len(targets))
	var wait sync.WaitGroup
	for i := range targets {
		if t := &targets[i]; !t.needsListing(b) {
			continue
		}
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			places[i] = s.clipToListing(ctxListing, &targets[i], b)
		})
	}
	wait.Wait()
	var wrong []problemError
	for _, place := range places {
		if place != nil {
			wrong = append(wrong, *place)
		}
	}
	if len(wrong) > 0 {
		return invalid(wrong)
	}
	return nil
}

// needsListing reports whether the listing is not known and could shorten what will be asked.
func (t *target) needsListing(b *backfillInput) bool {
	if t.series.ListedAt != nil {
		return false
	}
	return !t.wanted.IsEmpty() && (b.Policy == string(market.PolicyAll) || len(t.wanted.Subtract(t.series.Covered)) > 0)
}

func (s *server) clipToListing(ctx context.Context, t *target, b *backfillInput) *problemError {
	err := s.orchestrator.FindListing(ctx, t.instrument.ID, t.symbol)
	if err == nil {
		err = s.measure(ctx, t, b)
	}
	switch {
	case market.KindOf(err) == market.KindNotFound:
		return &problemError{Location: t.at, Message: fmt.Sprintf("%s does not know the symbol %s", t.provider.Name, t.symbol.Symbol)}
	case err != nil:
		s.logger.LogAttrs(ctx, slog.LevelWarn, "listing not found", slog.String("request_id", requestID(ctx)),
			slog.String("instrument", t.instrument.ID.String()), slog.String("provider", t.provider.Name), slog.String("error", err.Error()))
		return nil
	}
	return t.clip(b.wanted, s.now())
}
