package simulator_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const page = "symbol=BTCUSDT&interval=1m&startTime=1704067200000&endTime=1704072540000" // 90 minutes

func TestFaultsInPlaceOfTheAnswer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		rule       string
		status     int
		retryAfter string
		contains   string
	}{
		{`{"fault":"rate_limit"}`, 429, "", `"code":-1003`},
		{`{"fault":"rate_limit","retry_after_seconds":7}`, 429, "7", `"code":-1003`},
		{`{"fault":"ban","retry_after_seconds":120}`, 418, "120", fmt.Sprintf("banned until %d", now().UnixMilli()+120_000)},
		{`{"fault":"restricted"}`, 451, "", "restricted location"},
		{`{"fault":"server_error"}`, 503, "", "unavailable"},
		{`{"fault":"server_error","status":500,"retry_after_seconds":3}`, 500, "3", "unavailable"},
		{`{"fault":"html"}`, 200, "", "<html>"},
		{`{"fault":"html","status":403}`, 403, "", "<html>"},
		{`[{"fault":"html"},{"fault":"ban"}]`, 200, "", "<html>"}, // the first
		{`{"fault":"slow","delay_ms":1}`, 200, "", "[[1704067200000,"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			s := newSimulator(t)
			misbehave(t, s, tc.rule)
			w := get(t, s, "/api/v3/klines?"+page)
			require.Equal(t, tc.status, w.Code)
			require.Equal(t, tc.retryAfter, w.Header().Get("Retry-After"))
			require.Contains(t, w.Body.String(), tc.contains)
		})
	}
}

func TestCutBody(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	misbehave(t, s, `{"fault":"cut"}`)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	response, err := server.Client().Get(server.URL + "/api/v3/klines?" + page)
	require.NoError(t, err)
	_, err = io.ReadAll(response.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NoError(t, response.Body.Close())
}

func TestFaultsOfRows(t *testing.T) {
	t.Parallel()
	good := klines(t, newSimulator(t), page)
	require.Len(t, good, 90)
	sorted := func(rows []row) []row {
		rows = slices.Clone(rows)
		slices.SortStableFunc(rows, func(a, b row) int { return int(a.open - b.open) })
		return rows
	}
	for _, tc := range []struct {
		rule  string
		check func(t *testing.T, s http.Handler, rows []row)
	}{
		{`{"fault":"duplicates","rows":2}`, func(t *testing.T, _ http.Handler, rows []row) {
			t.Helper()
			require.Len(t, rows, 92)
			require.Equal(t, good, slices.Compact(sorted(rows)), "they say the same")
		}},
		{`{"fault":"conflicting_duplicates","rows":2}`, func(t *testing.T, _ http.Handler, rows []row) {
			t.Helper()
			require.Len(t, rows, 92)
			require.Len(t, slices.Compact(sorted(rows)), 92, "they differ")
		}},
		{`{"fault":"unsorted"}`, func(t *testing.T, _ http.Handler, rows []row) {
			t.Helper()
			require.NotEqual(t, good, rows)
			require.Equal(t, good, sorted(rows))
		}},
		{`{"fault":"out_of_window"}`, func(t *testing.T, s http.Handler, rows []row) {
			t.Helper()
			require.Equal(t, good, rows[1:91])
			misbehave(t, s, `{"fault":"slow"}`)
			require.Equal(t, http.StatusNoContent, call(t, s, http.MethodDelete, "/_sim/faults", "").Code)
			around := klines(t, s, "symbol=BTCUSDT&interval=1m&startTime=%d&endTime=%d", good[0].open-minuteMS, good[89].open+minuteMS)
			require.Equal(t, around, rows, "the bars that stand there")
		}},
		{`{"fault":"truncate","rows":30}`, func(t *testing.T, _ http.Handler, rows []row) {
			t.Helper()
			require.Equal(t, good[:30], rows)
		}},
		{`[{"fault":"unsorted"},{"fault":"truncate","rows":30}]`, func(t *testing.T, _ http.Handler, rows []row) {
			t.Helper()
			require.NotEqual(t, good[:30], rows)
			require.Equal(t, good[:30], sorted(rows), "the same are left, whatever their order")
		}},
		{`{"fault":"gap","start":"2024-01-01T00:10:00Z","end":"2024-01-01T00:20:00Z"}`, func(t *testing.T, _ http.Handler, rows []row) {
			t.Helper()
			require.Equal(t, slices.Concat(good[:10], good[20:]), rows)
		}},
		{`{"fault":"revise","factor":1.5,"start":"2024-01-01T00:10:00Z","end":"2024-01-01T00:20:00Z"}`, func(t *testing.T, _ http.Handler, rows []row) {
			t.Helper()
			require.Equal(t, good[:10], rows[:10])
			require.Equal(t, good[20:], rows[20:])
			for i := 10; i < 20; i++ {
				require.NotEqual(t, good[i].c, rows[i].c)
			}
		}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			s := newSimulator(t)
			misbehave(t, s, tc.rule)
			tc.check(t, s, klines(t, s, page))
		})
	}
}

