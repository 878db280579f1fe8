package market_test

import (
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // the tests do not depend on the machine's zone files

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketdata/market"
)

// exchange is a calendar with sessions on weekdays in a zone, with holidays and half days. Minutes count from local
// midnight of the session's date.
type exchange struct {
	name                string
	zone                *time.Location
	open, close, halved int
	breakFrom, breakTo  int // equal: none
	holidays, halfDays  []string
}

var _ market.Calendar = exchange{}

func (e exchange) Name() string { return e.name }

func (e exchange) IsContinuous() bool { return false }

func (e exchange) Location() *time.Location { return e.zone }

func (e exchange) Session(date time.Time) (market.Session, bool) {
	day := market.Interval1d.Floor(date)
	text := day.Format(time.DateOnly)
	if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday || slices.Contains(e.holidays, text) {
		return market.Session{}, false
	}
	last := e.close
	if slices.Contains(e.halfDays, text) {
		last = e.halved
	}
	local := func(minutes int) time.Time {
		return time.Date(day.Year(), day.Month(), day.Day(), 0, minutes, 0, 0, e.zone).UTC()
	}
	s := market.Session{Date: day, Open: local(e.open), Close: local(last)}
	if e.breakFrom < e.breakTo && e.breakTo < last {
		s.BreakStart, s.BreakEnd = local(e.breakFrom), local(e.breakTo)
	}
	return s, true
}

func loadZone(t require.TestingT, name string) *time.Location {
	zone, err := time.LoadLocation(name)
	require.NoError(t, err)
	return zone
}

// newYork opens at 9:30 and closes at 16:00, or at 13:00 before holidays.
func newYork(t require.TestingT) exchange {
	return exchange{
		name: "NY", zone: loadZone(t, "America/New_York"), open: 9*60 + 30, close: 16 * 60, halved: 13 * 60,
		holidays: []string{"2024-01-01", "2024-01-15", "2024-03-29", "2024-07-04", "2024-11-28", "2024-12-25"},
		halfDays: []string{"2024-07-03", "2024-11-29", "2024-12-24"},
	}
}

// auckland opens on the UTC day before its session date.
func auckland(t require.TestingT) exchange {
	return exchange{
		name: "NZ", zone: loadZone(t, "Pacific/Auckland"), open: 10 * 60, close: 16*60 + 45, halved: 13 * 60,
		holidays: []string{"2024-01-01", "2024-01-02", "2024-02-06"},
		halfDays: []string{"2024-12-24"},
	}
}

// tokyo pauses at lunch, and on half days is open in the morning only.
func tokyo(t require.TestingT) exchange {
	return exchange{
		name: "TK", zone: loadZone(t, "Asia/Tokyo"), open: 9 * 60, close: 15 * 60, halved: 11*60 + 30, breakFrom: 11*60 + 30, breakTo: 12*60 + 30,
		holidays: []string{"2024-01-01", "2024-01-02", "2024-01-03", "2024-04-29", "2024-04-30", "2024-05-01", "2024-05-02", "2024-05-03"},
		halfDays: []string{"2024-12-30"},
	}
}

// closedForever is a calendar without sessions.
type closedForever struct{}

func (closedForever) Name() string                             { return "never" }
func (closedForever) IsContinuous() bool                       { return false }
func (closedForever) Location() *time.Location                 { return time.UTC }
func (closedForever) Session(time.Time) (market.Session, bool) { return market.Session{}, false }

// keysOf lists the keys of a grid over sessions in [from, to) the slow and obvious way, with each bar's close.
func keysOf(g market.Grid, from, to time.Time) (keys, closes []time.Time) {
	for day := from; day.Before(to); day = day.AddDate(0, 0, 1) {
		s, open := g.Calendar.Session(day)
		if !open {
			continue
		}
		if g.Interval == market.Interval1d {
			keys, closes = append(keys, s.Date), append(closes, s.Close)
			continue
		}
		parts := []market.Range{{Start: s.Open, End: s.Close}}
		if s.HasBreak() {
			parts = []market.Range{{Start: s.Open, End: s.BreakStart}, {Start: s.BreakEnd, End: s.Close}}
		}
		for _, part := range parts {
			for key := part.Start; key.Before(part.End); key = key.Add(g.Interval.Duration()) {
				end := key.Add(g.Interval.Duration())
				if end.After(part.End) {
					end = part.End
				}
				keys, closes = append(keys, key), append(closes, end)
			}
		}
	}
	return keys, closes
}

