package calendar_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketdata/market"
)

// TestSessionHours compares sessions with what the clocks of the world showed. Times are UTC, "-1" the evening before.
func TestSessionHours(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, date, open, close, breakStart, breakEnd string
		isEarly                                       bool
	}{
		// New York is in summer time from the second Sunday of March (until 2006 the first of April) to the first of November.
		{"XNYS", "2024-03-08", "14:30", "21:00", "", "", false},
		{"XNYS", "2024-03-11", "13:30", "20:00", "", "", false},
		{"XNAS", "2024-11-01", "13:30", "20:00", "", "", false},
		{"XNAS", "2024-11-04", "14:30", "21:00", "", "", false},
		{"XNYS", "2006-03-31", "14:30", "21:00", "", "", false},
		{"XNYS", "2006-04-03", "13:30", "20:00", "", "", false},
		{"XNYS", "2024-07-03", "13:30", "17:00", "", "", true},
		{"XNYS", "2024-11-29", "14:30", "18:00", "", "", true},
		{"XNYS", "1991-12-24", "14:30", "19:00", "", "", true},
		{"XNYS", "1992-11-27", "14:30", "19:00", "", "", true},
		{"XNYS", "1994-02-11", "14:30", "19:30", "", "", true},
		{"XNYS", "1996-01-08", "16:00", "19:00", "", "", true},
		{"XNYS", "1997-10-27", "14:30", "20:30", "", "", true},
		{"XNYS", "2001-09-17", "13:30", "20:00", "", "", false},
		// London and the continent change on the last Sundays of March and October.
		{"XLON", "2024-03-28", "08:00", "16:30", "", "", false},
		{"XLON", "2024-04-02", "07:00", "15:30", "", "", false},
		{"XLON", "2024-10-25", "07:00", "15:30", "", "", false},
		{"XLON", "2024-10-28", "08:00", "16:30", "", "", false},
		{"XLON", "2024-12-24", "08:00", "12:30", "", "", true},
		{"XETR", "2024-03-28", "08:00", "16:30", "", "", false},
		{"XETR", "2024-04-02", "07:00", "15:30", "", "", false},
		{"XETR", "2002-07-01", "07:00", "18:00", "", "", false},
		{"XETR", "2003-10-31", "08:00", "19:00", "", "", false},
		{"XETR", "2003-11-03", "08:00", "16:30", "", "", false},
		{"XETR", "2024-12-30", "08:00", "13:00", "", "", true},
		{"XPAR", "2024-10-28", "08:00", "16:30", "", "", false},
		{"XPAR", "2024-12-31", "08:00", "13:05", "", "", true},
		// Tokyo and Hong Kong have no summer time, but a lunch break.
		{"XTKS", "2024-03-08", "00:00", "06:00", "02:30", "03:30", false},
		{"XTKS", "2024-07-08", "00:00", "06:00", "02:30", "03:30", false},
		{"XTKS", "2024-11-01", "00:00", "06:00", "02:30", "03:30", false},
		{"XTKS", "2024-11-05", "00:00", "06:30", "02:30", "03:30", false},
		{"XTKS", "2011-11-18", "00:00", "06:00", "02:00", "03:30", false},
		{"XTKS", "2011-11-21", "00:00", "06:00", "02:30", "03:30", false},
		{"XTKS", "2009-01-05", "00:00", "02:00", "", "", true},
		{"XTKS", "2009-12-30", "00:00", "06:00", "02:00", "03:30", false},
		{"XHKG", "2011-03-04", "02:00", "08:00", "04:30", "06:30", false},
		{"XHKG", "2011-03-07", "01:30", "08:00", "04:00", "05:30", false},
		{"XHKG", "2012-03-05", "01:30", "08:00", "04:00", "05:00", false},
		{"XHKG", "2010-12-31", "02:00", "04:30", "", "", true},
		{"XHKG", "2024-02-09", "01:30", "04:00", "", "", true},
		// Sydney leaves summer time on the first Sunday of April and returns to it on the first of October.
		{"XASX", "2024-04-05", "-1 23:00", "05:00", "", "", false},
		{"XASX", "2024-04-08", "00:00", "06:00", "", "", false},
		{"XASX", "2024-10-04", "00:00", "06:00", "", "", false},
		{"XASX", "2024-10-07", "-1 23:00", "05:00", "", "", false},
		{"XASX", "2024-12-24", "-1 23:00", "03:10", "", "", true},
	} {
		want := market.Session{
			Date: date(tc.date), Open: onDate(tc.date, tc.open), Close: onDate(tc.date, tc.close),
			BreakStart: onDate(tc.date, tc.breakStart), BreakEnd: onDate(tc.date, tc.breakEnd), IsEarlyClose: tc.isEarly,
		}
		got, isOpen := byName(t, tc.name).Session(date(tc.date).Add(23*time.Hour + 59*time.Minute))
		require.True(t, isOpen, "%s %s", tc.name, tc.date)
		require.Equal(t, want, got, "%s %s", tc.name, tc.date)
	}
}

