package db_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

func TestLoadChunkFresh(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	series := newSeries(t, d, market.Interval1m)
	bars := minutes(at("2024-01-01"), 1000)
	r := span("2024-01-01", "2024-02-01")
	id := newChunk(t, d, series, r, market.PolicyMissing)
	claim(t, d, id, 1)
	require.NoError(t, d.SaveNormalPage(t.Context(), attemptOf(id, 1), page(r, at("2024-03-01"), bars...)))

	result, err := d.LoadChunk(t.Context(), attemptOf(id, 1), 1000)
	require.NoError(t, err)
	require.Equal(t, market.LoadResult{Inserted: 1000, Version: 1}, result)
	require.Equal(t, bars, stored(t, d, series))
	require.Equal(t, []market.Range{r}, covered(t, d, series))
	require.Equal(t, "done 1000 0 0", scalar[string](t, d,
		`SELECT concat_ws(' ', status, inserted, restated, unchanged) FROM ingest_chunk WHERE id = $1 AND finished_at IS NOT NULL`, id))
	require.Zero(t, scalar[int](t, d, `SELECT count(*) FROM normal_page`))
	require.Equal(t, 1000, scalar[int](t, d, `
		SELECT count(*) FROM bar JOIN load l ON l.id = load_id AND l.chunk_id = $1 AND l.run_id = 'run' AND l.attempt = 1`, id))

	for n := 1; n <= 2; n++ { // by the same attempt and by a later one
		again, err := d.LoadChunk(t.Context(), attemptOf(id, n), 1000)
		require.NoError(t, err)
		require.True(t, again.IsRepeat)
		again.IsRepeat = false
		require.Equal(t, result, again)
	}
	require.Equal(t, 1, scalar[int](t, d, `SELECT count(*) FROM load`))
}

func TestLoadChunkRepeatedByAnotherJobWritesNothing(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	series := newSeries(t, d, market.Interval1m)
	bars := minutes(at("2024-01-01"), 500)
	r := span("2024-01-01", "2024-02-01")
	loadPage(t, d, series, r, page(r, at("2024-03-01"), bars...))
	before := scalar[string](t, d, `SELECT string_agg(ctid::text || xmin::text, ',' ORDER BY ts) FROM bar`)

	result := loadPage(t, d, series, r, page(r, at("2024-03-02"), bars...))
	require.Equal(t, market.LoadResult{Unchanged: 500, Version: 2}, result)
	require.Equal(t, before, scalar[string](t, d, `SELECT string_agg(ctid::text || xmin::text, ',' ORDER BY ts) FROM bar`))
	require.Zero(t, scalar[int](t, d, `SELECT count(*) FROM bar_revision`))
	require.Zero(t, scalar[int](t, d, `SELECT count(*) FROM bar_withdrawal`))
}

func TestLoadChunkKeepsFormerValues(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	series := newSeries(t, d, market.Interval1d)
	r := span("2024-01-01", "2024-01-06")
	day := func(n int) time.Time { return at("2024-01-01").AddDate(0, 0, n) }
	loadPage(t, d, series, r, page(r, at("2024-02-01"), bar(day(0), "1", "5"), bar(day(1), "2", "5"), bar(day(2), "3", "")))

	result := loadPage(t, d, series, r, page(r, at("2024-02-02"),
		bar(day(0), "1", "5"), bar(day(1), "2.5", "5"), bar(day(2), "3", "0"), bar(day(3), "4", "")))
	require.Equal(t, market.LoadResult{Inserted: 1, Restated: 2, Unchanged: 1, Version: 2}, result)
	require.Equal(t, []market.Bar{bar(day(0), "1", "5"), bar(day(1), "2.5", "5"), bar(day(2), "3", "0"), bar(day(3), "4", "")},
		stored(t, d, series))
	require.Equal(t, "2024-01-02 2 5 1 2; 2024-01-03 3 - 1 2", scalar[string](t, d, `
		SELECT string_agg(concat_ws(' ', ts::date, r.close, coalesce(r.volume::text, '-'), o.version, n.version), '; ' ORDER BY ts)
		FROM bar_revision r JOIN load o ON o.id = r.load_id JOIN load n ON n.id = r.replaced_by`))
}