func TestMalformedRowsAreAsManyAsAskedFor(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	var good, bad []json.RawMessage
	require.NoError(t, json.Unmarshal(get(t, s, "/api/v3/klines?"+page).Body.Bytes(), &good))
	misbehave(t, s, `{"fault":"malformed_rows","rows":7}`)
	body := get(t, s, "/api/v3/klines?"+page).Body.Bytes()
	require.NoError(t, json.Unmarshal(body, &bad))
	require.Len(t, bad, len(good))
	changed := 0
	for i := range good {
		if string(good[i]) != string(bad[i]) {
			changed++
			open, _, _ := strings.Cut(string(good[i]), ",")
			require.Contains(t, string(bad[i]), open+",", "its time can still be read")
		}
	}
	require.Equal(t, 7, changed)
	require.Contains(t, string(body), `"-1.0"`)
	require.Contains(t, string(body), `"NaN"`)
	require.Contains(t, string(body), strings.Repeat("9", 400))
}

func TestRulesChooseTheirRequests(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	misbehave(t, s, `[{"fault":"server_error","path":"/api/v3/klines","symbol":"BTCUSDT","after":1,"count":2}]`)
	status := func(target string) int { return get(t, s, "/api/v3/"+target).Code }
	require.Equal(t, 200, status("ping"))
	require.Equal(t, 200, status("klines?symbol=ETHUSDT&interval=1d"))
	var got []int
	for range 5 {
		got = append(got, status("klines?"+page))
	}
	require.Equal(t, []int{200, 503, 503, 200, 200}, got, "it heals when its count is used up")

	var listed struct {
		Faults []struct {
			Fault   string `json:"fault"`
			Matched int    `json:"matched"`
			Struck  int    `json:"struck"`
		} `json:"faults"`
	}
	require.NoError(t, json.Unmarshal(get(t, s, "/_sim/faults").Body.Bytes(), &listed))
	require.Len(t, listed.Faults, 1)
	require.Equal(t, "server_error", listed.Faults[0].Fault)
	require.Equal(t, 5, listed.Faults[0].Matched)
	require.Equal(t, 2, listed.Faults[0].Struck)
}

func TestRulesCountOnlyWhatTheyChange(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	misbehave(t, s, `[
		{"fault":"gap","start":"2024-01-01T00:10:00Z","end":"2024-01-01T00:20:00Z","count":1},
		{"fault":"rate_limit","path":"/api/v3/klines","count":1},
		{"fault":"server_error","path":"/api/v3/klines","count":1}]`)
	require.Equal(t, 200, get(t, s, "/api/v3/exchangeInfo").Code)
	require.Equal(t, 429, get(t, s, "/api/v3/klines?"+page).Code)
	require.Equal(t, 503, get(t, s, "/api/v3/klines?"+page).Code, "the second comes after the first")
	require.Len(t, klines(t, s, "symbol=BTCUSDT&interval=1m&startTime=%d&limit=5", at(t, "2024-01-02")), 5)
	require.Len(t, klines(t, s, page), 80, "nothing before had bars to miss")
	require.Len(t, klines(t, s, page), 90, "healed")
}

func TestRulesOfEqualProbabilityStrikeApart(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	misbehave(t, s, `[{"fault":"rate_limit","probability":0.3},{"fault":"server_error","probability":0.3}]`)
	seen := map[int]int{}
	for range 200 {
		seen[get(t, s, "/api/v3/ping").Code]++
	}
	require.InDelta(t, 60, seen[429], 30)
	require.InDelta(t, 42, seen[503], 25)
	require.Equal(t, 200, seen[200]+seen[429]+seen[503])
}

func TestProbabilityFollowsFromTheSeed(t *testing.T) {
	t.Parallel()
	run := func() (failures []int) {
		s := newSimulator(t)
		misbehave(t, s, `{"fault":"server_error","probability":0.3}`)
		for i := range 200 {
			if get(t, s, "/api/v3/ping").Code != 200 {
				failures = append(failures, i)
			}
		}
		return failures
	}
	first := run()
	require.InDelta(t, 60, len(first), 30)
	require.Equal(t, first, run())
}

func TestBadRulesAreRefusedWhole(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	for _, rules := range []string{
		``, `[`, `"html"`, `{"fault":"explode"}`, `{"fault":"html","colour":"red"}`, `{"fault":"html","count":-1}`, `{"fault":"html","probability":1.5}`,
		`{"fault":"server_error","status":200}`, `{"fault":"malformed_rows","kind":"ugly"}`, `{"fault":"revise","factor":0}`,
		`{"fault":"revise","factor":-2}`, `{"fault":"revise","factor":"1e999"}`, `{"fault":"gap","start":"monday"}`,
		`{"fault":"gap","start":"2024-01-02T00:00:00Z","end":"2024-01-01T00:00:00Z"}`, `{"fault":"html","status":99}`,
		`[{"fault":"html"}] and more`,
		`[{"fault":"html"},{"fault":"explode"}]`, `{"fault":"` + strings.Repeat("x", 2<<20) + `"}`,
	} {
		w := call(t, s, http.MethodPost, "/_sim/faults", rules)
		require.GreaterOrEqual(t, w.Code, 400, "%.80s", rules)
		require.Less(t, w.Code, 500)
		require.Contains(t, w.Body.String(), `"error"`)
	}
	require.JSONEq(t, `{"faults":[]}`, get(t, s, "/_sim/faults").Body.String())
}
