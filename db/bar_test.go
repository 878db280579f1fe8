package db_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

// insertBars stores n flat bars of a minute from start on.
func insertBars(tb testing.TB, d *db.DB, seriesID int64, start time.Time, n int) {
	tb.Helper()
	exec(tb, d, "SELECT ensure_bar_partitions($1::timestamptz, $1::timestamptz + $2 * interval '1 minute')", start, n)
	exec(tb, d, `
		INSERT INTO bar (series_id, ts, open, high, low, close, volume, load_id)
		SELECT $1, $2::timestamptz + g * interval '1 minute', 42000.5 + g, 42000.5 + g, 42000.5 + g, 42000.5 + g, 1, 1 FROM generate_series(0, $3 - 1) g`,
		seriesID, start, n)
}

// times reads the keys of the bars in r.
func times(t *testing.T, d *db.DB, seriesID int64, r market.Range, limit int, isDescending bool) []string {
	t.Helper()
	keys := []string{}
	err := d.Bars(t.Context(), seriesID, r, limit, isDescending, func(b market.RawBar) error {
		require.Equal(t, time.UTC, b.Time.Location())
		keys = append(keys, market.FormatTime(b.Time))
		return nil
	})
	require.NoError(t, err)
	return keys
}

func TestBarsOrderLimitAndBounds(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	insertBars(t, d, 1, at("2023-12-31T23:58:00Z"), 4)
	insertBars(t, d, 2, at("2023-12-31T23:58:00Z"), 4)
	keys := []string{"2023-12-31T23:58:00Z", "2023-12-31T23:59:00Z", "2024-01-01T00:00:00Z", "2024-01-01T00:01:00Z"}
	all := span("2023-01-01", "2025-01-01")
	tests := []struct {
		name         string
		r            market.Range
		limit        int
		isDescending bool
		want         []string
	}{
		{"over two years", all, 100, false, keys},
		{"descending", all, 100, true, []string{keys[3], keys[2], keys[1], keys[0]}},
		{"limit", all, 3, false, keys[:3]},
		{"limit from the end", all, 1, true, keys[3:]},
		{"no rows wanted", all, 0, false, []string{}},
		{"the start is in, the end is not", market.Range{Start: at(keys[1]), End: at(keys[3])}, 9, false, keys[1:3]},
		{"a start a moment later", market.Range{Start: at(keys[1]).Add(1), End: at(keys[3])}, 9, false, keys[2:3]},
		{"an end a moment later", market.Range{Start: at(keys[1]), End: at(keys[3]).Add(1)}, 9, false, keys[1:]},
		{"empty", market.Range{Start: at(keys[1]), End: at(keys[1])}, 9, false, []string{}},
		{"reversed", market.Range{Start: at(keys[3]), End: at(keys[1])}, 9, false, []string{}},
		{"all of time", span("0001-01-01", "9999-12-31"), 9, false, keys},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, times(t, d, 1, tt.r, tt.limit, tt.isDescending), tt.name)
	}
}

func TestBarsOfOldTimesAreExact(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	keys := []string{
		"1602-03-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "1999-12-31T23:59:59.000001Z",
		"1999-12-31T23:59:59.999999Z", "2000-01-01T00:00:00Z", "2000-01-01T00:00:00.000001Z", "2009-12-31T23:59:00Z", "2010-01-01T00:00:00Z",
	}
	for _, key := range keys {
		insertBars(t, d, 1, at(key), 1)
	}
	require.Equal(t, keys, times(t, d, 1, span("0001-01-01", "9999-01-01"), 100, false))
}

func TestBarsKeepEveryDigit(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	long := "1234567890123456789012345678901234567890"
	tiny := "0." + strings.Repeat("0", 29) + "1"
	rows := [][8]string{ // open, high, low, close, volume, vwap, turnover, trades
		{long, long, long, long, long, long, long, "9223372036854775807"},
		{tiny, tiny, tiny, tiny, tiny, tiny, tiny, "0"},
		{"-37.63", "-0.1", "-40.32", "-1", "", "-5.5", "-9", ""},
		{"1.10", "1.1", "1", "1", "0", "", "", ""},
	}
	for n, row := range rows {
		args := []any{at("2024-01-01").Add(time.Duration(n) * time.Hour)}
		for _, text := range row {
			args = append(args, text)
		}
		exec(t, d, `INSERT INTO bar (series_id, ts, open, high, low, close, volume, vwap, turnover, trades, load_id)
			VALUES (1, $1, $2::text::numeric, $3::text::numeric, $4::text::numeric, $5::text::numeric, nullif($6::text, '')::numeric,
				nullif($7::text, '')::numeric, nullif($8::text, '')::numeric, nullif($9::text, '')::bigint, 1)`, args...)
	}
	var got [][8]string
	err := d.Bars(t.Context(), 1, span("2024-01-01", "2024-01-02"), 100, false, func(b market.RawBar) error {
		var texts [8]string
		for i, value := range [][]byte{b.Open, b.High, b.Low, b.Close, b.Volume, b.VWAP, b.Turnover, b.Trades} {
			require.Equal(t, rows[len(got)][i] == "", value == nil, "absent is nil")
			texts[i] = string(value)
		}
		got = append(got, texts)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, rows, got)
}

func TestBarsMemoryDoesNotGrowWithTheRange(t *testing.T) { //nolint:paralleltest // it measures the whole process
	d := dbtest.New(t)
	insertBars(t, d, 1, at("2024-01-01"), 100_000)
	runtime.GC()
	var start, now runtime.MemStats
	runtime.ReadMemStats(&start)
	var peak uint64
	var rows int
	require.NoError(t, d.Bars(t.Context(), 1, span("2024-01-01", "2025-01-01"), 1_000_000, false, func(market.RawBar) error {
		if rows++; rows%10_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapAlloc)
		}
		return nil
	}))
	require.Equal(t, 100_000, rows)
	require.Less(t, int64(peak)-int64(start.HeapAlloc), int64(4<<20), "100,000 bars take over 10 MB when kept") //nolint:gosec // sizes of a heap
}

