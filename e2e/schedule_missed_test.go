package e2e_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"marketdata/db/dbtest"
	"marketdata/market"
	"marketdata/workflows"
)

// TestScheduleMissesWhatIsLaterThanItsCatchup stops a Temporal server for longer than the shortest catch-up window.
func TestScheduleMissesWhatIsLaterThanItsCatchup(t *testing.T) {
	t.Parallel()
	logger := slog.New(slog.DiscardHandler)
	file := filepath.Join(t.TempDir(), "temporal.db")
	database := dbtest.New(t)
	run := func(test func(*workflows.Scheduler)) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		server, err := startTemporal(ctx, func() (testsuite.DevServerOptions, error) {
			return testsuite.DevServerOptions{DBFilename: file}, nil
		})
		require.NoError(t, err)
		test(workflows.NewScheduler(workflows.NewClient(server.Client(), "default", ""), database, nil, logger))
		require.NoError(t, server.Stop())
	}
	state := func(s *workflows.Scheduler, isReached func(market.ScheduleState) bool) market.ScheduleState {
		var got market.ScheduleState
		require.Eventually(t, func() bool {
			states, err := s.States(t.Context(), []string{"often"})
			var isKnown bool
			got, isKnown = states["often"]
			return err == nil && isKnown && isReached(got)
		}, patience, 100*time.Millisecond)
		return got
	}
	var asked, answered time.Time
	var before market.ScheduleState
	run(func(s *workflows.Scheduler) {
		often := parse(t, market.ScheduleText{ID: "often", Every: "2s"})
		often.Source = market.SourceAPI
		require.Eventually(t, func() bool {
			err := s.Create(t.Context(), often)
			return err == nil || market.KindOf(err) == market.KindConflict
		}, patience, 100*time.Millisecond)
		next := time.Now()
		before = state(s, func(x market.ScheduleState) bool {
			asked, answered = next, time.Now() // before may count up to either
			next = answered
			return x.LastRunAt != nil
		})
		require.Zero(t, before.Missed)
		require.Equal(t, "running", before.LastStatus, "no worker is there")
	})
	<-time.After(16 * time.Second) // what the test is about: ten seconds are caught up with, the rest is not
	due := func(since, until time.Time) int64 { return until.Unix()/2 - since.Unix()/2 }
	run(func(s *workflows.Scheduler) {
		var caughtUp int64
		var seen time.Time
		// the first run is still on, so those that are made up for are skipped
		after := state(s, func(x market.ScheduleState) bool {
			seen, caughtUp = time.Now(), x.Skipped-before.Skipped
			return x.Missed > 0 && x.Missed+caughtUp >= due(answered, seen)-2 // but for what is under way at either end
		})
		t.Logf("%d were due, %d are missed, %d were made up for", due(answered, seen), after.Missed, caughtUp)
		require.LessOrEqual(t, after.Missed, due(asked, seen.Add(-10*time.Second))+1, "what the window holds is not missed")
		require.GreaterOrEqual(t, caughtUp, int64(4), "ten seconds of runs, each two seconds, are made up for")
	})
}
