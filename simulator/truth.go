package simulator

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"marketdata/market"
)

// Truth returns what the market of a symbol holds: the closed bars with keys in r, ascending, with time, prices and
// volume. Prices have the digits that a reader of the provider's format must find: where only Yahoo lists the symbol,
// the shortest that name the same float32. A bar in which nothing traded is among them only at Binance, which sends it.
// Late trades after an early close belong to no bar of
// their interval. Errors: not_found for an unknown symbol, invalid for an interval that the symbol does not have.
func (s *Simulator) Truth(symbol string, interval market.Interval, r market.Range) ([]market.Bar, error) {
	from, isKnown := s.symbols[symbol]
	if !isKnown {
		return nil, market.Errorf(market.KindNotFound, "the simulator has no symbol %q", symbol)
	}
	if _, err := market.ParseInterval(string(interval)); err != nil {
		return nil, err
	}
	info, now := from.info(), s.now()
	grid := market.Grid{Interval: interval, Calendar: info.calendar}
	if r.IsEmpty() {
		return nil, nil
	}
	rows, err := from.bars(interval, between(r.Start, r.End.Add(-1), now))
	if err != nil {
		return nil, err
	}
	bars := make([]market.Bar, 0, len(rows))
	for _, row := range rows {
		key := time.UnixMilli(row.open).UTC()
		isTold := !row.isTradeless || info.speaks(formatBinance)
		if !isTold || !r.Contains(key) || !grid.IsAligned(key) || grid.Close(key).After(now) {
			continue
		}
		bar, err := row.bar(len(info.formats) == 1 && info.speaks(formatYahoo))
		if err != nil {
			return nil, err
		}
		bars = append(bars, bar)
	}
	return bars, nil
}

// bar reads a row; its prices pass through a float32 where the provider's do.
func (k wireRow) bar(isWidened bool) (market.Bar, error) {
	b := market.Bar{Time: time.UnixMilli(k.open).UTC()}
	for _, number := range []struct {
		into *market.Decimal
		text string
	}{{&b.Open, k.o}, {&b.High, k.h}, {&b.Low, k.l}, {&b.Close, k.c}, {&b.Volume, k.volume}} {
		text := number.text
		if isWidened && number.into != &b.Volume {
			f, err := strconv.ParseFloat(text, 32)
			if err != nil {
				return b, market.Errorf(market.KindInvalid, "price %q: %w", text, err)
			}
			text = strconv.FormatFloat(f, 'f', -1, 32)
		}
		var err error
		if *number.into, err = market.ParseDecimal(text); err != nil {
			return b, err
		}
	}
	return b, nil
}

// truthBar is a bar as GET /_sim/bars shows it.
type truthBar struct {
	TS     time.Time   `json:"ts"`
	Open   json.Number `json:"open"`
	High   json.Number `json:"high"`
	Low    json.Number `json:"low"`
	Close  json.Number `json:"close"`
	Volume json.Number `json:"volume"`
}

// showBars answers GET /_sim/bars?symbol=&interval=&start=&end= with [Simulator.Truth].
func (s *Simulator) showBars(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	refuse := func(status int, err error) { writeJSON(w, status, map[string]string{"error": err.Error()}) }
	interval, err := market.ParseInterval(query.Get("interval"))
	if err != nil {
		refuse(http.StatusBadRequest, err)
		return
	}
	start, err := market.ParseTime(query.Get("start"))
	if err != nil {
		refuse(http.StatusBadRequest, err)
		return
	}
	end, err := market.ParseTime(query.Get("end"))
	if err != nil {
		refuse(http.StatusBadRequest, err)
		return
	}
	symbol := query.Get("symbol")
	bars, err := s.Truth(symbol, interval, market.Range{Start: start, End: end})
	if err != nil {
		status := http.StatusBadRequest
		if market.KindOf(err) == market.KindNotFound {
			status = http.StatusNotFound
		}
		refuse(status, err)
		return
	}
	shown := make([]truthBar, len(bars))
	for i, b := range bars {
		number := func(d market.Decimal) json.Number { return json.Number(d.String()) }
		shown[i] = truthBar{b.Time, number(b.Open), number(b.High), number(b.Low), number(b.Close), number(b.Volume)}
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"symbol": symbol, "interval": interval, "calendar": s.symbols[symbol].info().calendar.Name(), "bars": shown,
	})
}
