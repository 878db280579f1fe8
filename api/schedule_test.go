package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

func nightly(t *testing.T) market.Schedule {
	t.Helper()
	s, faults := market.ParseSchedule(market.ScheduleText{
		ID: "nightly-btc", Instruments: []string{"BTCUSDT.BINANCE"}, Interval: "1d", Cron: "0 3 * * *", Range: "30d", Policy: "all",
	})
	require.Empty(t, faults)
	s.Source, s.CreatedAt, s.UpdatedAt = market.SourceAPI, at("2024-01-02T03:04:05Z"), at("2024-01-03T03:04:05Z")
	return s
}

// scheduledWorld has a stored schedule and a sync.
func scheduledWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld()
	w.store.InstrumentFunc = func(market.InstrumentID) (market.Instrument, error) { return btc(), nil }
	w.store.SchedulesFunc = func() ([]market.Schedule, error) { return []market.Schedule{nightly(t)}, nil }
	w.scheduler.SyncSchedulesFunc = func() ([]market.SyncSchedule, error) {
		return []market.SyncSchedule{{Provider: "binance", Interval: market.Interval1m, Series: 2}}, nil
	}
	ran, next := at("2024-03-01T03:00:00Z"), at("2024-03-02T03:00:00Z")
	w.scheduler.StatesFunc = func(ids []string) (map[string]market.ScheduleState, error) {
		states := map[string]market.ScheduleState{
			"nightly-btc":     {NextRunAt: &next, LastRunAt: &ran, LastStatus: "completed", Skipped: 2, Missed: 1},
			"sync-binance-1m": {IsPaused: true, PausedReason: "tests"},
		}
		for id := range states {
			if len(ids) == 1 && ids[0] != id {
				delete(states, id)
			}
		}
		return states, nil
	}
	return w
}

const nightlyDocument = `{"id":"nightly-btc","kind":"backfill","instruments":["BTCUSDT.BINANCE"],"interval":"1d","cron":"0 3 * * *","range":"30d",
	"policy":"all","concurrency":4,"max_failed":0,"source":"api","created_at":"2024-01-02T03:04:05Z","updated_at":"2024-01-03T03:04:05Z",
	"paused":false,"paused_reason":null,"next_run_at":"2024-03-02T03:00:00Z","last_run_at":"2024-03-01T03:00:00Z","last_status":"completed",
	"skipped":2,"missed":1,"temporal_url":"http://temporal.test/schedules/nightly-btc"}`

const syncDocument = `{"id":"sync-binance-1m","kind":"sync","provider":"binance","interval":"1m","every":"1m","series":2,"failing":0,"failures":[],"source":"config",
	"paused":true,"paused_reason":"tests","next_run_at":null,"last_run_at":null,"last_status":null,"skipped":0,"missed":0,
	"temporal_url":"http://temporal.test/schedules/sync-binance-1m"}`

func TestSchedulesAreShownWithTheirState(t *testing.T) {
	t.Parallel()
	w := scheduledWorld(t)
	list := w.get(t, "/v1/schedules")
	require.Equal(t, http.StatusOK, list.status)
	require.JSONEq(t, `{"data":[`+nightlyDocument+`,`+syncDocument+`],"meta":{"returned":2},"next_cursor":null}`, list.body)
	require.JSONEq(t, nightlyDocument, w.get(t, "/v1/schedules/nightly-btc").body)
	require.JSONEq(t, syncDocument, w.get(t, "/v1/schedules/sync-binance-1m").body)
	for _, unknown := range []string{"nobody", "sync-binance-1d", "sync-", "NIGHTLY-BTC", "a%00b"} {
		w.get(t, "/v1/schedules/"+unknown).problem(t, http.StatusNotFound, market.KindNotFound)
	}
	empty := newWorld().get(t, "/v1/schedules")
	require.JSONEq(t, `{"data":[],"meta":{"returned":0},"next_cursor":null}`, empty.body)
}

