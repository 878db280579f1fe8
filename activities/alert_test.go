package activities_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"marketdata/activities"
	"marketdata/market"
)

// scene is what is so: what the database and Temporal are to the watch.
type scene struct {
	failed    []market.FailedBackfill
	unsettled []string
	tracked   []market.TrackedSeries
	states    map[string]market.ProviderState
	refusals  []market.ProviderRefusal
	answered  bool
	open      []market.Alert
	hooks     []market.AlertWebhook
	waiting   []market.AlertRef
	flow      activities.WorkflowState // of every delivery

	asked     []string // for unsettled backfills
	explained []int64  // series
	since     time.Time
	changes   market.AlertChanges
	told      []market.AlertWebhook
	started   []market.AlertRef
	noted     []market.AlertRef
	givenUp   []market.AlertRef
	startErr  error
}

func (s *scene) NewlyFailedBackfills(context.Context, time.Time) ([]market.FailedBackfill, error) {
	return s.failed, nil
}

func (s *scene) UnsettledBackfills(_ context.Context, ids []string) ([]string, error) {
	s.asked = ids
	return s.unsettled, nil
}

func (s *scene) TrackedSeries(context.Context) ([]market.TrackedSeries, error) { return s.tracked, nil }

func (s *scene) SyncErrors(_ context.Context, ids []int64) (map[int64]string, error) {
	s.explained = ids
	return map[int64]string{7: "denied: your key is no good"}, nil
}

func (s *scene) ProviderStates(context.Context) (map[string]market.ProviderState, error) {
	return s.states, nil
}

func (s *scene) ProviderRefusals(context.Context, time.Time) ([]market.ProviderRefusal, error) {
	return s.refusals, nil
}

func (s *scene) HasAnswered(_ context.Context, _ string, after time.Time) (bool, error) {
	s.since = after
	return s.answered, nil
}

func (s *scene) OpenAlerts(context.Context) ([]market.Alert, error) { return s.open, nil }

func (s *scene) ChangeAlerts(_ context.Context, hooks []market.AlertWebhook, decide func([]market.Alert) market.AlertChanges) (market.AlertCounts, error) {
	s.changes, s.told = decide(s.open), hooks
	return market.AlertCounts{Raised: len(s.changes.Raise), Resolved: len(s.changes.Resolve)}, nil
}

func (s *scene) Alert(context.Context, string) (market.Alert, error) { return market.Alert{}, nil }

func (s *scene) WaitingDeliveries(context.Context) ([]market.AlertRef, error) { return s.waiting, nil }

func (s *scene) NoteDelivery(_ context.Context, ref market.AlertRef) error {
	s.noted = append(s.noted, ref)
	return nil
}

func (s *scene) NoteAttempt(context.Context, market.AlertRef, string) error { return nil }

func (s *scene) MarkDelivered(context.Context, market.AlertRef) error { return nil }

func (s *scene) FailDelivery(_ context.Context, ref market.AlertRef, _ string) error {
	s.givenUp = append(s.givenUp, ref)
	return nil
}

func (s *scene) Receivers() []market.AlertWebhook { return s.hooks }

func (s *scene) Send(context.Context, string, market.Alert, market.AlertEvent) error { return nil }

func (s *scene) WorkflowState(context.Context, string) (activities.WorkflowState, error) {
	return s.flow, nil
}

func (s *scene) StartAlert(_ context.Context, ref market.AlertRef) error {
	s.started = append(s.started, ref)
	return s.startErr
}

func noon() time.Time { return time.Date(2024, 3, 5, 12, 0, 0, 0, time.UTC) }

// watch runs the watch over the scene.
func (s *scene) watch(t *testing.T) (activities.WatchResult, error) {
	t.Helper()
	a := &activities.Alerting{
		Alerts: s, Deliveries: s, Sender: s, Workflows: s, Now: noon,
		Providers: []market.ProviderInstance{
			{Name: "off", Capabilities: market.Capabilities{Intervals: []market.Interval{market.Interval1m}}},
			{Name: "sim", Enabled: true, Capabilities: market.Capabilities{Intervals: []market.Interval{market.Interval1m}, Settle: 5 * time.Second}},
		},
	}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(t.Output(), nil))))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(a.WatchAlerts)
	value, err := env.ExecuteActivity(a.WatchAlerts)
	var result activities.WatchResult
	if err == nil {
		require.NoError(t, value.Get(&result))
	}
	return result, err
}

// raises requires that the watch raises alerts of the kinds and no others.
func (s *scene) raises(t *testing.T, kinds ...market.AlertKind) {
	t.Helper()
	_, err := s.watch(t)
	require.NoError(t, err)
	var got []market.AlertKind
	for _, c := range s.changes.Raise {
		got = append(got, c.Kind)
	}
	require.Equal(t, kinds, got)
}

