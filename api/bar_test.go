package api_test

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

// fakeSeries is a stored series of one instrument; it answers as the database does.
type fakeSeries struct {
	market.Series
	bars        []time.Time // ascending
	failed      []market.Range
	quarantined []time.Time
	holesAsked  []market.Range
}

func newSeries(interval market.Interval) *fakeSeries {
	return &fakeSeries{Series: market.Series{
		ID: 7, Instrument: id("BTCUSDT.BINANCE"), Calendar: "24x7", Provider: "binance", Interval: interval, PriceBasis: market.AdjustmentRaw,
	}}
}

// install makes the series the only one of the world.
func (f *fakeSeries) install(w *world) {
	w.store.InstrumentFunc = func(market.InstrumentID) (market.Instrument, error) { return btc(), nil }
	w.store.SeriesFunc = func(id market.InstrumentID, _ market.Interval, provider string, r market.Range) (market.Series, error) {
		if id != f.Instrument || provider != "" && provider != f.Provider {
			return market.Series{}, errNotFound
		}
		s := f.Series
		s.Covered = nil
		for _, c := range f.Covered {
			if c = c.Intersect(r); !c.IsEmpty() {
				s.Covered = append(s.Covered, c)
			}
		}
		return s, nil
	}
	w.store.BarsFunc = f.read
	w.store.HolesFunc = func(_ int64, r market.Range) (failed, quarantined []market.Range, err error) {
		f.holesAsked = append(f.holesAsked, r)
		for _, key := range f.quarantined {
			if r.Contains(key) {
				quarantined = append(quarantined, market.Range{Start: key, End: key.Add(time.Microsecond)})
			}
		}
		return f.failed, quarantined, nil
	}
}

func (f *fakeSeries) read(_ int64, r market.Range, limit int, isDescending bool, visit func(market.RawBar) error) error {
	bars := slices.Clone(f.bars)
	if isDescending {
		slices.Reverse(bars)
	}
	for _, key := range bars {
		if !r.Contains(key) {
			continue
		}
		if limit == 0 {
			return nil
		}
		limit--
		if err := visit(rawBar(key)); err != nil {
			return err
		}
	}
	return nil
}

func rawBar(key time.Time) market.RawBar {
	return market.RawBar{
		Time: key, Open: []byte("42283.58"), High: []byte("45879.630001"), Low: []byte("0.00000123"), Close: []byte("-37.63"),
		Volume: []byte("65146.40661"), Trades: []byte("2096959"),
	}
}

// every returns n keys from start.
func every(start string, interval market.Interval, n int) []time.Time {
	keys := make([]time.Time, 0, n)
	for key := at(start); len(keys) < n; key = interval.Next(key) {
		keys = append(keys, key)
	}
	return keys
}

type barsPage struct {
	Data []struct {
		TS time.Time `json:"ts"`
	} `json:"data"`
	Meta struct {
		Provider   string    `json:"provider"`
		Adjustment string    `json:"adjustment"`
		Start      time.Time `json:"start"`
		End        time.Time `json:"end"`
		Returned   int       `json:"returned"`
		Complete   bool      `json:"complete"`
		Missing    []hole    `json:"missing"`
	} `json:"meta"`
	NextCursor *string `json:"next_cursor"`
}

type hole struct {
	Start  time.Time     `json:"start"`
	End    time.Time     `json:"end"`
	Reason market.Reason `json:"reason"`
}

func holeOf(start, end string, reason market.Reason) hole { return hole{at(start), at(end), reason} }

const barsPath = "/v1/instruments/btcusdt.binance/bars?"

func (w *world) bars(t *testing.T, query string) barsPage {
	t.Helper()
	return decode[barsPage](t, w.get(t, barsPath+query), http.StatusOK)
}

