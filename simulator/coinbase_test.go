package simulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// candle is [time, low, high, open, close, volume].
type candle [6]json.Number

func (c candle) time(t *testing.T) int64 {
	t.Helper()
	n, err := c[0].Int64()
	require.NoError(t, err)
	return n
}

// candles asks for candles, which must come.
func candles(t *testing.T, s http.Handler, query string, args ...any) []candle {
	t.Helper()
	w := browse(t, s, "/products/"+fmt.Sprintf(query, args...))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	require.Equal(t, "public, max-age=300", w.Header().Get("Cache-Control"))
	require.Empty(t, w.Header().Get("X-Mbx-Used-Weight-1m"))
	rows := []candle{}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &rows), w.Body.String())
	for i := 1; i < len(rows); i++ {
		require.Less(t, rows[i].time(t), rows[i-1].time(t), "newest first, none twice")
	}
	return rows
}

func TestCandleBounds(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	start := unix(t, "2024-01-01")
	const minute, hour = 60, 3600
	for _, tc := range []struct {
		name        string
		query       string
		first, last int64
	}{
		{"both bounds are inclusive", fmt.Sprintf("granularity=3600&start=%d&end=%d", start, start+5*hour), start, start + 5*hour},
		{"unaligned", fmt.Sprintf("granularity=3600&start=%d&end=%d", start+1, start+5*hour-1), start + hour, start + 4*hour},
		{"in ISO 8601", "granularity=3600&start=2024-01-01T00:00:00Z&end=2024-01-01T05:00:00Z", start, start + 5*hour},
		{"300 aggregations are 301 rows", fmt.Sprintf("granularity=3600&start=%d&end=%d", start, start+300*hour), start, start + 300*hour},
		{"six hours", fmt.Sprintf("granularity=21600&start=%d&end=%d", start-1, start+24*hour), start, start + 24*hour},
		{"days", fmt.Sprintf("granularity=86400&start=%d&end=%d", start, start+48*hour), start, start + 48*hour},
		{"five minutes", fmt.Sprintf("granularity=300&start=%d&end=%d", start, start+10*minute), start, start + 10*minute},
		{"fifteen minutes", fmt.Sprintf("granularity=900&start=%d&end=%d", start, start+15*minute), start, start + 15*minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rows := candles(t, s, "BTC-USD/candles?%s", tc.query)
			require.Equal(t, tc.first, rows[len(rows)-1].time(t))
			require.Equal(t, tc.last, rows[0].time(t))
		})
	}
	require.Len(t, candles(t, s, "BTC-USD/candles?granularity=3600&start=%d&end=%d", start, start+300*hour), 301)
	require.Len(t, candles(t, s, "BTC-USD/candles?granularity=3600&start=%d&end=%d", start, start+300*hour+3599), 301)
	require.Len(t, candles(t, s, "BTC-USD/candles?granularity=21600&start=%d&end=%d", start, start+24*hour), 5)
	require.Equal(t, "[]", browse(t, s, "/products/BTC-USD/candles?granularity=86400&start=2010-01-01&end=2010-02-01").Body.String(), "before listing")
}

func TestLatestCandles(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	for _, symbol := range []string{"BTC-USD", "XTZ-BTC"} {
		for _, query := range []string{"", "?granularity=60&start=2024-01-01", "?granularity=60&end=2024-01-01", "?granularity=900", "?granularity=21600", "?granularity=86400"} {
			rows := candles(t, s, "%s/candles%s", symbol, query)
			require.Len(t, rows, 350, "%s %s", symbol, query)
			require.Greater(t, rows[0].time(t), now().Unix()-90_000)
			require.LessOrEqual(t, rows[0].time(t), now().Unix())
		}
	}
}

func TestCandlesAreAbsentWhereNothingTraded(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	start := unix(t, "2024-01-01")
	for symbol, want := range map[string]int{"BTC-USD": 298, "SOL-USD": 277, "XTZ-BTC": 21} {
		rows := candles(t, s, "%s/candles?granularity=60&start=%d&end=%d", symbol, start, start+300*60)
		require.InDelta(t, want, len(rows), 15, symbol)
		for _, row := range rows {
			volume, err := row[5].Float64()
			require.NoError(t, err)
			require.Positive(t, volume)
		}
	}
}

