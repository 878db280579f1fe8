package calendar_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/market/calendar"
)

// byName takes the interface that rapid's tests satisfy too.
func byName(tb require.TestingT, name string) market.Calendar {
	c, err := calendar.ByName(name)
	require.NoError(tb, err)
	return c
}

func date(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

// exchanges returns the names of the calendars with sessions.
func exchanges() []string {
	return []string{"XASX", "XETR", "XHKG", "XLON", "XNAS", "XNYS", "XPAR", "XTKS"}
}

func TestNames(t *testing.T) {
	t.Parallel()
	require.Equal(t, append([]string{"24x7"}, exchanges()...), calendar.Names())
	for _, name := range calendar.Names() {
		c := byName(t, name)
		require.Equal(t, name, c.Name())
		require.Equal(t, name == "24x7", c.IsContinuous())
		again := byName(t, name)
		require.True(t, c == again, "the same value every time") //nolint:testifylint // identity, not equality
	}
}

func TestByNameRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "24X7", "xnys", "MOON", "XNYS\x00", strings.Repeat("X", 10_000)} {
		c, err := calendar.ByName(name)
		require.Nil(t, c)
		require.Equal(t, market.KindInvalid, market.KindOf(err), "%q", name)
		require.ErrorContains(t, err, "want one of 24x7 XASX XETR XHKG XLON XNAS XNYS XPAR XTKS")
		require.Less(t, len(err.Error()), 200, "messages stay short whatever was sent")
		_, err = calendar.Describe(name)
		require.Equal(t, market.KindInvalid, market.KindOf(err))
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, zone, since, open, close, breakStart, breakEnd string }{
		{"24x7", "UTC", "0001-01-01", "0s", "24h0m0s", "0s", "0s"},
		{"XASX", "Australia/Sydney", "1990-01-01", "10h0m0s", "16h0m0s", "0s", "0s"},
		{"XETR", "Europe/Berlin", "2000-01-01", "9h0m0s", "17h30m0s", "0s", "0s"},
		{"XHKG", "Asia/Hong_Kong", "2000-01-01", "9h30m0s", "16h0m0s", "12h0m0s", "13h0m0s"},
		{"XLON", "Europe/London", "1990-01-01", "8h0m0s", "16h30m0s", "0s", "0s"},
		{"XNAS", "America/New_York", "1990-01-01", "9h30m0s", "16h0m0s", "0s", "0s"},
		{"XNYS", "America/New_York", "1990-01-01", "9h30m0s", "16h0m0s", "0s", "0s"},
		{"XPAR", "Europe/Paris", "2000-01-01", "9h0m0s", "17h30m0s", "0s", "0s"},
		{"XTKS", "Asia/Tokyo", "1997-01-01", "9h0m0s", "15h30m0s", "11h30m0s", "12h30m0s"},
	} {
		info, err := calendar.Describe(tc.name)
		require.NoError(t, err)
		require.Equal(t, tc.name, info.Name)
		require.Equal(t, tc.zone, info.Location.String())
		require.Equal(t, tc.since, info.KnownSince.Format(time.DateOnly))
		got := []string{info.Open.String(), info.Close.String(), info.BreakStart.String(), info.BreakEnd.String()}
		require.Equal(t, []string{tc.open, tc.close, tc.breakStart, tc.breakEnd}, got, tc.name)
	}
}

func TestForVenue(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, venue string
		class       market.AssetClass
		want        string
	}{
		{"crypto never closes", "BINANCE", market.AssetCrypto, "24x7"},
		{"nor does it at the simulator", market.VenueSimulated, market.AssetCrypto, "24x7"},
		{"an index must name one", market.VenueIndex, market.AssetIndex, ""},
		{"even an index of crypto", market.VenueIndex, market.AssetCrypto, ""},
		{"a stock trades when its exchange is open", "XNAS", market.AssetEquity, "XNAS"},
		{"a fund as well", "XETR", market.AssetETF, "XETR"},
		{"NYSE Arca keeps the hours of the NYSE", "ARCX", market.AssetETF, "XNYS"},
		{"so does NYSE American", "XASE", market.AssetEquity, "XNYS"},
		{"and Cboe BZX", "BATS", market.AssetETF, "XNYS"},
		{"and IEX", "IEXG", market.AssetEquity, "XNYS"},
		{"the floor of Frankfurt trades longer than Xetra", "XFRA", market.AssetEquity, ""},
		{"no guess for a stock of an unknown venue", "XXXX", market.AssetEquity, ""},
		{"nor for one without a venue", "", market.AssetEquity, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, calendar.ForVenue(tc.venue, tc.class))
		})
	}
}

func TestGridOf(t *testing.T) {
	t.Parallel()
	g, err := calendar.GridOf(market.Interval1h, "24x7")
	require.NoError(t, err)
	require.Equal(t, market.Grid{Interval: market.Interval1h, Calendar: market.Calendar247{}}, g)

	g, err = calendar.GridOf(market.Interval1d, "XNYS")
	require.NoError(t, err)
	require.Equal(t, market.Grid{Interval: market.Interval1d, Calendar: byName(t, "XNYS")}, g)

	_, err = calendar.GridOf(market.Interval1h, "MOON")
	require.Equal(t, market.KindInvalid, market.KindOf(err))
}

// TestGridCounts reads well-known numbers of a year off the grids.
func TestGridCounts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, start, end string
		interval         market.Interval
		want             int64
	}{
		{"XNYS", "2023-01-01", "2024-01-01", market.Interval1d, 250},
		{"XNYS", "2024-01-01", "2025-01-01", market.Interval1d, 252},
		{"XNYS", "2001-01-01", "2002-01-01", market.Interval1d, 248},
		{"XNYS", "2024-01-01", "2025-01-01", market.Interval1m, 249*390 + 3*210},
		{"XNYS", "2024-07-03", "2024-07-04", market.Interval1h, 4},
		{"XLON", "2024-01-01", "2025-01-01", market.Interval30m, 252*17 + 2*9},
		{"XTKS", "2024-12-02", "2024-12-03", market.Interval1h, 6},
		{"XHKG", "2024-12-23", "2024-12-25", market.Interval30m, 11 + 5},
	} {
		g, err := calendar.GridOf(tc.interval, tc.name)
		require.NoError(t, err)
		got := g.Count(market.Range{Start: date(tc.start), End: date(tc.end)})
		require.Equal(t, tc.want, got, "%s %s %s", tc.name, tc.start, tc.interval)
	}
}

func TestConcurrentCallersSeeTheSameSessions(t *testing.T) {
	t.Parallel()
	c := byName(t, "XTKS")
	sessions := make([][]market.Session, 8)
	var group sync.WaitGroup
	for i := range sessions {
		group.Go(func() {
			sessions[i] = market.Sessions(c, market.Range{Start: date("2060-01-01"), End: date("2080-01-01")})
		})
	}
	group.Wait()
	for _, got := range sessions {
		require.Equal(t, sessions[0], got)
	}
}

func BenchmarkSession(b *testing.B) {
	for _, name := range []string{"XNYS", "XTKS"} {
		b.Run(name, func(b *testing.B) {
			c := byName(b, name)
			day := date("2024-03-08").Add(15 * time.Hour)
			for b.Loop() {
				c.Session(day)
			}
		})
	}
}

func BenchmarkByName(b *testing.B) {
	for b.Loop() {
		_, _ = calendar.ByName("XNYS")
	}
}