func TestBars_AreTheStoredDigits(t *testing.T) {
	t.Parallel()
	w, s := newWorld(), newSeries(market.Interval1d)
	s.bars, s.Covered = every("2024-01-01", market.Interval1d, 1), []market.Range{span("2024-01-01", "2024-01-02")}
	s.install(w)
	a := w.get(t, barsPath+"interval=1d&start=2024-01-01T01:00:00%2B01:00&end=2024-01-02")
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Equal(t, "application/json", a.header.Get("Content-Type"))
	require.Equal(t, strconv.Itoa(len(a.body)), a.header.Get("Content-Length"))
	//nolint:testifylint // the very digits count: JSONEq compares floats
	require.Equal(t, `{"data":[{"ts":"2024-01-01T00:00:00Z","open":42283.58,"high":45879.630001,"low":0.00000123,"close":-37.63,`+
		`"volume":65146.40661,"trades":2096959}],"meta":{"instrument":"BTCUSDT.BINANCE","provider":"binance","interval":"1d","adjustment":"raw",`+
		`"start":"2024-01-01T00:00:00Z","end":"2024-01-02T00:00:00Z","returned":1,"complete":true,"missing":[]},"next_cursor":null}`+"\n", a.body)
	require.Empty(t, s.holesAsked, "nothing is missing, nothing is asked")

	quoted := w.get(t, barsPath+"interval=1d&start=2024-01-01&end=2024-01-02&numbers=string")
	require.Contains(t, quoted.body, `"low":"0.00000123","close":"-37.63","volume":"65146.40661","trades":2096959}`)

	head := w.do(t, http.MethodHead, barsPath+"interval=1d&start=2024-01-01&end=2024-01-02", "")
	require.Equal(t, strconv.Itoa(len(a.body)), head.header.Get("Content-Length"))
	require.Empty(t, head.body)
}

func TestBars_TimesAreFormattedAsInTheStandardLibrary(t *testing.T) {
	t.Parallel()
	w, s := newWorld(), newSeries(market.Interval1m)
	s.bars = []time.Time{
		at("1969-12-31T23:59:00Z"), at("1970-01-01"), at("1999-12-31T23:59:59Z"), at("2000-02-29T13:07:00Z"), at("2024-02-29T23:00:00.125Z"),
	}
	s.install(w)
	page := w.bars(t, "interval=1m&start=1960-01-01&end=2024-03-01")
	require.Len(t, page.Data, len(s.bars))
	a := w.get(t, barsPath+"interval=1m&start=1960-01-01&end=2024-03-01")
	for _, key := range s.bars {
		require.Contains(t, a.body, `{"ts":"`+market.FormatTime(key)+`"`)
	}
}

