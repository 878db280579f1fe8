package db_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

// bitcoin is an instrument at two providers.
func bitcoin() market.Instrument {
	return market.Instrument{
		ID: market.InstrumentID{Symbol: "BTCUSDT", Venue: "BINANCE"}, AssetClass: market.AssetCrypto, Currency: "USDT", Calendar: "24x7",
		Providers: []market.ProviderSymbol{{Name: "zeta", Symbol: "btc_usdt"}, {Name: "alpha", Symbol: "XBT"}},
		Intervals: []market.Interval{market.Interval1d, market.Interval1m},
	}
}

func put(t *testing.T, d *db.DB, i market.Instrument) market.Instrument {
	t.Helper()
	stored, _, err := d.PutInstrument(t.Context(), i)
	require.NoError(t, err)
	return stored
}

func TestPutInstrumentCreatesAndMerges(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	created, isNew, err := d.PutInstrument(t.Context(), bitcoin())
	require.NoError(t, err)
	require.True(t, isNew)
	require.WithinDuration(t, scalar[time.Time](t, d, "SELECT now()"), created.CreatedAt, time.Minute)
	want := bitcoin()
	want.CreatedAt, want.Intervals = created.CreatedAt, []market.Interval{market.Interval1m, market.Interval1d}
	require.Equal(t, want, created, "providers in the given order, intervals shortest first")

	again, isNew, err := d.PutInstrument(t.Context(), bitcoin())
	require.NoError(t, err)
	require.False(t, isNew)
	require.Equal(t, created, again)

	more := bitcoin()
	more.Name = "Bitcoin"
	more.Providers = []market.ProviderSymbol{{Name: "beta", Symbol: "B"}, {Name: "alpha", Symbol: "XBT"}}
	more.Intervals = []market.Interval{market.Interval1h}
	merged, isNew, err := d.PutInstrument(t.Context(), more)
	require.NoError(t, err)
	require.False(t, isNew)
	want.Name = "Bitcoin"
	want.Providers = append(want.Providers, market.ProviderSymbol{Name: "beta", Symbol: "B"})
	want.Intervals = []market.Interval{market.Interval1m, market.Interval1h, market.Interval1d}
	require.Equal(t, want, merged)

	nameless := bitcoin()
	require.Equal(t, merged, put(t, d, nameless), "no name is no other name")
	read, err := d.Instrument(t.Context(), bitcoin().ID)
	require.NoError(t, err)
	require.Equal(t, merged, read)
}

func TestPutInstrumentRefusesWhatContradicts(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	named := bitcoin()
	named.Name = "Bitcoin"
	before := put(t, d, named)
	tests := []struct {
		name   string
		change func(*market.Instrument)
	}{
		{"asset class", func(i *market.Instrument) { i.AssetClass = market.AssetFX }},
		{"currency", func(i *market.Instrument) { i.Currency = "USD" }},
		{"calendar", func(i *market.Instrument) { i.Calendar = "XNYS" }},
		{"name", func(i *market.Instrument) { i.Name = "Litecoin" }},
		{"symbol at a provider", func(i *market.Instrument) {
			i.Providers = []market.ProviderSymbol{{Name: "new", Symbol: "n"}, {Name: "alpha", Symbol: "LTC"}}
		}},
		{"two symbols at a new provider", func(i *market.Instrument) {
			i.Providers = []market.ProviderSymbol{{Name: "new", Symbol: "n"}, {Name: "new", Symbol: "m"}}
		}},
	}
	for _, tt := range tests {
		other := bitcoin()
		other.Intervals = []market.Interval{market.Interval4h}
		tt.change(&other)
		_, _, err := d.PutInstrument(t.Context(), other)
		hasKindNamed(t, tt.name, market.KindConflict, err)
		after, err := d.Instrument(t.Context(), before.ID)
		require.NoError(t, err)
		require.Equal(t, before, after, "%s: nothing of a refused request is kept", tt.name)
	}
}

func TestPutInstrumentManyAtOnceCreateOne(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	const callers = 8
	var wait sync.WaitGroup
	created, errs := make([]bool, callers), make([]error, callers)
	for n := range callers {
		wait.Go(func() {
			i := bitcoin()
			i.Providers = []market.ProviderSymbol{{Name: fmt.Sprintf("p%d", n), Symbol: "x"}}
			_, created[n], errs[n] = d.PutInstrument(t.Context(), i)
		})
	}
	wait.Wait()
	count := 0
	for n := range callers {
		require.NoError(t, errs[n])
		if created[n] {
			count++
		}
	}
	require.Equal(t, 1, count)
	stored, err := d.Instrument(t.Context(), bitcoin().ID)
	require.NoError(t, err)
	require.Len(t, stored.Providers, callers)
	require.Equal(t, callers, scalar[int](t, d, "SELECT count(DISTINCT preference) FROM instrument_alias"))
}

