package db_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

// coverBitcoin makes a series of bitcoin at the provider, with the coverage as PostgreSQL writes it.
func coverBitcoin(t *testing.T, d *db.DB, provider, coverage string) int64 {
	t.Helper()
	return scalar[int64](t, d, `
		WITH s AS (
			INSERT INTO series (instrument_id, provider, "interval", price_basis) SELECT id, $1, '1m', 'split' FROM instrument RETURNING id
		)
		INSERT INTO series_coverage (series_id, covered, version) SELECT id, $2::text::tstzmultirange, 7 FROM s RETURNING series_id`, provider, coverage)
}

func TestSeriesPrefersTheFirstProviderWithCoverage(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	put(t, d, bitcoin())
	id, day := bitcoin().ID, span("2024-01-01", "2024-01-02")
	ask := func(provider string, r market.Range) market.Series {
		s, err := d.Series(t.Context(), id, market.Interval1m, provider, r)
		require.NoError(t, err)
		return s
	}
	never := market.Series{
		Instrument: id, Calendar: "24x7", Provider: "zeta", Interval: market.Interval1m, PriceBasis: market.AdjustmentRaw, Covered: []market.Range{},
	}
	require.Equal(t, never, ask("", day), "the first preferred, which was never asked")

	empty := coverBitcoin(t, d, "zeta", "{}")
	require.Equal(t, empty, ask("", day).ID)
	require.False(t, ask("", day).HasCoverage)

	alpha := coverBitcoin(t, d, "alpha", "{[2023-12-31Z,2024-01-01 06:00Z),[2024-01-01 12:00Z,2024-03-01Z)}")
	want := market.Series{
		ID: alpha, Instrument: id, Calendar: "24x7", Provider: "alpha", Interval: market.Interval1m, PriceBasis: market.AdjustmentSplit,
		HasCoverage: true, Version: 7,
		Covered: []market.Range{span("2024-01-01", "2024-01-01T06:00:00Z"), span("2024-01-01T12:00:00Z", "2024-01-02")},
	}
	require.Equal(t, want, ask("", day), "coverage is clipped")
	outside := ask("", span("2030-01-01", "2030-01-02"))
	require.Equal(t, alpha, outside.ID, "any coverage counts, not only in the range")
	require.True(t, outside.HasCoverage)
	require.Empty(t, outside.Covered)
	require.Equal(t, empty, ask("zeta", day).ID, "a named provider is not replaced")
	require.Empty(t, ask("alpha", market.Range{}).Covered)
	require.Empty(t, ask("alpha", market.Range{Start: day.End, End: day.Start}).Covered, "a reversed range is empty")

	other, err := d.Series(t.Context(), id, market.Interval1h, "", day)
	require.NoError(t, err)
	require.Equal(t, "zeta", other.Provider, "coverage of another interval does not count")

	exec(t, d, "UPDATE series_coverage SET covered = '{[2020-01-01Z,2021-01-01Z)}' WHERE series_id = $1", empty)
	require.Equal(t, "zeta", ask("", day).Provider)
}

func TestSeriesKnowsTheListing(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	put(t, d, bitcoin())
	id, day := bitcoin().ID, span("2024-01-01", "2024-01-02")
	listed, delisted := at("2017-08-17T04:00:00Z"), at("2024-06-01")
	require.NoError(t, d.SetListing(t.Context(), id, "alpha", listed, time.Time{}))
	s, err := d.Series(t.Context(), id, market.Interval1m, "alpha", day)
	require.NoError(t, err)
	require.Equal(t, &listed, s.ListedAt)
	require.Nil(t, s.DelistedAt)
	require.NoError(t, d.SetListing(t.Context(), id, "alpha", time.Time{}, delisted))
	s, err = d.Series(t.Context(), id, market.Interval1m, "alpha", day)
	require.NoError(t, err)
	require.Equal(t, &listed, s.ListedAt)
	require.Equal(t, &delisted, s.DelistedAt)
	s, err = d.Series(t.Context(), id, market.Interval1m, "zeta", day)
	require.NoError(t, err)
	require.Nil(t, s.ListedAt, "each provider has its own")

	hasKind(t, market.KindNotFound, d.SetListing(t.Context(), id, "nobody", listed, delisted))
	_, err = d.Series(t.Context(), id, market.Interval1m, "nobody", day)
	hasKind(t, market.KindNotFound, err)
	require.ErrorContains(t, err, "nobody")
	id.Symbol = "NOPE"
	hasKind(t, market.KindNotFound, d.SetListing(t.Context(), id, "alpha", listed, delisted))
	_, err = d.Series(t.Context(), id, market.Interval1m, "", day)
	hasKind(t, market.KindNotFound, err)
	require.ErrorContains(t, err, "NOPE.BINANCE")
}