func TestBars_HolesHaveReasons(t *testing.T) {
	t.Parallel()
	listed, delisted := at("2024-01-03T05:00:00Z"), at("2024-01-20")
	days := func(keys ...string) []time.Time {
		var times []time.Time
		for _, key := range keys {
			times = append(times, at(key))
		}
		return times
	}
	const january = "interval=1d&start=2024-01-01&end=2024-02-01"
	tests := []struct {
		name       string
		query      string
		set        func(*fakeSeries)
		want       []hole
		isComplete bool
	}{
		{
			"never asked", january, func(*fakeSeries) {},
			[]hole{holeOf("2024-01-01", "2024-02-01", market.ReasonNeverAsked)},
			false,
		},
		{
			"no series yet", january, func(s *fakeSeries) { s.ID = 0 },
			[]hole{holeOf("2024-01-01", "2024-02-01", market.ReasonNeverAsked)},
			false,
		},
		{
			"decades never asked", "interval=1m&start=1970-01-01&end=2024-01-01", func(*fakeSeries) {},
			[]hole{holeOf("1970-01-01", "2024-01-01", market.ReasonNeverAsked)},
			false,
		},
		{
			"confirmed empty", january, func(s *fakeSeries) {
				s.Covered = []market.Range{span("2023-01-01", "2024-02-01")}
				s.bars = days("2024-01-01", "2024-01-02", "2024-01-05")
			},
			[]hole{holeOf("2024-01-03", "2024-01-05", market.ReasonConfirmedEmpty), holeOf("2024-01-06", "2024-02-01", market.ReasonConfirmedEmpty)},
			true,
		},
		{
			"failed between what was never asked", january, func(s *fakeSeries) {
				s.Covered = []market.Range{span("2024-01-01", "2024-01-10")}
				s.bars = every("2024-01-01", market.Interval1d, 9)
				s.failed = []market.Range{span("2024-01-12", "2024-01-15")}
			},
			[]hole{
				holeOf("2024-01-10", "2024-01-12", market.ReasonNeverAsked), holeOf("2024-01-12", "2024-01-15", market.ReasonFailed),
				holeOf("2024-01-15", "2024-02-01", market.ReasonNeverAsked),
			},
			false,
		},
		{
			"quarantined, one bar each", january, func(s *fakeSeries) {
				s.Covered = []market.Range{span("2024-01-01", "2024-02-01")}
				s.quarantined = days("2024-01-03", "2024-01-04", "2024-01-09")
			},
			[]hole{
				holeOf("2024-01-01", "2024-01-03", market.ReasonConfirmedEmpty), holeOf("2024-01-03", "2024-01-05", market.ReasonQuarantined),
				holeOf("2024-01-05", "2024-01-09", market.ReasonConfirmedEmpty), holeOf("2024-01-09", "2024-01-10", market.ReasonQuarantined),
				holeOf("2024-01-10", "2024-02-01", market.ReasonConfirmedEmpty),
			},
			false,
		},
		{
			"a quarantined row beside a bar is no hole", january, func(s *fakeSeries) {
				s.Covered = []market.Range{span("2024-01-01", "2024-02-01")}
				s.bars = every("2024-01-01", market.Interval1d, 31)
				s.quarantined = days("2024-01-03")
			},
			[]hole{},
			true,
		},
		{
			"before the listing and after the delisting", january, func(s *fakeSeries) {
				s.ListedAt, s.DelistedAt = &listed, &delisted
				s.Covered = []market.Range{span("2024-01-03", "2024-01-20")}
				s.bars = every("2024-01-03", market.Interval1d, 17)
			},
			[]hole{holeOf("2024-01-01", "2024-01-03", market.ReasonBeforeListing), holeOf("2024-01-20", "2024-02-01", market.ReasonAfterDelisting)},
			true,
		},
		{
			"wholly before the listing", "interval=1d&start=2020-01-01&end=2021-01-01", func(s *fakeSeries) { s.ListedAt = &listed },
			[]hole{holeOf("2020-01-01", "2021-01-01", market.ReasonBeforeListing)},
			true,
		},
		{
			"forming", "interval=1d&start=2024-02-29&end=2024-06-01", func(s *fakeSeries) {
				s.Covered = []market.Range{span("2024-02-29", "2024-03-01")}
				s.bars = days("2024-02-29")
			},
			[]hole{holeOf("2024-03-01", "2024-06-01", market.ReasonForming)},
			true,
		},
		{
			"only forming", "interval=1m&start=2024-03-01T12:00:10Z", func(*fakeSeries) {},
			[]hole{holeOf("2024-03-01T12:00:10Z", "2024-03-01T12:00:30Z", market.ReasonForming)},
			true,
		},
		{
			"closed, but the provider is not done publishing", "interval=1m&start=2024-03-01T11:59:00Z", func(s *fakeSeries) {
				s.Covered = []market.Range{span("2024-03-01", "2024-03-01T12:00:25Z")}
			},
			[]hole{
				holeOf("2024-03-01T11:59:00Z", "2024-03-01T12:00:00Z", market.ReasonConfirmedEmpty),
				holeOf("2024-03-01T12:00:00Z", "2024-03-01T12:00:30Z", market.ReasonForming),
			},
			true,
		},
		{
			"coverage that ends inside a bar does not cover it", "interval=1h&start=2024-02-01&end=2024-02-01T04:00:00Z", func(s *fakeSeries) {
				s.Covered = []market.Range{span("2024-02-01", "2024-02-01T02:30:00Z")}
			},
			[]hole{
				holeOf("2024-02-01", "2024-02-01T02:00:00Z", market.ReasonConfirmedEmpty),
				holeOf("2024-02-01T02:00:00Z", "2024-02-01T04:00:00Z", market.ReasonNeverAsked),
			},
			false,
		},
		{
			"months", "interval=1mo&start=2023-11-15&end=2024-03-01", func(s *fakeSeries) { s.bars = days("2024-01-01") },
			[]hole{holeOf("2023-12-01", "2024-01-01", market.ReasonNeverAsked), holeOf("2024-02-01", "2024-03-01", market.ReasonNeverAsked)},
			false,
		},
	}
	for _, tt := range tests {
		for _, order := range []string{"asc", "desc"} {
			t.Run(tt.name+" "+order, func(t *testing.T) {
				t.Parallel()
				values, err := url.ParseQuery(tt.query)
				require.NoError(t, err)
				w, s := newWorld(), newSeries(market.Interval(values.Get("interval")))
				tt.set(s)
				s.install(w)
				page := w.bars(t, tt.query+"&order="+order)
				require.Equal(t, tt.want, page.Meta.Missing)
				require.Equal(t, tt.isComplete, page.Meta.Complete)
				require.LessOrEqual(t, len(s.holesAsked), 1)
			})
		}
	}
}

