package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"marketdata/market"
	"marketdata/planning"
)

// planner plans for one request, whose id its log lines carry.
func (s *server) planner() *planning.Planner {
	return &planning.Planner{
		Store: s.store, Listings: s.orchestrator, Providers: s.providers, Now: s.now,
		OnNoListing: func(ctx context.Context, t planning.Target, err error) {
			s.logger.LogAttrs(ctx, slog.LevelWarn, "listing not found", slog.String("request_id", requestID(ctx)),
				slog.String("instrument", t.Instrument.ID.String()), slog.String("provider", t.Provider.Name), slog.String("error", err.Error()))
		},
	}
}

// planRequest returns the checked body as planning takes it.
func (b *backfillInput) planRequest() planning.Request {
	return planning.Request{
		Instruments: b.ids, Interval: market.Interval(b.Interval), Range: b.wanted, Provider: b.Provider, Policy: market.BackfillPolicy(b.Policy),
	}
}

// plannedFault words what planning found wrong with the places of the body; other errors are returned as they are.
func plannedFault(err error) error {
	var wrong *planning.Error
	if !errors.As(err, &wrong) {
		return err
	}
	places := make([]problemError, len(wrong.Faults))
	for i, f := range wrong.Faults {
		places[i] = problemError{Location: "body." + string(f.Field), Message: f.Message}
		if f.Field == planning.FieldInstrument {
			places[i].Location = fmt.Sprintf("body.%s[%d]", f.Field, f.Index)
		}
	}
	return faultAt(wrong.Kind, places)
}
