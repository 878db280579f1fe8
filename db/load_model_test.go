package db_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

const modelDays = 8

// modelStart is such that the days lie in two partitions, of which one begins before 2010, and in two cells.
func modelStart() time.Time { return at("2009-12-28") }

func modelDay(n int) time.Time { return modelStart().AddDate(0, 0, n) }

// modelBar is a stored bar: its value, and when the load that wrote it was observed.
type modelBar struct {
	value    int
	observed int
}

// model is the storage of one series as one would describe it in a sentence or two, in memory.
type model struct {
	bars      map[int]modelBar
	withdrawn map[int]int // day → when the load that flagged it was observed
	covered   map[int]bool
	revisions int
	version   int64
}

// answer is a load: for each day of the chunk whether it was answered, and with which value (0 for none).
type answer struct {
	observed   int
	first, end int // chunk, [first, end)
	isCovered  []bool
	values     []int
}

func (m *model) load(a answer) market.LoadResult {
	m.version++
	r := market.LoadResult{Version: m.version}
	for i, value := range a.values {
		day := a.first + i
		stored, isStored := m.bars[day]
		isLater := isStored && stored.observed > a.observed
		flagged, isFlagged := m.withdrawn[day]
		switch {
		case value == 0 && isStored && a.isCovered[i] && !isLater && !isFlagged:
			m.withdrawn[day] = a.observed
			r.Withdrawn++
		case value == 0:
		case !isStored:
			m.bars[day] = modelBar{value, a.observed}
			r.Inserted++
		case stored.value != value && !isLater:
			m.bars[day] = modelBar{value, a.observed}
			m.revisions++
			r.Restated++
		default:
			r.Unchanged++
		}
		if value != 0 && isFlagged && flagged <= a.observed {
			delete(m.withdrawn, day)
		}
		if a.isCovered[i] {
			m.covered[day] = true
		}
	}
	return r
}

// modelValue is one of a few bars that differ in a price or only in whether the volume is absent.
func modelValue(day, value int) market.Bar {
	return bar(modelDay(day), []string{"1", "1", "-2.5"}[value-1], []string{"", "0", "7"}[value-1])
}

func drawAnswer(t *rapid.T) answer {
	first := rapid.IntRange(0, modelDays-1).Draw(t, "first")
	a := answer{first: first, end: rapid.IntRange(first+1, modelDays).Draw(t, "end"), observed: rapid.IntRange(0, 3).Draw(t, "observed")}
	for range a.end - a.first {
		// mostly answered; a bar only where answered
		isCovered := rapid.IntRange(0, 3).Draw(t, "covered") > 0
		value := 0
		if isCovered {
			value = rapid.IntRange(0, 3).Draw(t, "value")
		}
		a.isCovered, a.values = append(a.isCovered, isCovered), append(a.values, value)
	}
	return a
}

func (a answer) page() market.NormalPage {
	p := market.NormalPage{ObservedAt: at("2024-01-01").AddDate(0, 0, a.observed)}
	for i := range a.values {
		day := a.first + i
		if a.isCovered[i] {
			p.Covered = append(p.Covered, market.Range{Start: modelDay(day), End: modelDay(day + 1)})
		}
		if a.values[i] != 0 {
			p.Bars = append(p.Bars, modelValue(day, a.values[i]))
		}
	}
	return p
}

func TestAnySequenceOfLoadsEqualsTheModel(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	rapid.Check(t, func(r *rapid.T) {
		series := newSeries(t, d, market.Interval1d)
		m := &model{bars: map[int]modelBar{}, withdrawn: map[int]int{}, covered: map[int]bool{}}
		for range rapid.IntRange(1, 6).Draw(r, "loads") {
			a := drawAnswer(r)
			want := m.load(a)
			got := loadPage(t, d, series, market.Range{Start: modelDay(a.first), End: modelDay(a.end)}, a.page())
			if got != want {
				r.Fatalf("load of %+v returned %+v, want %+v", a, got, want)
			}
		}
		if got, want := storedText(t, d, series), m.text(); got != want {
			r.Fatalf("stored is\n%s, want\n%s", got, want)
		}
	})
}

// text renders the model as storedText renders the database.
func (m *model) text() string {
	text := fmt.Sprintf("version %d, %d revisions\n", m.version, m.revisions)
	for day := range modelDays {
		b, isStored := m.bars[day]
		_, isWithdrawn := m.withdrawn[day]
		line := fmt.Sprintf("%d covered=%.1s withdrawn=%.1s", day, strconv.FormatBool(m.covered[day]), strconv.FormatBool(isWithdrawn))
		if isStored {
			v := modelValue(day, b.value)
			line += fmt.Sprintf(" %s %s observed %d", v.Close, v.Volume, b.observed)
		}
		text += line + "\n"
	}
	return text
}

// storedText renders what the database holds of the series in one query.
func storedText(t *testing.T, d *db.DB, seriesID int64) string {
	t.Helper()
	return scalar[string](t, d, `
		SELECT format(E'version %s, %s revisions\n', c.version, (SELECT count(*) FROM bar_revision WHERE series_id = $1))
			|| string_agg(format(E'%s covered=%s withdrawn=%s%s\n', n, c.covered @> tstzrange(ts, ts + interval '1 day'),
				EXISTS (SELECT FROM bar_withdrawal w WHERE w.series_id = $1 AND w.ts = day.ts),
				(SELECT format(' %s %s observed %s', b.close, b.volume, extract(day FROM l.observed_at - '2024-01-01Z'))
				 FROM bar b JOIN load l ON l.id = b.load_id WHERE b.series_id = $1 AND b.ts = day.ts)), '' ORDER BY n)
		FROM series_coverage c, (SELECT n, $2::timestamptz + n * interval '1 day' AS ts FROM generate_series(0, $3 - 1) n) day
		WHERE c.series_id = $1
		GROUP BY c.series_id`, seriesID, modelStart(), modelDays)
}
