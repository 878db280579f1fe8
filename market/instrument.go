package market

import (
	"strings"
	"time"
)

// VenueIndex is the pseudo venue of indices, which trade nowhere: its instruments must name their calendar.
const VenueIndex = "INDEX"

// VenueSimulated is the venue of synthetic instruments. Synthetic providers attach only to it, real ones never do.
const VenueSimulated = "SIM"

// InstrumentID names an instrument: its symbol and the venue it trades at, written SYMBOL.VENUE. Both are upper case.
type InstrumentID struct {
	Symbol string
	Venue  string
}

// ParseInstrumentID reads SYMBOL.VENUE, split at the last dot, without case. Errors: invalid.
func ParseInstrumentID(text string) (InstrumentID, error) {
	if len(text) > 64 {
		return InstrumentID{}, Errorf(KindInvalid, "instrument id is too long: want SYMBOL.VENUE, as in BTCUSDT.BINANCE")
	}
	dot := strings.LastIndexByte(text, '.')
	if dot < 0 {
		return InstrumentID{}, Errorf(KindInvalid, "instrument id %q has no venue: want SYMBOL.VENUE, as in BTCUSDT.BINANCE", clip(text))
	}
	return NewInstrumentID(text[:dot], text[dot+1:])
}

// NewInstrumentID checks and upper-cases symbol ([A-Z0-9._^-]{1,32}) and venue ([A-Z0-9]{1,16}). Errors: invalid.
func NewInstrumentID(symbol, venue string) (InstrumentID, error) {
	id := InstrumentID{Symbol: upperASCII(symbol), Venue: upperASCII(venue)}
	if !isCode(id.Symbol, 32, "._^-") {
		return InstrumentID{}, Errorf(KindInvalid, "symbol %q is not valid: want 1 to 32 of A-Z 0-9 . _ ^ -", clip(symbol))
	}
	if !isCode(id.Venue, 16, "") {
		return InstrumentID{}, Errorf(KindInvalid, "venue %q is not valid: want 1 to 16 of A-Z 0-9, a MIC or an exchange name", clip(venue))
	}
	return id, nil
}

// String returns SYMBOL.VENUE.
func (id InstrumentID) String() string { return id.Symbol + "." + id.Venue }

// AssetClass is what kind of thing is traded.
type AssetClass string

// The closed set of asset classes.
const (
	AssetCrypto AssetClass = "crypto"
	AssetEquity AssetClass = "equity"
	AssetETF    AssetClass = "etf"
	AssetIndex  AssetClass = "index"
	AssetFX     AssetClass = "fx"
	AssetFund   AssetClass = "fund"
	AssetFuture AssetClass = "future"
)

// AssetClasses returns the closed set.
func AssetClasses() []AssetClass {
	return []AssetClass{AssetCrypto, AssetEquity, AssetETF, AssetIndex, AssetFX, AssetFund, AssetFuture}
}

// ParseAssetClass reads an asset class by its exact text. Errors: invalid.
func ParseAssetClass(text string) (AssetClass, error) {
	for _, a := range AssetClasses() {
		if text == string(a) {
			return a, nil
		}
	}
	return "", Errorf(KindInvalid, "not an asset class: want one of crypto equity etf index fx fund future")
}

// ProviderSymbol is how one provider instance names an instrument.
type ProviderSymbol struct {
	Name   string `json:"name"`   // provider instance, [a-z][a-z0-9_]*
	Symbol string `json:"symbol"` // the provider's own code, as it wants it in requests
}

// Instrument is the thing traded, with what the platform needs to load and serve it.
type Instrument struct {
	ID         InstrumentID
	AssetClass AssetClass
	Currency   string // ISO 4217 or the quote asset of a crypto pair; up to 12 characters
	Name       string
	Calendar   string           // a name that calendar.ByName knows
	Providers  []ProviderSymbol // in order of preference
	Intervals  []Interval       // kept in sync
	CreatedAt  time.Time
}

// upperASCII leaves everything but a to z alone. Unicode's upper case would turn some foreign letters into A to Z and
// let two spellings name one instrument.
func upperASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, text)
}

// isCode reports whether text is 1 to most characters of A-Z, 0-9 and extra.
func isCode(text string, most int, extra string) bool {
	for i := range len(text) {
		c := text[i]
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte(extra, c) < 0 {
			return false
		}
	}
	return text != "" && len(text) <= most
}

// clip keeps error messages short and printable, whatever was sent.
func clip(text string) string {
	const most = 48
	text = strings.ToValidUTF8(text, "?")
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