// onDate returns the instant a table gives as "15:04" or "-1 15:04"; zero for "".
func onDate(day, text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	t := date(day)
	if len(text) > len("15:04") {
		t, text = t.AddDate(0, 0, -1), text[len("-1 "):]
	}
	clock, err := time.Parse("15:04", text)
	if err != nil {
		panic(err)
	}
	return t.Add(time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute)
}

func TestBeforeAllIsKnownEveryWeekdayIsASession(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, date string
		isOpen     bool
	}{
		{"XNYS", "1989-12-25", true},
		{"XNYS", "1990-01-01", false},
		{"XNYS", "1952-09-27", true},
		{"XNYS", "1952-09-28", false},
		{"XNYS", "1952-10-04", false},
		{"XNAS", "1929-10-26", true},
		{"XNYS", "1885-07-04", true},
		{"XETR", "1999-12-24", true},
		{"XETR", "1999-12-25", false},
		{"XETR", "2000-04-21", false},
		{"XTKS", "1996-12-31", true},
		{"XTKS", "1997-01-01", false},
		{"XHKG", "1999-12-31", true},
	} {
		s, isOpen := byName(t, tc.name).Session(date(tc.date))
		require.Equal(t, tc.isOpen, isOpen, "%s %s", tc.name, tc.date)
		require.False(t, s.IsEarlyClose)
	}
}

// TestRulesGoOn looks at years for which nothing is published yet, and at years no one will ask for.
func TestRulesGoOn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, closed, open string }{
		{"XNYS", "2100-03-26", "2100-12-31"},
		{"XNYS", "2100-12-24", "2100-12-23"}, // observed
		{"XLON", "2077-12-27", "2077-12-29"},
		{"XTKS", "2099-03-20", "2099-03-19"},
		{"XHKG", "2049-02-03", "2050-01-24"}, // Lunar New Year: known to 2049
		{"XNYS", "1899-07-02", "1899-07-03"},
		{"XNYS", "2151-12-24", "2151-12-23"},
		{"XASX", "9999-12-25", "9999-12-31"},
	} {
		c := byName(t, tc.name)
		_, isOpen := c.Session(date(tc.closed))
		require.False(t, isOpen, "%s %s", tc.name, tc.closed)
		_, isOpen = c.Session(date(tc.open))
		require.True(t, isOpen, "%s %s", tc.name, tc.open)
	}
	for _, year := range []int{-5, 0, 1, 10_000, 250_000} {
		for _, name := range exchanges() {
			day := time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC)
			s, isOpen := byName(t, name).Session(day)
			require.True(t, !isOpen || s.Date.Equal(day))
		}
	}
}

func TestSessionProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := byName(t, rapid.SampledFrom(exchanges()).Draw(t, "calendar"))
		when := time.Unix(rapid.Int64Range(date("1953-01-01").Unix(), date("2200-01-01").Unix()).Draw(t, "t"), 0)
		days := market.Range{Start: when.UTC(), End: when.UTC().AddDate(0, 0, 40)}
		sessions := market.Sessions(c, days)
		require.Greater(t, len(sessions), 20)
		for i, s := range sessions {
			requireSession(t, c, s)
			if i > 0 {
				require.True(t, sessions[i-1].Close.Before(s.Open), "sessions ascend and do not touch")
			}
		}
	})
}

func requireSession(tb require.TestingT, c market.Calendar, s market.Session) {
	require.Equal(tb, market.Interval1d.Floor(s.Date), s.Date)
	require.NotContains(tb, []time.Weekday{time.Saturday, time.Sunday}, s.Date.Weekday())
	require.True(tb, s.Open.Before(s.Close))
	for _, instant := range []time.Time{s.Open, s.Close.Add(-1)} {
		require.Equal(tb, time.UTC, instant.Location())
		require.Equal(tb, s.Date.Format(time.DateOnly), instant.In(c.Location()).Format(time.DateOnly), "the exchange's date")
		require.True(tb, market.IsOpen(c, instant))
	}
	require.False(tb, market.IsOpen(c, s.Close))
	if s.HasBreak() {
		require.True(tb, s.Open.Before(s.BreakStart))
		require.True(tb, s.BreakStart.Before(s.BreakEnd))
		require.True(tb, s.BreakEnd.Before(s.Close))
		require.False(tb, market.IsOpen(c, s.BreakStart))
		require.True(tb, market.IsOpen(c, s.BreakEnd))
	}
	again, isOpen := c.Session(s.Date.Add(12 * time.Hour))
	require.True(tb, isOpen)
	require.Equal(tb, s, again)
}
