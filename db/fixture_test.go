package db_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

// at reads a time that a test has written down.
func at(text string) time.Time {
	t, err := market.ParseTime(text)
	if err != nil {
		panic(err)
	}
	return t
}

// span reads a range that a test has written down.
func span(start, end string) market.Range { return market.Range{Start: at(start), End: at(end)} }

func num(text string) market.Decimal {
	d, err := market.ParseDecimal(text)
	if err != nil {
		panic(err)
	}
	return d
}

// bar is flat at the price, with the volume ("" for absent).
func bar(ts time.Time, price, volume string) market.Bar {
	b := market.Bar{Time: ts, Open: num(price), High: num(price), Low: num(price), Close: num(price)}
	if volume != "" {
		b.Volume = num(volume)
	}
	return b
}

// exec runs SQL of a test and returns the number of rows.
func exec(tb testing.TB, d *db.DB, query string, args ...any) int64 {
	tb.Helper()
	tag, err := d.Pool.Exec(tb.Context(), query, args...)
	require.NoError(tb, err)
	return tag.RowsAffected()
}

// scalar returns the one value of a query.
func scalar[T any](tb testing.TB, d *db.DB, query string, args ...any) T {
	tb.Helper()
	var v T
	require.NoError(tb, d.Pool.QueryRow(tb.Context(), query, args...).Scan(&v))
	return v
}

// newSeries makes an instrument with a provider and a series of the interval.
func newSeries(tb testing.TB, d *db.DB, interval market.Interval) int64 {
	tb.Helper()
	symbol := "S" + uuid.NewString()[:8]
	return scalar[int64](tb, d, `
		WITH i AS (
			INSERT INTO instrument (symbol, venue, asset_class, currency, calendar)
			VALUES (upper($1), 'TEST', 'crypto', 'USDT', '24x7') RETURNING id
		), a AS (
			INSERT INTO instrument_alias (instrument_id, provider, symbol, preference) SELECT id, 'fake', lower($1), 0 FROM i
		)
		INSERT INTO series (instrument_id, provider, "interval", price_basis) SELECT id, 'fake', $2, 'raw' FROM i
		RETURNING id`, symbol, interval)
}

// newChunk makes a job with one chunk over the range.
func newChunk(tb testing.TB, d *db.DB, seriesID int64, r market.Range, policy market.BackfillPolicy) int64 {
	tb.Helper()
	job := uuid.Must(uuid.NewV7()).String()
	return scalar[int64](tb, d, `
		WITH j AS (
			INSERT INTO ingest_job (id, policy, "interval", start_at, end_at, concurrency, workflow_id)
			SELECT $1::uuid, $2, s."interval", $4, $5, 1, 'backfill/' || $1::uuid FROM series s WHERE s.id = $3 RETURNING id
		)
		INSERT INTO ingest_chunk (job_id, series_id, seq, name, start_at, end_at, workflow_id)
		SELECT id, $3, 0, 'chunk', $4, $5, 'backfill/' || id || '/chunk' FROM j
		RETURNING id`, job, policy, seriesID, r.Start, r.End)
}

// attemptOf is the n-th attempt at a chunk.
func attemptOf(chunkID int64, n int) market.Attempt {
	return market.Attempt{
		ChunkID: chunkID, Token: fmt.Sprintf("run/%d/%d", chunkID, n), WorkflowID: "backfill/x/chunk", RunID: "run", Number: n,
	}
}

// claim claims the chunk for its n-th attempt and requires success.
func claim(tb testing.TB, d *db.DB, chunkID int64, n int) market.ChunkClaim {
	tb.Helper()
	c, err := d.ClaimChunk(tb.Context(), attemptOf(chunkID, n), "fetch")
	require.NoError(tb, err)
	return c
}

// loadPage takes a page through a new chunk over the range.
func loadPage(t *testing.T, d *db.DB, seriesID int64, r market.Range, p market.NormalPage) market.LoadResult {
	t.Helper()
	id := newChunk(t, d, seriesID, r, market.PolicyAll)
	claim(t, d, id, 1)
	require.NoError(t, d.SaveNormalPage(t.Context(), attemptOf(id, 1), p))
	result, err := d.LoadChunk(t.Context(), attemptOf(id, 1), int64(len(p.Bars)))
	require.NoError(t, err)
	return result
}

// page answers the whole range with the bars.
func page(r market.Range, observedAt time.Time, bars ...market.Bar) market.NormalPage {
	return market.NormalPage{Bars: bars, Covered: []market.Range{r}, ObservedAt: observedAt}
}

