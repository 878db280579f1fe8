package simulator_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/simulator"
)

// now is in the middle of a minute, an hour, a day, a week and a month.
func now() time.Time { return time.Date(2024, 6, 12, 12, 34, 30, 0, time.UTC) }

// at reads an instant as milliseconds.
func at(tb testing.TB, text string) int64 {
	tb.Helper()
	t, err := market.ParseTime(text)
	require.NoError(tb, err)
	return t.UnixMilli()
}

func newSimulator(tb testing.TB, replays ...*simulator.Replay) *simulator.Simulator {
	tb.Helper()
	s, err := simulator.New(simulator.Options{Seed: 7, Now: now, Replays: replays})
	require.NoError(tb, err)
	return s
}

// call answers a request without a network.
func call(tb testing.TB, s http.Handler, method, target, body string) *httptest.ResponseRecorder {
	tb.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(tb.Context(), method, target, strings.NewReader(body)))
	return w
}

func get(tb testing.TB, s http.Handler, target string) *httptest.ResponseRecorder {
	tb.Helper()
	return call(tb, s, http.MethodGet, target, "")
}

// misbehave adds rules.
func misbehave(tb testing.TB, s http.Handler, rules string) {
	tb.Helper()
	w := call(tb, s, http.MethodPost, "/_sim/faults", rules)
	require.Equal(tb, http.StatusOK, w.Code, w.Body.String())
}

// row is one kline as sent.
type row struct {
	open, close                  int64
	o, h, l, c, volume, turnover string
	trades                       int64
}

// klines asks for klines, which must come.
func klines(tb testing.TB, s http.Handler, query string, args ...any) []row {
	tb.Helper()
	w := get(tb, s, "/api/v3/klines?"+fmt.Sprintf(query, args...))
	require.Equal(tb, http.StatusOK, w.Code, w.Body.String())
	return decode(tb, w.Body)
}

func decode(tb testing.TB, body io.Reader) []row {
	tb.Helper()
	var raw [][]json.RawMessage
	require.NoError(tb, json.NewDecoder(body).Decode(&raw))
	rows := make([]row, len(raw))
	for i, elements := range raw {
		require.Len(tb, elements, 12)
		r := &rows[i]
		for j, into := range []any{&r.open, &r.o, &r.h, &r.l, &r.c, &r.volume, &r.close, &r.turnover, &r.trades} {
			require.NoError(tb, json.Unmarshal(elements[j], into), "element %d", j)
		}
	}
	return rows
}

// opens returns the open times of rows.
func opens(rows []row) []int64 {
	times := make([]int64, len(rows))
	for i, r := range rows {
		times[i] = r.open
	}
	return times
}
