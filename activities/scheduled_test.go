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
	"marketdata/planning"
)

// desk is the database of scheduled backfills in memory: instruments at provider fake, all 24x7.
type desk struct {
	schedule *market.Schedule
	listed   map[string]time.Time // by symbol; a symbol that is not in it is not known
	stored   map[string]market.Backfill
	created  []market.BackfillRequest
	fails    error // what CreateBackfill answers
	lists    error // what FindListing answers
}

func (d *desk) Schedule(context.Context, string) (market.Schedule, error) {
	if d.schedule == nil {
		return market.Schedule{}, market.Errorf(market.KindNotFound, "there is no such schedule")
	}
	return *d.schedule, nil
}

func (d *desk) Backfill(_ context.Context, id string) (market.Backfill, error) {
	if b, isStored := d.stored[id]; isStored {
		return b, nil
	}
	return market.Backfill{}, market.Errorf(market.KindNotFound, "there is no such backfill")
}

func (d *desk) CreateBackfill(_ context.Context, r market.BackfillRequest) (market.Backfill, bool, error) {
	if d.fails != nil {
		return market.Backfill{}, false, d.fails
	}
	d.created = append(d.created, r)
	b := market.Backfill{ID: r.ID, Interval: r.Interval, Range: r.Range, Chunks: market.ChunkCounts{Total: int64(len(r.Series))}}
	b.Series = make([]market.BackfillSeries, len(r.Series))
	d.stored[r.ID] = b
	return b, false, nil
}

func (d *desk) Instrument(_ context.Context, id market.InstrumentID) (market.Instrument, error) {
	if _, isKnown := d.listed[id.Symbol]; !isKnown {
		return market.Instrument{}, market.Errorf(market.KindNotFound, "unknown")
	}
	return market.Instrument{ID: id, Calendar: "24x7", Providers: []market.ProviderSymbol{{Name: "fake", Symbol: id.Symbol}}}, nil
}

func (d *desk) Series(_ context.Context, id market.InstrumentID, i market.Interval, p string, _ market.Range) (market.Series, error) {
	s := market.Series{Instrument: id, Calendar: "24x7", Provider: p, Interval: i}
	if at := d.listed[id.Symbol]; !at.IsZero() {
		s.ListedAt = &at
	}
	return s, nil
}

func (d *desk) FindListing(context.Context, market.InstrumentID, market.ProviderSymbol) error {
	return d.lists
}

// plan runs the activity at 2024-03-01T03:00:07Z.
func (d *desk) plan(t *testing.T) (activities.ScheduledBackfill, error) {
	t.Helper()
	now := time.Date(2024, 3, 1, 3, 0, 7, 0, time.UTC)
	d.stored = map[string]market.Backfill{}
	a := &activities.Activities{Scheduled: d, Planner: &planning.Planner{
		Store: d, Listings: d, Now: func() time.Time { return now },
		Providers: []market.ProviderInstance{{Name: "fake", Enabled: true, Capabilities: market.Capabilities{
			Intervals: []market.Interval{market.Interval1h}, PriceBasis: market.AdjustmentRaw,
		}}},
		OnNoListing: func(context.Context, planning.Target, error) {},
	}}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(t.Output(), nil))))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(a.PlanScheduledBackfill)
	var planned activities.ScheduledBackfill
	for range 2 { // an attempt whose answer was lost
		value, err := env.ExecuteActivity(a.PlanScheduledBackfill, activities.ScheduledInput{ScheduleID: "nightly", RunAt: now})
		if err != nil {
			return planned, err
		}
		require.NoError(t, value.Get(&planned))
	}
	return planned, nil
}

func nightly(t *testing.T, instruments ...string) *market.Schedule {
	t.Helper()
	s, faults := market.ParseSchedule(market.ScheduleText{ID: "nightly", Instruments: instruments, Interval: "1h", Every: "1d", Range: "2d", MaxFailed: 3})
	require.Empty(t, faults)
	return &s
}

func TestPlanScheduledBackfill(t *testing.T) {
	t.Parallel()
	d := &desk{schedule: nightly(t, "OLD.X", "NEW.X", "FUTURE.X"), listed: map[string]time.Time{
		"OLD": {}, "NEW": time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC), "FUTURE": time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
	}}
	planned, err := d.plan(t)
	require.NoError(t, err)
	require.Len(t, d.created, 1, "once, whatever the attempts")
	r := d.created[0]
	require.Equal(t, r.ID, planned.JobID)
	require.EqualValues(t, 2, planned.Chunks)
	require.Equal(t, "nightly", r.ScheduleID)
	require.Equal(t, 3, r.MaxFailed)
	require.Equal(t, "[2024-02-28T03:00:00Z, 2024-03-01T04:00:00Z)", r.Range.String())
	require.Len(t, r.Series, 2, "what is not listed yet is left out")
	require.Equal(t, "[2024-02-28T03:00:00Z, 2024-03-01T03:00:00Z)", r.Series[0].Range.String(), "to the last closed bar")
	require.Equal(t, "[2024-02-29T12:00:00Z, 2024-03-01T03:00:00Z)", r.Series[1].Range.String())
}

func TestPlanScheduledBackfillWithNothingToDo(t *testing.T) {
	t.Parallel()
	future := map[string]time.Time{"A": time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)}
	for name, c := range map[string]struct {
		desk *desk
		says string
	}{
		"deleted":    {&desk{}, "the schedule was deleted"},
		"not listed": {&desk{schedule: nightly(t, "A.X"), listed: future}, "before the listing"},
		"conflict": {
			&desk{schedule: nightly(t, "A.X"), listed: map[string]time.Time{"A": {}}, fails: &market.ConflictError{BackfillID: "b-1"}},
			"backfill b-1 loads the same range",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			planned, err := c.desk.plan(t)
			require.NoError(t, err)
			require.Zero(t, planned.Chunks)
			require.Empty(t, planned.JobID)
			require.Contains(t, planned.Message, c.says)
		})
	}
}

func TestPlanScheduledBackfillFails(t *testing.T) {
	t.Parallel()
	known := map[string]time.Time{"A": {}}
	for name, c := range map[string]struct {
		desk *desk
		kind market.Kind
	}{
		"unknown instrument": {&desk{schedule: nightly(t, "A.X", "B.X"), listed: known}, market.KindNotFound},
		"unknown symbol":     {&desk{schedule: nightly(t, "A.X"), listed: known, lists: market.Errorf(market.KindNotFound, "no")}, market.KindInvalid},
		"no database":        {&desk{schedule: nightly(t, "A.X"), listed: known, fails: market.Errorf(market.KindUnavailable, "away")}, market.KindUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.desk.plan(t)
			kind, _ := activities.Failure(err)
			require.Equal(t, c.kind, kind)
			require.Empty(t, c.desk.created)
		})
	}
}
