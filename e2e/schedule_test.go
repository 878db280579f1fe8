package e2e_test

import (
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"marketdata/market"
	"marketdata/workflows"
)

func TestScheduleRunsBackfills(t *testing.T) {
	t.Parallel()
	awayFrom(t, time.Hour) // at three the schedule runs by itself; each hour there is a bar more
	s := start(t, options{})
	s.addInstrument("BTCUSDT")
	added := s.addSchedule("hourly-btc", map[string]any{"cron": "0 3 * * *"})
	require.Equal(t, "api", added.Source)
	parsed, err := market.ParseCron("0 3 * * *")
	require.NoError(t, err)
	added = s.awaitSchedule("hourly-btc", func(x schedule) bool { return x.NextRunAt != nil })
	require.Equal(t, parsed.Next(time.Now()), *added.NextRunAt)
	require.Contains(t, added.TemporalURL, "/schedules/schedule%2Fhourly-btc")
	require.Empty(t, added.status())

	s.act("hourly-btc", "trigger")
	s.awaitSchedule("hourly-btc", func(x schedule) bool { return x.status() == "completed" })
	first := s.scheduledBackfills("hourly-btc")
	require.NotEmpty(t, first)
	loaded := first[len(first)-1] // where Temporal is slow to take one, it is asked again
	require.Equal(t, "completed", loaded.Status)
	require.GreaterOrEqual(t, loaded.Progress.Bars.Inserted, int64(47))
	state, err := s.flows.WorkflowState(t.Context(), loaded.WorkflowID)
	require.NoError(t, err)
	require.EqualValues(t, "ended", state, "it runs under the usual id of a backfill")

	requests := s.requests() // nothing is missing any more: green at once
	s.act("hourly-btc", "trigger")
	s.awaitSchedule("hourly-btc", func(x schedule) bool {
		return len(s.scheduledBackfills("hourly-btc")) > len(first) && x.status() == "completed"
	})
	require.Equal(t, requests, s.requests())

	s.scheduleAt(http.MethodPost, "/hourly-btc/pause", http.StatusOK, map[string]string{"reason": "tests"})
	paused := s.awaitSchedule("hourly-btc", schedule.isPaused)
	require.Equal(t, "tests", *paused.PausedReason)
	require.Nil(t, paused.NextRunAt)
	before := len(s.scheduledBackfills("hourly-btc"))
	s.act("hourly-btc", "trigger") // runs all the same
	s.awaitSchedule("hourly-btc", func(schedule) bool { return len(s.scheduledBackfills("hourly-btc")) > before })
	s.act("hourly-btc", "resume")
	resumed := s.awaitSchedule("hourly-btc", schedule.isActive)
	require.Nil(t, resumed.PausedReason)

	require.Equal(t, http.StatusConflict, s.call(http.MethodPost, s.url+"/v1/schedules", map[string]any{
		"id": "hourly-btc", "instruments": []string{"BTCUSDT.SIM"}, "interval": "1h", "range": "2d", "every": "1h",
	}).status)
	require.Equal(t, http.StatusNoContent, s.call(http.MethodDelete, s.url+"/v1/schedules/hourly-btc", nil).status)
	require.Equal(t, http.StatusNotFound, s.call(http.MethodGet, s.url+"/v1/schedules/hourly-btc", nil).status)
	_, err = s.temporal.ScheduleClient().GetHandle(t.Context(), "schedule/hourly-btc").Describe(t.Context())
	require.Error(t, err)
	s.addSchedule("hourly-btc", map[string]any{"every": "1h"}) // the id is free again
}

func TestScheduleFailsAsItsBackfillDoes(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.addInstrument("BTCUSDT")
	s.fault(map[string]any{"fault": "restricted"})
	s.addSchedule("failing", map[string]any{"every": "1d"})
	s.act("failing", "trigger")
	s.awaitSchedule("failing", func(x schedule) bool { return x.status() == "failed" })
	last := s.describe("failing").Info.RecentActions[0].StartWorkflowResult.WorkflowID
	require.ErrorContains(t, s.temporal.GetWorkflow(t.Context(), last, "").Get(t.Context(), nil), workflows.FailurePartial)
	require.Equal(t, "failed", s.scheduledBackfills("failing")[0].Status)
}

