package providers

import (
	"context"
	"time"

	"marketdata/market"
)

// Provider turns requests into pages of one external source, and stored pages into bars. One value serves one
// configured instance and is safe for concurrent use.
//
// A Provider neither retries nor sleeps nor logs: decorators and Temporal do. It does not clip, sort, de-duplicate or
// drop unclosed bars either: the shared code does, once, for all.
type Provider interface {
	// Name is the instance's name, [a-z][a-z0-9_]*.
	Name() string
	// Capabilities is constant over the value's life.
	Capabilities() market.Capabilities
	// Instruments lists what the provider trades now. One HTTP request.
	// Errors: rate_limited, denied, unavailable, malformed; invalid, without a request, when the provider publishes no
	// such list.
	Instruments(ctx context.Context) ([]Listing, error)
	// Fetch makes exactly one HTTP request and returns its page. It reads of the body only what paging needs.
	// Where a body came, the page holds it even when err is not nil, so that it can be kept as evidence.
	// Errors: not_found (unknown symbol), invalid (the provider refuses the request), denied (key, plan, region),
	// rate_limited (with RetryAfter where sent), unavailable (timeout, 5xx, connection, cut body), malformed.
	Fetch(ctx context.Context, r Request) (Page, error)
	// Normalize reads a page's stored bytes: every row becomes a bar or a quarantined row, in the provider's order.
	// No I/O, no clock: the same bytes give the same rows for ever. Errors: malformed when the body as a whole is
	// not what the provider documents.
	Normalize(p Page) (Rows, error)
}

// ListingFinder is a Provider that can tell since when it has bars of a symbol.
type ListingFinder interface {
	// Listing makes one HTTP request. cursor is "" at first; while next is not "", the listing is not known yet and is
	// to be asked for again with next as cursor. Errors: as Fetch; not_found for an unknown symbol.
	Listing(ctx context.Context, symbol, cursor string) (l Listing, next string, err error)
}

// Listing is a symbol as the provider lists it.
type Listing struct {
	Symbol     string // the provider's code
	AssetClass market.AssetClass
	Currency   string
	Name       string
	ListedAt   time.Time // first bar; zero where not known
	DelistedAt time.Time // end of trading; zero while it trades
}

// Request asks for one page of bars.
type Request struct {
	Symbol string       // the provider's code
	Grid   market.Grid  // interval and calendar
	Range  market.Range // keys wanted, half-open, on the grid's key space
	Cursor string       // "" for the first page, else a Page.NextCursor of the same Symbol, Grid and Range
}

// IsBar reports whether a row with the key is one of the bars asked for: in the range and on the grid. Only such rows tell
// how far an answer goes; a row beside the grid proves nothing of what is missing before it.
func (r Request) IsBar(key time.Time) bool { return r.Range.Contains(key) && r.Grid.IsAligned(key) }

// Page is one answer as it came.
type Page struct {
	Request     Request
	Body        []byte    // uncompressed
	URL         string    // without keys
	Status      int       // HTTP status
	RequestedAt time.Time // before the request was sent
	NextCursor  string    // "" when there is no further page
	Rows        int       // rows in the body
	FirstAt     time.Time // key of the earliest row for which Request.IsBar holds; zero without one
	LastAt      time.Time // key of the latest such row; zero without one
}

// Rows is what a page holds: bars that can be read and keep the invariants of a bar, the rows that do not, and the
// number of those that are no bars at all, by reason (DroppedNoTrade, DroppedLive). Every row is one of the three.
type Rows struct {
	Bars        []market.Bar
	Quarantined []market.Quarantined
	Dropped     map[string]int
	// LaterWins says that of two differing rows of one key the later one counts; otherwise both are quarantined.
	LaterWins bool
}

// Instance is the configuration of a provider instance.
type Instance struct {
	Name              string
	Adapter           string
	BaseURL           string // "" for the adapter's default
	APIKey            string
	RequestsPerMinute int // 0 for the adapter's default
	WeightPerMinute   int // 0 for the adapter's default
	Synthetic         bool
	Enabled           bool // whether workers fetch from it; the registry only passes it on
}