func TestASyncTellsWhatFails(t *testing.T) {
	t.Parallel()
	w := scheduledWorld(t)
	all, err := w.scheduler.SyncSchedulesFunc()
	require.NoError(t, err)
	w.scheduler.SyncSchedulesFunc = func() ([]market.SyncSchedule, error) {
		return append(all, market.SyncSchedule{Provider: "binance", Interval: market.Interval1d, Series: 1}), nil
	}
	retry := at("2024-03-01T05:00:00+02:00")
	w.store.FailingSyncsFunc = func(syncs []market.SyncSchedule) ([]market.SyncFailing, error) {
		require.Len(t, syncs, 2, "which provider keeps a series fresh follows from all")
		return []market.SyncFailing{{Provider: "binance", Interval: market.Interval1m, Series: 7, Failures: []market.SyncFailure{
			{Instrument: btc().ID, Kind: market.KindDenied, Message: "your key is no good", RetryAt: &retry},
			{Instrument: market.InstrumentID{Symbol: "ETHUSDT", Venue: "BINANCE"}, Kind: market.KindUnavailable, Message: "it is down"},
		}}}, nil
	}
	const failures = `"failing":7,"failures":[
		{"instrument":"BTCUSDT.BINANCE","kind":"denied","message":"your key is no good","retry_at":"2024-03-01T03:00:00Z"},
		{"instrument":"ETHUSDT.BINANCE","kind":"unavailable","message":"it is down","retry_at":null}]`
	failing := strings.Replace(syncDocument, `"failing":0,"failures":[]`, failures, 1)
	require.JSONEq(t, failing, w.get(t, "/v1/schedules/sync-binance-1m").body)
	list := decode[struct {
		Data []map[string]any `json:"data"`
	}](t, w.get(t, "/v1/schedules"), http.StatusOK)
	require.Len(t, list.Data, 3)
	require.NotContains(t, list.Data[0], "failing", "a backfill says how it ended")
	require.NotContains(t, list.Data[0], "failures")
	require.InDelta(t, 0, list.Data[1]["failing"], 0)
	require.InDelta(t, 7, list.Data[2]["failing"], 0)
	require.JSONEq(t, failing, w.do(t, http.MethodPost, "/v1/schedules/sync-binance-1m/resume", "").body)

	w.store.FailingSyncsFunc = func([]market.SyncSchedule) ([]market.SyncFailing, error) {
		return nil, market.Errorf(market.KindUnavailable, "the database does not answer")
	}
	w.get(t, "/v1/schedules").problem(t, http.StatusServiceUnavailable, market.KindUnavailable)
	w.get(t, "/v1/schedules/sync-binance-1m").problem(t, http.StatusServiceUnavailable, market.KindUnavailable)
}

func TestSchedulesAreListedWithoutTemporal(t *testing.T) {
	t.Parallel()
	w := scheduledWorld(t)
	w.scheduler.StatesFunc = func([]string) (map[string]market.ScheduleState, error) {
		return nil, market.Errorf(market.KindUnavailable, "Temporal cannot be reached")
	}
	list := decode[struct {
		Data []map[string]any `json:"data"`
	}](t, w.get(t, "/v1/schedules"), http.StatusOK)
	require.Len(t, list.Data, 2)
	for _, s := range list.Data {
		for _, live := range []string{"paused", "paused_reason", "next_run_at", "last_run_at", "last_status", "skipped", "missed"} {
			require.Contains(t, s, live)
			require.Nil(t, s[live], live)
		}
	}
	w.scheduler.ActFunc = func(string, string, string) error { return market.Errorf(market.KindUnavailable, "dial tcp 10.0.0.1") }
	w.scheduler.DeleteFunc = func(string) error { return market.Errorf(market.KindUnavailable, "dial tcp 10.0.0.1") }
	w.scheduler.CreateFunc = func(market.Schedule) error { return market.Errorf(market.KindUnavailable, "dial tcp 10.0.0.1") }
	for _, a := range []answer{
		w.do(t, http.MethodPost, "/v1/schedules/nightly-btc/trigger", ""), w.do(t, http.MethodPost, "/v1/schedules/sync-binance-1m/pause", ""),
		w.do(t, http.MethodPost, "/v1/schedules/nightly-btc/resume", ""), w.do(t, http.MethodDelete, "/v1/schedules/nightly-btc", ""),
		w.do(t, http.MethodPost, "/v1/schedules", goodSchedule),
	} {
		p := a.problem(t, http.StatusServiceUnavailable, market.KindUnavailable)
		require.Contains(t, p.Detail, "does not answer")
		require.Contains(t, p.Detail, "try again later")
		require.NotEmpty(t, a.header.Get("Retry-After"))
	}
}

