package simulator

import (
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"marketdata/market"
)

const (
	pathKlines       = "/api/v3/klines"
	pathExchangeInfo = "/api/v3/exchangeInfo"

	defaultKlines = 500
	maxKlines     = 1000

	weightKlines       = 2
	weightExchangeInfo = 20
	weightOther        = 1
)

// Binance's error codes.
const (
	codeTooMany       = -1003
	codeIllegal       = -1100
	codeMissing       = -1102
	codeBadInterval   = -1120
	codeInvalidSymbol = -1121
	codeBadKey        = -2015
)

func (s *Simulator) routeBinance() {
	s.router.HandleFunc("GET /api/v3/ping", s.observe(weightOther, func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, struct{}{})
	}))
	s.router.HandleFunc("GET /api/v3/time", s.observe(weightOther, func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]int64{"serverTime": s.now().UnixMilli()})
	}))
	s.router.HandleFunc("GET "+pathExchangeInfo, s.observe(weightExchangeInfo, s.exchangeInfo))
	s.router.HandleFunc("GET "+pathKlines, s.observe(weightKlines, s.klines))
}

func binanceError(w http.ResponseWriter, status, code int, message string) {
	writeJSON(w, status, map[string]any{"code": code, "msg": message})
}

// klines answers like Binance: both bounds inclusive on the open time, ascending, the forming bar last.
func (s *Simulator) klines(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	from, isKnown := s.find(query.Get("symbol"), formatBinance)
	switch {
	case query.Get("symbol") == "":
		binanceError(w, http.StatusBadRequest, codeMissing, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
		return
	case !isKnown:
		binanceError(w, http.StatusBadRequest, codeInvalidSymbol, "Invalid symbol.")
		return
	case query.Get("interval") == "":
		binanceError(w, http.StatusBadRequest, codeMissing, "Mandatory parameter 'interval' was not sent, was empty/null, or malformed.")
		return
	}
	interval, err := binanceInterval(query.Get("interval"))
	if err != nil {
		binanceError(w, http.StatusBadRequest, codeBadInterval, "Invalid interval.")
		return
	}
	asked, name := s.window(query)
	if name != "" {
		binanceError(w, http.StatusBadRequest, codeIllegal, "Illegal characters found in parameter '"+name+"'.")
		return
	}
	rows, err := from.bars(interval, asked)
	if err != nil {
		binanceError(w, http.StatusBadRequest, codeBadInterval, "Invalid interval: "+err.Error())
		return
	}
	for _, fault := range s.faults.pick(r, func(f Fault) bool { return f.concerns(rows) }) {
		if fault.Fault == "out_of_window" {
			rows = withOutside(from, market.Grid{Interval: interval, Calendar: from.info().calendar}, asked, rows)
			continue
		}
		rows = fault.bend(rows, formatBinance)
	}
	body := make([]byte, 0, 2+180*len(rows))
	body = append(body, '[')
	for i, row := range rows {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendKline(body, row, interval.Next(time.UnixMilli(row.open)).UnixMilli()-1)
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
	_, _ = w.Write(append(body, ']')) // the client has gone; nobody is left to tell
}

// binanceInterval reads an interval as Binance writes it: with case, 1M for a month.
func binanceInterval(text string) (market.Interval, error) {
	if text == "1M" {
		return market.Interval1mo, nil
	}
	if text == string(market.Interval1mo) {
		return "", market.Errorf(market.KindInvalid, "not an interval")
	}
	return market.ParseInterval(text)
}

// window reads the bounds; the name of a parameter that cannot be read comes back.
func (s *Simulator) window(query url.Values) (w window, badName string) {
	w = window{from: math.MinInt64, to: math.MaxInt64, now: s.now().UnixMilli(), limit: defaultKlines, isLatest: query.Get("startTime") == ""}
	for _, bound := range []struct {
		name string
		into *int64
	}{{"startTime", &w.from}, {"endTime", &w.to}} {
		text := query.Get(bound.name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return w, bound.name
		}
		*bound.into = n
	}
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return w, "limit"
		}
		w.limit = min(n, maxKlines)
	}
	w.to = min(w.to, w.now)
	return w, ""
}

func (s *Simulator) exchangeInfo(w http.ResponseWriter, r *http.Request) {
	var names []string
	for _, info := range s.listed(formatBinance) {
		names = append(names, info.symbol)
	}
	query := r.URL.Query()
	if one := query.Get("symbol"); one != "" {
		names = []string{one}
	} else if several := query.Get("symbols"); several != "" {
		if err := json.Unmarshal([]byte(several), &names); err != nil {
			binanceError(w, http.StatusBadRequest, codeIllegal, "Illegal characters found in parameter 'symbols'.")
			return
		}
	}
	symbols := []map[string]any{}
	for _, name := range names {
		from, isKnown := s.find(name, formatBinance)
		if !isKnown {
			binanceError(w, http.StatusBadRequest, codeInvalidSymbol, "Invalid symbol.")
			return
		}
		symbols = append(symbols, describeSymbol(from.info()))
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"timezone": "UTC", "serverTime": s.now().UnixMilli(), "exchangeFilters": []any{}, "symbols": symbols,
		"rateLimits": []map[string]any{
			{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
			{"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61000},
		},
	})
}

func describeSymbol(info symbolInfo) map[string]any {
	tick := string(appendDecimal(nil, 1, info.priceDecimals))
	return map[string]any{
		"symbol": info.symbol, "status": "TRADING", "baseAsset": info.base, "baseAssetPrecision": 8,
		"quoteAsset": info.quote, "quotePrecision": 8, "quoteAssetPrecision": 8, "isSpotTradingAllowed": true,
		"orderTypes": []string{"LIMIT", "MARKET"}, "permissions": []string{"SPOT"},
		"filters": []map[string]any{
			{"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00000000", "tickSize": tick},
			{"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"},
		},
	}
}
