package db_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/db/dbtest"
	"marketdata/market"
)

func TestFailingSyncsTellWhatFailsAtTheProviderThatKeepsASeriesFresh(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for n := range 7 {
		i := bitcoin()
		i.ID.Symbol = fmt.Sprintf("C%d", n)
		for p := range i.Providers {
			i.Providers[p].Symbol = i.ID.Symbol
		}
		put(t, d, i)
	}
	exec(t, d, `INSERT INTO series (instrument_id, provider, "interval", price_basis)
		SELECT t.instrument_id, a.provider, t."interval", 'raw' FROM tracked_interval t JOIN instrument_alias a USING (instrument_id)`)
	syncs := []market.SyncSchedule{{Provider: "zeta", Interval: market.Interval1m}, {Provider: "alpha", Interval: market.Interval1d}}
	failing := func(syncs ...market.SyncSchedule) []market.SyncFailing {
		t.Helper()
		all, err := d.FailingSyncs(t.Context(), syncs)
		require.NoError(t, err)
		return all
	}
	require.Empty(t, failing())
	require.Empty(t, failing(syncs...))

	fail := func(symbol, provider, interval string, failures int, kind, message any, retryIn string) {
		t.Helper()
		exec(t, d, `INSERT INTO series_sync (series_id, failures, error_kind, error, retry_at)
			SELECT s.id, $4, $5, $6, CASE WHEN $7 = '' THEN '-infinity' ELSE now() + $7::interval END
			FROM series s JOIN instrument i ON i.id = s.instrument_id WHERE i.symbol = $1 AND s.provider = $2 AND s."interval" = $3`,
			symbol, provider, interval, failures, kind, message, retryIn)
	}
	for n := range 6 {
		fail(fmt.Sprintf("C%d", n), "zeta", "1m", 1, "unavailable", "it is down", "-1 minute")
	}
	fail("C6", "zeta", "1m", 9, "denied", "your key is no good", "1 hour")
	fail("C0", "alpha", "1m", 1, "denied", "alpha keeps no minutes", "") // that zeta keeps
	fail("C0", "alpha", "1d", 0, nil, nil, "")                           // that was well the last time
	fail("C1", "alpha", "1d", 1, nil, nil, "")
	exec(t, d, "INSERT INTO series_sync (series_id, failures) SELECT s.id, 1 FROM series s JOIN instrument i ON i.id = s.instrument_id "+
		`WHERE i.symbol = 'C2' AND s.provider = 'alpha' AND s."interval" = '1d'`)
	require.NoError(t, d.StopSync(t.Context(), market.InstrumentID{Symbol: "C2", Venue: "BINANCE"}, market.Interval1d)) // that nobody tracks now

	all := failing(syncs...)
	require.Len(t, all, 2)
	coin := func(n int) market.InstrumentID {
		return market.InstrumentID{Symbol: fmt.Sprintf("C%d", n), Venue: "BINANCE"}
	}
	require.Equal(t, market.SyncFailing{
		Provider: "alpha", Interval: market.Interval1d, Series: 1, Failures: []market.SyncFailure{{Instrument: coin(1), Kind: market.KindInternal}},
	}, all[0])
	worst := all[1].Failures[0]
	require.NotNil(t, worst.RetryAt)
	require.WithinDuration(t, scalar[time.Time](t, d, "SELECT now() + interval '1 hour'"), *worst.RetryAt, time.Minute)
	require.Equal(t, time.UTC, worst.RetryAt.Location())
	all[1].Failures[0].RetryAt = nil
	want := []market.SyncFailure{{Instrument: coin(6), Kind: market.KindDenied, Message: "your key is no good"}}
	for n := range 4 {
		want = append(want, market.SyncFailure{Instrument: coin(n), Kind: market.KindUnavailable, Message: "it is down"})
	}
	require.Equal(t, market.SyncFailing{Provider: "zeta", Interval: market.Interval1m, Series: 7, Failures: want}, all[1])

	alone := failing(market.SyncSchedule{Provider: "alpha", Interval: market.Interval1m})
	require.Len(t, alone, 1, "without zeta, alpha keeps the minutes")
	require.Equal(t, 1, alone[0].Series)
	require.Equal(t, "alpha keeps no minutes", alone[0].Failures[0].Message)
}