func TestScheduleSkipsAndPauses(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.addInstrument("BTCUSDT")
	s.fault(map[string]any{"fault": "slow", "path": "/api/v3/klines", "delay_ms": 20000})
	s.addSchedule("busy", map[string]any{"every": "1s"})
	busy := s.awaitSchedule("busy", func(x schedule) bool { return x.skipped() >= 2 })
	require.Equal(t, "running", busy.status())
	require.Len(t, s.scheduledBackfills("busy"), 1, "the run covers its whole backfill")

	s.act("busy", "pause")
	require.NoError(t, s.scheduler.Reconcile(t.Context()))
	held := s.describe("busy").Info
	s.healSimulator()
	for _, b := range s.scheduledBackfills("busy") {
		s.call(http.MethodPost, s.url+"/v1/backfills/"+b.ID+"/cancel", nil)
	}
	s.awaitSchedule("busy", func(x schedule) bool { return x.status() == "canceled" })
	since := time.Now()
	during(3*time.Second, func() { require.Equal(t, held.NumActions, s.describe("busy").Info.NumActions) })
	s.awaitSchedule("busy", schedule.isPaused)

	resumed := time.Now()
	s.act("busy", "resume")
	s.awaitSchedule("busy", func(x schedule) bool { return x.LastRunAt != nil && x.LastRunAt.After(since) })
	all := func(i client.ScheduleInfo) int {
		return i.NumActions + i.NumActionsSkippedOverlap + i.NumActionsMissedCatchupWindow
	}
	made := all(s.describe("busy").Info) - all(held)
	require.LessOrEqual(t, made, 2+int(time.Since(resumed)/time.Second), "time spent paused is not made up for")
	require.Equal(t, http.StatusNoContent, s.call(http.MethodDelete, s.url+"/v1/schedules/busy", nil).status)
}

func TestSyncSchedulesFollowTrackedIntervals(t *testing.T) {
	t.Parallel()
	awayFrom(t, 24*time.Hour)
	s := start(t, options{isScheduled: true})
	put := func(symbol string, intervals ...string) {
		got := s.call(http.MethodPost, s.url+"/v1/instruments?skip_listing=true", map[string]any{
			"symbol": symbol, "venue": "SIM", "asset_class": "crypto", "currency": "USD", "calendar": "24x7", "intervals": intervals,
			"providers": []any{map[string]string{"name": providerName, "symbol": symbol}},
		})
		require.Less(t, got.status, 300, string(got.body))
	}
	put("BTCUSDT", "4h", "1d")
	put("ETHUSDT", "1d")
	require.Eventually(t, func() bool {
		all := s.schedules()
		return len(all) == 2 && all[0].NextRunAt != nil && all[1].NextRunAt != nil
	}, patience, 50*time.Millisecond)
	daily := s.schedules()[0]
	require.Equal(t, "sync-sim_binance-1d", daily.ID)
	require.Equal(t, []string{"sync", "15m", "config", providerName}, []string{daily.Kind, daily.Every, daily.Source, daily.Provider})
	require.Equal(t, 2, daily.Series)
	require.Contains(t, daily.TemporalURL, "sync%2Fsim_binance%2F1d")

	refused := s.call(http.MethodDelete, s.url+"/v1/schedules/"+daily.ID, nil)
	require.Equal(t, http.StatusConflict, refused.status)
	require.Contains(t, string(refused.body), "/v1/instruments/{id}/intervals/1d")

	s.act(daily.ID, "trigger")
	s.awaitSchedule(daily.ID, func(x schedule) bool { return x.status() == "completed" })
	described, err := s.temporal.ScheduleClient().GetHandle(t.Context(), "sync/sim_binance/1d").Describe(t.Context())
	require.NoError(t, err)
	last := described.Info.RecentActions[len(described.Info.RecentActions)-1].StartWorkflowResult
	ran, err := s.temporal.DescribeWorkflowExecution(t.Context(), last.WorkflowID, "")
	require.NoError(t, err)
	require.Equal(t, workflows.NameSync, ran.GetWorkflowExecutionInfo().GetType().GetName())
	for _, symbol := range []string{"BTCUSDT", "ETHUSDT"} {
		bars := s.page(symbol + ".SIM/bars?interval=1d&start=" + market.FormatTime(time.Now().AddDate(0, 0, -10))).Data
		require.Len(t, bars, 3, "a series without bars begins with its last ones")
		require.WithinDuration(t, time.Now().UTC().Truncate(24*time.Hour), bars[2].TS, 48*time.Hour)
	}

	s.act(daily.ID, "pause")
	require.Less(t, s.call(http.MethodDelete, s.url+"/v1/instruments/BTCUSDT.SIM/intervals/4h", nil).status, 300)
	require.Eventually(t, func() bool {
		_, err := s.temporal.ScheduleClient().GetHandle(t.Context(), "sync/sim_binance/4h").Describe(t.Context())
		return err != nil
	}, patience, 50*time.Millisecond)
	require.Len(t, s.schedules(), 1)
	s.awaitSchedule(daily.ID, schedule.isPaused) // nobody resumes what an operator paused
	require.Equal(t, http.StatusNotFound, s.call(http.MethodGet, s.url+"/v1/schedules/sync-sim_binance-4h", nil).status)
}

