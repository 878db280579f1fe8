package simulator

import (
	"time"

	"marketdata/market"
	"marketdata/market/calendar"
)

// syntheticSymbols are the symbols of the synthetic market, in the order in which providers list them. The first one of
// a name counts.
func syntheticSymbols() ([]symbolInfo, error) {
	stocks, err := yahooSymbols()
	if err != nil {
		return nil, err
	}
	return append(append(binanceSymbols(), coinbaseSymbols()...), stocks...), nil
}

// binanceSymbols have Binance's own listing times. Binance sends a flat bar with volume 0 for a minute without a trade.
func binanceSymbols() []symbolInfo {
	at := func(y int, m time.Month, d, h int) time.Time { return time.Date(y, m, d, h, 0, 0, 0, time.UTC) }
	infos := []symbolInfo{
		{symbol: "BTCUSDT", around: 40_000, base: "BTC", quote: "USDT", priceDecimals: 2, listedAt: at(2017, 8, 17, 4)},
		{symbol: "ETHUSDT", around: 2_500, base: "ETH", quote: "USDT", priceDecimals: 2, listedAt: at(2017, 8, 17, 4)},
		{symbol: "BNBUSDT", around: 400, base: "BNB", quote: "USDT", priceDecimals: 2, listedAt: at(2017, 11, 6, 3)},
		{symbol: "XRPUSDT", around: 0.6, base: "XRP", quote: "USDT", priceDecimals: 4, listedAt: at(2018, 5, 4, 8)},
		{symbol: "DOGEUSDT", around: 0.15, base: "DOGE", quote: "USDT", priceDecimals: 5, listedAt: at(2019, 7, 5, 12)},
		{symbol: "SOLUSDT", around: 100, base: "SOL", quote: "USDT", priceDecimals: 2, listedAt: at(2020, 8, 11, 6)},
		{symbol: "SHIBUSDT", around: 0.00002, base: "SHIB", quote: "USDT", priceDecimals: 8, listedAt: at(2021, 5, 10, 11)},
		{symbol: "ETHBTC", around: 0.06, base: "ETH", quote: "BTC", priceDecimals: 5, listedAt: at(2017, 7, 14, 4)},
	}
	for i := range infos {
		infos[i].formats = []format{formatBinance}
		infos[i].calendar = market.Calendar247{}
		infos[i].volumeDecimals, infos[i].lot, infos[i].tradelessPerMille = maxVolumeDecimals, 9_000_000, 4
	}
	return infos
}

// coinbaseSymbols trade less often the further down they stand, and Coinbase sends no row where nothing traded. BTC-USD
// is Yahoo's too, and has whole volumes as all have there.
func coinbaseSymbols() []symbolInfo {
	at := func(y int, m time.Month, d, h int) time.Time { return time.Date(y, m, d, h, 0, 0, 0, time.UTC) }
	infos := []symbolInfo{
		{symbol: "BTC-USD", around: 40_000, priceDecimals: 2, listedAt: at(2015, 7, 20, 21), tradelessPerMille: 10, lot: 3},
		{symbol: "ETH-USD", around: 2_500, priceDecimals: 2, listedAt: at(2016, 5, 18, 0), tradelessPerMille: 30},
		{symbol: "BTC-EUR", around: 37_000, priceDecimals: 2, listedAt: at(2015, 7, 20, 21), tradelessPerMille: 60},
		{symbol: "SOL-USD", around: 100, priceDecimals: 2, listedAt: at(2021, 6, 17, 16), tradelessPerMille: 80},
		{symbol: "ETH-BTC", around: 0.06, priceDecimals: 5, listedAt: at(2016, 5, 18, 0), tradelessPerMille: 200},
		{symbol: "DOGE-USD", around: 0.15, priceDecimals: 5, listedAt: at(2021, 6, 3, 16), tradelessPerMille: 100},
		{symbol: "XTZ-BTC", around: 0.00004, priceDecimals: 8, listedAt: at(2019, 8, 6, 17), tradelessPerMille: 930},
	}
	for i := range infos {
		info := &infos[i]
		info.base, info.quote = splitSymbol(info.symbol)
		info.formats = []format{formatCoinbase}
		info.calendar = market.Calendar247{}
		if info.lot == 0 {
			info.volumeDecimals, info.lot = maxVolumeDecimals, 9_000_000
		}
	}
	bitcoin := &infos[0]
	bitcoin.formats = append(bitcoin.formats, formatYahoo)
	bitcoin.name, bitcoin.kind, bitcoin.zone = "Bitcoin USD", kindCrypto, time.UTC
	bitcoin.exchange, bitcoin.exchangeName = "CCC", "CCC"
	return infos
}

