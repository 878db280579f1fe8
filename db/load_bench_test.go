package db_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

const benchRows = 20_000

// BenchmarkLoad compares, alternating within one run, three ways of 20,000 bars into the database: raw text COPY into
// bar, a fresh load, and the same load repeated. x-of-copy is the rows per second of the load (its one transaction, from
// the stored normal page on) over those of the COPY; medians, since other processes share the machine.
func BenchmarkLoad(b *testing.B) {
	d := dbtest.New(b)
	start := at("2015-01-01")
	require.NoError(b, d.EnsureBarPartitions(b.Context(), market.Range{Start: start, End: start.AddDate(3, 0, 0)}))
	raw, series := newSeries(b, d, market.Interval1m), newSeries(b, d, market.Interval1m)
	var copies, fresh, repeats []time.Duration
	for i := 0; b.Loop(); i++ {
		bars := minutes(start.AddDate(0, i, 0), benchRows)
		r := market.Range{Start: bars[0].Time, End: bars[len(bars)-1].Time.Add(time.Minute)}
		require.NoError(b, d.EnsureBarPartitions(b.Context(), r))
		copies = append(copies, timeCopy(b, d, raw, bars))
		took, result := timeLoad(b, d, series, r, bars)
		require.Equal(b, int64(benchRows), result.Inserted)
		fresh = append(fresh, took)
		took, result = timeLoad(b, d, series, r, bars)
		require.Equal(b, int64(benchRows), result.Unchanged)
		repeats = append(repeats, took)
	}
	base := median(copies)
	b.ReportMetric(benchRows/base.Seconds(), "copy-rows/s")
	b.ReportMetric(base.Seconds()/median(fresh).Seconds(), "fresh-x-of-copy")
	b.ReportMetric(base.Seconds()/median(repeats).Seconds(), "repeat-x-of-copy")
	b.ReportMetric(0, "ns/op")
	if os.Getenv("MARKETDATA_BENCH_ENFORCE") != "" {
		require.GreaterOrEqual(b, base.Seconds()/median(fresh).Seconds(), 0.6, "fresh load over COPY")
		require.GreaterOrEqual(b, base.Seconds()/median(repeats).Seconds(), 0.4, "repeated load over COPY")
	}
}

// timeCopy copies ready lines of text into bar, as fast as PostgreSQL takes them.
func timeCopy(b *testing.B, d *db.DB, seriesID int64, bars []market.Bar) time.Duration {
	b.Helper()
	lines := copyLines(seriesID, bars)
	conn, err := d.Pool.Acquire(b.Context())
	require.NoError(b, err)
	defer conn.Release()
	began := time.Now()
	tag, err := conn.Conn().PgConn().CopyFrom(b.Context(), lines, "COPY bar FROM STDIN")
	took := time.Since(began)
	require.NoError(b, err)
	require.Equal(b, int64(len(bars)), tag.RowsAffected())
	return took
}

// timeLoad measures LoadChunk of the bars through a chunk of its own.
func timeLoad(b *testing.B, d *db.DB, seriesID int64, r market.Range, bars []market.Bar) (time.Duration, market.LoadResult) {
	b.Helper()
	id := newChunk(b, d, seriesID, r, market.PolicyAll)
	claim(b, d, id, 1)
	require.NoError(b, d.SaveNormalPage(b.Context(), attemptOf(id, 1), page(r, at("2026-01-01"), bars...)))
	began := time.Now()
	result, err := d.LoadChunk(b.Context(), attemptOf(id, 1), int64(len(bars)))
	took := time.Since(began)
	require.NoError(b, err)
	return took, result
}

func copyLines(seriesID int64, bars []market.Bar) io.Reader {
	var text []byte
	for _, b := range bars {
		text = fmt.Appendf(text, "%d\t%s", seriesID, b.Time.Format("2006-01-02 15:04:05Z"))
		for _, v := range []market.Decimal{b.Open, b.High, b.Low, b.Close, b.Volume, b.VWAP, b.Turnover} {
			if text = append(text, '\t'); v.IsSet() {
				text = append(text, v.String()...)
			} else {
				text = append(text, `\N`...)
			}
		}
		text = strconv.AppendInt(append(text, '\t'), *b.Trades, 10)
		text = append(text, "\t1\n"...)
	}
	return bytes.NewReader(text)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