func TestSixHoursAreSixCandles(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	start := unix(t, "2024-01-01T06:00:00Z")
	whole := candles(t, s, "XTZ-BTC/candles?granularity=21600&start=%d&end=%d", start, start)
	hours := candles(t, s, "XTZ-BTC/candles?granularity=3600&start=%d&end=%d", start, start+5*3600)
	require.Len(t, whole, 1)
	require.Equal(t, hours[len(hours)-1][3], whole[0][3], "the first open")
	require.Equal(t, hours[0][4], whole[0][4], "the last close")
	for _, hour := range hours {
		for i, isBeyond := range map[int]func(a, b float64) bool{
			1: func(a, b float64) bool { return a < b },
			2: func(a, b float64) bool { return a > b },
		} {
			a, err := hour[i].Float64()
			require.NoError(t, err)
			b, err := whole[0][i].Float64()
			require.NoError(t, err)
			require.False(t, isBeyond(a, b))
		}
	}
}

func TestCandleRefusals(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	start := unix(t, "2024-01-01")
	for _, tc := range []struct {
		target string
		status int
		body   string
	}{
		{"/products/NOPE-USD/candles?granularity=60", 404, `{"message":"NotFound"}`},
		{"/products/AAPL/candles?granularity=60", 404, `{"message":"NotFound"}`},
		{"/products/NOPE-USD", 404, `{"message":"NotFound"}`},
		{"/products/BTC-USD/candles?granularity=61", 400, `{"message":"Unsupported granularity"}`},
		{
			fmt.Sprintf("/products/BTC-USD/candles?granularity=60&start=%d&end=%d", start, start+301*60), 400,
			`{"message":"granularity too small for the requested time range. Count of aggregations requested exceeds 300"}`,
		},
		{"/products/BTC-USD/candles?granularity=60&start=x&end=2024-01-01", 400, `{"message":"Invalid start"}`},
		{"/products/BTC-USD/candles?granularity=60&start=2024-01-01&end=x", 400, `{"message":"Invalid end"}`},
		{"/products/BTC-USD/candles?granularity=60&start=2024-01-02&end=2024-01-01", 400, `{"message":"end must not be before start"}`},
	} {
		w := browse(t, s, tc.target)
		require.Equal(t, tc.status, w.Code, tc.target)
		require.JSONEq(t, tc.body, w.Body.String())
	}
	w := askAs(t, s, "", "/products")
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, w.Body.String(), "User-Agent")
}

func TestProducts(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	type product struct {
		ID        string `json:"id"`
		Base      string `json:"base_currency"`
		Quote     string `json:"quote_currency"`
		Increment string `json:"quote_increment"`
		Status    string `json:"status"`
	}
	var all []product
	require.NoError(t, json.Unmarshal(browse(t, s, "/products").Body.Bytes(), &all))
	require.GreaterOrEqual(t, len(all), 5)
	for _, p := range all {
		require.Equal(t, p.ID, p.Base+"-"+p.Quote)
		require.Equal(t, "online", p.Status)
		var one product
		require.NoError(t, json.Unmarshal(browse(t, s, "/products/"+p.ID).Body.Bytes(), &one))
		require.Equal(t, p, one)
	}
	at := slices.IndexFunc(all, func(p product) bool { return p.ID == "XTZ-BTC" })
	require.Equal(t, "1e-08", all[at].Increment, "with an exponent")
}

// TestTheFormingCandleWaitsForATrade asks within a minute whose first trade is some seconds after it begins.
func TestTheFormingCandleWaitsForATrade(t *testing.T) {
	t.Parallel()
	seen := map[bool]int{}
	for second := range 20 {
		s := simulatorAt(t, "2024-06-12T12:34:"+strconv.Itoa(100 + second)[1:]+"Z")
		rows := candles(t, s, "BTC-USD/candles?granularity=60")
		isThere := rows[0].time(t) == unix(t, "2024-06-12T12:34:00Z")
		require.True(t, isThere || seen[true] == 0, "once there it stays")
		seen[isThere]++
	}
	require.Positive(t, seen[true])
	require.Positive(t, seen[false])
}
