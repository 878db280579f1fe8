package simulator

import (
	"cmp"
	"strings"
	"time"

	"marketdata/market"
	"marketdata/market/calendar"
)

// describeReplay tells from a symbol and its calendar what the providers' formats say besides bars.
func describeReplay(o ReplayOptions) (symbolInfo, error) {
	if o.Calendar == "" {
		o.Calendar = market.Calendar247{}.Name()
	}
	c, err := calendar.ByName(o.Calendar)
	if err != nil {
		return symbolInfo{}, err
	}
	if _, err := market.ParseInterval(string(o.Interval)); err != nil {
		return symbolInfo{}, err
	}
	// Yahoo's codes of currencies have a sign that ours do not.
	if _, err := market.NewInstrumentID(strings.ReplaceAll(o.Symbol, "=", "-"), market.VenueSimulated); err != nil {
		return symbolInfo{}, err
	}
	info := symbolInfo{symbol: strings.ToUpper(o.Symbol), calendar: c, zone: c.Location()}
	info.name = info.symbol
	info.base, info.quote = info.symbol, "USD"
	if c.IsContinuous() {
		info.base, info.quote = splitSymbol(info.symbol)
	}
	info.formats = []format{formatYahoo}
	switch {
	case strings.HasPrefix(info.symbol, "^"):
		info.kind = kindIndex
	case strings.HasSuffix(info.symbol, "=X"):
		info.kind = kindCurrency
		if info.zone, err = time.LoadLocation("Europe/London"); err != nil {
			return symbolInfo{}, market.Errorf(market.KindInternal, "the time zones are missing: %w", err)
		}
	case c.IsContinuous():
		info.kind = kindCrypto
		info.formats = []format{formatBinance, formatYahoo, formatCoinbase}
	default:
		info.kind = kindEquity
	}
	if info.kind == kindEquity {
		info.quote = currencyOf(c.Name())
	}
	info.exchange, info.exchangeName = exchangeOf(c.Name())
	return info, nil
}

// exchangeOf returns the two names that Yahoo has for where a calendar's market trades.
func exchangeOf(name string) (short, long string) {
	names := map[string][2]string{
		"XNAS": {"NMS", "NasdaqGS"}, "XNYS": {"NYQ", "NYSE"}, "XLON": {"LSE", "LSE"}, "XETR": {"GER", "XETRA"}, "XPAR": {"PAR", "Paris"},
		"XTKS": {"JPX", "Tokyo"}, "XHKG": {"HKG", "HKSE"}, "XASX": {"ASX", "ASX"}, "24x7": {"CCC", "CCC"},
	}[name]
	return names[0], names[1]
}

// currencyOf returns what Yahoo quotes a calendar's stocks in, for London pence.
func currencyOf(name string) string {
	currency := map[string]string{"XLON": "GBp", "XETR": "EUR", "XPAR": "EUR", "XTKS": "JPY", "XHKG": "HKD", "XASX": "AUD"}[name]
	return cmp.Or(currency, "USD")
}

// splitSymbol returns the two sides of a pair; where no dash parts them, it guesses where the quote currency begins, and
// where none is known, it is USD.
func splitSymbol(symbol string) (base, quote string) {
	if base, quote, isFound := strings.Cut(symbol, "-"); isFound {
		return base, quote
	}
	for _, quote := range []string{"USDT", "USDC", "USD", "EUR", "GBP", "JPY", "BTC", "ETH", "BNB"} {
		if base, isFound := strings.CutSuffix(symbol, quote); isFound && base != "" {
			return base, quote
		}
	}
	return symbol, "USD"
}
