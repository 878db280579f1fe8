package db_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"marketdata/db"
	"marketdata/db/dbtest"
	"marketdata/market"
)

func newSchedule(t *testing.T, id string, source market.ScheduleSource) market.Schedule {
	t.Helper()
	s, faults := market.ParseSchedule(market.ScheduleText{
		ID: id, Instruments: []string{"BTC.X", "ETH.X"}, Interval: "1d", Cron: "0 3 * * *", Range: "30d", Policy: "all", Provider: "fake",
		Concurrency: 2, MaxFailed: 7,
	})
	require.Empty(t, faults)
	s.Source = source
	return s
}

func nothing(context.Context) error { return nil }

func TestScheduleIsStoredAsDefined(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	want := newSchedule(t, "nightly", market.SourceAPI)
	require.NoError(t, d.CreateSchedule(t.Context(), want, nothing))
	got, err := d.Schedule(t.Context(), "nightly")
	require.NoError(t, err)
	require.False(t, got.CreatedAt.IsZero())
	want.CreatedAt, want.UpdatedAt = got.CreatedAt, got.UpdatedAt
	require.Equal(t, want, got)

	every := newSchedule(t, "a-first", market.SourceAPI)
	every.Cron, every.Every = "", "6h"
	require.NoError(t, d.CreateSchedule(t.Context(), every, nothing))
	all, err := d.Schedules(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, "6h", all[0].Every)

	require.Equal(t, market.KindConflict, market.KindOf(d.CreateSchedule(t.Context(), want, nothing)))
	_, err = d.Schedule(t.Context(), "no\x00ne")
	require.Equal(t, market.KindNotFound, market.KindOf(err))
}

func TestScheduleStandsOnlyTogetherWithWhatFollows(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := newSchedule(t, "nightly", market.SourceAPI)
	down := market.Errorf(market.KindUnavailable, "down")
	fails := func(context.Context) error { return down }
	require.ErrorIs(t, d.CreateSchedule(t.Context(), s, fails), down)
	_, err := d.Schedule(t.Context(), s.ID)
	require.Equal(t, market.KindNotFound, market.KindOf(err))

	require.NoError(t, d.CreateSchedule(t.Context(), s, nothing))
	require.ErrorIs(t, d.DeleteSchedule(t.Context(), s.ID, fails), down)
	_, err = d.Schedule(t.Context(), s.ID)
	require.NoError(t, err)
	require.NoError(t, d.DeleteSchedule(t.Context(), s.ID, nothing))
	require.Equal(t, market.KindNotFound, market.KindOf(d.DeleteSchedule(t.Context(), s.ID, nothing)))
}

func TestConfigSchedulesFollowTheConfigurationAlone(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	require.NoError(t, d.CreateSchedule(t.Context(), newSchedule(t, "mine", market.SourceAPI), nothing))
	put := func(schedules ...market.Schedule) []string {
		taken, err := d.PutConfigSchedules(t.Context(), schedules)
		require.NoError(t, err)
		return taken
	}
	require.Empty(t, put(newSchedule(t, "stays", ""), newSchedule(t, "goes", "")))
	before, err := d.Schedule(t.Context(), "stays")
	require.NoError(t, err)
	require.Equal(t, market.SourceConfig, before.Source)

	require.Empty(t, put(newSchedule(t, "stays", "")))
	after, err := d.Schedule(t.Context(), "stays")
	require.NoError(t, err)
	require.Equal(t, before, after, "nothing changed")

	changed := newSchedule(t, "stays", "")
	changed.Cron, changed.Every = "", "1h"
	require.Equal(t, []string{"mine"}, put(changed, newSchedule(t, "mine", "")))
	all, err := d.Schedules(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, market.SourceAPI, all[0].Source)
	require.Equal(t, "1h", all[1].Every)
	require.True(t, all[1].UpdatedAt.After(before.UpdatedAt))
	require.Equal(t, market.KindConflict, market.KindOf(d.DeleteSchedule(t.Context(), "stays", nothing)))

	require.Empty(t, put())
	all, err = d.Schedules(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
}

func TestLockSchedulesLetsOneInAtATime(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	var inside, most, runs int
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			require.NoError(t, d.LockSchedules(t.Context(), func(ctx context.Context) error {
				inside++ // the race detector watches: only the lock guards them
				most = max(most, inside)
				_, err := d.Schedules(ctx)
				inside--
				runs++
				return err
			}))
		})
	}
	wait.Wait()
	require.Equal(t, 1, most)
	require.Equal(t, 8, runs)
	failed := errors.New("no")
	require.ErrorIs(t, d.LockSchedules(t.Context(), func(context.Context) error { return failed }), failed)
}

func TestBackfillNamesItsSchedule(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	id := newInstrumentOf(t, d)
	request := market.BackfillRequest{
		ID: uuid.NewString(), Interval: market.Interval1d, Range: span("2024-01-01", "2024-01-11"), Policy: market.PolicyMissing, Concurrency: 1,
		ScheduleID: "nightly",
		Series:     []market.BackfillTarget{{Instrument: id, Provider: "fake", PriceBasis: market.AdjustmentRaw, Range: span("2024-01-01", "2024-01-11")}},
	}
	b, _, err := d.CreateBackfill(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, "nightly", b.ScheduleID)
	listed, err := d.Backfills(t.Context(), market.BackfillQuery{Limit: 10})
	require.NoError(t, err)
	require.Equal(t, "nightly", listed[0].ScheduleID)
}

func newInstrumentOf(t *testing.T, d *db.DB) market.InstrumentID {
	t.Helper()
	i, _, err := d.PutInstrument(t.Context(), market.Instrument{
		ID: market.InstrumentID{Symbol: "BTC", Venue: "X"}, AssetClass: market.AssetCrypto, Currency: "USD", Calendar: "24x7",
		Providers: []market.ProviderSymbol{{Name: "fake", Symbol: "btc"}},
	})
	require.NoError(t, err)
	return i.ID
}