func TestBarsStopAtTheVisitorsError(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	insertBars(t, d, 1, at("2024-01-01"), 20_000)
	enough := errors.New("enough")
	for range 40 { // more often than there are connections
		visits := 0
		err := d.Bars(t.Context(), 1, span("2024-01-01", "2025-01-01"), 1_000_000, false, func(market.RawBar) error {
			visits++
			return enough
		})
		require.Equal(t, enough, err)
		require.Equal(t, 1, visits)
	}
	require.Len(t, times(t, d, 1, span("2024-01-01", "2025-01-01"), 5, false), 5)
}

func TestHoles(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	id, other := newSeries(t, d, market.Interval1m), newSeries(t, d, market.Interval1m)
	all := span("2024-01-01", "2025-01-01")
	failed, quarantined, err := d.Holes(t.Context(), id, all)
	require.NoError(t, err)
	require.Empty(t, failed)
	require.Empty(t, quarantined)

	for r, status := range map[market.Range]string{
		span("2024-01-01", "2024-02-01"): "failed",
		span("2024-02-01", "2024-03-01"): "failed",
		span("2024-04-01", "2024-05-01"): "done",
		span("2024-05-01", "2024-06-01"): "canceled",
		span("2024-07-01", "2024-08-01"): "failed",
	} {
		exec(t, d, "UPDATE ingest_chunk SET status = $2 WHERE id = $1", newChunk(t, d, id, r, market.PolicyMissing), status)
	}
	exec(t, d, "UPDATE ingest_chunk SET status = 'failed' WHERE id = $1", newChunk(t, d, other, all, market.PolicyMissing))
	exec(t, d, "INSERT INTO series_coverage (series_id, covered) VALUES ($1, '{[2024-01-10Z,2024-01-20Z),[2024-07-01Z,2024-08-01Z)}')", id)
	exec(t, d, `INSERT INTO quarantined_bar (series_id, chunk_id, ts, rule, value, resolved_at) VALUES
		($1, 0, '2024-03-02Z', 'r', 'v', NULL), ($1, 0, '2024-03-01Z', 'r', 'v', NULL), ($1, 0, '2024-03-02Z', 'other', 'v', NULL),
		($1, 0, '2024-03-03Z', 'r', 'v', now()), ($1, 0, '2025-01-01Z', 'r', 'v', NULL), ($2, 0, '2024-03-04Z', 'r', 'v', NULL)`, id, other)
	exec(t, d, `INSERT INTO quarantined_bar (series_id, chunk_id, rule, value)
		SELECT series_id, id, 'unreadable', 'v' FROM ingest_chunk WHERE series_id = $1 AND status = 'done'`, id)

	failed, quarantined, err = d.Holes(t.Context(), id, all)
	require.NoError(t, err)
	require.Equal(t, []market.Range{span("2024-01-01", "2024-01-10"), span("2024-01-20", "2024-03-01")}, failed)
	require.Equal(t, []market.Range{
		span("2024-03-01", "2024-03-01T00:00:00.000001Z"), span("2024-03-02", "2024-03-02T00:00:00.000001Z"), span("2024-04-01", "2024-05-01"),
	}, quarantined, "keys, and the chunk of a row whose time is unknown")

	failed, quarantined, err = d.Holes(t.Context(), id, span("2024-01-05", "2024-01-25"))
	require.NoError(t, err)
	require.Equal(t, []market.Range{span("2024-01-05", "2024-01-10"), span("2024-01-20", "2024-01-25")}, failed, "clipped")
	require.Empty(t, quarantined)
	_, _, err = d.Holes(t.Context(), id, market.Range{Start: at("2024-01-25"), End: at("2024-01-05")})
	require.NoError(t, err, "a reversed range has none")
}

func TestHolesOfQuarantinedRowsEndWithALaterAnswer(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	id, day := newSeries(t, d, market.Interval1m), span("2024-01-02", "2024-01-03")
	p := page(day, at("2024-02-01"), bar(at("2024-01-02"), "1", ""))
	p.Quarantined = []market.Quarantined{
		{Time: at("2024-01-02T01:00:00Z"), Rule: market.RuleNegativeVolume, Value: "[]"}, {Rule: market.RuleUnreadable, Value: "x"},
	}
	loadPage(t, d, id, day, p)
	_, quarantined, err := d.Holes(t.Context(), id, day)
	require.NoError(t, err)
	require.Equal(t, []market.Range{day}, quarantined)
	loadPage(t, d, id, day, page(day, at("2024-02-02"), bar(at("2024-01-02"), "1", "")))
	_, quarantined, err = d.Holes(t.Context(), id, day)
	require.NoError(t, err)
	require.Empty(t, quarantined)
}
