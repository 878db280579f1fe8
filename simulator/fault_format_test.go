package simulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A page of each format: 2024-06-03 to 2024-06-07, five sessions and five days.
const (
	chartPage   = "/v8/finance/chart/%5EGSPC?interval=1d&period1=1717372800&period2=1717804799"
	candlesPage = "/products/ETH-USD/candles?granularity=86400&start=2024-06-03&end=2024-06-07"
)

func TestFaultsAsEachProviderWritesThem(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		rule, target string
		status       int
		contains     string
	}{
		{`{"fault":"unauthorized"}`, "/api/v3/klines?" + page, 401, `"code":-2015`},
		{`{"fault":"rate_limit"}`, chartPage, 429, "Edge: Too Many Requests"},
		{`{"fault":"ban"}`, chartPage, 429, "Edge: Too Many Requests"},
		{`{"fault":"restricted"}`, chartPage, 451, "region"},
		{`{"fault":"unauthorized"}`, chartPage, 401, `"code":"Unauthorized"`},
		{`{"fault":"server_error","status":502}`, chartPage, 502, `{"chart":{"error":{"code":"Internal Server Error"`},
		{`{"fault":"html"}`, chartPage, 200, "<html>"},
		{`{"fault":"rate_limit"}`, candlesPage, 429, `{"message":"Public rate limit exceeded"}`},
		{`{"fault":"ban"}`, candlesPage, 429, `"message"`},
		{`{"fault":"restricted"}`, candlesPage, 451, `"message"`},
		{`{"fault":"unauthorized"}`, candlesPage, 401, `{"message":"Unauthorized."}`},
		{`{"fault":"server_error"}`, "/products", 503, `{"message":"Internal server error"}`},
	} {
		s := newSimulator(t)
		misbehave(t, s, strings.Replace(tc.rule, "}", `,"retry_after_seconds":7}`, 1))
		w := browse(t, s, tc.target)
		require.Equal(t, tc.status, w.Code, "%s %s", tc.rule, tc.target)
		require.Contains(t, w.Body.String(), tc.contains)
		require.Equal(t, "7", w.Header().Get("Retry-After"), tc.rule)
	}
	for target, beginning := range map[string]string{chartPage: `{"chart":`, candlesPage: "[[1"} {
		s := newSimulator(t)
		misbehave(t, s, `{"fault":"cut"}`)
		require.True(t, strings.HasPrefix(browse(t, s, target).Body.String(), beginning))
	}
}

func TestRulesFindTheSymbolInThePath(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	misbehave(t, s, `[{"fault":"rate_limit","symbol":"^GSPC"},{"fault":"rate_limit","symbol":"ETH-USD"}]`)
	require.Equal(t, 429, browse(t, s, chartPage).Code)
	require.Equal(t, 429, browse(t, s, candlesPage).Code)
	require.Equal(t, 200, browse(t, s, "/v8/finance/chart/AAPL").Code)
	require.Equal(t, 200, browse(t, s, "/products/BTC-USD/candles").Code)
	r := statistics(t, s, "")
	require.Equal(t, map[string]int{"^GSPC": 1, "ETH-USD": 1, "AAPL": 1, "BTC-USD": 1}, r.BySymbol)
	require.Equal(t, 4, r.Requests)
	require.Equal(t, map[string]int{"429": 2, "200": 2}, r.ByStatus)
}

// rowsOf returns the rows of an answer in its order as texts that begin with the date.
func rowsOf(t *testing.T, s http.Handler, target string) []string {
	t.Helper()
	var rows []string
	if target == candlesPage {
		var raw []json.RawMessage
		require.NoError(t, json.Unmarshal(browse(t, s, candlesPage).Body.Bytes(), &raw))
		for _, row := range raw {
			rows = append(rows, strings.TrimPrefix(string(row), "["))
		}
		return rows
	}
	c := chartOf(t, s, "%s", strings.TrimPrefix(chartPage, "/v8/finance/chart/"))
	for i, at := range c.Timestamp {
		q := c.quote()
		rows = append(rows, fmt.Sprint(at, ",", *q.Open[i], *q.High[i], *q.Low[i], *q.Close[i], *q.Volume[i]))
	}
	return rows
}

