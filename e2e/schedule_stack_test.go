package e2e_test

import (
	"net/http"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"marketdata/workflows"
)

// schedule is the API's answer, as far as the tests look at it.
type schedule struct {
	ID           string     `json:"id"`
	Kind         string     `json:"kind"`
	Provider     string     `json:"provider"`
	Interval     string     `json:"interval"`
	Every        string     `json:"every"`
	Cron         string     `json:"cron"`
	Source       string     `json:"source"`
	Series       int        `json:"series"`
	Paused       *bool      `json:"paused"`
	PausedReason *string    `json:"paused_reason"`
	NextRunAt    *time.Time `json:"next_run_at"`
	LastRunAt    *time.Time `json:"last_run_at"`
	LastStatus   *string    `json:"last_status"`
	Skipped      *int64     `json:"skipped"`
	Missed       *int64     `json:"missed"`
	TemporalURL  string     `json:"temporal_url"`
}

func (s schedule) status() string {
	if s.LastStatus == nil {
		return ""
	}
	return *s.LastStatus
}

func (s schedule) isPaused() bool { return s.Paused != nil && *s.Paused }

func (s schedule) isActive() bool { return s.Paused != nil && !*s.Paused }

func (s schedule) skipped() int64 {
	if s.Skipped == nil {
		return 0
	}
	return *s.Skipped
}

func (s *stack) schedules() []schedule {
	s.t.Helper()
	got := s.call(http.MethodGet, s.url+"/v1/schedules", nil)
	require.Equal(s.t, http.StatusOK, got.status, string(got.body))
	var list struct {
		Data []schedule `json:"data"`
	}
	got.into(s.t, &list)
	return list.Data
}

func (s *stack) scheduleAt(method, path string, want int, body any) schedule {
	s.t.Helper()
	got := s.call(method, s.url+"/v1/schedules"+path, body)
	require.Equal(s.t, want, got.status, string(got.body))
	var answer schedule
	got.into(s.t, &answer)
	return answer
}

func (s *stack) addSchedule(id string, fields map[string]any) schedule {
	s.t.Helper()
	body := map[string]any{"id": id, "instruments": []string{"BTCUSDT.SIM"}, "interval": "1h", "range": "2d"}
	for name, value := range fields {
		body[name] = value
	}
	return s.scheduleAt(http.MethodPost, "", http.StatusCreated, body)
}

func (s *stack) act(id, action string) schedule {
	s.t.Helper()
	return s.scheduleAt(http.MethodPost, "/"+id+"/"+action, http.StatusOK, nil)
}

// awaitSchedule polls until the schedule is as wanted.
func (s *stack) awaitSchedule(id string, isReached func(schedule) bool) schedule {
	s.t.Helper()
	var got schedule
	require.Eventually(s.t, func() bool {
		got = s.scheduleAt(http.MethodGet, "/"+id, http.StatusOK, nil)
		return isReached(got)
	}, patience, 50*time.Millisecond, "schedule %s", id)
	return got
}

// describe asks Temporal itself.
func (s *stack) describe(id string) *client.ScheduleDescription {
	s.t.Helper()
	described, err := s.temporal.ScheduleClient().GetHandle(s.t.Context(), workflows.TemporalScheduleID(id)).Describe(s.t.Context())
	require.NoError(s.t, err)
	return described
}

// scheduledBackfills are the backfills that a schedule asked for, newest first.
func (s *stack) scheduledBackfills(id string) []backfill {
	s.t.Helper()
	var list struct {
		Data []struct {
			backfill
			Schedule string `json:"schedule"`
		} `json:"data"`
	}
	s.call(http.MethodGet, s.url+"/v1/backfills", nil).into(s.t, &list)
	var found []backfill
	for _, b := range list.Data {
		if b.Schedule == id {
			found = append(found, b.backfill)
		}
	}
	return found
}
