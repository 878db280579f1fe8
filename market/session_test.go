package market_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketdata/market"
)

func TestCalendar247(t *testing.T) {
	t.Parallel()
	calendar := market.Calendar247{}
	require.Equal(t, time.UTC, calendar.Location())
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

func TestSessions(t *testing.T) {
	t.Parallel()
	days := market.Range{Start: at("2024-03-27T00:00:01Z"), End: at("2024-04-02")}
	var dates []string
	for _, s := range market.Sessions(newYork(t), days) {
		dates = append(dates, s.Date.Format(time.DateOnly))
	}
	require.Equal(t, []string{"2024-03-28", "2024-04-01"}, dates, "without Good Friday, the weekend and what the range cuts")
	require.Len(t, market.Sessions(market.Calendar247{}, days), 5)
	require.Empty(t, market.Sessions(newYork(t), market.Range{Start: at("2024-03-29"), End: at("2024-04-01")}))
}

func TestIsOpen(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		calendar market.Calendar
		when     string
		want     bool
	}{
		{newYork(t), "2024-03-08T14:29:59Z", false},
		{newYork(t), "2024-03-08T14:30:00Z", true}, // winter
		{newYork(t), "2024-03-11T13:30:00Z", true},
		{newYork(t), "2024-03-11T20:00:00Z", false}, // summer
		{newYork(t), "2024-07-03T17:00:00Z", false},
		{newYork(t), "2024-07-04T15:00:00Z", false},
		{auckland(t), "2024-03-10T21:00:00Z", true}, // Monday the 11th there
		{tokyo(t), "2024-01-04T02:29:59Z", true},
		{tokyo(t), "2024-01-04T03:00:00Z", false},
		{tokyo(t), "2024-01-04T03:30:00Z", true},
		{market.Calendar247{}, "2024-03-10T03:00:00Z", true},
	} {
		require.Equal(t, tc.want, market.IsOpen(tc.calendar, at(tc.when)), "%s %s", tc.calendar.Name(), tc.when)
	}
}