func TestLoadChunkNeverRestatesBackwards(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	series := newSeries(t, d, market.Interval1d)
	r := span("2024-01-01", "2024-01-06")
	day := func(n int) time.Time { return at("2024-01-01").AddDate(0, 0, n) }
	loadPage(t, d, series, r, page(r, at("2024-02-02"), bar(day(0), "1", ""), bar(day(1), "2", "")))

	// asked for a day earlier, committed later: other values, one bar less, one more
	result := loadPage(t, d, series, r, page(r, at("2024-02-01"), bar(day(0), "9", ""), bar(day(2), "3", "")))
	require.Equal(t, market.LoadResult{Inserted: 1, Unchanged: 1, Version: 2}, result)
	require.Equal(t, []market.Bar{bar(day(0), "1", ""), bar(day(1), "2", ""), bar(day(2), "3", "")}, stored(t, d, series))
	require.Zero(t, scalar[int](t, d, `SELECT count(*) FROM bar_revision`))
	require.Zero(t, scalar[int](t, d, `SELECT count(*) FROM bar_withdrawal`))

	result = loadPage(t, d, series, r, page(r, at("2024-02-02"), bar(day(0), "8", ""), bar(day(1), "2", ""), bar(day(2), "3", "")))
	require.Equal(t, int64(1), result.Restated, "observed at the same instant: the later commit counts")
}

func TestLoadChunkKeepsWhatAnUnusableRowMayStandFor(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	series := newSeries(t, d, market.Interval1d)
	r := span("2024-01-01", "2024-01-08")
	day := func(n int) time.Time { return at("2024-01-01").AddDate(0, 0, n) }
	all := make([]market.Bar, 7)
	for n := range all {
		all[n] = bar(day(n), "1", "")
	}
	loadPage(t, d, series, r, page(r, at("2024-02-01"), all...))

	lacking := page(r, at("2024-02-02"), all[0])
	lacking.Quarantined = []market.Quarantined{
		{Time: day(2), Rule: market.RuleNegativeVolume, Value: "of its key"},
		{Time: day(4).Add(7 * time.Second), Rule: market.RuleMisaligned, Value: "between two"},
	}
	require.Equal(t, int64(3), loadPage(t, d, series, r, lacking).Withdrawn)
	require.Equal(t, "2024-01-02 2024-01-04 2024-01-07", scalar[string](t, d, `SELECT string_agg(ts::date::text, ' ' ORDER BY ts) FROM bar_withdrawal`))

	lacking.Quarantined = []market.Quarantined{{Rule: market.RuleUnreadable, Value: "of an unknown time"}}
	require.Zero(t, loadPage(t, d, series, r, lacking).Withdrawn)
}

func TestLoadChunkFlagsWithdrawnBars(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	series := newSeries(t, d, market.Interval1d)
	r := span("2024-01-01", "2024-01-06")
	day := func(n int) time.Time { return at("2024-01-01").AddDate(0, 0, n) }
	all := []market.Bar{bar(day(0), "1", ""), bar(day(1), "2", ""), bar(day(2), "3", ""), bar(day(4), "5", "")}
	flagged := func() string {
		return scalar[string](t, d, `
			SELECT coalesce(string_agg(w.ts::date || ' ' || l.version, ', ' ORDER BY w.ts), '')
			FROM bar_withdrawal w JOIN load l ON l.id = w.load_id`)
	}
	loadPage(t, d, series, r, page(r, at("2024-02-01"), all...))

	// only [1 Jan, 4 Jan) was answered: the bar of 5 Jan was not asked for
	lacking := page(r, at("2024-02-02"), all[0])
	lacking.Covered = []market.Range{span("2024-01-01", "2024-01-02"), span("2024-01-03", "2024-01-04")}
	result := loadPage(t, d, series, r, lacking)
	require.Equal(t, market.LoadResult{Unchanged: 1, Withdrawn: 1, Version: 2}, result)
	require.Equal(t, "2024-01-03 2", flagged())
	require.Equal(t, all, stored(t, d, series))

	lacking.ObservedAt = at("2024-02-03")
	require.Zero(t, loadPage(t, d, series, r, lacking).Withdrawn, "flagged already")

	require.Equal(t, int64(4), loadPage(t, d, series, r, page(r, at("2024-02-01"), all...)).Unchanged)
	require.Equal(t, "2024-01-03 2", flagged(), "an earlier observation does not bring a bar back")

	loadPage(t, d, series, r, page(r, at("2024-02-04"), all...))
	require.Empty(t, flagged())

	result = loadPage(t, d, series, r, page(r, at("2024-02-05")))
	require.Equal(t, market.LoadResult{Withdrawn: 4, Version: 6}, result, "an empty answer withdraws all")
}

