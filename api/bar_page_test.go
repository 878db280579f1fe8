package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketdata/api"
	"marketdata/market"
)

// call answers one request without a network.
func call(handler http.Handler, path string) answer {
	request := httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, nil)
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	body, _ := io.ReadAll(recorder.Body)
	return answer{status: recorder.Code, header: recorder.Header(), body: string(body)}
}

// drawSeries makes a series with random bars, coverage, failures and quarantined rows in the range.
func drawSeries(t *rapid.T, r market.Range, interval market.Interval) *fakeSeries {
	s := newSeries(interval)
	var keys []time.Time
	for key := interval.Floor(r.Start).Add(-3 * interval.Duration()); key.Before(r.End.Add(3 * interval.Duration())); key = interval.Next(key) {
		keys = append(keys, key)
	}
	edge := rapid.SampledFrom(keys)
	drawRanges := func(label string) []market.Range {
		edges := rapid.SliceOfNDistinct(edge, 0, 6, func(t time.Time) time.Time { return t }).Draw(t, label)
		slices.SortFunc(edges, time.Time.Compare)
		var ranges []market.Range
		for i := 0; i+1 < len(edges); i += 2 {
			ranges = append(ranges, market.Range{Start: edges[i], End: edges[i+1]})
		}
		return ranges
	}
	s.Covered = drawRanges("covered")
	s.failed = drawRanges("failed")
	for _, key := range keys {
		switch rapid.IntRange(0, 5).Draw(t, "key") {
		case 0:
		case 1:
			s.quarantined = append(s.quarantined, key)
		default:
			s.bars = append(s.bars, key)
		}
	}
	if rapid.Bool().Draw(t, "is listing known") {
		listed := edge.Draw(t, "listed")
		s.ListedAt = &listed
	}
	if rapid.Bool().Draw(t, "is delisted") {
		delisted := edge.Draw(t, "delisted")
		s.DelistedAt = &delisted
	}
	return s
}

// reasonOf says slowly, for one key, why it has no bar.
func (f *fakeSeries) reasonOf(key, closed time.Time) market.Reason {
	has := func(ranges []market.Range) bool {
		return slices.ContainsFunc(ranges, func(r market.Range) bool { return r.Contains(key) })
	}
	switch {
	case f.ListedAt != nil && key.Before(*f.ListedAt):
		return market.ReasonBeforeListing
	case f.DelistedAt != nil && !key.Before(*f.DelistedAt):
		return market.ReasonAfterDelisting
	case !key.Before(closed):
		return market.ReasonForming
	case has(f.Covered) && slices.Contains(f.quarantined, key):
		return market.ReasonQuarantined
	case has(f.Covered):
		return market.ReasonConfirmedEmpty
	case has(f.failed):
		return market.ReasonFailed
	}
	return market.ReasonNeverAsked
}

// expect says slowly, key by key, which bars and holes a whole answer has.
func (f *fakeSeries) expect(r market.Range, closed time.Time) (keys []time.Time, holes []hole) {
	holes = []hole{}
	for key := f.Interval.Next(r.Start.Add(-1)); key.Before(r.End); key = f.Interval.Next(key) {
		if slices.Contains(f.bars, key) && key.Before(closed) {
			keys = append(keys, key)
			continue
		}
		reason := f.reasonOf(key, closed)
		end := f.Interval.Next(key)
		if end.After(r.End) {
			end = r.End
		}
		if last := len(holes) - 1; last >= 0 && holes[last].Reason == reason && holes[last].End.Equal(key) {
			holes[last].End = end
			continue
		}
		holes = append(holes, hole{Start: key, End: end, Reason: reason})
	}
	return keys, holes
}

func TestBars_PagesAreTheWhole(t *testing.T) {
	t.Parallel()
	w := newWorld()
	handler := api.New(w.options)
	rapid.Check(t, func(t *rapid.T) {
		interval := rapid.SampledFrom([]market.Interval{market.Interval1m, market.Interval1h, market.Interval4h}).Draw(t, "interval")
		length := interval.Duration()
		closed := now.Add(-5 * time.Second).Truncate(length)
		start := closed.Add(time.Duration(rapid.IntRange(-40, -1).Draw(t, "start")) * length)
		r := market.Range{Start: start, End: start.Add(time.Duration(rapid.IntRange(1, 45).Draw(t, "length")) * length)}
		if rapid.Bool().Draw(t, "is end inside a bar") {
			r.End = r.End.Add(length / 3)
		}
		s := drawSeries(t, r, interval)
		s.install(w)
		isDescending := rapid.Bool().Draw(t, "descending")
		query := url.Values{"interval": {string(interval)}, "start": {market.FormatTime(r.Start)}, "end": {market.FormatTime(r.End)}}
		if isDescending {
			query.Set("order", "desc")
		}

		var keys []time.Time
		var holes []hole
		isComplete := true
		for {
			query.Set("limit", fmt.Sprint(rapid.IntRange(1, 9).Draw(t, "limit")))
			a := call(handler, barsPath+query.Encode())
			require.Equal(t, http.StatusOK, a.status, a.body)
			var page barsPage
			require.NoError(t, json.Unmarshal([]byte(a.body), &page))
			for _, bar := range page.Data {
				keys = append(keys, bar.TS)
			}
			isComplete = isComplete && page.Meta.Complete
			if isDescending {
				holes = append(page.Meta.Missing, holes...)
			} else {
				holes = append(holes, page.Meta.Missing...)
			}
			if page.NextCursor == nil {
				break
			}
			query.Set("cursor", *page.NextCursor)
		}
		if isDescending {
			slices.Reverse(keys)
		}
		wantKeys, wantHoles := s.expect(r, closed)
		require.Equal(t, wantKeys, keys)
		require.Equal(t, wantHoles, append([]hole{}, holes...))
		require.Equal(t, !slices.ContainsFunc(wantHoles, func(h hole) bool { return h.Reason.IsIncomplete() }), isComplete)
	})
}

func FuzzBarsCursor(f *testing.F) {
	w, s := newWorld(), newSeries(market.Interval1d)
	s.bars = every("2024-01-01", market.Interval1d, 10)
	s.install(w)
	handler := api.New(w.options)
	const path = barsPath + "interval=1d&start=2024-01-01&limit=4"
	var first barsPage
	if err := json.Unmarshal([]byte(call(handler, path).body), &first); err != nil {
		f.Fatal(err)
	}
	f.Add(*first.NextCursor)
	f.Add("")
	f.Add("AQ")
	f.Add("'; DROP TABLE bar;--")
	f.Fuzz(func(t *testing.T, cursor string) {
		a := call(handler, path+"&cursor="+url.QueryEscape(cursor))
		if cursor == "" || cursor == *first.NextCursor {
			require.Equal(t, http.StatusOK, a.status)
			return
		}
		require.Equal(t, http.StatusUnprocessableEntity, a.status, a.body)
	})
}
