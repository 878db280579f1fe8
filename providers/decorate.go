package providers

import "context"

// The operations of a Provider that send a request, as logs name them.
const (
	operationFetch       = "fetch"
	operationInstruments = "instruments"
	operationListing     = "listing"
)

// call is one request about to be sent.
type call struct {
	operation string
	symbol    string // "" for instruments
	weight    int    // what it costs of the provider's weights; at least 1
}

// aroundFunc does something before and after send, which sends the request. The page is zero but for fetch.
type aroundFunc func(ctx context.Context, c call, send func() (Page, error)) (Page, error)

// decorated runs every request of a Provider through one function.
type decorated struct {
	Provider
	around aroundFunc
}

// decoratedFinder is decorated for a Provider that is a ListingFinder.
type decoratedFinder struct {
	decorated
	finder ListingFinder
}

var _ ListingFinder = decoratedFinder{}

func decorate(p Provider, around aroundFunc) Provider {
	d := decorated{Provider: p, around: around}
	if finder, ok := p.(ListingFinder); ok {
		return decoratedFinder{decorated: d, finder: finder}
	}
	return d
}

// Fetch is Provider.Fetch.
func (d decorated) Fetch(ctx context.Context, r Request) (Page, error) {
	c := call{operation: operationFetch, symbol: r.Symbol, weight: max(1, d.Capabilities().Pacing.PageWeight)}
	return d.around(ctx, c, func() (Page, error) { return d.Provider.Fetch(ctx, r) })
}

// Instruments is Provider.Instruments.
func (d decorated) Instruments(ctx context.Context) ([]Listing, error) {
	var listings []Listing
	c := call{operation: operationInstruments, weight: max(1, d.Capabilities().Pacing.HeaviestWeight)}
	_, err := d.around(ctx, c, func() (_ Page, err error) {
		listings, err = d.Provider.Instruments(ctx)
		return Page{}, err
	})
	return listings, err
}

// Listing is ListingFinder.Listing.
func (d decoratedFinder) Listing(ctx context.Context, symbol, cursor string) (l Listing, next string, err error) {
	c := call{operation: operationListing, symbol: symbol, weight: max(1, d.Capabilities().Pacing.PageWeight)}
	_, err = d.around(ctx, c, func() (_ Page, err error) {
		l, next, err = d.finder.Listing(ctx, symbol, cursor)
		return Page{}, err
	})
	return l, next, err
}
