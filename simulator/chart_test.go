package simulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/market/calendar"
	"marketdata/simulator"
)

// askAs sends a request of a User-Agent.
func askAs(tb testing.TB, s http.Handler, agent, target string) *httptest.ResponseRecorder {
	tb.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodGet, target, nil)
	r.Header.Set("User-Agent", agent)
	s.ServeHTTP(w, r)
	return w
}

// browse asks as a browser does.
func browse(tb testing.TB, s http.Handler, target string) *httptest.ResponseRecorder {
	tb.Helper()
	return askAs(tb, s, "Mozilla/5.0 (X11; Linux x86_64) market data", target)
}

// simulatorAt has a clock of its own.
func simulatorAt(tb testing.TB, text string, replays ...*simulator.Replay) *simulator.Simulator {
	tb.Helper()
	at, err := market.ParseTime(text)
	require.NoError(tb, err)
	s, err := simulator.New(simulator.Options{Seed: 7, Now: func() time.Time { return at }, Replays: replays})
	require.NoError(tb, err)
	return s
}

// chart is an answer of Yahoo's.
type chart struct {
	Meta       map[string]any `json:"meta"`
	Timestamp  []int64        `json:"timestamp"`
	Events     chartEvents    `json:"events"`
	Indicators struct {
		Quote []struct {
			Open, High, Low, Close, Volume []*json.Number
		} `json:"quote"`
		AdjClose []struct {
			AdjClose []*json.Number `json:"adjclose"`
		} `json:"adjclose"`
	} `json:"indicators"`
}

type chartEvents struct {
	Dividends map[string]struct {
		Amount json.Number `json:"amount"`
		Date   int64       `json:"date"`
	} `json:"dividends"`
	Splits map[string]struct {
		SplitRatio string `json:"splitRatio"`
		Date       int64  `json:"date"`
	} `json:"splits"`
}

// chartOf asks for a chart, which must come.
func chartOf(tb testing.TB, s http.Handler, target string, args ...any) chart {
	tb.Helper()
	w := browse(tb, s, "/v8/finance/chart/"+fmt.Sprintf(target, args...))
	require.Equal(tb, http.StatusOK, w.Code, w.Body.String())
	var answer struct {
		Chart struct {
			Result []chart `json:"result"`
			Error  any     `json:"error"`
		} `json:"chart"`
	}
	require.NoError(tb, json.Unmarshal(w.Body.Bytes(), &answer), w.Body.String())
	require.Nil(tb, answer.Chart.Error)
	require.Len(tb, answer.Chart.Result, 1)
	c := answer.Chart.Result[0]
	require.Len(tb, c.Indicators.Quote, 1)
	for _, column := range [][]*json.Number{c.quote().Open, c.quote().High, c.quote().Low, c.quote().Close, c.quote().Volume} {
		require.Len(tb, column, len(c.Timestamp))
	}
	return c
}

func (c chart) quote() struct{ Open, High, Low, Close, Volume []*json.Number } {
	return c.Indicators.Quote[0]
}

// stamps returns the times as text in UTC.
func (c chart) stamps() []string {
	all := make([]string, len(c.Timestamp))
	for i, at := range c.Timestamp {
		all[i] = time.Unix(at, 0).UTC().Format("2006-01-02T15:04:05")
	}
	return all
}

// unix reads an instant as seconds.
func unix(tb testing.TB, text string) int64 {
	tb.Helper()
	return at(tb, text) / 1000
}

func calendarOf(tb testing.TB, name string) market.Calendar {
	tb.Helper()
	c, err := calendar.ByName(name)
	require.NoError(tb, err)
	return c
}