// stored returns all bars of the series as the database's own digits.
func stored(t *testing.T, d *db.DB, seriesID int64) []market.Bar {
	t.Helper()
	rows, err := d.Pool.Query(t.Context(), `
		SELECT ts, open::text, high::text, low::text, close::text, volume::text, vwap::text, turnover::text, trades
		FROM bar WHERE series_id = $1 ORDER BY ts`, seriesID)
	require.NoError(t, err)
	bars, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (market.Bar, error) {
		var b market.Bar
		var open, high, low, closing string
		var volume, vwap, turnover *string
		err := row.Scan(&b.Time, &open, &high, &low, &closing, &volume, &vwap, &turnover, &b.Trades)
		b.Time = b.Time.UTC()
		b.Open, b.High, b.Low, b.Close = num(open), num(high), num(low), num(closing)
		for text, field := range map[*string]*market.Decimal{volume: &b.Volume, vwap: &b.VWAP, turnover: &b.Turnover} {
			if text != nil {
				*field = num(*text)
			}
		}
		return b, err
	})
	require.NoError(t, err)
	return bars
}

// covered returns the series' coverage as PostgreSQL writes it, in UTC.
func covered(t *testing.T, d *db.DB, seriesID int64) []market.Range {
	t.Helper()
	rows, err := d.Pool.Query(t.Context(), `
		SELECT lower(r), upper(r) FROM (SELECT unnest(covered) AS r FROM series_coverage WHERE series_id = $1) x ORDER BY 1`, seriesID)
	require.NoError(t, err)
	ranges, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (market.Range, error) {
		var r market.Range
		err := row.Scan(&r.Start, &r.End)
		return market.Range{Start: r.Start.UTC(), End: r.End.UTC()}, err
	})
	require.NoError(t, err)
	return ranges
}

// minutes returns n one-minute bars from start with changing prices.
func minutes(start time.Time, n int) []market.Bar {
	bars := make([]market.Bar, n)
	for i := range bars {
		trades := int64(i % 97)
		base := 42000 + i%500
		bars[i] = market.Bar{
			Time: start.Add(time.Duration(i) * time.Minute),
			Open: num(strconv.Itoa(base) + ".12"), High: num(strconv.Itoa(base+3) + ".5"),
			Low: num(strconv.Itoa(base-2) + ".01"), Close: num(strconv.Itoa(base+1) + ".99"),
			Volume: num("12." + fmt.Sprintf("%05d", 1+i%90000)), Turnover: num(strconv.Itoa(500000+i) + ".1234567"), Trades: &trades,
		}
	}
	return bars
}

func hasKind(t *testing.T, kind market.Kind, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, kind, market.KindOf(err), "%v", err)
}

func hasKindNamed(t *testing.T, name string, kind market.Kind, err error) {
	t.Helper()
	require.Error(t, err, name)
	require.Equal(t, kind, market.KindOf(err), "%s: %v", name, err)
}

// loadedNothing requires that the series and the chunk are as before a first load.
func loadedNothing(t *testing.T, d *db.DB, seriesID, chunkID int64) {
	t.Helper()
	require.Empty(t, stored(t, d, seriesID))
	require.Empty(t, covered(t, d, seriesID))
	require.Equal(t, "running 0 1", scalar[string](t, d, `
		SELECT concat_ws(' ', status, (SELECT count(*) FROM load), (SELECT count(*) FROM normal_page)) FROM ingest_chunk WHERE id = $1`, chunkID))
}

// explain returns PostgreSQL's plan of a query.
func explain(t *testing.T, d *db.DB, query string, args ...any) string {
	t.Helper()
	rows, err := d.Pool.Query(t.Context(), "EXPLAIN "+query, append([]any{pgx.QueryExecModeExec}, args...)...)
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return strings.Join(lines, "\n")
}

// fencing is a chunk with a normal page of two bars that was claimed twice.
type fencing struct {
	t  *testing.T
	d  *db.DB
	id int64
}

func newFencing(t *testing.T, r market.Range, now time.Time) fencing {
	t.Helper()
	d := dbtest.New(t)
	id := newChunk(t, d, newSeries(t, d, market.Interval1m), r, market.PolicyAll)
	claim(t, d, id, 1)
	claim(t, d, id, 2)
	require.NoError(t, d.SaveNormalPage(t.Context(), attemptOf(id, 2), page(r, now, minutes(r.Start, 2)...)))
	return fencing{t: t, d: d, id: id}
}

// state is everything that a write may change.
func (s fencing) state() string {
	return scalar[string](s.t, s.d, `
		SELECT concat_ws(' ', c::text, (SELECT count(*) FROM raw_page), (SELECT count(*) FROM bar), (SELECT count(*) FROM load),
			(SELECT max(rows) FROM normal_page))
		FROM ingest_chunk c WHERE id = $1`, s.id)
}

// waitUntilBlocked returns when n connections to the test's database wait for a lock.
func waitUntilBlocked(t *testing.T, d *db.DB, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		return n == scalar[int](t, d, `
			SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
	}, 3*time.Minute, 5*time.Millisecond)
}