const goodSchedule = `{"id":"nightly-btc","instruments":["btcusdt.binance"],"interval":"1d","cron":"0 3 * * *","range":"30d","policy":"all"}`

func TestScheduleIsAdded(t *testing.T) {
	t.Parallel()
	w := scheduledWorld(t)
	var created market.Schedule
	w.scheduler.CreateFunc = func(s market.Schedule) error {
		created = s
		return nil
	}
	got := w.do(t, http.MethodPost, "/v1/schedules", goodSchedule)
	require.Equal(t, http.StatusCreated, got.status, got.body)
	require.Equal(t, "/v1/schedules/nightly-btc", got.header.Get("Location"))
	require.JSONEq(t, nightlyDocument, got.body)
	want := nightly(t)
	want.CreatedAt, want.UpdatedAt = time.Time{}, time.Time{}
	require.Equal(t, want, created)

	// what an answer shows may be posted again
	whole := strings.TrimSuffix(goodSchedule, "}") + `,"kind":"backfill","paused":true,"source":"api"}`
	require.Equal(t, http.StatusCreated, w.do(t, http.MethodPost, "/v1/schedules", whole).status)
	require.True(t, created.IsPaused)

	w.scheduler.CreateFunc = func(market.Schedule) error { return market.Errorf(market.KindConflict, "there is one already") }
	w.do(t, http.MethodPost, "/v1/schedules", goodSchedule).problem(t, http.StatusConflict, market.KindConflict)
}

func TestScheduleTellsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		status     int
		locations  []string
	}{
		{"both times", `{"id":"a","instruments":["BTCUSDT.BINANCE"],"interval":"1d","cron":"0 3 * * *","every":"1h","range":"30d"}`, 422, []string{"body.cron"}},
		{"no time", `{"id":"a","instruments":["BTCUSDT.BINANCE"],"interval":"1d","range":"30d"}`, 422, []string{"body.every"}},
		{
			"much", `{"id":"sync-x","instruments":["x","BTCUSDT.BINANCE","btcusdt.binance"],"interval":"1d","cron":"61 * * * *","range":"30x"}`, 422,
			[]string{"body.cron", "body.id", "body.instruments[0]", "body.instruments[2]", "body.range"},
		},
		{
			"tags", `{"id":"A","instruments":[],"interval":"2d","every":"1h","range":"1d","policy":"x","concurrency":99,"max_failed":-1}`, 422,
			[]string{"body.concurrency", "body.id", "body.instruments", "body.interval", "body.max_failed", "body.policy"},
		},
		{"nothing", `{}`, 422, nil},
		{"unknown field", `{"id":"a","instruments":["BTCUSDT.BINANCE"],"interval":"1d","every":"1h","range":"30d","source":"config"}`, 422, nil},
		{"unknown provider", `{"id":"a","instruments":["BTCUSDT.BINANCE"],"interval":"1d","every":"1h","range":"30d","provider":"nobody"}`, 422, []string{"body.provider"}},
		{"no such bars", `{"id":"a","instruments":["BTCUSDT.BINANCE"],"interval":"4h","every":"1h","range":"30d"}`, 422, []string{"body.interval"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := scheduledWorld(t)
			w.scheduler.CreateFunc = func(market.Schedule) error {
				t.Error("stored")
				return nil
			}
			p := w.do(t, http.MethodPost, "/v1/schedules", c.body).problem(t, c.status, market.KindInvalid)
			if c.locations != nil {
				require.Equal(t, c.locations, p.locations())
			}
		})
	}
	w := scheduledWorld(t)
	w.store.InstrumentFunc = nil
	p := w.do(t, http.MethodPost, "/v1/schedules", goodSchedule).problem(t, http.StatusNotFound, market.KindNotFound)
	require.Equal(t, []string{"body.instruments[0]"}, p.locations())
}