// yahooSymbols trade in the sessions of their exchanges; only currencies never close.
func yahooSymbols() ([]symbolInfo, error) {
	rows := append(newYorkSymbols(), otherSymbols()...)
	infos := make([]symbolInfo, 0, len(rows))
	for _, row := range rows {
		info, err := row.info.in(row.calendar, row.zone)
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

// in places one of Yahoo's symbols on a calendar; zone "" is the calendar's.
func (i symbolInfo) in(name, zone string) (symbolInfo, error) {
	c, err := calendar.ByName(name)
	if err != nil {
		return i, err
	}
	i.calendar, i.zone, i.formats = c, c.Location(), []format{formatYahoo}
	if zone != "" {
		if i.zone, err = time.LoadLocation(zone); err != nil {
			return i, market.Errorf(market.KindInternal, "the time zones are missing: %w", err)
		}
	}
	if i.priceDecimals == 0 {
		i.priceDecimals = 2
	}
	if i.tradelessPerMille == 0 {
		i.tradelessPerMille = 4
	}
	return i, nil
}

// placed is a symbol with the name of its calendar, and its time zone where that is not the calendar's.
type placed struct {
	info           symbolInfo
	calendar, zone string
}

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func newYorkSymbols() []placed {
	quarterly := func(year int, m time.Month, day int) dividendRule {
		return dividendRule{since: date(year, m, 1), day: day}
	}
	splits := []action{{date: date(2014, 6, 9), numerator: 7, denominator: 1}, {date: date(2020, 8, 31), numerator: 4, denominator: 1}}
	return []placed{
		{symbolInfo{
			symbol: "AAPL", name: "Apple Inc.", kind: kindEquity, exchange: "NMS", exchangeName: "NasdaqGS",
			quote: "USD", around: 150, lot: 900, listedAt: date(1998, 1, 2), dividends: quarterly(2012, 8, 7), splits: splits,
		}, "XNAS", ""},
		{symbolInfo{
			symbol: "MSFT", name: "Microsoft Corporation", kind: kindEquity, exchange: "NMS", exchangeName: "NasdaqGS",
			quote: "USD", around: 300, lot: 500, listedAt: date(1998, 1, 2), dividends: quarterly(2004, 11, 15),
		}, "XNAS", ""},
		{symbolInfo{
			symbol: "SPY", name: "SPDR S&P 500 ETF Trust", kind: kindETF, exchange: "PCX", exchangeName: "NYSEArca",
			quote: "USD", around: 400, lot: 1500, listedAt: date(1993, 1, 29), dividends: quarterly(1996, 3, 15),
		}, "XNYS", ""},
		{symbolInfo{
			symbol: "^GSPC", name: "S&P 500", kind: kindIndex, exchange: "SNP", exchangeName: "SNP",
			quote: "USD", around: 4_000, lot: 90_000, listedAt: date(1990, 1, 2),
		}, "XNYS", ""},
		{symbolInfo{
			symbol: "^IXIC", name: "NASDAQ Composite", kind: kindIndex, exchange: "NIM", exchangeName: "Nasdaq GIDS",
			quote: "USD", around: 12_000, lot: 90_000, listedAt: date(1990, 1, 2),
		}, "XNYS", ""},
	}
}

func otherSymbols() []placed {
	return []placed{
		{symbolInfo{
			symbol: "VOD.L", name: "Vodafone Group Public Limited Company", kind: kindEquity, exchange: "LSE", exchangeName: "LSE",
			quote: "GBp", around: 75, lot: 2_000, listedAt: date(2000, 1, 4), tradelessPerMille: 20,
		}, "XLON", ""},
		{symbolInfo{
			symbol: "SAP.DE", name: "SAP SE", kind: kindEquity, exchange: "GER", exchangeName: "XETRA",
			quote: "EUR", around: 120, lot: 60, listedAt: date(2000, 1, 3), tradelessPerMille: 30,
		}, "XETR", ""},
		{symbolInfo{
			symbol: "MC.PA", name: "LVMH Moët Hennessy - Louis Vuitton, Société Européenne", kind: kindEquity, exchange: "PAR", exchangeName: "Paris",
			quote: "EUR", around: 600, lot: 20, listedAt: date(2000, 1, 3), tradelessPerMille: 30,
		}, "XPAR", ""},
		{symbolInfo{
			symbol: "7203.T", name: "Toyota Motor Corporation", kind: kindEquity, exchange: "JPX", exchangeName: "Tokyo",
			quote: "JPY", around: 2_000, lot: 700, listedAt: date(2000, 1, 4), tradelessPerMille: 15,
		}, "XTKS", ""},
		{symbolInfo{
			symbol: "0700.HK", name: "Tencent Holdings Limited", kind: kindEquity, exchange: "HKG", exchangeName: "HKSE",
			quote: "HKD", around: 350, lot: 400, listedAt: date(2004, 6, 16), tradelessPerMille: 15,
		}, "XHKG", ""},
		{symbolInfo{
			symbol: "BHP.AX", name: "BHP Group Limited", kind: kindEquity, exchange: "ASX", exchangeName: "ASX",
			quote: "AUD", around: 40, lot: 150, listedAt: date(2000, 1, 4), tradelessPerMille: 40,
		}, "XASX", ""},
		{symbolInfo{
			symbol: "EURUSD=X", name: "EUR/USD", kind: kindCurrency, exchange: "CCY", exchangeName: "CCY",
			quote: "USD", around: 1.15, priceDecimals: 4, listedAt: date(2003, 12, 1),
		}, "24x7", "Europe/London"},
	}
}
