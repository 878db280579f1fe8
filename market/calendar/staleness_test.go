package calendar_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/market/calendar"
)

func TestStaleness(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return parsed
	}
	ptr := func(text string) *time.Time {
		parsed := at(text)
		return &parsed
	}
	for name, c := range map[string]struct {
		series market.TrackedSeries
		now    string
		want   time.Duration
	}{
		"fresh to the last closed minute": {
			market.TrackedSeries{Interval: "1m", Calendar: "24x7", CoveredEnd: ptr("2024-03-05T10:00:00Z")}, "2024-03-05T10:01:04Z", 0,
		},
		"one minute is due": {
			market.TrackedSeries{Interval: "1m", Calendar: "24x7", CoveredEnd: ptr("2024-03-05T10:00:00Z")}, "2024-03-05T10:01:35Z", 30 * time.Second,
		},
		"an old backfill leaves it stale since tracking began": {
			market.TrackedSeries{Interval: "1m", Calendar: "24x7", Since: at("2024-03-05T00:00:00Z"), CoveredEnd: ptr("2016-01-01T00:00:00Z")},
			"2024-03-05T00:11:05Z", 10 * time.Minute,
		},
		"one that was added a minute ago is a minute late at most": {
			market.TrackedSeries{Interval: "1m", Calendar: "24x7", Since: at("2024-03-05T00:00:00Z"), AddedAt: at("2024-03-05T10:00:00Z")},
			"2024-03-05T10:01:00Z", time.Minute,
		},
		"never answered counts from the beginning of tracking": {
			market.TrackedSeries{Interval: "1m", Calendar: "24x7", Since: at("2024-03-05T00:00:00Z")}, "2024-03-05T00:11:05Z", 10 * time.Minute,
		},
		"a closed market is not stale": { // Saturday, covered to Friday's close
			market.TrackedSeries{Interval: "1m", Calendar: "XNYS", CoveredEnd: ptr("2024-03-01T21:00:00Z")}, "2024-03-02T15:00:00Z", 0,
		},
		"a session's day is due after its close": {
			market.TrackedSeries{Interval: "1d", Calendar: "XNYS", CoveredEnd: ptr("2024-03-02T00:00:00Z")}, "2024-03-04T21:00:35Z", 30 * time.Second,
		},
		"and not before": {
			market.TrackedSeries{Interval: "1d", Calendar: "XNYS", CoveredEnd: ptr("2024-03-02T00:00:00Z")}, "2024-03-04T20:59:59Z", 0,
		},
		"a delisted instrument is complete": {
			market.TrackedSeries{Interval: "1d", Calendar: "24x7", CoveredEnd: ptr("2024-01-10T00:00:00Z"), DelistedAt: ptr("2024-01-10T00:00:00Z")},
			"2024-03-04T21:00:35Z", 0,
		},
		"nothing is due before the listing": {
			market.TrackedSeries{Interval: "1d", Calendar: "24x7", Since: at("2024-01-01T00:00:00Z"), ListedAt: ptr("2024-03-04T08:00:00Z")},
			"2024-03-04T21:00:00Z", 0,
		},
	} {
		got, err := calendar.Staleness(c.series, 5*time.Second, at(c.now))
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
	}
	_, err := calendar.Staleness(market.TrackedSeries{Interval: "1d", Calendar: "nowhere"}, 0, at("2024-01-01T00:00:00Z"))
	require.Equal(t, market.KindInvalid, market.KindOf(err))
}