// sessionGrid generates grids with sessions, of intervals whose keys are session dates or stand inside sessions.
func sessionGrid() *rapid.Generator[market.Grid] {
	return rapid.Custom(func(t *rapid.T) market.Grid {
		return market.Grid{
			Interval: rapid.SampledFrom(market.Intervals()[2:7]).Draw(t, "interval"), // 15m to 1d
			Calendar: rapid.SampledFrom([]market.Calendar{newYork(t), auckland(t), tokyo(t), market.Calendar247{}}).Draw(t, "calendar"),
		}
	})
}

func TestGridAgreesWithTheListOfItsKeys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := sessionGrid().Draw(t, "grid")
		month := at("2024-01-01").AddDate(0, 0, rapid.IntRange(0, 365).Draw(t, "day"))
		keys, closes := keysOf(g, month.AddDate(0, 0, -12), month.AddDate(0, 0, 12))
		offset := rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "offset")
		when := month.Add(time.Duration(offset).Truncate(time.Duration(rapid.SampledFrom([]int64{1, 15 * 60e9, 3600e9}).Draw(t, "unit"))))

		next, exact := slices.BinarySearchFunc(keys, when, time.Time.Compare)
		require.Equal(t, exact, g.IsAligned(when))
		require.Equal(t, keys[next], g.Ceil(when))
		if exact {
			next++
		}
		require.Equal(t, keys[next], g.Next(when))
		require.Equal(t, keys[next-1], g.Floor(when))
		require.Equal(t, closes[next], g.Close(keys[next]))

		r := market.Range{Start: when, End: when.Add(time.Duration(rapid.Int64Range(-int64(time.Hour), int64(100*time.Hour)).Draw(t, "length")))}
		var count int64
		for _, key := range keys {
			if r.Contains(key) {
				count++
			}
		}
		require.Equal(t, count, g.Count(r))
		if g.Interval.IsIntraday() && next > 0 {
			inBar := exact || when.Before(closes[next-1]) // the last key at or before when is next-1 by now
			require.Equal(t, market.IsOpen(g.Calendar, when), inBar)
			require.False(t, inBar && g.IsOutsideHours(when))
		}

		settle := time.Duration(rapid.Int64Range(0, int64(90*time.Minute)).Draw(t, "settle"))
		closed := 0
		for closed < len(keys) && !closes[closed].Add(settle).After(when) {
			closed++
		}
		require.Equal(t, keys[closed], g.ClosedBefore(when, settle))
	})
}

