package market_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketdata/market"
)

// span builds a range from two texts that are known to be good; it may be empty or reversed.
func span(start, end string) market.Range { return market.Range{Start: at(start), End: at(end)} }

// spanOf generates ranges within thirty days, on whole hours, so that bounds often coincide; some are empty.
func spanOf() *rapid.Generator[market.Range] {
	return rapid.Custom(func(t *rapid.T) market.Range {
		start := rapid.IntRange(0, 720).Draw(t, "start")
		length := rapid.IntRange(0, 100).Draw(t, "length")
		day := at("2024-01-01")
		return market.Range{
			Start: day.Add(time.Duration(start) * time.Hour),
			End:   day.Add(time.Duration(start+length) * time.Hour),
		}
	})
}

func TestNewRange(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", -5*3600)
	r, err := market.NewRange(at("2024-01-01").In(zone), at("2024-01-02").In(zone))
	require.NoError(t, err)
	require.Equal(t, span("2024-01-01", "2024-01-02"), r)
	require.Equal(t, "[2024-01-01T00:00:00Z, 2024-01-02T00:00:00Z)", r.String())

	for _, bad := range []market.Range{span("2024-01-02", "2024-01-01"), span("2024-01-01", "2024-01-01")} {
		_, err := market.NewRange(bad.Start, bad.End)
		require.Equal(t, market.KindInvalid, market.KindOf(err))
	}
}

func TestRangeIsHalfOpen(t *testing.T) {
	t.Parallel()
	r := span("2024-01-01", "2024-01-02")
	require.True(t, r.Contains(r.Start))
	require.True(t, r.Contains(r.End.Add(-1)))
	require.False(t, r.Contains(r.End))
	require.False(t, r.Contains(r.Start.Add(-1)))
	require.True(t, r.Intersect(span("2024-01-02", "2024-01-03")).IsEmpty(), "neighbours share no instant")
	require.False(t, r.Intersect(span("2024-01-01T23:59:59Z", "2024-01-03")).IsEmpty())
	require.True(t, market.Range{}.IsEmpty())
}

func TestRangeIntersectProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := spanOf().Draw(t, "a"), spanOf().Draw(t, "b")
		common := a.Intersect(b)
		require.Equal(t, common.IsEmpty(), b.Intersect(a).IsEmpty())
		for _, when := range []time.Time{a.Start, a.End, b.Start, b.End, a.End.Add(-1), b.End.Add(-1)} {
			require.Equal(t, a.Contains(when) && b.Contains(when), common.Contains(when))
		}
	})
}

func TestRangeSplitProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r, i := spanOf().Draw(t, "range"), anyInterval().Draw(t, "interval")
		pieces := r.Split(i.Next)
		requireTiles(t, pieces, r)
		for n, piece := range pieces {
			require.Equal(t, i.Floor(piece.Start), i.Floor(piece.End.Add(-1)), "a piece lies in one step")
			if n > 0 {
				require.Equal(t, i.Floor(piece.Start), piece.Start, "cuts are boundaries")
			}
		}
	})
}

// requireTiles checks that the pieces are adjacent, ascending, not empty, and make up the range.
func requireTiles(t require.TestingT, pieces []market.Range, r market.Range) {
	from := r.Start
	for _, piece := range pieces {
		require.Equal(t, from, piece.Start)
		require.False(t, piece.IsEmpty())
		from = piece.End
	}
	if r.IsEmpty() {
		require.Empty(t, pieces)
		return
	}
	require.Equal(t, r.End, from)
}

func TestRangeSplitEndsEvenWhereNextStandsStill(t *testing.T) {
	t.Parallel()
	r := span("2024-01-01", "2024-01-05")
	stuck := func(at time.Time) time.Time { return at }
	require.Equal(t, []market.Range{r}, r.Split(stuck))
}

