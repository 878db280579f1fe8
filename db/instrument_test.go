package db_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/activities"
	"marketdata/api"
	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

var (
	_ api.Store              = (*db.DB)(nil)
	_ activities.JobStore    = (*db.DB)(nil)
	_ activities.ChunkStore  = (*db.DB)(nil)
	_ activities.Housekeeper = (*db.DB)(nil)
)

// instrument is listed at two providers.
func instrument(symbol string) market.Instrument {
	return market.Instrument{
		ID: market.InstrumentID{Symbol: symbol, Venue: "TEST"}, AssetClass: market.AssetCrypto, Currency: "USDT", Calendar: "24x7",
		Providers: []market.ProviderSymbol{{Name: "first", Symbol: symbol + "-1"}, {Name: "second", Symbol: symbol + "-2"}},
	}
}

func put(t *testing.T, d *db.DB, symbols ...string) {
	t.Helper()
	for _, symbol := range symbols {
		_, isNew, err := d.PutInstrument(t.Context(), instrument(symbol))
		require.NoError(t, err)
		require.True(t, isNew)
	}
}

func TestPutInstrumentMerges(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	put(t, d, "BTC")
	again := instrument("BTC")
	again.Name = "Bitcoin"
	again.Providers = []market.ProviderSymbol{{Name: "third", Symbol: "B3"}, {Name: "first", Symbol: "BTC-1"}}
	again.Intervals = []market.Interval{market.Interval1d, market.Interval1m}
	stored, isNew, err := d.PutInstrument(t.Context(), again)
	require.NoError(t, err)
	require.False(t, isNew)
	require.Equal(t, "Bitcoin", stored.Name)
	require.Equal(t, []market.ProviderSymbol{{Name: "first", Symbol: "BTC-1"}, {Name: "second", Symbol: "BTC-2"}, {Name: "third", Symbol: "B3"}}, stored.Providers)
	require.Equal(t, []market.Interval{market.Interval1m, market.Interval1d}, stored.Intervals)

	require.NoError(t, d.StopSync(t.Context(), again.ID, market.Interval1m))
	hasKind(t, market.KindNotFound, d.StopSync(t.Context(), again.ID, market.Interval1m))
	stored, err = d.Instrument(t.Context(), again.ID)
	require.NoError(t, err)
	require.Equal(t, []market.Interval{market.Interval1d}, stored.Intervals)
}

func TestPutInstrumentRefusesContradictions(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	named := instrument("BTC")
	named.Name = "Bitcoin"
	_, _, err := d.PutInstrument(t.Context(), named)
	require.NoError(t, err)
	for name, change := range map[string]func(*market.Instrument){
		"asset class":     func(i *market.Instrument) { i.AssetClass = market.AssetFX },
		"currency":        func(i *market.Instrument) { i.Currency = "EUR" },
		"calendar":        func(i *market.Instrument) { i.Calendar = "XNYS" },
		"name":            func(i *market.Instrument) { i.Name = "Another" },
		"provider symbol": func(i *market.Instrument) { i.Providers[0].Symbol = "other" },
	} {
		changed := instrument("BTC")
		changed.Intervals = []market.Interval{market.Interval1h}
		change(&changed)
		_, _, err := d.PutInstrument(t.Context(), changed)
		hasKindNamed(t, name, market.KindConflict, err)
	}
	stored, err := d.Instrument(t.Context(), named.ID)
	require.NoError(t, err)
	require.Empty(t, stored.Intervals, "a refused change leaves nothing behind")
}

func TestInstrumentsFilterAndPage(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	put(t, d, "AAA", "A_B", "AXB", "ZZZ")
	ids := func(q market.InstrumentQuery) []string {
		q.Limit = max(q.Limit, 1)
		found, err := d.Instruments(t.Context(), q)
		require.NoError(t, err)
		all := []string{}
		for _, i := range found {
			all = append(all, i.ID.Symbol)
		}
		return all
	}
	require.Equal(t, []string{"AAA", "AXB"}, ids(market.InstrumentQuery{Limit: 2}))
	require.Equal(t, []string{"A_B", "ZZZ"}, ids(market.InstrumentQuery{Limit: 9, After: "AXB.TEST"}), "by id text")
	require.Equal(t, []string{"A_B"}, ids(market.InstrumentQuery{Limit: 9, Text: "a_b"}), "no wildcard, no case")
	require.Empty(t, ids(market.InstrumentQuery{Limit: 9, Text: "%"}))
	require.Len(t, ids(market.InstrumentQuery{Limit: 9, Provider: "second", AssetClass: market.AssetCrypto, Venue: "test"}), 4)
	require.Empty(t, ids(market.InstrumentQuery{Limit: 9, Provider: "nobody"}))
	_, err := d.Instrument(t.Context(), market.InstrumentID{Symbol: "NO", Venue: "TEST"})
	hasKind(t, market.KindNotFound, err)
}

func TestSeriesPrefersTheProviderWithCoverage(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	put(t, d, "BTC")
	id := instrument("BTC").ID
	r := span("2024-01-01", "2024-01-02")
	s, err := d.Series(t.Context(), id, market.Interval1m, "", r)
	require.NoError(t, err)
	require.Equal(t, market.Series{Instrument: id, Calendar: "24x7", Provider: "first", Interval: market.Interval1m, PriceBasis: market.AdjustmentRaw, Covered: []market.Range{}}, s)

	b, _, err := d.CreateBackfill(t.Context(), requestFor(r, "second", "BTC"))
	require.NoError(t, err)
	chunks, err := d.OpenChunks(t.Context(), b.ID, "second", 0, 10)
	require.NoError(t, err)
	require.Len(t, chunks, 1)
	require.Equal(t, "BTC-2", chunks[0].ProviderSymbol)
	claim(t, d, chunks[0].ID, 1)
	require.NoError(t, d.SaveNormalPage(t.Context(), attemptOf(chunks[0].ID, 1), page(r, at("2024-02-01"), bar(at("2024-01-01"), "1", ""))))
	_, err = d.LoadChunk(t.Context(), attemptOf(chunks[0].ID, 1), 1)
	require.NoError(t, err)

	half := span("2024-01-01T12:00:00Z", "2024-01-05")
	s, err = d.Series(t.Context(), id, market.Interval1m, "", half)
	require.NoError(t, err)
	require.Equal(t, "second", s.Provider)
	require.True(t, s.HasCoverage)
	require.Equal(t, []market.Range{span("2024-01-01T12:00:00Z", "2024-01-02")}, s.Covered, "clipped to the question")
	require.Equal(t, int64(1), s.Version)
	_, err = d.Series(t.Context(), id, market.Interval1m, "nobody", r)
	hasKind(t, market.KindNotFound, err)

	listed := at("2017-08-17T04:00:00Z")
	require.NoError(t, d.SetListing(t.Context(), id, "second", listed, time.Time{}))
	require.NoError(t, d.SetListing(t.Context(), id, "second", time.Time{}, time.Time{}), "what is not known changes nothing")
	s, err = d.Series(t.Context(), id, market.Interval1m, "second", r)
	require.NoError(t, err)
	require.Equal(t, listed, *s.ListedAt)
	require.Nil(t, s.DelistedAt)
	hasKind(t, market.KindNotFound, d.SetListing(t.Context(), id, "nobody", listed, listed))
}
