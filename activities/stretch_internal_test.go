package activities

// The itinerary is the package's one piece of pure logic; it is tested from inside, through next and take.

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketdata/market"
)

func grid() market.Grid {
	return market.Grid{Interval: market.Interval1m, Calendar: market.Calendar247{}}
}

func at(minute int) time.Time {
	return time.Date(2020, 1, 1, 0, minute, 0, 0, time.UTC)
}

func minutes(start, end int) market.Range { return market.Range{Start: at(start), End: at(end)} }

// source is a provider that holds bars at some minutes and answers in pages.
type source struct {
	bars        []int
	limit       int
	hasCursor   bool // says where a full page goes on; else it is cut without a word
	cap         int  // cuts below its declared limit, without a word
	flaky       int  // answers empty this many times first
	requestedAt time.Time
	isDesc      bool
	window      int // minutes that one request may ask for
	requests    int
}

func (s *source) capabilities() market.Capabilities {
	c := market.Capabilities{MaxBarsPerPage: s.limit, Order: market.OrderAscending}
	if s.isDesc {
		c.Order = market.OrderDescending
	}
	if s.window > 0 {
		c.WindowSeconds = map[market.Interval]int64{market.Interval1m: int64(s.window) * 60}
	}
	return c
}

func (s *source) answer(r market.Range, cursor string) market.RawPage {
	s.requests++
	page := market.RawPage{Page: s.requests - 1, Range: r, Cursor: cursor, IsOK: true, RequestedAt: s.requestedAt}
	if s.flaky > 0 {
		s.flaky--
		return page
	}
	from := r.Start
	if cursor != "" {
		from = must(market.ParseTime(cursor))
	}
	var keys []time.Time
	for _, m := range s.bars {
		if key := at(m); !key.Before(from) && key.Before(r.End) {
			keys = append(keys, key)
		}
	}
	most := s.limit
	if s.cap > 0 {
		most = s.cap
	}
	if most > 0 && len(keys) > most {
		if s.isDesc {
			keys = keys[len(keys)-most:]
		} else {
			keys = keys[:most]
			if s.hasCursor && s.cap == 0 {
				page.NextCursor = market.FormatTime(keys[most-1].Add(time.Minute))
			}
		}
	}
	if page.Rows = len(keys); page.Rows > 0 {
		page.FirstAt, page.LastAt = keys[0], keys[len(keys)-1]
	}
	return page
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// drive asks until the itinerary is done and returns the keys seen, in order.
func drive(t require.TestingT, it *itinerary, s *source) []time.Time {
	seen := map[time.Time]bool{}
	for range 1000 {
		request, isMore := it.next("X")
		if !isMore {
			var keys []time.Time
			for key := range seen {
				keys = append(keys, key)
			}
			slices.SortFunc(keys, time.Time.Compare)
			return keys
		}
		page := s.answer(request.Range, request.Cursor)
		for _, m := range s.bars {
			if key := at(m); page.Rows > 0 && !key.Before(page.FirstAt) && !key.After(page.LastAt) {
				seen[key] = true
			}
		}
		require.NoError(t, it.take(page))
	}
	require.FailNow(t, "the itinerary does not end")
	return nil
}

func TestItinerary(t *testing.T) {
	t.Parallel()
	longAgo := at(0).AddDate(1, 0, 0)
	full := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	for _, tc := range []struct {
		name     string
		source   source
		todo     []market.Range
		answered []market.Range
		keys     int
		requests int
	}{
		{name: "one page", source: source{bars: full}, todo: []market.Range{minutes(0, 10)}, answered: []market.Range{minutes(0, 10)}, keys: 10, requests: 1},
		{name: "pages by cursor", source: source{bars: full, limit: 4, hasCursor: true}, todo: []market.Range{minutes(0, 10)}, answered: []market.Range{minutes(0, 10)}, keys: 10, requests: 3},
		{name: "nothing to do", todo: nil, answered: nil},
		{name: "wholly empty is asked twice", source: source{}, todo: []market.Range{minutes(0, 10)}, answered: []market.Range{minutes(0, 10)}, requests: 2},
		{name: "empty at first, then healed", source: source{bars: full, flaky: 1}, todo: []market.Range{minutes(0, 10)}, answered: []market.Range{minutes(0, 10)}, keys: 10, requests: 2},
		{name: "an interior hole is answered by a later bar", source: source{bars: []int{0, 1, 9}}, todo: []market.Range{minutes(0, 10)}, answered: []market.Range{minutes(0, 10)}, keys: 3, requests: 1},
		{name: "an empty tail is asked twice", source: source{bars: []int{0, 1}}, todo: []market.Range{minutes(0, 10)}, answered: []market.Range{minutes(0, 2), minutes(2, 10)}, keys: 2, requests: 2},
		{name: "truncated without a cursor", source: source{bars: full, limit: 4}, todo: []market.Range{minutes(0, 10)}, answered: []market.Range{minutes(0, 4), minutes(4, 8), minutes(8, 10)}, keys: 10, requests: 3},
		{name: "truncated, newest first", source: source{bars: full, limit: 4, isDesc: true}, todo: []market.Range{minutes(0, 10)}, answered: []market.Range{minutes(6, 10), minutes(2, 6), minutes(0, 2)}, keys: 10, requests: 3},
		{name: "cut below the limit without a word", source: source{bars: full, limit: 8, cap: 3}, todo: []market.Range{minutes(0, 10)}, answered: []market.Range{minutes(0, 3), minutes(3, 6), minutes(6, 9), minutes(9, 10)}, keys: 10, requests: 4},
		{name: "two stretches", source: source{bars: full}, todo: []market.Range{minutes(0, 3), minutes(5, 7)}, answered: []market.Range{minutes(0, 3), minutes(5, 7)}, keys: 5, requests: 2},
		{name: "an empty head is asked twice, newest first", source: source{bars: []int{4, 9}, isDesc: true}, todo: []market.Range{minutes(0, 10)}, answered: []market.Range{minutes(4, 10), minutes(0, 4)}, keys: 2, requests: 2},
		{name: "an empty tail is asked twice, newest first", source: source{bars: []int{0, 4}, isDesc: true}, todo: []market.Range{minutes(0, 10)}, answered: []market.Range{minutes(0, 5), minutes(5, 10)}, keys: 2, requests: 2},
		{name: "cut without a word, newest first", source: source{bars: full, isDesc: true, limit: 20, cap: 6}, todo: []market.Range{minutes(0, 10)}, answered: []market.Range{minutes(4, 10), minutes(0, 4)}, keys: 10, requests: 2},
		{name: "windows", source: source{bars: full, window: 4}, todo: []market.Range{minutes(0, 10)}, answered: []market.Range{minutes(0, 4), minutes(4, 8), minutes(8, 10)}, keys: 10, requests: 3},
		{name: "an empty window is asked twice", source: source{bars: []int{0, 1, 2, 3, 9}, window: 4}, todo: []market.Range{minutes(0, 10)}, answered: []market.Range{minutes(0, 4), minutes(4, 8), minutes(8, 10)}, keys: 5, requests: 4},
		{name: "not closed yet is not answered", source: source{bars: full[:6], requestedAt: at(6)}, todo: []market.Range{minutes(0, 10)}, answered: []market.Range{minutes(0, 6)}, keys: 6, requests: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.source.requestedAt.IsZero() {
				tc.source.requestedAt = longAgo
			}
			it := newItinerary(grid(), tc.source.capabilities(), tc.todo)
			require.Len(t, drive(t, it, &tc.source), tc.keys)
			require.Equal(t, tc.answered, it.answered)
			require.Equal(t, tc.requests, tc.source.requests)
		})
	}
}