func TestLoadChunkKeepsEveryDigit(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	series := newSeries(t, d, market.Interval1d)
	r := span("2003-01-01", "2026-01-01")
	trades := int64(9007199254740993)
	bars := []market.Bar{
		bar(at("2003-05-05"), "1234567890123456789012345678901234567890", ""), // 40 digits
		bar(at("2009-12-31"), "1e-30", "1e30"),
		bar(at("2010-01-01"), "-37.63", "0"),
		bar(at("2020-04-20"), "0.1234567890123456789012345678901234567", "0.00000001"),
		{
			Time: at("2024-02-29"), Open: num("0"), High: num("12345678901234567890.12345678901234567891"), Low: num("-0.5"),
			Close: num("1"), VWAP: num("0.3333333333333333333333333333"), Turnover: num("99999999999999999999"), Trades: &trades,
		},
	}
	require.NoError(t, d.EnsureBarPartitions(t.Context(), r))
	require.Equal(t, int64(5), loadPage(t, d, series, r, page(r, at("2026-01-01"), bars...)).Inserted)
	require.Equal(t, bars, stored(t, d, series))
	require.Equal(t, int64(5), loadPage(t, d, series, r, page(r, at("2026-01-02"), bars...)).Unchanged)
	require.Equal(t, "bar_2010,bar_2020,bar_2024,bar_before_2010", scalar[string](t, d,
		`SELECT string_agg(DISTINCT tableoid::regclass::text, ',' ORDER BY tableoid::regclass::text) FROM bar`))
}

func TestLoadChunkWithoutBars(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	series := newSeries(t, d, market.Interval1m)
	r := span("2024-01-01", "2024-02-01")

	result := loadPage(t, d, series, r, market.NormalPage{ObservedAt: at("2024-03-01")})
	require.Equal(t, market.LoadResult{Version: 1}, result, "nothing was asked")
	require.Empty(t, covered(t, d, series))

	result = loadPage(t, d, series, r, page(r, at("2024-03-01")))
	require.Equal(t, market.LoadResult{Version: 2}, result, "asked, and answered with nothing")
	require.Equal(t, []market.Range{r}, covered(t, d, series))
}