func TestBars_BadQueries(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, query, location string }{
		{"no interval", "start=2024-01-01", "query.interval"},
		{"unknown interval", "interval=2m&start=2024-01-01", "query.interval"},
		{"no start", "interval=1d", "query.start"},
		{"start is no time", "interval=1d&start=yesterday", "query.start"},
		{"start is a number", "interval=1d&start=1704067200", "query.start"},
		{"start of year 10000", "interval=1d&start=10000-01-01", "query.start"},
		{"start is SQL", "interval=1d&start=%27%3BDROP", "query.start"},
		{"end is no time", "interval=1d&start=2024-01-01&end=2024-02-30", "query.end"},
		{"reversed", "interval=1d&start=2024-02-01&end=2024-01-01", "query.start"},
		{"empty", "interval=1d&start=2024-02-01&end=2024-02-01", "query.start"},
		{"future", "interval=1d&start=2024-03-02", "query.start"},
		{"starts now", "interval=1d&start=2024-03-01T12:00:30Z&end=2025-01-01", "query.start"},
		{"no bar begins in it", "interval=1d&start=2024-01-01T01:00:00Z&end=2024-01-01T02:00:00Z", "query.start"},
		{"limit 0", "interval=1d&start=2024-01-01&limit=0", "query.limit"},
		{"limit -1", "interval=1d&start=2024-01-01&limit=-1", "query.limit"},
		{"limit 10001", "interval=1d&start=2024-01-01&limit=10001", "query.limit"},
		{"limit as text", "interval=1d&start=2024-01-01&limit=ten", "query.limit"},
		{"limit beyond int64", "interval=1d&start=2024-01-01&limit=99999999999999999999", "query.limit"},
		{"limit with a fraction", "interval=1d&start=2024-01-01&limit=1.5", "query.limit"},
		{"unknown order", "interval=1d&start=2024-01-01&order=up", "query.order"},
		{"unknown numbers", "interval=1d&start=2024-01-01&numbers=float", "query.numbers"},
		{"unknown adjustment", "interval=1d&start=2024-01-01&adjustment=none", "query.adjustment"},
		{"adjustment that is not there", "interval=1d&start=2024-01-01&adjustment=split", "query.adjustment"},
		{"provider it does not list", "interval=1d&start=2024-01-01&provider=acme", "query.provider"},
		{"forged cursor", "interval=1d&start=2024-01-01&cursor=AAAA", "query.cursor"},
		{"cursor that is no base64", "interval=1d&start=2024-01-01&cursor=%21%21", "query.cursor"},
		{"cursor of 10 kB", "interval=1d&start=2024-01-01&cursor=" + strings.Repeat("A", 10_000), "query.cursor"},
		{"unknown parameter", "interval=1d&start=2024-01-01&symbol=A", "query.symbol"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			newSeries(market.Interval1d).install(w)
			p := w.get(t, barsPath+tt.query).problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
			require.Equal(t, []string{tt.location}, p.locations())
		})
	}
}

func TestBars_OfAnUnknownInstrument(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"", "&provider=binance"} {
		newWorld().get(t, "/v1/instruments/A.B/bars?interval=1d&start=2024-01-01"+query).problem(t, http.StatusNotFound, market.KindNotFound)
	}
}

