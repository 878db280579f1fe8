package db_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

// read returns the keys and closes of what Bars visits.
func read(t *testing.T, d *db.DB, seriesID int64, r market.Range, limit int, isDescending bool) (keys []time.Time, closes []string) {
	t.Helper()
	require.NoError(t, d.Bars(t.Context(), seriesID, r, limit, isDescending, func(b market.RawBar) error {
		keys, closes = append(keys, b.Time), append(closes, string(b.Close))
		return nil
	}))
	return keys, closes
}

func TestBarsAreHalfOpenOrderedAndExact(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	id := newSeries(t, d, market.Interval1d)
	require.NoError(t, d.EnsureBarPartitions(t.Context(), span("1990-01-01", "2024-01-05")))
	digits := []string{"0." + strings.Repeat("0", 29) + "1", "-37.63", strings.Repeat("9", 40), "0"}
	keys := []time.Time{at("1999-12-31"), at("2009-12-31"), at("2010-01-01"), at("2024-01-04")}
	var bars []market.Bar
	for i, key := range keys {
		bars = append(bars, bar(key, digits[i], ""))
	}
	all := span("1990-01-01", "2024-01-05")
	loadPage(t, d, id, all, page(all, at("2024-02-01"), bars...))

	gotKeys, gotDigits := read(t, d, id, all, 10, false)
	require.Equal(t, keys, gotKeys)
	require.Equal(t, digits, gotDigits)
	gotKeys, _ = read(t, d, id, span("1999-12-31", "2010-01-01"), 10, false)
	require.Equal(t, keys[:2], gotKeys, "the end does not belong to it")
	gotKeys, _ = read(t, d, id, all, 2, true)
	require.Equal(t, []time.Time{keys[3], keys[2]}, gotKeys)
	require.NoError(t, d.Bars(t.Context(), id, all, 1, false, func(b market.RawBar) error {
		require.Nil(t, b.Volume)
		require.Nil(t, b.Trades)
		return nil
	}))
	enough := errors.New("enough")
	require.ErrorIs(t, d.Bars(t.Context(), id, all, 10, false, func(market.RawBar) error { return enough }), enough)
}

// TestBarsStream: reading a hundred times as many rows does not allocate more.
func TestBarsStream(t *testing.T) { //nolint:paralleltest // it counts allocations of the whole process
	d := dbtest.New(t)
	id := newSeries(t, d, market.Interval1m)
	r := span("2024-01-01", "2024-03-10")
	bars := minutes(at("2024-01-01"), 99_000)
	loadPage(t, d, id, r, page(r, at("2024-04-01"), bars...))
	count := func(limit int) (allocations float64) {
		return testing.AllocsPerRun(3, func() {
			n := 0
			require.NoError(t, d.Bars(t.Context(), id, r, limit, false, func(market.RawBar) error { n++; return nil }))
			require.Equal(t, limit, n)
		})
	}
	few, many := count(990), count(99_000)
	require.Less(t, many, few+200)
}

func TestHoles(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	id := newSeries(t, d, market.Interval1m)
	failedChunk := newChunk(t, d, id, span("2024-01-01", "2024-01-04"), market.PolicyMissing)
	exec(t, d, "UPDATE ingest_job SET started_at = now()")
	require.NoError(t, d.FailChunk(t.Context(), failedChunk, market.KindDenied, "no"))
	day := span("2024-01-02", "2024-01-03")
	p := page(day, at("2024-02-01"), bar(at("2024-01-02"), "1", ""))
	p.Quarantined = []market.Quarantined{{Time: at("2024-01-02T01:00:00Z"), Rule: market.RuleNegativeVolume, Value: "[]"}, {Rule: market.RuleUnreadable, Value: "x"}}
	loadPage(t, d, id, day, p)

	failed, quarantined, err := d.Holes(t.Context(), id, span("2024-01-01T12:00:00Z", "2024-01-10"))
	require.NoError(t, err)
	require.Equal(t, []market.Range{span("2024-01-01T12:00:00Z", "2024-01-02"), span("2024-01-03", "2024-01-04")}, failed, "clipped, without what is covered")
	require.Equal(t, []time.Time{at("2024-01-02T01:00:00Z")}, quarantined)

	loadPage(t, d, id, day, page(day, at("2024-02-02"), bar(at("2024-01-02"), "1", "")))
	_, quarantined, err = d.Holes(t.Context(), id, day)
	require.NoError(t, err)
	require.Empty(t, quarantined, "a later answer settles it")
}
