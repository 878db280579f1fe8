package market_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketdata/market"
)

func TestCalendar247(t *testing.T) {
	t.Parallel()
	calendar, err := market.CalendarByName("24x7")
	require.NoError(t, err)
	require.Equal(t, "24x7", calendar.Name())
	require.True(t, calendar.IsContinuous())
	rapid.Check(t, func(t *rapid.T) {
		when := instant().Draw(t, "t")
		s, open := calendar.Session(when)
		require.True(t, open)
		require.Equal(t, s.Date, s.Open)
		require.True(t, market.Range{Start: s.Open, End: s.Close}.Contains(when))
		following, _ := calendar.Session(s.Close)
		require.Equal(t, s.Close, following.Open, "sessions follow each other without a gap")
	})
}

func TestCalendarByNameRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "24X7", "MOON", "XNYS\x00"} {
		_, err := market.CalendarByName(name)
		require.Equal(t, market.KindInvalid, market.KindOf(err), "%q", name)
	}
}

func TestChunkGrid(t *testing.T) {
	t.Parallel()
	g, err := market.Chunk{Calendar: "24x7", Interval: market.Interval1h}.Grid()
	require.NoError(t, err)
	require.Equal(t, market.Grid{Interval: market.Interval1h, Calendar: market.Calendar247{}}, g)

	_, err = market.Chunk{Calendar: "MOON", Interval: market.Interval1h}.Grid()
	require.Equal(t, market.KindInvalid, market.KindOf(err))
}