func TestBars_ErrorsWhileReading(t *testing.T) {
	t.Parallel()
	w, s := newWorld(), newSeries(market.Interval1d)
	s.install(w)
	w.store.BarsFunc = func(_ int64, _ market.Range, _ int, _ bool, visit func(market.RawBar) error) error {
		require.NoError(t, visit(rawBar(at("2024-01-01"))))
		return market.Errorf(market.KindUnavailable, "connection to db.internal lost")
	}
	a := w.get(t, barsPath+"interval=1d&start=2024-01-01")
	a.problem(t, http.StatusServiceUnavailable, market.KindUnavailable)
	require.NotContains(t, a.body, "db.internal")
}

func TestBarsCursor_BelongsToItsQuery(t *testing.T) {
	t.Parallel()
	w, s := newWorld(), newSeries(market.Interval1d)
	s.bars = every("2024-01-01", market.Interval1d, 10)
	s.install(w)
	const query = "interval=1d&start=2024-01-01&limit=4"
	cursor := *w.bars(t, query).NextCursor
	second := w.bars(t, strings.Replace(query, "limit=4", "limit=6&numbers=string", 1)+"&cursor="+cursor)
	require.Len(t, second.Data, 6, "limit and numbers may change between pages")
	require.Equal(t, at("2024-01-05"), second.Data[0].TS)

	flipped := []byte(cursor)
	flipped[len(flipped)/2] ^= 1
	others := map[string]string{
		"other start":    "interval=1d&start=2024-01-02&cursor=" + cursor,
		"other end":      "interval=1d&start=2024-01-01&end=2024-02-01&cursor=" + cursor,
		"other interval": "interval=1h&start=2024-01-01&cursor=" + cursor,
		"other order":    "interval=1d&start=2024-01-01&order=desc&cursor=" + cursor,
		"provider named": "interval=1d&start=2024-01-01&provider=binance&cursor=" + cursor,
		"adjustment":     "interval=1d&start=2024-01-01&adjustment=raw&cursor=" + cursor,
		"cut":            query + "&cursor=" + cursor[:len(cursor)-4],
		"flipped":        query + "&cursor=" + url.QueryEscape(string(flipped)),
	}
	for name, other := range others {
		p := w.get(t, barsPath+other).problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
		require.Equal(t, []string{"query.cursor"}, p.locations(), name)
	}
	w.get(t, "/v1/instruments/ETHUSDT.BINANCE/bars?"+query+"&cursor="+cursor).problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
}

func TestBarsCursor_FixesProviderAndEnd(t *testing.T) {
	t.Parallel()
	w, s := newWorld(), newSeries(market.Interval1m)
	s.bars = every("2024-03-01T11:50:00Z", market.Interval1m, 10)
	s.install(w)
	first := w.bars(t, "interval=1m&start=2024-03-01T11:50:00Z&limit=4")
	require.Equal(t, now, first.Meta.End)

	later := now.Add(time.Hour)
	w.options.Now = func() time.Time { return later }
	asked := ""
	series := w.store.SeriesFunc
	w.store.SeriesFunc = func(id market.InstrumentID, i market.Interval, provider string, r market.Range) (market.Series, error) {
		asked = provider
		return series(id, i, provider, r)
	}
	second := w.bars(t, "interval=1m&start=2024-03-01T11:50:00Z&limit=4&cursor="+*first.NextCursor)
	require.Equal(t, now, second.Meta.End)
	require.Equal(t, "binance", asked)

	s.Provider = "renamed"
	p := w.get(t, barsPath+"interval=1m&start=2024-03-01T11:50:00Z&limit=4&cursor="+*first.NextCursor).
		problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
	require.Equal(t, []string{"query.cursor"}, p.locations())
}

func TestBars_OverAllOfTime(t *testing.T) {
	t.Parallel()
	for _, interval := range market.Intervals() {
		for _, order := range []string{"asc", "desc"} {
			w, s := newWorld(), newSeries(interval)
			s.bars = []time.Time{interval.Floor(at("1000-06-01")), interval.Floor(at("2024-01-01"))}
			s.install(w)
			query := "interval=" + string(interval) + "&start=0001-01-01&end=9999-12-31T23:59:59Z&limit=1&order=" + order
			first := w.bars(t, query)
			require.NotEmpty(t, first.Meta.Missing)
			second := w.bars(t, query+"&cursor="+*first.NextCursor)
			require.Len(t, second.Data, 1)
			require.Nil(t, second.NextCursor)
		}
	}
}
