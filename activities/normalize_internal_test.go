package activities

// What makes a chunk's answers unusable is decided by counts alone; it is tested from inside.

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
)

func TestRefuseUnusable(t *testing.T) {
	t.Parallel()
	rows := func(n int, rule market.Rule) []market.Quarantined {
		rows := make([]market.Quarantined, n)
		for i := range rows {
			rows[i] = market.Quarantined{Rule: rule, Value: "row"}
		}
		return rows
	}
	for _, tc := range []struct {
		name    string
		normal  market.NormalPage
		answers int
		want    string
	}{
		{name: "nothing came", answers: 2},
		{name: "one odd row in each of two looks", answers: 2, normal: market.NormalPage{Dropped: map[string]int{providers.DroppedOutside: 2}}},
		{name: "one row that cannot be read", answers: 1, normal: market.NormalPage{Quarantined: rows(1, market.RuleUnreadable)}},
		{name: "a day outside the hours", answers: 2, normal: market.NormalPage{Dropped: map[string]int{providers.DroppedOutside: 14}}, want: "all 14 rows stand outside the hours"},
		{name: "rows of another format", answers: 1, normal: market.NormalPage{Quarantined: rows(3, market.RuleUnreadable)}, want: "none of 3 rows is a bar"},
		{name: "rows of another calendar", answers: 1, normal: market.NormalPage{Quarantined: rows(3, market.RuleMisaligned)}, want: "none of 3 rows is a bar"},
		{name: "rows that break a rule of bars", answers: 1, normal: market.NormalPage{Quarantined: rows(3, market.RuleNegativeVolume)}},
		{name: "bars among them", answers: 1, normal: market.NormalPage{Bars: make([]market.Bar, 1), Quarantined: rows(9, market.RuleUnreadable)}},
		{name: "neighbours of what was asked", answers: 2, normal: market.NormalPage{Dropped: map[string]int{providers.DroppedOutOfRange: 9}}},
		{name: "another year", answers: 2, normal: market.NormalPage{Dropped: map[string]int{providers.DroppedElsewhere: 9}}, want: "all 9 rows are months away"},
		{name: "the last price, of today", answers: 2, normal: market.NormalPage{Dropped: map[string]int{providers.DroppedElsewhere: 2}}},
		{
			name: "of another time and in the night", answers: 2,
			normal: market.NormalPage{Dropped: map[string]int{providers.DroppedElsewhere: 2, providers.DroppedOutside: 1}}, want: "1 stand outside the hours of the calendar, 2 months away",
		},
		{name: "another year beside bars", answers: 1, normal: market.NormalPage{Bars: make([]market.Bar, 1), Dropped: map[string]int{providers.DroppedElsewhere: 9}}},
	} {
		err := refuseUnusable(tc.normal, tc.answers)
		if tc.want == "" {
			require.NoError(t, err, tc.name)
			continue
		}
		require.Equal(t, market.KindMalformed, market.KindOf(err), tc.name)
		require.ErrorContains(t, err, tc.want, tc.name)
	}
}