func TestLoadChunkRefuses(t *testing.T) {
	t.Parallel()
	r := span("2024-01-01", "2024-02-01")
	bars := minutes(r.Start, 3)

	t.Run("unknown chunk", func(t *testing.T) {
		t.Parallel()
		_, err := dbtest.New(t).LoadChunk(t.Context(), attemptOf(404, 1), 0)
		hasKind(t, market.KindNotFound, err)
	})
	t.Run("no normal page", func(t *testing.T) {
		t.Parallel()
		d := dbtest.New(t)
		id := newChunk(t, d, newSeries(t, d, market.Interval1m), r, market.PolicyAll)
		claim(t, d, id, 1)
		_, err := d.LoadChunk(t.Context(), attemptOf(id, 1), 0)
		hasKind(t, market.KindNotFound, err)
	})
	t.Run("another row count", func(t *testing.T) {
		t.Parallel()
		d := dbtest.New(t)
		series := newSeries(t, d, market.Interval1m)
		id := newChunk(t, d, series, r, market.PolicyAll)
		claim(t, d, id, 1)
		require.NoError(t, d.SaveNormalPage(t.Context(), attemptOf(id, 1), page(r, at("2024-03-01"), bars...)))
		_, err := d.LoadChunk(t.Context(), attemptOf(id, 1), 4)
		hasKind(t, market.KindInternal, err)

		exec(t, d, `UPDATE normal_page SET rows = 4`) // a blob with a row less than it should have
		_, err = d.LoadChunk(t.Context(), attemptOf(id, 1), 4)
		hasKind(t, market.KindInternal, err)
		loadedNothing(t, d, series, id)
	})
	t.Run("bars outside the chunk", func(t *testing.T) {
		t.Parallel()
		d := dbtest.New(t)
		id := newChunk(t, d, newSeries(t, d, market.Interval1m), r, market.PolicyAll)
		claim(t, d, id, 1)
		for name, bad := range map[string][]market.Bar{
			"before": {bar(r.Start.Add(-time.Minute), "1", "")}, "at the end": {bar(r.End, "1", "")},
			"twice": {bars[0], bars[0]}, "descending": {bars[1], bars[0]},
		} {
			hasKindNamed(t, name, market.KindInternal, d.SaveNormalPage(t.Context(), attemptOf(id, 1), page(r, at("2024-03-01"), bad...)))
		}
	})
}

func TestLoadChunkLeavesNothingWhenItFails(t *testing.T) {
	t.Parallel()
	// each statement of the load is made to fail once, through a trigger on the table it writes to
	for _, table := range []string{"bar", "bar_revision", "bar_withdrawal", "quarantined_bar", "ingest_chunk", "normal_page", "series_coverage", "load"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			d := dbtest.New(t)
			series := newSeries(t, d, market.Interval1d)
			r := span("2024-01-01", "2024-01-06")
			first := []market.Bar{bar(r.Start, "1", ""), bar(r.Start.AddDate(0, 0, 1), "2", "")}
			old := page(r, at("2024-02-01"), first...)
			old.Quarantined = []market.Quarantined{{Time: at("2024-01-05"), Rule: market.RuleUnreadable, Value: "x"}}
			loadPage(t, d, series, r, old)
			id := newChunk(t, d, series, r, market.PolicyAll)
			claim(t, d, id, 1)
			require.NoError(t, d.SaveNormalPage(t.Context(), attemptOf(id, 1),
				page(r, at("2024-02-02"), bar(r.Start, "1.5", ""), bar(r.Start.AddDate(0, 0, 2), "3", ""))))
			exec(t, d, `
				CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'power cut' USING ERRCODE = '57P01'; END $$`)
			exec(t, d, fmt.Sprintf(`CREATE TRIGGER fail AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION fail()`, table))

			_, err := d.LoadChunk(t.Context(), attemptOf(id, 1), 2)
			hasKind(t, market.KindUnavailable, err)
			require.Equal(t, first, stored(t, d, series))
			require.Equal(t, "running 0 0 1 1", scalar[string](t, d, `
				SELECT concat_ws(' ', status, (SELECT count(*) FROM bar_revision), (SELECT count(*) FROM bar_withdrawal),
					(SELECT count(*) FROM load), (SELECT count(*) FROM quarantined_bar WHERE resolved_at IS NULL))
				FROM ingest_chunk WHERE id = $1`, id))

			exec(t, d, fmt.Sprintf(`DROP TRIGGER fail ON %s`, table))
			result, err := d.LoadChunk(t.Context(), attemptOf(id, 1), 2)
			require.NoError(t, err)
			require.Equal(t, market.LoadResult{Inserted: 1, Restated: 1, Withdrawn: 1, Version: 2}, result)
		})
	}
}

