package binance_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"marketdata/market"
	"marketdata/providers/binance"
	"marketdata/providers/providertest"
)

// encode writes bars as klines.
func encode(grid market.Grid, bars []market.Bar) string {
	rows := make([]string, len(bars))
	for i, b := range bars {
		rows[i] = fmt.Sprintf(`[%d,"%s0","%s","%s","%s","%s",%d,"%s",%d,"1.00","2.00","0"]`, b.Time.UnixMilli(),
			b.Open, b.High, b.Low, b.Close, b.Volume, grid.Next(b.Time).UnixMilli()-1, b.Turnover, *b.Trades)
	}
	return "[" + strings.Join(rows, ",") + "]"
}

// serve answers as Binance does: both bounds inclusive on the open time, oldest first, at most limit.
func serve(r *http.Request, bars []market.Bar) providertest.Answer {
	query := r.URL.Query()
	number := func(key string) int64 {
		n, err := strconv.ParseInt(query.Get(key), 10, 64)
		if err != nil {
			return -1
		}
		return n
	}
	interval, err := market.ParseInterval(strings.Replace(query.Get("interval"), "M", "mo", 1))
	if err != nil || number("startTime") < 0 || number("endTime") < 0 || number("limit") > 1000 || r.URL.Path != "/api/v3/klines" {
		return providertest.Answer{Status: http.StatusBadRequest, Body: `{"code":-1102,"msg":"Mandatory parameter was not sent."}`}
	}
	var within []market.Bar
	for _, b := range bars {
		if ms := b.Time.UnixMilli(); ms >= number("startTime") && ms <= number("endTime") && int64(len(within)) < number("limit") {
			within = append(within, b)
		}
	}
	return providertest.Answer{Body: encode(market.Grid{Interval: interval, Calendar: market.Calendar247{}}, within)}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, providertest.Harness{
		New:    binance.New,
		Symbol: "BTCUSDT",
		Serve:  serve,
		Encode: func(grid market.Grid, bars []market.Bar) providertest.Answer {
			return providertest.Answer{Body: encode(grid, bars)}
		},
		UnknownSymbol: providertest.Answer{Status: http.StatusBadRequest, Body: `{"code":-1121,"msg":"Invalid symbol."}`},
	})
}
