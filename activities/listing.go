package activities

import (
	"context"

	"marketdata/market"
	"marketdata/providers"
)

// ListingInput asks a provider since when it has bars of an instrument.
type ListingInput struct {
	Instrument string `json:"instrument"`
	Provider   string `json:"provider"`
	Symbol     string `json:"symbol"`
}

// maxListingSteps bounds the requests of one search: a search that halves centuries of days needs fewer.
const maxListingSteps = 24

// FindListing asks the provider since (and until) when it has bars of the symbol and stores the answer. A provider
// that cannot tell leaves it unknown. Errors: not_found for an unknown symbol.
func (a *Activities) FindListing(ctx context.Context, in ListingInput) error {
	return temporalError(ctx, a.findListing(ctx, in))
}

func (a *Activities) findListing(ctx context.Context, in ListingInput) error {
	id, err := market.ParseInstrumentID(in.Instrument)
	if err != nil {
		return err
	}
	provider, err := a.Providers.Provider(in.Provider)
	if err != nil {
		return err
	}
	finder, isFinder := provider.(providers.ListingFinder)
	if !isFinder {
		return nil
	}
	ctx = providers.WithLane(ctx, providers.LaneSync) // somebody waits
	for cursor, step := "", 0; step < maxListingSteps; step++ {
		listing, next, err := finder.Listing(ctx, in.Symbol, cursor)
		if err != nil {
			return err
		}
		if next == "" {
			return a.Jobs.SetListing(ctx, id, in.Provider, listing.ListedAt, listing.DelistedAt)
		}
		cursor = next
	}
	return market.Errorf(market.KindMalformed, "the listing of %s is not found after %d requests", in.Symbol, maxListingSteps)
}
