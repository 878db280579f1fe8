package e2e_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// exchanges are instruments on four continents, and an index.
func exchanges() []listed {
	return []listed{
		{"AAPL", "equity", "XNAS", "yahoo", "AAPL"},
		{"SPX", "index", "XNYS", "yahoo", "^GSPC"},
		{"VOD", "equity", "XLON", "yahoo", "VOD.L"},
		{"7203", "equity", "XTKS", "yahoo", "7203.T"},
		{"BHP", "equity", "XASX", "yahoo", "BHP.AX"},
	}
}

// TestSessionSeries loads stocks and an index over both changes of the clocks and compares every bar with the market.
func TestSessionSeries(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	var ids []string
	for _, l := range exchanges() {
		s.add(l)
		ids = append(ids, l.symbol+".SIM")
	}
	for _, interval := range []string{"1d", "1h", "1w", "1mo", "15m"} {
		for _, half := range [][2]string{{"2024-03-01", "2024-04-16"}, {"2024-09-24", "2024-11-16"}} {
			if interval == "1mo" {
				half[0] = half[0][:8] + "01"
			}
			request := map[string]any{"instruments": ids, "interval": interval, "start": half[0], "end": half[1]}
			b := s.run(request)
			require.Equal(t, "completed", b.Status, "%s %v %+v", interval, half, b.Failures)
			require.Zero(t, b.Progress.Bars.Quarantined)
			for _, l := range exchanges() {
				s.compare(t, l, interval, half[0], half[1])
			}
			asked := s.requests()
			require.Zero(t, s.startBackfill(request).Progress.Chunks.Total)
			require.Equal(t, asked, s.requests(), "nothing is missing, so nothing is asked")
			request["policy"] = "all"
			b = s.run(request)
			require.Zero(t, b.Progress.Bars.Inserted+b.Progress.Bars.Restated, "asking for everything again changes no row")
		}
	}
}

// compare reads a series page by page and compares it with the market, digit by digit; nothing is missing but bars that
// the market never had.
func (s *stack) compare(t *testing.T, l listed, interval, start, end string) {
	t.Helper()
	want := s.truth(l.code, interval, start, end)
	require.NotEmpty(t, want, "%s %s", l.symbol, interval)
	var got []bar
	query := fmt.Sprintf("%s.SIM/bars?interval=%s&start=%s&end=%s&limit=300", l.symbol, interval, start, end)
	for cursor := ""; ; {
		p := s.page(query + cursor)
		require.True(t, p.Meta.Complete)
		require.Equal(t, "split", p.Meta.Adjustment)
		for _, h := range p.Meta.Missing {
			require.Equal(t, "confirmed_empty", h.Reason, "%s %s %v", l.symbol, interval, h)
			require.NotContains(t, []string{"1d", "1w", "1mo"}, interval, "every session has a bar: %s %v", l.symbol, h)
		}
		got = append(got, p.Data...)
		if p.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + *p.NextCursor
	}
	require.Equal(t, want, got, "%s %s", l.symbol, interval)
	if interval == "1d" {
		require.Equal(t, s.sessions(l.calendar, start, end), dates(got), l.symbol)
	}
}

// dates are the keys of daily bars, which are dates.
func dates(bars []bar) []string {
	var dates []string
	for _, b := range bars {
		dates = append(dates, b.TS.Format("2006-01-02T15:04:05Z07:00"))
	}
	return dates
}

// sessions are the dates that the API says the exchange was open.
func (s *stack) sessions(calendar, start, end string) []string {
	s.t.Helper()
	got := s.call(http.MethodGet, fmt.Sprintf("%s/v1/calendars/%s/sessions?start=%s&end=%s", s.url, calendar, start, end), nil)
	require.Equal(s.t, http.StatusOK, got.status, string(got.body))
	var list struct {
		Data []struct {
			Date string `json:"date"`
		} `json:"data"`
	}
	got.into(s.t, &list)
	var dates []string
	for _, session := range list.Data {
		dates = append(dates, session.Date+"T00:00:00Z")
	}
	return dates
}

// TestClosedMarket: a range without a session is complete, and asks nothing.
func TestClosedMarket(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.add(exchanges()[0])
	asked := s.requests()
	for _, interval := range []string{"1d", "1h"} {
		b := s.startBackfill(map[string]any{"instruments": []string{"AAPL.SIM"}, "interval": interval, "start": "2024-03-29", "end": "2024-04-01"})
		require.Equal(t, "completed", b.Status)
		require.Zero(t, b.Progress.Chunks.Total)
		p := s.page("AAPL.SIM/bars?interval=" + interval + "&start=2024-03-29&end=2024-04-01")
		require.Empty(t, p.Data)
		require.True(t, p.Meta.Complete)
		require.Empty(t, p.Meta.Missing)
	}
	require.Equal(t, asked, s.requests())
}

// TestCoinbase: rows that are absent because nothing traded, newest first, in windows of 300.
func TestCoinbase(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	pair := listed{"BTC-USD", "crypto", "24x7", "coinbase", "BTC-USD"}
	s.add(pair)
	for interval, half := range map[string][2]string{"1m": {"2024-03-09", "2024-03-12"}, "1h": {"2024-01-01", "2024-03-01"}, "1d": {"2023-01-01", "2024-06-01"}} {
		request := map[string]any{"instruments": []string{"BTC-USD.SIM"}, "interval": interval, "start": half[0], "end": half[1]}
		require.Equal(t, "completed", s.run(request).Status)
		want := s.truth(pair.code, interval, half[0], half[1])
		p := s.page(fmt.Sprintf("BTC-USD.SIM/bars?interval=%s&start=%s&end=%s&limit=10000", interval, half[0], half[1]))
		require.Equal(t, want, p.Data)
		require.True(t, p.Meta.Complete)
		require.Equal(t, "raw", p.Meta.Adjustment)
		require.Zero(t, s.startBackfill(request).Progress.Chunks.Total)
	}
	got := s.call(http.MethodPost, s.url+"/v1/backfills", map[string]any{"instruments": []string{"BTC-USD.SIM"}, "interval": "1m", "start": "2012-01-01", "end": "2012-02-01"})
	require.Equal(t, http.StatusUnprocessableEntity, got.status, "before the listing, which was searched for: %s", got.body)
}

// TestWrongCalendar: rows that stand where the calendar has no bars are no proof that there are none.
func TestWrongCalendar(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.add(listed{"TOYOTA", "equity", "XNYS", "yahoo", "7203.T"})
	for _, interval := range []string{"1h", "5m"} {
		b := s.run(map[string]any{"instruments": []string{"TOYOTA.SIM"}, "interval": interval, "start": "2024-01-08", "end": "2024-01-13"})
		require.Equal(t, "failed", b.Status, "%+v", b)
		require.Equal(t, "malformed", b.Failures[0].Kind)
		require.Contains(t, b.Failures[0].Message, "calendar")
		require.False(t, s.page("TOYOTA.SIM/bars?interval="+interval+"&start=2024-01-08&end=2024-01-13").Meta.Complete)
	}
}