func TestScheduleActions(t *testing.T) {
	t.Parallel()
	w := scheduledWorld(t)
	var acts []string
	w.scheduler.ActFunc = func(action, id, reason string) error {
		acts = append(acts, action+" "+id+" "+reason)
		return nil
	}
	require.JSONEq(t, nightlyDocument, w.do(t, http.MethodPost, "/v1/schedules/nightly-btc/trigger", "").body)
	require.Equal(t, http.StatusOK, w.do(t, http.MethodPost, "/v1/schedules/sync-binance-1m/pause", `{"reason":"down"}`).status)
	require.Equal(t, http.StatusOK, w.do(t, http.MethodPost, "/v1/schedules/sync-binance-1m/pause", "").status)
	require.Equal(t, http.StatusOK, w.do(t, http.MethodPost, "/v1/schedules/sync-binance-1m/resume", "").status)
	require.Equal(t, []string{
		"trigger nightly-btc ", "pause sync-binance-1m down", "pause sync-binance-1m paused by the API", "resume sync-binance-1m ",
	}, acts)
	w.do(t, http.MethodPost, "/v1/schedules/nobody/trigger", "").problem(t, http.StatusNotFound, market.KindNotFound)
	require.Len(t, acts, 4)
}

func TestScheduleIsDeleted(t *testing.T) {
	t.Parallel()
	w := scheduledWorld(t)
	var deleted []string
	w.scheduler.DeleteFunc = func(id string) error {
		deleted = append(deleted, id)
		return nil
	}
	require.Equal(t, http.StatusNoContent, w.do(t, http.MethodDelete, "/v1/schedules/nightly-btc", "").status)
	p := w.do(t, http.MethodDelete, "/v1/schedules/sync-binance-1m", "").problem(t, http.StatusConflict, market.KindConflict)
	require.Contains(t, p.Detail, "DELETE /v1/instruments/{id}/intervals/1m")
	w.do(t, http.MethodDelete, "/v1/schedules/nobody", "").problem(t, http.StatusNotFound, market.KindNotFound)
	require.Equal(t, []string{"nightly-btc"}, deleted)
}

func TestTrackedIntervalsNudgeTheSchedules(t *testing.T) {
	t.Parallel()
	w := newWorld()
	const body = `{"symbol":"BTCUSDT","venue":"BINANCE","asset_class":"crypto","currency":"USDT","providers":[{"name":"binance","symbol":"BTCUSDT"}]`
	require.Equal(t, http.StatusCreated, w.do(t, http.MethodPost, "/v1/instruments?skip_listing=true", body+`}`).status)
	require.Zero(t, w.scheduler.nudges.Load())
	require.Equal(t, http.StatusOK, w.do(t, http.MethodPost, "/v1/instruments?dry_run=true", body+`,"intervals":["1m"]}`).status)
	require.Zero(t, w.scheduler.nudges.Load())
	require.Equal(t, http.StatusCreated, w.do(t, http.MethodPost, "/v1/instruments?skip_listing=true", body+`,"intervals":["1m"]}`).status)
	require.EqualValues(t, 1, w.scheduler.nudges.Load())
	w.store.StopSyncFunc = func(market.InstrumentID, market.Interval) error { return nil }
	require.Equal(t, http.StatusNoContent, w.do(t, http.MethodDelete, "/v1/instruments/BTCUSDT.BINANCE/intervals/1m", "").status)
	require.EqualValues(t, 2, w.scheduler.nudges.Load())
}

func TestBackfillShowsItsSchedule(t *testing.T) {
	t.Parallel()
	w := newWorld()
	const id = "0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d"
	w.store.BackfillFunc = func(string) (market.Backfill, error) { return market.Backfill{ID: id, ScheduleID: "nightly-btc"}, nil }
	require.Contains(t, w.get(t, "/v1/backfills/"+id).body, `"schedule":"nightly-btc"`)
	w.store.BackfillFunc = func(string) (market.Backfill, error) { return market.Backfill{ID: id}, nil }
	require.NotContains(t, w.get(t, "/v1/backfills/"+id).body, `"schedule"`)
}
