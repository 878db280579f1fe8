package e2e_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/activities"
	"marketdata/db"
	"marketdata/worker"
)

// klines is where Binance serves bars.
const klines = "/api/v3/klines"

// fleet starts workers that share nothing but the database and Temporal: each has a pool, a registry and connections of
// its own, as processes have. stop ends them all; the test's end does too.
func (s *stack) fleet(size int, o options) (stop func()) {
	s.t.Helper()
	logger := slog.New(slog.NewTextHandler(s.t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, size)
	for range size {
		pool, err := db.Open(ctx, s.db.Pool.Config().ConnString(), db.Options{MaxConns: 6})
		require.NoError(s.t, err)
		own := &stack{t: s.t, db: pool, sim: s.sim, observed: observed{workerMetrics: s.workerMetrics}}
		registry := own.registry(o, logger)
		polling := make(chan struct{})
		go func() {
			defer pool.Close()
			ended <- worker.Run(ctx, worker.Options{
				Client: s.temporal, Providers: []string{providerName}, Logger: logger, OnPolling: func() { close(polling) }, Recorder: s.workerMetrics,
				Activities: &activities.Activities{
					Jobs: pool, Chunks: pool, Syncs: pool, Housekeeping: pool, Providers: registry, Workflows: s.flows,
					RawRetention: time.Hour, Now: time.Now, Recorder: s.workerMetrics,
				},
			})
		}()
		<-polling
	}
	stop = sync.OnceFunc(func() {
		cancel()
		for range size {
			require.NoError(s.t, <-ended)
		}
	})
	s.t.Cleanup(stop)
	return stop
}

// logged is a request as the simulator saw it begin.
type logged struct {
	At     time.Time `json:"at"`
	Query  string    `json:"query"`
	Status int       `json:"status"`
}

func (l logged) symbol() string {
	query, err := url.ParseQuery(l.Query)
	if err != nil {
		return ""
	}
	return query.Get("symbol")
}

// requestLog returns all requests so far by their beginning.
func (s *stack) requestLog() []logged {
	s.t.Helper()
	var stats struct {
		Log []logged `json:"log"`
	}
	s.call(http.MethodGet, s.sim+"/_sim/stats", nil).into(s.t, &stats)
	slices.SortFunc(stats.Log, func(a, b logged) int { return a.At.Compare(b.At) })
	return stats.Log
}

// providerView is a provider as the API shows it.
type providerView struct {
	Name         string `json:"name"`
	Paused       bool   `json:"paused"`
	PausedReason string `json:"paused_reason"`
	Budget       struct {
		UsedLastMinute int        `json:"used_last_minute"`
		NotBefore      *time.Time `json:"not_before"`
		Waiting        int        `json:"waiting"`
	} `json:"budget"`
}

func (s *stack) provider() providerView {
	s.t.Helper()
	var list struct {
		Data []providerView `json:"data"`
	}
	s.call(http.MethodGet, s.url+"/v1/providers", nil).into(s.t, &list)
	for _, p := range list.Data {
		if p.Name == providerName {
			return p
		}
	}
	require.Fail(s.t, "the provider is not listed")
	return providerView{}
}

// setPaused pauses or resumes the provider and returns when the API had answered.
func (s *stack) setPaused(isPaused bool, reason string) time.Time {
	s.t.Helper()
	action := "resume"
	var body any
	if isPaused {
		action, body = "pause", map[string]string{"reason": reason}
	}
	got := s.call(http.MethodPost, s.url+"/v1/providers/"+providerName+"/"+action, body)
	require.Equal(s.t, http.StatusOK, got.status, string(got.body))
	return time.Now()
}
