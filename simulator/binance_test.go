package simulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

const minuteMS = 60_000

func TestKlineBounds(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	start := at(t, "2024-01-01")
	latest := at(t, "2024-06-12T12:34:00Z") // the forming one
	for _, tc := range []struct {
		name        string
		query       string
		first, last int64
		rows        int
	}{
		{"both bounds are inclusive", fmt.Sprintf("startTime=%d&endTime=%d", start, start+5*minuteMS), start, start + 5*minuteMS, 6},
		{"start equal to end", fmt.Sprintf("startTime=%d&endTime=%d", start, start), start, start, 1},
		{"unaligned start", fmt.Sprintf("startTime=%d&endTime=%d", start+1, start+5*minuteMS), start + minuteMS, start + 5*minuteMS, 5},
		{"unaligned end", fmt.Sprintf("startTime=%d&endTime=%d", start, start+5*minuteMS-1), start, start + 4*minuteMS, 5},
		{"start only", fmt.Sprintf("startTime=%d&limit=3", start), start, start + 2*minuteMS, 3},
		{"end only", fmt.Sprintf("endTime=%d&limit=3", start), start - 2*minuteMS, start, 3},
		{"neither", "limit=3", latest - 2*minuteMS, latest, 3},
		{"default limit", fmt.Sprintf("startTime=%d", start), start, start + 499*minuteMS, 500},
		{"greatest limit", fmt.Sprintf("startTime=%d&limit=5000", start), start, start + 999*minuteMS, 1000},
		{"an end in the future", fmt.Sprintf("startTime=%d&endTime=%d", latest-minuteMS, latest+90*minuteMS), latest - minuteMS, latest, 2},
		{"reversed", fmt.Sprintf("startTime=%d&endTime=%d", start, start-1), 0, 0, 0},
		{"in the future", fmt.Sprintf("startTime=%d", latest+minuteMS), 0, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rows := klines(t, s, "symbol=BTCUSDT&interval=1m&%s", tc.query)
			require.Len(t, rows, tc.rows)
			for i, r := range rows {
				require.Equal(t, tc.first+int64(i)*minuteMS, r.open)
				require.Equal(t, r.open+minuteMS-1, r.close)
			}
			if tc.rows > 0 {
				require.Equal(t, tc.last, rows[len(rows)-1].open)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	for _, tc := range []struct {
		target string
		code   int
	}{
		{"klines?interval=1m", -1102},
		{"klines?symbol=BTCUSDT", -1102},
		{"klines?symbol=NOPE&interval=1m", -1121},
		{"klines?symbol=btcusdt&interval=1m", -1121},
		{"klines?symbol=BTCUSDT&interval=1mo", -1120},
		{"klines?symbol=BTCUSDT&interval=7m", -1120},
		{"klines?symbol=BTCUSDT&interval=1m&startTime=yesterday", -1100},
		{"klines?symbol=BTCUSDT&interval=1m&endTime=-5", -1100},
		{"klines?symbol=BTCUSDT&interval=1m&startTime=99999999999999999999", -1100},
		{"klines?symbol=BTCUSDT&interval=1m&limit=0", -1100},
		{"klines?symbol=BTCUSDT&interval=1m&limit=x", -1100},
		{"exchangeInfo?symbol=NOPE", -1121},
		{"exchangeInfo?symbols=BTCUSDT", -1100},
	} {
		w := get(t, s, "/api/v3/"+tc.target)
		require.Equal(t, http.StatusBadRequest, w.Code, tc.target)
		var refusal struct {
			Code int    `json:"code"`
			Msg  string `json:"msg"`
		}
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &refusal))
		require.Equal(t, tc.code, refusal.Code, tc.target)
		require.NotEmpty(t, refusal.Msg)
	}
	require.Equal(t, http.StatusNotFound, get(t, s, "/api/v3/nothing").Code)
	require.Equal(t, http.StatusMethodNotAllowed, call(t, s, http.MethodPost, "/api/v3/klines", "").Code)
}

func TestExchangeInfo(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	type info struct {
		Timezone   string `json:"timezone"`
		RateLimits []any  `json:"rateLimits"`
		Symbols    []struct {
			Symbol     string `json:"symbol"`
			Status     string `json:"status"`
			BaseAsset  string `json:"baseAsset"`
			QuoteAsset string `json:"quoteAsset"`
			Filters    []struct {
				FilterType string `json:"filterType"`
				TickSize   string `json:"tickSize"`
			} `json:"filters"`
		} `json:"symbols"`
	}
	ask := func(query string) (answer info) {
		w := get(t, s, "/api/v3/exchangeInfo"+query)
		require.Equal(t, http.StatusOK, w.Code, w.Body.String())
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
		return answer
	}
	all := ask("")
	require.Equal(t, "UTC", all.Timezone)
	require.NotEmpty(t, all.RateLimits)
	require.Greater(t, len(all.Symbols), 3)
	for _, symbol := range all.Symbols {
		require.Equal(t, symbol.Symbol, symbol.BaseAsset+symbol.QuoteAsset)
		require.Equal(t, "TRADING", symbol.Status)
		require.NotEmpty(t, klines(t, s, "symbol=%s&interval=1d", symbol.Symbol))
	}
	require.Len(t, ask("?symbol=ETHBTC").Symbols, 1)
	require.Equal(t, "0.00001", ask("?symbol=ETHBTC").Symbols[0].Filters[0].TickSize)
	require.Len(t, ask(`?symbols=%5B%22BTCUSDT%22%2C%22ETHUSDT%22%5D`).Symbols, 2)
}

func TestUsedWeightCountsWithinTheMinute(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	for i, tc := range []struct {
		target string
		used   int
	}{
		{"/api/v3/ping", 1}, {"/api/v3/time", 2}, {"/api/v3/exchangeInfo", 22}, {"/api/v3/klines?symbol=BTCUSDT&interval=1d&limit=1", 24},
	} {
		w := get(t, s, tc.target)
		require.Equal(t, http.StatusOK, w.Code)
		require.Equal(t, strconv.Itoa(tc.used), w.Header().Get("X-MBX-USED-WEIGHT-1M"), "request %d", i)
	}
}
