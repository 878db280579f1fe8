package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketdata/api"
	"marketdata/market"
	"marketdata/market/calendar"
)

// grids are those of markets with sessions: by day, by hour, with a lunch break, and ahead of UTC.
func grids(t require.TestingT) []market.Grid {
	var grids []market.Grid
	for name, intervals := range map[string][]market.Interval{
		"XNYS": {market.Interval1h, market.Interval1d, market.Interval1w},
		"XTKS": {market.Interval15m, market.Interval1h, market.Interval1d},
		"XASX": {market.Interval1h, market.Interval1d},
	} {
		for _, interval := range intervals {
			grid, err := calendar.GridOf(interval, name)
			require.NoError(t, err)
			grids = append(grids, grid)
		}
	}
	slices.SortFunc(grids, func(a, b market.Grid) int {
		return slices.Compare([]string{a.Calendar.Name(), string(a.Interval)}, []string{b.Calendar.Name(), string(b.Interval)})
	})
	return grids
}

// TestBars_OfSessions: whatever the range, every key in it has a bar or one reason, and closed time has neither.
func TestBars_OfSessions(t *testing.T) {
	t.Parallel()
	w := newWorld()
	handler := api.New(w.options)
	rapid.Check(t, func(t *rapid.T) {
		grid := rapid.SampledFrom(grids(t)).Draw(t, "grid")
		closed := grid.ClosedBefore(now, 5*time.Second)
		start := now.Add(-time.Duration(rapid.IntRange(1, 20*24).Draw(t, "hours ago")) * time.Hour)
		r := market.Range{Start: start, End: start.Add(time.Duration(rapid.IntRange(1, 12*24).Draw(t, "hours")) * time.Hour)}
		s := newSeries(grid.Interval)
		s.Calendar = grid.Calendar.Name()
		var keys []time.Time
		for key := grid.Floor(r.Start.AddDate(0, 0, -9)); key.Before(r.End.AddDate(0, 0, 9)); key = grid.Next(key) {
			keys = append(keys, key)
			if rapid.IntRange(0, 3).Draw(t, "has bar") > 0 {
				s.bars = append(s.bars, key)
			}
		}
		// Chunks are cut at midnight UTC, so that edges need not be keys, nor lie between bars.
		edge := rapid.Custom(func(t *rapid.T) time.Time {
			at := rapid.SampledFrom(keys).Draw(t, "near")
			if grid.Interval.IsIntraday() && rapid.Bool().Draw(t, "is no key") {
				at = at.Add(time.Duration(rapid.IntRange(-90, 90).Draw(t, "minutes")) * time.Minute)
			} else if rapid.Bool().Draw(t, "is a date") {
				at = market.Interval1d.Floor(at).AddDate(0, 0, rapid.IntRange(-2, 2).Draw(t, "days"))
			}
			return at
		})
		drawRanges := func(label string) (ranges []market.Range) {
			edges := rapid.SliceOfNDistinct(edge, 0, 6, rapid.ID[time.Time]).Draw(t, label)
			slices.SortFunc(edges, time.Time.Compare)
			for i := 0; i+1 < len(edges); i += 2 {
				ranges = append(ranges, market.Range{Start: edges[i], End: edges[i+1]})
			}
			return ranges
		}
		s.Covered, s.failed = drawRanges("covered"), drawRanges("failed")
		s.install(w)
		query := url.Values{"interval": {string(grid.Interval)}, "start": {market.FormatTime(r.Start)}, "end": {market.FormatTime(r.End)}}
		if rapid.Bool().Draw(t, "descending") {
			query.Set("order", "desc")
		}
		got := map[time.Time]string{}
		for {
			query.Set("limit", fmt.Sprint(rapid.IntRange(1, 30).Draw(t, "limit")))
			a := call(handler, barsPath+query.Encode())
			require.Equal(t, http.StatusOK, a.status, a.body)
			var page barsPage
			require.NoError(t, json.Unmarshal([]byte(a.body), &page))
			for _, bar := range page.Data {
				require.Empty(t, got[bar.TS])
				got[bar.TS] = "bar"
			}
			for i, h := range page.Meta.Missing {
				first := grid.Ceil(h.Start)
				require.True(t, first.Before(h.End), "%v holds no key", h)
				if i > 0 {
					before := page.Meta.Missing[i-1]
					require.False(t, before.Reason == h.Reason && !grid.Ceil(before.End).Before(first), "%v and %v are one", before, h)
				}
				for key := first; key.Before(h.End); key = grid.Next(key) {
					require.Empty(t, got[key], "%s is explained twice", key)
					got[key] = string(h.Reason)
				}
			}
			if page.NextCursor == nil {
				break
			}
			query.Set("cursor", *page.NextCursor)
		}
		want := map[time.Time]string{}
		for _, key := range keys {
			switch {
			case !r.Contains(key):
			case slices.Contains(s.bars, key) && key.Before(closed):
				want[key] = "bar"
			default:
				want[key] = string(s.reasonOfBar(grid, key, closed))
			}
		}
		require.Equal(t, want, got)
	})
}