func TestLoadChunkResolvesQuarantinedRows(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	series := newSeries(t, d, market.Interval1d)
	r := span("2024-01-01", "2024-01-06")
	quarantine := func(observedAt time.Time, dates ...string) market.NormalPage {
		p := page(r, observedAt)
		for _, date := range dates {
			q := market.Quarantined{Rule: market.RuleNegativeVolume, Value: "{\x00\xff}"}
			if date != "" {
				q.Time = at(date)
			}
			p.Quarantined = append(p.Quarantined, q)
		}
		return p
	}
	open := func() string {
		return scalar[string](t, d, `
			SELECT coalesce(string_agg(coalesce(ts::date::text, '?'), ' ' ORDER BY ts), '') FROM quarantined_bar WHERE resolved_at IS NULL`)
	}
	loadPage(t, d, series, r, quarantine(at("2024-02-02"), "2024-01-01", "2024-01-03", ""))
	require.Equal(t, "2024-01-01 2024-01-03 ?", open())

	loadPage(t, d, series, r, page(r, at("2024-02-01")))
	require.Equal(t, "2024-01-01 2024-01-03 ?", open(), "observed before they were quarantined")

	part := page(r, at("2024-02-03"))
	part.Covered = []market.Range{span("2024-01-01", "2024-01-03")}
	loadPage(t, d, series, r, part)
	require.Equal(t, "2024-01-03 ?", open())

	loadPage(t, d, series, r, quarantine(at("2024-02-04"), "2024-01-04"))
	require.Equal(t, "2024-01-04", open(), "a load does not resolve its own rows")
	require.Equal(t, "{\uFFFD\uFFFD}", scalar[string](t, d, `SELECT DISTINCT value FROM quarantined_bar`))
}

func TestLoadChunkUsesTheKeyOfBar(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	series := newSeries(t, d, market.Interval1m)
	for month := range 6 { // enough neighbours that reading all of a partition would be the wrong plan
		start := at("2024-01-01").AddDate(0, month, 0)
		r := market.Range{Start: start, End: start.AddDate(0, 1, 0)}
		loadPage(t, d, series, r, page(r, at("2025-01-01"), minutes(start, 5000)...))
	}
	exec(t, d, `ANALYZE bar`)
	r := span("2024-03-01", "2024-04-01")
	require.Equal(t, int64(5000), loadPage(t, d, series, r, page(r, at("2025-01-02"), minutes(r.Start, 5000)...)).Unchanged)
	plan := explain(t, d, `SELECT * FROM bar WHERE series_id = $1 AND ts >= $2 AND ts < $3`, series, r.Start, r.End)
	require.Contains(t, plan, "bar_2024_pkey")
	require.Equal(t, 1, strings.Count(plan, "bar_2024_pkey"))
	require.NotContains(t, plan, "bar_2023")
}

func TestLoadChunkAsTheApplicationRole(t *testing.T) {
	t.Parallel()
	address, err := url.Parse(dbtest.URL(t))
	require.NoError(t, err)
	query := address.Query()
	query.Set("options", "-c role=marketdata_app")
	address.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	d, err := db.Open(t.Context(), address.String(), db.Options{})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	series := newSeries(t, d, market.Interval1d)
	r := span("2044-01-01", "2044-02-01")
	require.NoError(t, d.EnsureBarPartitions(t.Context(), r))
	require.NoError(t, d.EnsureRawPagePartitions(t.Context(), r.Start))
	require.NoError(t, d.EnsureBudget(t.Context(), "fake", market.Pacing{RequestsPerMinute: 60}))
	_, err = d.TakeBudget(t.Context(), booking("fake", 1, 0))
	require.NoError(t, err)
	for n, price := range []string{"1", "2"} {
		id := newChunk(t, d, series, r, market.PolicyAll)
		claim(t, d, id, 1)
		require.NoError(t, d.SaveRawPage(t.Context(), attemptOf(id, 1), market.RawPage{Range: r, RequestedAt: r.Start}))
		require.NoError(t, d.SaveNormalPage(t.Context(), attemptOf(id, 1), page(r, r.End.AddDate(0, 0, n), bar(r.Start, price, ""))))
		_, err = d.LoadChunk(t.Context(), attemptOf(id, 1), 1)
		require.NoError(t, err)
	}
	require.Equal(t, "marketdata_app 1", scalar[string](t, d, `SELECT concat_ws(' ', current_user, (SELECT count(*) FROM bar_revision))`))
	_, err = d.PurgeRawPages(t.Context(), r.End)
	require.NoError(t, err)
}
