package market_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketdata/market"
)

// at reads an RFC 3339 time or a date that is known to be good.
func at(text string) time.Time {
	t, err := market.ParseTime(text)
	if err != nil {
		panic(err)
	}
	return t
}

// instant generates instants over four centuries, to the nanosecond, in zones with and without half hours.
func instant() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		seconds := rapid.Int64Range(at("1800-01-01").Unix(), at("2200-01-01").Unix()).Draw(t, "seconds")
		nanos := rapid.SampledFrom([]int64{0, 0, 1, 999_999_999}).Draw(t, "nanos")
		offset := rapid.SampledFrom([]int{0, 0, -5 * 3600, 5*3600 + 1800, 13 * 3600}).Draw(t, "offset")
		return time.Unix(seconds, nanos).In(time.FixedZone("", offset))
	})
}

func anyInterval() *rapid.Generator[market.Interval] { return rapid.SampledFrom(market.Intervals()) }

func TestIntervalFloorAndNext(t *testing.T) {
	t.Parallel()
	tests := []struct {
		interval          market.Interval
		t, floor, nextOne string
	}{
		{market.Interval1m, "2024-02-29T23:59:59.5Z", "2024-02-29T23:59:00Z", "2024-03-01"},
		{market.Interval5m, "2024-01-02T10:07:00Z", "2024-01-02T10:05:00Z", "2024-01-02T10:10:00Z"},
		{market.Interval15m, "2024-01-02T10:15:00Z", "2024-01-02T10:15:00Z", "2024-01-02T10:30:00Z"},
		{market.Interval30m, "2024-01-02T10:29:59Z", "2024-01-02T10:00:00Z", "2024-01-02T10:30:00Z"},
		{market.Interval1h, "2024-01-02T10:29:59+05:30", "2024-01-02T04:00:00Z", "2024-01-02T05:00:00Z"},
		{market.Interval4h, "2024-01-02T23:00:00Z", "2024-01-02T20:00:00Z", "2024-01-03"},
		{market.Interval1d, "2024-01-02T23:00:00-05:00", "2024-01-03", "2024-01-04"},
		{market.Interval1w, "2024-01-07T23:59:59Z", "2024-01-01", "2024-01-08"}, // a Sunday belongs to the Monday before
		{market.Interval1w, "2024-01-08", "2024-01-08", "2024-01-15"},
		{market.Interval1mo, "2024-02-29T12:00:00Z", "2024-02-01", "2024-03-01"},
		{market.Interval1mo, "2023-12-31", "2023-12-01", "2024-01-01"},
		{market.Interval("2h"), "2023-12-31T05:00:00Z", "2023-12-31", "2024-01-01"}, // outside the set: a day
	}
	for _, tt := range tests {
		t.Run(string(tt.interval)+" "+tt.t, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, at(tt.floor), tt.interval.Floor(at(tt.t)))
			require.Equal(t, at(tt.nextOne), tt.interval.Next(at(tt.t)))
		})
	}
}

func TestIntervalProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		i, when := anyInterval().Draw(t, "interval"), instant().Draw(t, "t")
		floor, next := i.Floor(when), i.Next(when)
		require.False(t, floor.After(when), "Floor(t) <= t")
		require.True(t, when.Before(next), "t < Next(t)")
		require.Equal(t, floor, i.Floor(floor), "Floor is idempotent")
		require.Equal(t, next, i.Next(floor), "one step leads from Floor(t) to Next(t)")
		require.Equal(t, next, i.Floor(next), "Next(t) is a boundary")
		require.Equal(t, floor, i.Floor(next.Add(-1)), "nothing lies between")
		require.Equal(t, time.UTC, floor.Location())
		if i.IsIntraday() {
			require.Equal(t, i.Duration(), next.Sub(floor))
		}
	})
}

func TestIntervalChunkStepProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		i, when := anyInterval().Draw(t, "interval"), instant().Draw(t, "t")
		end := i.ChunkStep(when)
		require.True(t, when.Before(end))
		require.Equal(t, end, i.ChunkStep(end.Add(-1)), "a cell has one end")
		if i != market.Interval1w {
			require.Equal(t, end, i.Floor(end), "a cell ends where a bar ends")
		}
		cell := market.Range{Start: when.UTC(), End: end}
		require.LessOrEqual(t, market.Grid{Interval: i, Calendar: market.Calendar247{}}.Count(cell), int64(50_000))
	})
}

func TestIntervalChunkStep(t *testing.T) {
	t.Parallel()
	tests := []struct {
		interval market.Interval
		t, want  string
	}{
		{market.Interval1m, "2024-12-31T23:59:00Z", "2025-01-01"},
		{market.Interval1m, "2024-02-01", "2024-03-01"},
		{market.Interval5m, "2024-03-31", "2024-04-01"},
		{market.Interval5m, "2024-10-01", "2025-01-01"},
		{market.Interval15m, "2024-01-01", "2025-01-01"},
		{market.Interval30m, "2024-06-01", "2025-01-01"},
		{market.Interval1h, "2024-12-31", "2025-01-01"},
		{market.Interval4h, "2019-12-31", "2020-01-01"},
		{market.Interval1d, "2020-01-01", "2030-01-01"},
		{market.Interval1w, "2029-12-31", "2030-01-01"},
		{market.Interval1mo, "1999-01-01", "2000-01-01"},
		{market.Interval("2h"), "2024-06-01", "2025-01-01"},
	}
	for _, tt := range tests {
		t.Run(string(tt.interval)+" "+tt.t, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, at(tt.want), tt.interval.ChunkStep(at(tt.t)))
		})
	}
}

func TestParseInterval(t *testing.T) {
	t.Parallel()
	for _, want := range market.Intervals() {
		got, err := market.ParseInterval(string(want))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"", "1M", "1min", "2h", "60m", " 1m", "1m ", "1mo\x00"} {
		_, err := market.ParseInterval(text)
		require.Equal(t, market.KindInvalid, market.KindOf(err), "%q", text)
	}
}

func TestIntervalDuration(t *testing.T) {
	t.Parallel()
	var lengths []time.Duration
	for _, i := range market.Intervals() {
		require.Equal(t, i.Duration() > 0, i.IsIntraday())
		if i.IsIntraday() {
			lengths = append(lengths, i.Duration())
		}
	}
	require.True(t, slices.IsSorted(lengths), "shortest first")
	require.Len(t, lengths, 6)
	require.Zero(t, market.Interval("2h").Duration())
}

func FuzzParseInterval(f *testing.F) {
	f.Add("1m")
	f.Add("1mo")
	f.Fuzz(func(t *testing.T, text string) {
		i, err := market.ParseInterval(text)
		if err == nil {
			require.Equal(t, text, string(i))
		}
	})
}