func TestRangeSubtract(t *testing.T) {
	t.Parallel()
	whole := span("2024-01-01", "2024-01-31")
	tests := []struct {
		name   string
		others []market.Range
		want   []market.Range
	}{
		{"nothing", nil, []market.Range{whole}},
		{"all", []market.Range{whole}, nil},
		{"more than all", []market.Range{span("2023-01-01", "2025-01-01")}, nil},
		{"the head", []market.Range{span("2023-01-01", "2024-01-10")}, []market.Range{span("2024-01-10", "2024-01-31")}},
		{"the tail", []market.Range{span("2024-01-10", "2025-01-01")}, []market.Range{span("2024-01-01", "2024-01-10")}},
		{
			"the middle",
			[]market.Range{span("2024-01-10", "2024-01-11")},
			[]market.Range{span("2024-01-01", "2024-01-10"), span("2024-01-11", "2024-01-31")},
		},
		{"neighbours", []market.Range{span("2023-01-01", "2024-01-01"), span("2024-01-31", "2024-02-01")}, []market.Range{whole}},
		{
			"adjoining pieces",
			[]market.Range{span("2024-01-02", "2024-01-03"), span("2024-01-03", "2024-01-04")},
			[]market.Range{span("2024-01-01", "2024-01-02"), span("2024-01-04", "2024-01-31")},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, whole.Subtract(tt.others))
		})
	}
}

func TestRangeSubtractProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := spanOf().Draw(t, "range")
		others := rapid.SliceOfN(spanOf(), 0, 6).Draw(t, "others")
		slices.SortFunc(others, func(a, b market.Range) int { return a.Start.Compare(b.Start) })
		left := r.Subtract(others)
		for n, piece := range left {
			require.False(t, piece.IsEmpty())
			require.True(t, n == 0 || left[n-1].End.Before(piece.Start), "ascending and apart")
		}
		for hour := r.Start.Add(-time.Hour); hour.Before(r.End.Add(time.Hour)); hour = hour.Add(time.Hour) {
			want := r.Contains(hour) && !anyContains(others, hour)
			require.Equal(t, want, anyContains(left, hour), "%s", hour)
		}
	})
}

func anyContains(ranges []market.Range, t time.Time) bool {
	return slices.ContainsFunc(ranges, func(r market.Range) bool { return r.Contains(t) })
}

func TestRangeJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(span("2024-01-01", "2024-01-02"))
	require.NoError(t, err)
	require.JSONEq(t, `{"start":"2024-01-01T00:00:00Z","end":"2024-01-02T00:00:00Z"}`, string(text))
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"2024-01-02", "2024-01-02T00:00:00Z"},
		{"2024-01-02T15:04:05Z", "2024-01-02T15:04:05Z"},
		{"2024-01-02T15:04:05.120Z", "2024-01-02T15:04:05.12Z"},
		{"2024-01-02T15:04:05+05:30", "2024-01-02T09:34:05Z"},
		{"2024-12-31T23:00:00-01:00", "2025-01-01T00:00:00Z"},
		{"2024-02-29", "2024-02-29T00:00:00Z"},
		{"0001-01-01", "0001-01-01T00:00:00Z"},
		{"9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			got, err := market.ParseTime(tt.text)
			require.NoError(t, err)
			require.Equal(t, tt.want, market.FormatTime(got))
			require.Equal(t, time.UTC, got.Location())
		})
	}
}

func TestParseTimeRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "now", "2024", "2024-01", "2024-1-2", "2024-02-30", "2023-02-29", "2024-13-01", "2024-01-02 15:04:05",
		"2024-01-02T15:04:05", "2024-01-02T25:00:00Z", "1704067200", "0000-01-01", "9999-12-31T23:59:59-14:00",
		"0001-01-01T00:00:00+14:00", "10000-01-01", "2024-01-02\x00", "2024-01-02'; DROP TABLE bar",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			_, err := market.ParseTime(text)
			require.Equal(t, market.KindInvalid, market.KindOf(err))
			require.NotContains(t, err.Error(), "DROP")
		})
	}
}

func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{"2024-01-02", "2024-01-02T15:04:05Z", "2024-01-02T15:04:05.000000001-05:00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := market.ParseTime(text)
		if err != nil {
			return
		}
		again, err := market.ParseTime(market.FormatTime(got))
		require.NoError(t, err)
		require.True(t, got.Equal(again))
	})
}
