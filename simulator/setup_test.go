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

// row is one wireRow as sent.
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
	decoder := json.NewDecoder(body)
	decoder.UseNumber()
	var raw [][]any
	require.NoError(tb, decoder.Decode(&raw))
	isRead := true
	text := func(element any) string {
		s, ok := element.(string)
		isRead = isRead && ok
		return s
	}
	number := func(element any) int64 {
		text, ok := element.(json.Number)
		n, err := text.Int64()
		isRead = isRead && ok && err == nil
		return n
	}
	rows := make([]row, len(raw))
	for i, r := range raw {
		if len(r) != 12 {
			require.Len(tb, r, 12)
		}
		rows[i] = row{
			open: number(r[0]), o: text(r[1]), h: text(r[2]), l: text(r[3]), c: text(r[4]), volume: text(r[5]),
			close: number(r[6]), turnover: text(r[7]), trades: number(r[8]),
		}
	}
	require.True(tb, isRead, "an element is not of its documented type")
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
