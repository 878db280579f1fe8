package providers_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
)

func minute(m int) time.Time { return time.Date(2020, 1, 1, 0, m, 0, 0, time.UTC) }

func bar(m int, price string) market.Bar {
	d, err := market.ParseDecimal(price)
	if err != nil {
		panic(err)
	}
	return market.Bar{Time: minute(m), Open: d, High: d, Low: d, Close: d}
}

func TestCleaner(t *testing.T) {
	t.Parallel()
	asked := market.Range{Start: minute(0), End: minute(10)}
	misaligned := bar(3, "1")
	misaligned.Time = misaligned.Time.Add(time.Second)
	for _, tc := range []struct {
		name        string
		rows        providers.Rows
		requestedAt time.Time
		kept        []market.Bar
		dropped     map[string]int
		quarantined []market.Rule
	}{
		{name: "sorted", rows: providers.Rows{Bars: []market.Bar{bar(2, "1"), bar(1, "1")}}, kept: []market.Bar{bar(1, "1"), bar(2, "1")}, dropped: map[string]int{}},
		{name: "half-open", rows: providers.Rows{Bars: []market.Bar{bar(-1, "1"), bar(0, "1"), bar(9, "1"), bar(10, "1")}}, kept: []market.Bar{bar(0, "1"), bar(9, "1")}, dropped: map[string]int{providers.DroppedOutOfRange: 2}},
		{
			name: "far from what was asked for", rows: providers.Rows{Bars: []market.Bar{bar(1, "1"), bar(-62*1440, "1"), bar(-62*1440-1, "1"), bar(10+62*1440, "1"), bar(10+62*1440+1, "1")}},
			kept: []market.Bar{bar(1, "1")}, dropped: map[string]int{providers.DroppedOutOfRange: 2, providers.DroppedElsewhere: 2},
		},
		{name: "equal duplicates", rows: providers.Rows{Bars: []market.Bar{bar(1, "1"), bar(1, "1.0"), bar(1, "1")}}, kept: []market.Bar{bar(1, "1")}, dropped: map[string]int{providers.DroppedDuplicate: 2}},
		{name: "conflicting duplicates", rows: providers.Rows{Bars: []market.Bar{bar(1, "1"), bar(1, "2"), bar(2, "3")}}, kept: []market.Bar{bar(2, "3")}, dropped: map[string]int{}, quarantined: []market.Rule{market.RuleConflictingDuplicate, market.RuleConflictingDuplicate}},
		{name: "the later row wins where declared", rows: providers.Rows{Bars: []market.Bar{bar(1, "1"), bar(1, "2")}, LaterWins: true}, kept: []market.Bar{bar(1, "2")}, dropped: map[string]int{providers.DroppedSuperseded: 1}},
		{name: "forming and unsettled", rows: providers.Rows{Bars: []market.Bar{bar(1, "1"), bar(2, "1"), bar(3, "1")}}, requestedAt: minute(3).Add(time.Second), kept: []market.Bar{bar(1, "1")}, dropped: map[string]int{providers.DroppedForming: 2}},
		{name: "misaligned", rows: providers.Rows{Bars: []market.Bar{misaligned}}, dropped: map[string]int{}, quarantined: []market.Rule{market.RuleMisaligned}},
		{
			name: "quarantined rows are clipped too, unless their time is unknown",
			rows: providers.Rows{Quarantined: []market.Quarantined{
				{Time: minute(1), Rule: market.RuleNegativeVolume}, {Time: minute(11), Rule: market.RuleNegativeVolume}, {Rule: market.RuleUnreadable},
			}},
			dropped: map[string]int{providers.DroppedOutOfRange: 1}, quarantined: []market.Rule{market.RuleNegativeVolume, market.RuleUnreadable},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.requestedAt.IsZero() {
				tc.requestedAt = minute(0).AddDate(1, 0, 0)
			}
			c := providers.NewCleaner(market.Grid{Interval: market.Interval1m, Calendar: market.Calendar247{}}, 2*time.Second, 0)
			c.Add(tc.rows, asked, tc.requestedAt)
			got := c.Result()
			require.Len(t, got.Bars, len(tc.kept))
			for i := range tc.kept {
				require.True(t, tc.kept[i].Equal(got.Bars[i]), "bar %d: %v", i, got.Bars[i])
			}
			require.Equal(t, tc.dropped, got.Dropped)
			var rules []market.Rule
			for _, q := range got.Quarantined {
				rules = append(rules, q.Rule)
			}
			require.Equal(t, tc.quarantined, rules)
		})
	}
}

// TestCleanerOfSessions: rows outside trading hours are dropped, those within but beside the grid are quarantined, and so
// is a row of a day that the calendar calls closed, lest a calendar that is wrong lose bars in silence.
func TestCleanerOfSessions(t *testing.T) {
	t.Parallel()
	c := providers.NewCleaner(market.Grid{Interval: market.Interval1h, Calendar: weekdays{}}, 0, 0)
	asked := market.Range{Start: minute(0), End: minute(0).AddDate(0, 0, 7)}
	rows := providers.Rows{Dropped: map[string]int{providers.DroppedNoTrade: 3}}
	for _, hour := range []time.Duration{8 * time.Hour, 9*time.Hour + 30*time.Minute, 10 * time.Hour, 15*time.Hour + 30*time.Minute, 16 * time.Hour, 3*24*time.Hour + 10*time.Hour} {
		b := bar(0, "1")
		b.Time = b.Time.Add(hour)
		rows.Bars = append(rows.Bars, b)
	}
	c.Add(rows, asked, asked.End)
	got := c.Result()
	require.Len(t, got.Bars, 2)
	require.Equal(t, map[string]int{providers.DroppedOutside: 2, providers.DroppedNoTrade: 3}, got.Dropped)
	require.Len(t, got.Quarantined, 2)
	for _, q := range got.Quarantined {
		require.Equal(t, market.RuleMisaligned, q.Rule)
	}
}

// weekdays opens at 9:30 and closes at 16:00 UTC.
type weekdays struct{ market.Calendar247 }

func (weekdays) IsContinuous() bool { return false }

func (weekdays) Session(date time.Time) (market.Session, bool) {
	day := market.Interval1d.Floor(date)
	isOpen := day.Weekday() != time.Saturday && day.Weekday() != time.Sunday
	return market.Session{Date: day, Open: day.Add(9*time.Hour + 30*time.Minute), Close: day.Add(16 * time.Hour)}, isOpen
}