func TestInstrumentsFiltersAndPages(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for n, id := range []string{"A.X", "A-B.X", "A.B.X", "A_B.Y", "ABB.X", "^B.INDEX"} {
		i := bitcoin()
		i.ID, _ = market.ParseInstrumentID(id)
		i.Name = []string{"100% pure", "one", "two", `back\slash`, "Ölmühle", "index"}[n]
		if i.ID.Venue == "INDEX" {
			i.AssetClass = market.AssetIndex
			i.Providers = i.Providers[:1]
		}
		put(t, d, i)
	}
	exec(t, d, "UPDATE instrument_alias SET valid = '(,2020-01-01)' WHERE provider = 'alpha' AND instrument_id = (SELECT id FROM instrument WHERE symbol = 'ABB')")
	all := []string{"A-B.X", "A.B.X", "A.X", "ABB.X", "A_B.Y", "^B.INDEX"}
	tests := []struct {
		name string
		q    market.InstrumentQuery
		want []string
	}{
		{"all, byte by byte", market.InstrumentQuery{}, all},
		{"first page", market.InstrumentQuery{Limit: 2}, all[:2]},
		{"next page", market.InstrumentQuery{Limit: 2, After: "A.B.X"}, all[2:4]},
		{"after the last", market.InstrumentQuery{After: "^B.INDEX"}, []string{}},
		{"after one that is gone", market.InstrumentQuery{After: "AZ.X"}, all[4:]},
		{"part of an id, without case", market.InstrumentQuery{Text: "b.x"}, []string{"A-B.X", "A.B.X", "ABB.X"}},
		{"underscore is a letter", market.InstrumentQuery{Text: "a_b"}, []string{"A_B.Y"}},
		{"percent is a letter", market.InstrumentQuery{Text: "%"}, []string{"A.X"}},
		{"backslash is a letter", market.InstrumentQuery{Text: `\`}, []string{"A_B.Y"}},
		{"quote", market.InstrumentQuery{Text: `' OR '1'='1`}, []string{}},
		{"question mark", market.InstrumentQuery{Text: `?`}, []string{}},
		{"name and venue", market.InstrumentQuery{Text: "o", Venue: "x"}, []string{"A-B.X", "A.B.X"}},
		{"class", market.InstrumentQuery{AssetClass: market.AssetIndex}, []string{"^B.INDEX"}},
		{"provider of today", market.InstrumentQuery{Provider: "alpha"}, []string{"A-B.X", "A.B.X", "A.X", "A_B.Y"}},
		{"unknown provider", market.InstrumentQuery{Provider: "nobody"}, []string{}},
	}
	for _, tt := range tests {
		if tt.q.Limit == 0 {
			tt.q.Limit = 1000
		}
		found, err := d.Instruments(t.Context(), tt.q)
		require.NoError(t, err, tt.name)
		ids := []string{}
		for _, i := range found {
			ids = append(ids, i.ID.String())
		}
		require.Equal(t, tt.want, ids, tt.name)
	}
	for _, text := range []string{"a\x00b", "\xff"} {
		_, err := d.Instruments(t.Context(), market.InstrumentQuery{Text: text, Limit: 1})
		hasKind(t, market.KindInvalid, err)
	}
}

func TestStopSync(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	put(t, d, bitcoin())
	id := bitcoin().ID
	require.NoError(t, d.StopSync(t.Context(), id, market.Interval1m))
	stored, err := d.Instrument(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, []market.Interval{market.Interval1d}, stored.Intervals)
	hasKind(t, market.KindNotFound, d.StopSync(t.Context(), id, market.Interval1m))
	id.Symbol = "NOPE"
	hasKind(t, market.KindNotFound, d.StopSync(t.Context(), id, market.Interval1d))
	_, err = d.Instrument(t.Context(), id)
	hasKind(t, market.KindNotFound, err)
}

func TestCheckInstrumentWritesNothing(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	i := twoProviders("BTC")
	would, isNew, err := d.CheckInstrument(t.Context(), i)
	require.NoError(t, err)
	require.True(t, isNew)
	require.Equal(t, i.ID, would.ID)
	require.Equal(t, i.Providers, would.Providers)
	_, err = d.Instrument(t.Context(), i.ID)
	hasKind(t, market.KindNotFound, err)

	_, _, err = d.PutInstrument(t.Context(), i)
	require.NoError(t, err)
	more := i
	more.Intervals = []market.Interval{market.Interval1d}
	would, isNew, err = d.CheckInstrument(t.Context(), more)
	require.NoError(t, err)
	require.False(t, isNew)
	require.Equal(t, more.Intervals, would.Intervals)
	stored, err := d.Instrument(t.Context(), i.ID)
	require.NoError(t, err)
	require.Empty(t, stored.Intervals)
	more.Currency, more.Calendar = "EUR", "XNYS"
	more.Providers = []market.ProviderSymbol{{Name: "first", Symbol: "other"}}
	_, _, err = d.CheckInstrument(t.Context(), more)
	hasKind(t, market.KindConflict, err)
	for _, word := range []string{"currency", "calendar", "at provider first"} {
		require.ErrorContains(t, err, word, "all at once")
	}
}