func TestWatchRaisesWhatIsTheMatter(t *testing.T) {
	t.Parallel()
	(&scene{}).raises(t)
	(&scene{failed: []market.FailedBackfill{{Backfill: market.Backfill{ID: "b1"}}}}).raises(t, market.AlertBackfillFailed)
	paused := map[string]market.ProviderState{"sim": {Paused: true}, "off": {Paused: true}, "gone": {Paused: true}}
	s := &scene{states: paused, hooks: []market.AlertWebhook{{Name: "ops"}}}
	s.raises(t, market.AlertProviderPaused)
	require.Equal(t, "sim", s.changes.Raise[0].Key, "nobody waits for one that is off or not configured")
	require.Equal(t, s.hooks, s.told)

	held := func(wait time.Duration) map[string]market.ProviderState {
		return map[string]market.ProviderState{"sim": {NotBefore: noon().Add(wait)}}
	}
	(&scene{states: held(time.Minute)}).raises(t)
	(&scene{states: held(time.Hour)}).raises(t, market.AlertProviderRefused)
	refusal := []market.ProviderRefusal{{Provider: "sim", At: noon().Add(-time.Minute)}}
	(&scene{refusals: refusal}).raises(t, market.AlertProviderRefused)
	(&scene{refusals: refusal, answered: true}).raises(t)
}

func TestWatchFindsStaleSeries(t *testing.T) {
	t.Parallel()
	series := func(provider string, addedAgo time.Duration) market.TrackedSeries {
		return market.TrackedSeries{
			Instrument: market.InstrumentID{Symbol: "BTC", Venue: "SIM"}, Interval: market.Interval1m, Provider: provider, Calendar: "24x7",
			Since: noon().Add(-12 * time.Hour), AddedAt: noon().Add(-addedAgo),
		}
	}
	late := series("sim", time.Hour)
	late.SeriesID = 7
	s := &scene{tracked: []market.TrackedSeries{series("off", time.Hour), late}}
	s.raises(t, market.AlertSeriesStale)
	require.Equal(t, []int64{7}, s.explained)
	require.Contains(t, s.changes.Raise[0].Text.Message, "BTC.SIM: late by 1h0m0s, nothing stored: denied: your key is no good\n")
	(&scene{tracked: []market.TrackedSeries{series("off", time.Hour)}}).raises(t)
	(&scene{tracked: []market.TrackedSeries{series("sim", 14*time.Minute)}}).raises(t)
	unknown := series("sim", time.Hour)
	unknown.Calendar = "nowhere"
	other := series("sim", time.Hour)
	other.Instrument.Symbol = "ETH"
	(&scene{tracked: []market.TrackedSeries{unknown, other}}).raises(t, market.AlertSeriesStale)
}

func TestWatchHoldsAndResolves(t *testing.T) {
	t.Parallel()
	refused := market.Alert{ID: "2", Kind: market.AlertProviderRefused, Key: "sim", OccurredAt: noon().Add(-30 * time.Minute)}
	open := []market.Alert{
		{ID: "1", Kind: market.AlertBackfillFailed, Key: "b1", Subject: market.AlertSubject{BackfillID: "b1"}}, refused,
	}
	s := &scene{open: open, unsettled: []string{"b1"}}
	result, err := s.watch(t)
	require.NoError(t, err)
	require.Zero(t, result)
	require.Equal(t, []string{"b1"}, s.asked)
	require.Equal(t, refused.OccurredAt, s.since, "it has not answered since")

	s = &scene{open: open, answered: true}
	result, err = s.watch(t)
	require.NoError(t, err)
	require.Equal(t, 2, result.Resolved)
	require.Equal(t, []string{"1", "2"}, s.changes.Resolve)

	open[1].OccurredAt = noon().AddDate(0, -1, 0)
	s = &scene{open: open, unsettled: []string{"b1"}}
	_, err = s.watch(t)
	require.NoError(t, err)
	require.Equal(t, noon().Add(-time.Hour), s.since, "older answers were seen by the looks before")
}

func TestWatchLooksAfterDeliveries(t *testing.T) {
	t.Parallel()
	refs := []market.AlertRef{{AlertID: "1", Event: market.EventRaised, Webhook: "ops"}, {AlertID: "2", Event: market.EventRaised, Webhook: "ops"}}
	for state, want := range map[activities.WorkflowState]string{
		activities.WorkflowUnknown: "started", activities.WorkflowEnded: "started",
		activities.WorkflowRunning: "left", activities.WorkflowCanceled: "given up",
	} {
		s := &scene{waiting: refs, flow: state}
		result, err := s.watch(t)
		require.NoError(t, err)
		got := "left"
		if result.Started == 2 {
			got = "started"
			require.Equal(t, refs, s.started)
		}
		if len(s.givenUp) == 2 {
			got = "given up"
		} else {
			require.Equal(t, refs, s.noted, "nobody looks again for a while")
		}
		require.Equal(t, want, got, state)
	}
	s := &scene{waiting: refs, flow: activities.WorkflowUnknown, startErr: market.Errorf(market.KindUnavailable, "Temporal is away")}
	_, err := s.watch(t)
	require.ErrorContains(t, err, "Temporal is away")
	require.Equal(t, refs, s.started, "one that fails holds up no other")
	require.Empty(t, s.noted)
}