func TestItineraryRefusesPagingThatDoesNotAdvance(t *testing.T) {
	t.Parallel()
	it := newItinerary(grid(), market.Capabilities{}, []market.Range{minutes(0, 10)})
	page := market.RawPage{Range: minutes(0, 10), IsOK: true, Rows: 1, FirstAt: at(0), LastAt: at(0), NextCursor: "5"}
	require.NoError(t, it.take(page))
	page.Cursor = "5"
	err := it.take(page)
	require.Equal(t, market.KindMalformed, market.KindOf(err))
}

// TestItineraryMissesNothing: whatever bars exist and however the provider cuts its pages, every bar is seen, the
// whole range is answered, and an attempt that resumes from the stored pages asks nothing again.
func TestItineraryMissesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := source{
			bars:      slices.Sorted(slices.Values(rapid.SliceOfNDistinct(rapid.IntRange(0, 59), 0, 40, rapid.ID[int]).Draw(t, "bars"))),
			limit:     rapid.IntRange(0, 12).Draw(t, "limit"),
			hasCursor: rapid.Bool().Draw(t, "cursor"), isDesc: rapid.Bool().Draw(t, "desc"),
			requestedAt: at(0).AddDate(1, 0, 0),
		}
		if s.limit > 2 {
			s.cap = rapid.IntRange(0, s.limit-1).Draw(t, "cap")
		}
		s.window = rapid.SampledFrom([]int{0, 7, 60}).Draw(t, "window")
		it := newItinerary(grid(), s.capabilities(), []market.Range{minutes(0, 60)})
		keys := drive(t, it, &s)
		require.Len(t, keys, len(s.bars), fmt.Sprint(s))
		require.Equal(t, []market.Range{minutes(0, 60)}, mergeRanges(it.answered))
	})
}
