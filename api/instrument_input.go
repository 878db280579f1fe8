package api

import (
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"marketdata/market"
	"marketdata/market/calendar"
)

// instrumentInput is the body of POST /v1/instruments. Its tags hold what can be said of a field alone; Resolve checks
// the rest, and all faults are told at once.
type instrumentInput struct {
	Symbol     string                `json:"symbol" pattern:"^[A-Za-z0-9._^-]{1,32}$" patternDescription:"1 to 32 of A-Z 0-9 . _ ^ -" example:"BTCUSDT" doc:"Code at the venue; stored in upper case."`
	Venue      string                `json:"venue" pattern:"^[A-Za-z0-9]{1,16}$" patternDescription:"1 to 16 of A-Z 0-9" example:"BINANCE" doc:"A MIC (XNAS), the name of an exchange, INDEX for indices, SIM for synthetic instruments; stored in upper case."`
	AssetClass string                `json:"asset_class" enum:"crypto,equity,etf,index,fx,fund,future" example:"crypto"`
	Currency   string                `json:"currency" pattern:"^([A-Z0-9]{1,12}|GBp|ZAc|ILA)$" patternDescription:"1 to 12 of A-Z 0-9, or GBp or ZAc" example:"USDT" doc:"ISO 4217 code, the quote asset of a crypto pair, or GBp, ZAc, ILA where prices are in hundredths of a currency."`
	Name       string                `json:"name,omitempty" maxLength:"200" example:"Bitcoin / Tether"`
	Calendar   string                `json:"calendar,omitempty" maxLength:"32" example:"24x7" doc:"Defaults from the venue; must be named where the venue implies none, as for INDEX."`
	Providers  []providerSymbolInput `json:"providers" minItems:"1" maxItems:"32" doc:"In order of preference."`
	Intervals  []string              `json:"intervals,omitempty" maxItems:"9" uniqueItems:"true" enum:"1m,5m,15m,30m,1h,4h,1d,1w,1mo" example:"[\"1m\",\"1d\"]" doc:"Kept in sync."`
}

type providerSymbolInput struct {
	Name   string `json:"name" minLength:"1" maxLength:"64" example:"binance" doc:"A configured provider instance; GET /v1/providers lists them."`
	Symbol string `json:"symbol" pattern:"^[!-~]{1,64}$" patternDescription:"1 to 64 printable ASCII characters" example:"BTCUSDT" doc:"The provider's own code."`
}

var _ huma.Resolver = (*instrumentInput)(nil)

// Resolve checks what depends on several fields or on the configuration.
func (b *instrumentInput) Resolve(ctx huma.Context) []error {
	instances := instancesOf(ctx.Context())
	var faults bodyFaults
	if !isText(b.Name) {
		faults.add("body.name", "no text: control characters")
	}
	b.checkCalendar(&faults)
	listed := map[string]bool{}
	for i, p := range b.Providers {
		at := fmt.Sprintf("body.providers[%d].name", i)
		instance, isKnown := instances.find(p.Name)
		switch {
		case listed[p.Name]:
			faults.add(at, "given more than once")
		case !isKnown:
			faults.add(at, "no such provider; configured: %s", instances.names())
		case instance.Synthetic && !b.isSimulated():
			faults.add(at, "a synthetic provider serves instruments of venue %s only", market.VenueSimulated)
		case !instance.Synthetic && b.isSimulated():
			faults.add(at, "venue %s is served by synthetic providers only", market.VenueSimulated)
		}
		listed[p.Name] = true
	}
	b.checkIntervals(instances, &faults)
	return faults
}

func (b *instrumentInput) isSimulated() bool {
	return strings.EqualFold(b.Venue, market.VenueSimulated)
}

// checkCalendar fills in the calendar the venue implies.
func (b *instrumentInput) checkCalendar(faults *bodyFaults) {
	if b.Calendar == "" {
		b.Calendar = calendar.ForVenue(strings.ToUpper(b.Venue), market.AssetClass(b.AssetClass))
	}
	if b.Calendar == "" {
		if _, err := market.ParseAssetClass(b.AssetClass); err == nil { // an unknown class has been told already
			faults.add("body.calendar", "the venue implies no calendar: name one of %s", strings.Join(calendar.Names(), " "))
		}
		return
	}
	if _, err := calendar.ByName(b.Calendar); err != nil {
		faults.add("body.calendar", "%s", err)
	}
}

// checkIntervals requires each interval of at least one of the providers.
func (b *instrumentInput) checkIntervals(instances providerSet, faults *bodyFaults) {
	for i, text := range b.Intervals {
		interval, err := market.ParseInterval(text)
		if err != nil {
			continue // told already, by the tag
		}
		isServed, isAnyKnown := false, false
		for _, p := range b.Providers {
			instance, isKnown := instances.find(p.Name)
			isAnyKnown = isAnyKnown || isKnown
			isServed = isServed || isKnown && instance.Supports(interval)
		}
		if isAnyKnown && !isServed {
			faults.add(fmt.Sprintf("body.intervals[%d]", i), "none of the providers has this interval")
		}
	}
}

// instrument returns the checked body as an instrument.
func (b *instrumentInput) instrument() market.Instrument {
	i := market.Instrument{
		ID:         market.InstrumentID{Symbol: strings.ToUpper(b.Symbol), Venue: strings.ToUpper(b.Venue)},
		AssetClass: market.AssetClass(b.AssetClass), Currency: b.Currency, Name: b.Name, Calendar: b.Calendar,
	}
	for _, p := range b.Providers {
		i.Providers = append(i.Providers, market.ProviderSymbol{Name: p.Name, Symbol: p.Symbol})
	}
	for _, text := range b.Intervals {
		i.Intervals = append(i.Intervals, market.Interval(text))
	}
	return i
}

// bodyFaults collects what is wrong with a body, in the form huma takes.
type bodyFaults []error

func (f *bodyFaults) add(location, format string, args ...any) {
	*f = append(*f, &huma.ErrorDetail{Location: location, Message: fmt.Sprintf(format, args...)})
}