// reasonOfBar says slowly why a bar is missing: it is covered when the whole of it is, and failed when any part of it is.
func (f *fakeSeries) reasonOfBar(grid market.Grid, key, closed time.Time) market.Reason {
	bar := market.Range{Start: key, End: grid.Interval.Next(key)}
	if grid.Interval.IsIntraday() {
		bar.End = grid.Close(key)
	}
	isWhole := func(r market.Range) bool { return !r.Start.After(bar.Start) && !r.End.Before(bar.End) }
	isPart := func(r market.Range) bool { return !r.Intersect(bar).IsEmpty() }
	switch {
	case !key.Before(closed):
		return market.ReasonForming
	case slices.ContainsFunc(f.Covered, isWhole):
		return market.ReasonConfirmedEmpty
	case slices.ContainsFunc(f.failed, isPart):
		return market.ReasonFailed
	}
	return market.ReasonNeverAsked
}

func TestBars_OfAClosedMarket(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, interval, calendar, start, end string }{
		{"a weekend of days", "1d", "XNYS", "2024-02-10", "2024-02-12"},
		{"a weekend of hours", "1h", "XNYS", "2024-02-09T21:00:00Z", "2024-02-12T14:30:00Z"},
		{"a holiday", "1d", "XNYS", "2024-02-19", "2024-02-20"},
		{"lunch", "1m", "XTKS", "2024-02-13T02:30:00Z", "2024-02-13T03:30:00Z"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w, s := newWorld(), newSeries(market.Interval(tc.interval))
			s.Calendar = tc.calendar
			s.install(w)
			page := w.bars(t, "interval="+tc.interval+"&start="+tc.start+"&end="+tc.end)
			require.Empty(t, page.Data)
			require.True(t, page.Meta.Complete)
			require.Empty(t, page.Meta.Missing)
			require.Equal(t, at(tc.start), page.Meta.Start)
		})
	}
}

// TestBars_OfAListing: the listing is an instant, and the day on which it lies at the exchange has a bar.
func TestBars_OfAListing(t *testing.T) {
	t.Parallel()
	w, s := newWorld(), newSeries(market.Interval1d)
	listed := at("2024-02-11T23:00:00Z") // the 12th in Sydney, a Monday
	s.Calendar, s.ListedAt = "XASX", &listed
	s.install(w)
	page := w.bars(t, "interval=1d&start=2024-02-05&end=2024-02-14")
	require.Equal(t, []hole{
		holeOf("2024-02-05", "2024-02-12", market.ReasonBeforeListing), holeOf("2024-02-12", "2024-02-14", market.ReasonNeverAsked),
	}, page.Meta.Missing)
}

func TestBars_AdjustmentOfTheSeries(t *testing.T) {
	t.Parallel()
	w, s := newWorld(), newSeries(market.Interval1d)
	s.PriceBasis = market.AdjustmentSplit
	s.install(w)
	require.Equal(t, "split", w.bars(t, "interval=1d&start=2024-02-05&end=2024-02-14").Meta.Adjustment)
	require.Equal(t, "split", w.bars(t, "interval=1d&start=2024-02-05&end=2024-02-14&adjustment=split").Meta.Adjustment)
	problem := w.get(t, barsPath+"interval=1d&start=2024-02-05&end=2024-02-14&adjustment=raw").problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
	require.Equal(t, []string{"query.adjustment"}, problem.locations())
}

// TestBars_ARowInClosedTime: a quarantined row of a Saturday explains the Friday that has no bar.
func TestBars_ARowInClosedTime(t *testing.T) {
	t.Parallel()
	w, s := newWorld(), newSeries(market.Interval1d)
	s.Calendar, s.Covered = "XNYS", []market.Range{span("2024-02-05", "2024-02-13")}
	s.bars = []time.Time{at("2024-02-05"), at("2024-02-06"), at("2024-02-07"), at("2024-02-08"), at("2024-02-12")}
	s.quarantined = []time.Time{at("2024-02-10")}
	s.install(w)
	page := w.bars(t, "interval=1d&start=2024-02-05&end=2024-02-13")
	require.False(t, page.Meta.Complete)
	require.Len(t, page.Meta.Missing, 1)
	require.Equal(t, market.ReasonQuarantined, page.Meta.Missing[0].Reason)
}

// TestBars_BasisBeforeAnythingIsLoaded: it is what the provider declares.
func TestBars_BasisBeforeAnythingIsLoaded(t *testing.T) {
	t.Parallel()
	w, s := newWorld(), newSeries(market.Interval1d)
	s.ID = 0
	for i := range w.options.Providers {
		w.options.Providers[i].Capabilities.PriceBasis = market.AdjustmentSplit
	}
	s.install(w)
	require.Equal(t, "split", w.bars(t, "interval=1d&start=2024-02-05&end=2024-02-14").Meta.Adjustment)
	require.Equal(t, "split", w.bars(t, "interval=1d&start=2024-02-05&end=2024-02-14&adjustment=split").Meta.Adjustment)
}