func TestFaultsOfRowsInEveryFormat(t *testing.T) {
	t.Parallel()
	for _, target := range []string{chartPage, candlesPage} {
		good := rowsOf(t, newSimulator(t), target)
		require.Len(t, good, 5)
		newestFirst := target == candlesPage
		for rule, check := range map[string]func(t *testing.T, s http.Handler, rows []string){
			`{"fault":"duplicates","rows":2}`: func(t *testing.T, _ http.Handler, rows []string) {
				t.Helper()
				require.Equal(t, slices.Concat(good, good[:2]), rows)
			},
			`{"fault":"conflicting_duplicates"}`: func(t *testing.T, _ http.Handler, rows []string) {
				t.Helper()
				require.Equal(t, good, rows[:5])
				require.Equal(t, good[0][:10], rows[5][:10])
				require.NotEqual(t, good[0], rows[5])
			},
			`{"fault":"unsorted"}`: func(t *testing.T, _ http.Handler, rows []string) {
				t.Helper()
				require.NotEqual(t, good, rows)
				require.ElementsMatch(t, good, rows)
			},
			`{"fault":"out_of_window"}`: func(t *testing.T, _ http.Handler, rows []string) {
				t.Helper()
				require.Len(t, rows, 7)
				require.Equal(t, good, rows[1:6])
				require.Equal(t, newestFirst, rows[0] > rows[6])
			},
			`{"fault":"truncate","rows":3}`: func(t *testing.T, _ http.Handler, rows []string) {
				t.Helper()
				require.Equal(t, good[:3], rows, "the end of the answer is missing")
			},
			`{"fault":"gap","start":"2024-06-04T00:00:00Z","end":"2024-06-05T00:00:00Z"}`: func(t *testing.T, _ http.Handler, rows []string) {
				t.Helper()
				require.Len(t, rows, 4)
				require.Subset(t, good, rows)
			},
			`{"fault":"revise","factor":1.5,"start":"2024-06-04T00:00:00Z","end":"2024-06-05T00:00:00Z"}`: func(t *testing.T, _ http.Handler, rows []string) {
				t.Helper()
				changed := 0
				for i := range good {
					if good[i] != rows[i] {
						changed++
					}
				}
				require.Equal(t, 1, changed)
			},
		} {
			t.Run(target[:4]+" "+rule, func(t *testing.T) {
				t.Parallel()
				s := newSimulator(t)
				misbehave(t, s, rule)
				check(t, s, rowsOf(t, s, target))
			})
		}
	}
}

func TestMalformedRowsInEveryFormat(t *testing.T) {
	t.Parallel()
	for _, target := range []string{chartPage, candlesPage} {
		good := browse(t, newSimulator(t), target).Body.String()
		for kind, contains := range map[string]string{
			"high_below_low": "", "negative_volume": "-1", "nan": `"NaN"`, "long_number": strings.Repeat("9", 400), "short_row": "", "long_row": "", "wrong_type": "true",
		} {
			s := newSimulator(t)
			misbehave(t, s, fmt.Sprintf(`{"fault":"malformed_rows","kind":%q}`, kind))
			bad := browse(t, s, target).Body.String()
			require.NotEqual(t, good, bad, kind)
			require.True(t, json.Valid([]byte(bad)), "%s is a document all the same", kind)
			require.Contains(t, bad, contains)
		}
	}
}

func TestOutOfWindowAroundNothing(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	misbehave(t, s, `{"fault":"out_of_window"}`)
	c := chartOf(t, s, "AAPL?interval=1d&period1=%d&period2=%d", unix(t, "2024-06-08"), unix(t, "2024-06-09"))
	require.Equal(t, []string{"2024-06-07T13:30:00", "2024-06-10T13:30:00"}, c.stamps())
}

func TestASlowChartIsWhole(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	misbehave(t, s, `{"fault":"slow","delay_ms":1}`)
	require.Len(t, rowsOf(t, s, chartPage), 5)
}
