package db_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/db/dbtest"
	"marketdata/market"
)

func TestRawPages(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	r := span("2024-01-01", "2024-02-01")
	id := newChunk(t, d, newSeries(t, d, market.Interval1m), r, market.PolicyAll)
	claim(t, d, id, 1)
	pages := []market.RawPage{
		{
			Page: 0, Range: r, NextCursor: "n", IsOK: true, Rows: 2, FirstAt: at("2024-01-01"), LastAt: at("2024-01-02"),
			URL: "https://x/?a=1", Status: 200, RequestedAt: time.Now().UTC().Truncate(time.Microsecond), Body: bytes.Repeat([]byte("[1]"), 5000),
		},
		{Page: 1, Range: r, Cursor: "n", Status: 500, RequestedAt: time.Now().UTC().Truncate(time.Microsecond), Rows: 9, Body: []byte("<html>\x00\xff")},
		{Page: 2, Range: r, IsConfirm: true, IsOK: true, Status: 200, RequestedAt: time.Now().UTC().Truncate(time.Microsecond)},
	}
	for _, p := range pages {
		require.NoError(t, d.SaveRawPage(t.Context(), attemptOf(id, 1), p))
	}

	got, err := d.RawPages(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, got, len(pages))
	for i, p := range got {
		body, err := d.RawBody(t.Context(), p)
		require.NoError(t, err)
		require.NotNil(t, body)
		require.Equal(t, string(pages[i].Body), string(body))
		require.Positive(t, p.ID)
		want := pages[i]
		want.ID, want.Body = p.ID, nil
		require.Equal(t, want, p)
	}
	require.Equal(t, "3 2", scalar[string](t, d, `SELECT concat_ws(' ', requests, received) FROM ingest_chunk`))
	require.Less(t, scalar[int](t, d, `SELECT octet_length(body) FROM raw_page WHERE page = 0`), 500, "bodies are compressed")

	none, err := d.RawPages(t.Context(), 404)
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestSaveRawPageKeepsWhatIsStored(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	r := span("2024-01-01", "2024-02-01")
	id := newChunk(t, d, newSeries(t, d, market.Interval1m), r, market.PolicyAll)
	claim(t, d, id, 1)
	p := market.RawPage{Range: r, IsOK: true, Rows: 5, Status: 200, RequestedAt: time.Now(), Body: []byte("first")}
	require.NoError(t, d.SaveRawPage(t.Context(), attemptOf(id, 1), p))
	require.NoError(t, d.SaveRawPage(t.Context(), attemptOf(id, 1), p))
	claim(t, d, id, 2)
	p.RequestedAt, p.Body = p.RequestedAt.Add(time.Second), []byte("second")
	require.NoError(t, d.SaveRawPage(t.Context(), attemptOf(id, 2), p))

	got, err := d.RawPages(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, got, 1)
	body, err := d.RawBody(t.Context(), got[0])
	require.NoError(t, err)
	require.Equal(t, "first", string(body))
	require.Equal(t, "2 5", scalar[string](t, d, `SELECT concat_ws(' ', requests, received) FROM ingest_chunk`), "two requests were made")
}

func TestSaveRawPageMakesAMissingPartition(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	r := span("2024-01-01", "2024-02-01")
	id := newChunk(t, d, newSeries(t, d, market.Interval1m), r, market.PolicyAll)
	claim(t, d, id, 1)
	for i, when := range []string{"2019-03-31T23:59:59.999999999Z", "2031-12-31T12:00:00Z"} {
		require.NoError(t, d.SaveRawPage(t.Context(), attemptOf(id, 1), market.RawPage{Page: i, Range: r, RequestedAt: at(when)}))
	}
	require.Equal(t, "raw_page_201903 raw_page_203112", scalar[string](t, d,
		`SELECT string_agg(tableoid::regclass::text, ' ' ORDER BY page) FROM raw_page`))
}

func TestPurgeRawPages(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	r := span("2024-01-01", "2024-02-01")
	id := newChunk(t, d, newSeries(t, d, market.Interval1m), r, market.PolicyAll)
	claim(t, d, id, 1)
	before := at("2025-06-15")
	times := []time.Time{at("2024-01-31"), at("2024-02-01"), at("2024-12-31"), before.Add(-time.Microsecond), before}
	for i, when := range times {
		require.NoError(t, d.SaveRawPage(t.Context(), attemptOf(id, 1), market.RawPage{Page: i, Range: r, RequestedAt: when, Body: []byte("x")}))
	}

	for _, want := range []int64{4, 0} {
		purged, err := d.PurgeRawPages(t.Context(), before)
		require.NoError(t, err)
		require.Equal(t, want, purged)
	}
	pages, err := d.RawPages(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, pages, len(times))
	for i, p := range pages {
		body, err := d.RawBody(t.Context(), p)
		if times[i].Equal(before) {
			require.NoError(t, err)
			require.Equal(t, "x", string(body))
		} else {
			hasKind(t, market.KindNotFound, err)
		}
	}
}

func TestRawBodyRefuses(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	r := span("2024-01-01", "2024-02-01")
	id := newChunk(t, d, newSeries(t, d, market.Interval1m), r, market.PolicyAll)
	claim(t, d, id, 1)
	_, err := d.RawBody(t.Context(), market.RawPage{ID: 404, RequestedAt: time.Now()})
	hasKind(t, market.KindNotFound, err)

	require.NoError(t, d.SaveRawPage(t.Context(), attemptOf(id, 1), market.RawPage{Range: r, RequestedAt: time.Now(), Body: []byte("x")}))
	pages, err := d.RawPages(t.Context(), id)
	require.NoError(t, err)
	exec(t, d, `UPDATE raw_page SET sha256 = '\x00'`)
	_, err = d.RawBody(t.Context(), pages[0])
	hasKind(t, market.KindInternal, err)
	exec(t, d, `UPDATE raw_page SET body = '\x00'`)
	_, err = d.RawBody(t.Context(), pages[0])
	hasKind(t, market.KindInternal, err)
}