func TestGridOfWeeksAndMonthsClosesWithItsLastSession(t *testing.T) {
	t.Parallel()
	ny := newYork(t)
	tests := []struct {
		name     string
		interval market.Interval
		calendar market.Calendar
		key      string
		want     string
	}{
		{"a week ends on Friday", market.Interval1w, ny, "2024-01-22", "2024-01-26T21:00:00Z"},
		{"or before a Good Friday", market.Interval1w, ny, "2024-03-25", "2024-03-28T20:00:00Z"},
		{"a month ends on its last session", market.Interval1mo, ny, "2024-03-01", "2024-03-28T20:00:00Z"},
		{"which may be a half day", market.Interval1mo, ny, "2024-11-01", "2024-11-29T18:00:00Z"},
		{"a week of a market that never closes", market.Interval1w, market.Calendar247{}, "2024-01-22", "2024-01-29"},
		{"a month of a market that never closes", market.Interval1mo, market.Calendar247{}, "2024-02-01", "2024-03-01"},
		{"a week without sessions", market.Interval1w, closedForever{}, "2024-01-22", "2024-01-29"},
		{"the short last bar before lunch", market.Interval1h, tokyo(t), "2024-01-04T02:00:00Z", "2024-01-04T02:30:00Z"},
		{"the first bar after lunch", market.Interval1h, tokyo(t), "2024-01-04T03:30:00Z", "2024-01-04T04:30:00Z"},
		{"a session in winter", market.Interval1d, ny, "2024-03-08", "2024-03-08T21:00:00Z"},
		{"a session in summer", market.Interval1d, ny, "2024-03-11", "2024-03-11T20:00:00Z"},
		{"a half day", market.Interval1d, ny, "2024-07-03", "2024-07-03T17:00:00Z"},
		{"the short last bar of a session", market.Interval1h, ny, "2024-01-03T20:30:00Z", "2024-01-03T21:00:00Z"},
		{"a bar outside every session", market.Interval1h, closedForever{}, "2024-01-03T20:30:00Z", "2024-01-03T21:30:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := market.Grid{Interval: tt.interval, Calendar: tt.calendar}
			require.Equal(t, at(tt.want), g.Close(at(tt.key)))
		})
	}
}

func TestGridOfWeeksAndMonthsIsTheCalendarStep(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.SampledFrom([]market.Interval{market.Interval1w, market.Interval1mo}).Draw(t, "interval")
		g := market.Grid{Interval: i, Calendar: newYork(t)}
		when := instant().Draw(t, "t")
		require.Equal(t, i.Floor(when), g.Floor(when))
		require.Equal(t, i.Next(when), g.Next(when))
	})
}

// TestGridOfWeeksLeavesOutThoseWithoutSessions: a week of holidays has no bar.
func TestGridOfWeeksLeavesOutThoseWithoutSessions(t *testing.T) {
	t.Parallel()
	g := market.Grid{Interval: market.Interval1w, Calendar: tokyo(t)}
	require.Equal(t, at("2024-05-06"), g.Next(at("2024-04-22")))
	require.Equal(t, at("2024-04-22"), g.Floor(at("2024-05-05")))
	require.False(t, g.IsAligned(at("2024-04-29")))
	require.Equal(t, int64(2), g.Count(market.Range{Start: at("2024-04-22"), End: at("2024-05-07")}))
}

func TestGridIsOutsideHours(t *testing.T) {
	t.Parallel()
	g := market.Grid{Interval: market.Interval1m, Calendar: tokyo(t)}
	for when, want := range map[string]bool{
		"2024-01-04T00:00:00Z": false, "2024-01-03T23:59:00Z": true, "2024-01-04T02:30:00Z": true, "2024-01-04T03:29:00Z": true,
		"2024-01-04T03:30:00Z": false, "2024-01-04T06:00:00Z": true, "2024-01-03T05:00:00Z": false, // a holiday has no hours
	} {
		require.Equal(t, want, g.IsOutsideHours(at(when)), when)
	}
	require.False(t, market.Grid{Interval: market.Interval1d, Calendar: tokyo(t)}.IsOutsideHours(at("2024-01-04")))
	require.False(t, market.Grid{Interval: market.Interval1m, Calendar: market.Calendar247{}}.IsOutsideHours(at("2024-01-04")))
}

func TestGridOfACalendarWithoutSessionsEnds(t *testing.T) {
	t.Parallel()
	for _, i := range []market.Interval{market.Interval1h, market.Interval1d} {
		g := market.Grid{Interval: i, Calendar: closedForever{}}
		when := at("2024-06-01T12:34:56Z")
		require.Equal(t, i.Floor(when), g.Floor(when))
		require.Equal(t, i.Next(when), g.Next(when))
		require.False(t, g.ClosedBefore(when, 0).After(when))
	}
}

func TestGridClosedBeforeProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := market.Grid{Interval: anyInterval().Draw(t, "interval"), Calendar: market.Calendar247{}}
		now := instant().Draw(t, "now")
		settle := time.Duration(rapid.Int64Range(0, int64(72*time.Hour)).Draw(t, "settle"))
		end := g.ClosedBefore(now, settle)
		require.True(t, g.IsAligned(end))
		require.True(t, g.Close(end).Add(settle).After(now), "the first bar left out has not settled")
		require.False(t, g.Close(g.Floor(end.Add(-1))).Add(settle).After(now), "the last one counted has")
	})
}

func TestGridCount(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		interval market.Interval
		calendar market.Calendar
		r        market.Range
		want     int64
	}{
		{"January of minutes", market.Interval1m, market.Calendar247{}, span("2024-01-01", "2024-02-01"), 44640},
		{"a leap year of days", market.Interval1d, market.Calendar247{}, span("2024-01-01", "2025-01-01"), 366},
		{"a year of months", market.Interval1mo, market.Calendar247{}, span("2024-01-01", "2025-01-01"), 12},
		{"between two keys", market.Interval1h, market.Calendar247{}, span("2024-01-01T00:10:00Z", "2024-01-01T00:50:00Z"), 0},
		{"the end is excluded", market.Interval1h, market.Calendar247{}, span("2024-01-01", "2024-01-01T01:00:00Z"), 1},
		{"an end a moment later", market.Interval1h, market.Calendar247{}, span("2024-01-01", "2024-01-01T01:00:00.000000001Z"), 2},
		{"empty", market.Interval1h, market.Calendar247{}, span("2024-01-01", "2024-01-01"), 0},
		{"reversed", market.Interval1d, market.Calendar247{}, span("2024-01-02", "2024-01-01"), 0},
		{"longer than a time.Duration", market.Interval1d, market.Calendar247{}, span("1001-01-01", "2001-01-01"), 365243},
		{"longer than a time.Duration, in minutes", market.Interval1m, market.Calendar247{}, span("1001-01-01", "2001-01-01"), 365243 * 1440},
		{"sessions of a year", market.Interval1d, newYork(t), span("2024-01-01", "2025-01-01"), 256},
		{"minutes of a half day", market.Interval1m, newYork(t), span("2024-07-03", "2024-07-05"), 210},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, market.Grid{Interval: tt.interval, Calendar: tt.calendar}.Count(tt.r))
		})
	}
}

func TestGridHolding(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		interval market.Interval
		calendar market.Calendar
		when     string
		want     string
	}{
		{market.Interval1h, newYork(t), "2024-03-08T14:45:00Z", "2024-03-08T14:30:00Z"},
		{market.Interval1h, newYork(t), "2024-03-08T00:00:00Z", "2024-03-08T14:30:00Z"}, // before the open
		{market.Interval1h, newYork(t), "2024-03-08T21:00:00Z", "2024-03-11T13:30:00Z"}, // after the close of a Friday
		{market.Interval1h, tokyo(t), "2024-01-04T02:45:00Z", "2024-01-04T03:30:00Z"},   // at lunch
		{market.Interval1d, newYork(t), "2024-03-08T14:30:00Z", "2024-03-08"},
		{market.Interval1d, newYork(t), "2024-03-10T00:00:00Z", "2024-03-11"},
		{market.Interval1d, auckland(t), "2024-03-10T21:00:00Z", "2024-03-11"}, // it is the 11th there
		{market.Interval1w, auckland(t), "2024-03-10T21:00:00Z", "2024-03-11"},
		{market.Interval1w, tokyo(t), "2024-04-30T01:00:00Z", "2024-05-06"}, // a week of holidays
		{market.Interval1mo, newYork(t), "2024-03-31T12:00:00Z", "2024-03-01"},
		{market.Interval1d, market.Calendar247{}, "2024-03-10T23:00:00Z", "2024-03-10"},
	} {
		g := market.Grid{Interval: tc.interval, Calendar: tc.calendar}
		require.Equal(t, at(tc.want), g.Holding(at(tc.when)), "%s %s %s", tc.interval, tc.calendar.Name(), tc.when)
	}
}
