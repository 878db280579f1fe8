package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

func TestSyncTargets(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		parsed, err := market.ParseTime(text)
		require.NoError(t, err)
		return parsed
	}
	ptr := func(text string) *time.Time {
		parsed := at(text)
		return &parsed
	}
	type series = market.TrackedSeries
	for name, c := range map[string]struct {
		series            series
		now               string
		start, end, again string // start "": not due
		older             string // start of an older stretch beside it
	}{
		"a minute has closed: it and the ten minutes before": {
			series{Interval: "1m", Calendar: "24x7", CoveredUntil: ptr("2024-03-05T10:00:00Z")},
			"2024-03-05T10:01:05Z", "2024-03-05T09:51:00Z", "2024-03-05T10:01:00Z", "2024-03-05T09:51:00Z", "",
		},
		"it has closed and not settled": {
			series{Interval: "1m", Calendar: "24x7", CoveredUntil: ptr("2024-03-05T10:00:00Z")}, "2024-03-05T10:01:04Z", "", "", "", "",
		},
		"behind by an hour: from the end of what is there": {
			series{Interval: "1m", Calendar: "24x7", CoveredUntil: ptr("2024-03-05T09:00:00Z")},
			"2024-03-05T10:01:05Z", "2024-03-05T09:00:00Z", "2024-03-05T10:01:00Z", "2024-03-05T09:51:00Z", "",
		},
		"behind by a month: the newest step, and the first one of what is older": {
			series{Interval: "1m", Calendar: "24x7", CoveredUntil: ptr("2024-02-01T00:00:00Z")},
			"2024-03-05T10:01:05Z", "2024-03-01T22:41:00Z", "2024-03-05T10:01:00Z", "2024-03-05T09:51:00Z", "2024-02-01T00:00:00Z",
		},
		"a hole behind fresh bars": {
			series{Interval: "1m", Calendar: "24x7", CoveredUntil: ptr("2024-02-01T00:00:00Z"), CoveredEnd: ptr("2024-03-05T10:01:00Z")},
			"2024-03-05T10:01:05Z", "", "", "", "2024-02-01T00:00:00Z",
		},
		"never loaded: from the day on which tracking began": {
			series{Interval: "1m", Calendar: "24x7", Since: at("2024-03-05")},
			"2024-03-05T10:01:05Z", "2024-03-05T00:00:00Z", "2024-03-05T10:01:00Z", "2024-03-05T09:51:00Z", "",
		},
		"never loaded, days: the last ones": {
			series{Interval: "1d", Calendar: "24x7", Since: at("2024-03-05")},
			"2024-03-05T10:01:05Z", "2024-03-02T00:00:00Z", "2024-03-05T00:00:00Z", "2024-03-02T00:00:00Z", "",
		},
		"a session's day before the close": {
			series{Interval: "1d", Calendar: "XNYS", CoveredUntil: ptr("2024-03-05T00:00:00Z")}, "2024-03-05T20:59:00Z", "", "", "", "",
		},
		"a session's day after close and settle, with the three before": {
			series{Interval: "1d", Calendar: "XNYS", CoveredUntil: ptr("2024-03-05T00:00:00Z")},
			"2024-03-05T21:00:05Z", "2024-03-01T00:00:00Z", "2024-03-06T00:00:00Z", "2024-03-01T00:00:00Z", "",
		},
		"a weekend: nothing": {
			series{Interval: "1m", Calendar: "XNYS", CoveredUntil: ptr("2024-03-01T21:00:00Z")}, "2024-03-03T12:00:00Z", "", "", "", "",
		},
		"the first minute after a weekend: the last ten of Friday": {
			series{Interval: "1m", Calendar: "XNYS", CoveredUntil: ptr("2024-03-01T21:00:00Z")},
			"2024-03-04T14:31:05Z", "2024-03-01T20:58:00Z", "2024-03-04T14:31:00Z", "2024-03-01T20:58:00Z", "",
		},
		"not before the listing": {
			series{Interval: "1m", Calendar: "24x7", Since: at("2024-03-05"), ListedAt: ptr("2024-03-05T09:58:00Z")},
			"2024-03-05T10:01:05Z", "2024-03-05T09:58:00Z", "2024-03-05T10:01:00Z", "2024-03-05T09:51:00Z", "",
		},
		"listed later than anything that has closed": {
			series{Interval: "1m", Calendar: "24x7", Since: at("2024-03-05"), ListedAt: ptr("2024-03-05T10:01:00Z")}, "2024-03-05T10:01:05Z", "", "", "", "",
		},
		"delisted and complete": {
			series{Interval: "1d", Calendar: "24x7", CoveredUntil: ptr("2024-01-10"), DelistedAt: ptr("2024-01-10")}, "2024-03-05", "", "", "", "",
		},
	} {
		if c.series.CoveredEnd == nil {
			c.series.CoveredEnd = c.series.CoveredUntil
		}
		got, err := syncTargets(c.series, market.Capabilities{Settle: 5 * time.Second}, at(c.now))
		require.NoError(t, err, name)
		if c.start != "" {
			require.NotEmpty(t, got, name)
			require.False(t, got[0].IsCatchup, name)
			require.Equal(t, market.Range{Start: at(c.start), End: at(c.end)}, got[0].Range, name)
			require.Equal(t, at(c.again), got[0].Again, name)
			require.Positive(t, got[0].Bars, name)
			got = got[1:]
		}
		if c.older == "" {
			require.Empty(t, got, name)
			continue
		}
		require.Len(t, got, 1, name)
		require.True(t, got[0].IsCatchup, name)
		require.Equal(t, at(c.older), got[0].Range.Start, name)
		require.Equal(t, got[0].Range.End, got[0].Again, "nothing of it is asked again")
		require.LessOrEqual(t, got[0].Bars, int64(syncStep), name)
	}
}