// parse is a schedule of the configuration.
func parse(t *testing.T, text market.ScheduleText) market.Schedule {
	t.Helper()
	text.Instruments, text.Interval, text.Range = []string{"BTCUSDT.SIM"}, "1h", "2d"
	s, faults := market.ParseSchedule(text)
	require.Empty(t, faults)
	return s
}

func TestSchedulesAreReconciledByManyAtOnce(t *testing.T) {
	t.Parallel()
	awayFrom(t, 30*time.Minute) // at half past four one runs by itself
	s := start(t, options{})
	s.addInstrument("BTCUSDT")
	s.addSchedule("mine", map[string]any{"every": "1d"})
	s.awaitSchedule("mine", func(x schedule) bool { return x.NextRunAt != nil })
	logger := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	other := workflows.NewScheduler(workflows.NewClient(s.temporal, "", ""), s.db, nil, logger)
	reconcile := func(config ...market.Schedule) {
		ended := make(chan error, 8)
		for i := range cap(ended) {
			scheduler := []*workflows.Scheduler{s.scheduler, other}[i%2]
			go func() {
				for try := 0; ; try++ { // a server that has just begun may not answer in time
					err := errors.Join(scheduler.Configure(t.Context(), config), scheduler.Reconcile(t.Context()))
					if err == nil || try == 10 {
						ended <- err
						return
					}
				}
			}()
		}
		for range cap(ended) {
			require.NoError(t, <-ended)
		}
	}
	reconcile(parse(t, market.ScheduleText{ID: "nightly", Cron: "0 3 13 * 5"}), parse(t, market.ScheduleText{ID: "often", Every: "6h"}))
	require.Len(t, s.schedules(), 3)
	s.act("nightly", "pause")
	before := s.describe("nightly")
	require.Len(t, before.Schedule.Spec.Calendars, 2, "either day")
	require.Equal(t, time.Hour, before.Schedule.Policy.CatchupWindow)

	reconcile(parse(t, market.ScheduleText{ID: "nightly", Cron: "0 3 13 * 5"}), parse(t, market.ScheduleText{ID: "often", Every: "6h"}))
	require.Equal(t, before.Info.LastUpdateAt, s.describe("nightly").Info.LastUpdateAt, "nothing changed, nothing is written")

	edit := func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
		in.Description.Schedule.Spec.Intervals[0].Every = time.Minute
		return &client.ScheduleUpdate{Schedule: &in.Description.Schedule}, nil
	}
	often := s.temporal.ScheduleClient().GetHandle(t.Context(), "schedule/often")
	require.NoError(t, often.Update(t.Context(), client.ScheduleUpdateOptions{DoUpdate: edit}))
	require.NoError(t, s.scheduler.Reconcile(t.Context()))
	require.Equal(t, 6*time.Hour, s.describe("often").Schedule.Spec.Intervals[0].Every, "what is edited in the UI is undone")

	reconcile(parse(t, market.ScheduleText{ID: "nightly", Cron: "30 4 * * *"}))
	require.Equal(t, "30 4 * * *", s.awaitSchedule("nightly", schedule.isPaused).Cron)
	require.Len(t, s.describe("nightly").Schedule.Spec.Calendars, 1)
	s.act("nightly", "resume")
	resumed := s.awaitSchedule("nightly", schedule.isActive)
	parsed, err := market.ParseCron("30 4 * * *")
	require.NoError(t, err)
	require.NotNil(t, resumed.NextRunAt)
	require.Equal(t, parsed.Next(time.Now()), *resumed.NextRunAt)
	ids := []string{}
	for _, x := range s.schedules() {
		ids = append(ids, x.ID)
	}
	require.Equal(t, []string{"mine", "nightly"}, ids)
	refused := s.call(http.MethodDelete, s.url+"/v1/schedules/nightly", nil)
	require.Equal(t, http.StatusConflict, refused.status)
	require.Contains(t, string(refused.body), "schedules.nightly")

	require.NoError(t, s.temporal.ScheduleClient().GetHandle(t.Context(), "schedule/mine").Delete(t.Context()))
	s.act("mine", "trigger") // what was lost comes back
	require.Eventually(t, func() bool { return len(s.scheduledBackfills("mine")) > 0 }, patience, 50*time.Millisecond)
	reconcile()
	require.Len(t, s.schedules(), 1)
}
