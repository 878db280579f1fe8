package e2e_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	sdktemporal "go.temporal.io/sdk/temporal"

	"marketdata/activities"
	"marketdata/market"
	"marketdata/workflows"
)

// track adds an instrument of venue SIM whose intervals are kept in sync.
func (s *stack) track(l listed, intervals ...string) {
	s.t.Helper()
	got := s.call(http.MethodPost, s.url+"/v1/instruments?skip_listing=true", map[string]any{
		"symbol": l.symbol, "venue": market.VenueSimulated, "asset_class": l.class, "currency": "USD", "calendar": l.calendar,
		"providers": []any{map[string]string{"name": simPrefix + l.adapter, "symbol": l.code}}, "intervals": intervals,
	})
	require.Equal(s.t, http.StatusCreated, got.status, string(got.body))
}

// sync runs one sync as its schedule would and returns what it came to.
func (s *stack) sync(adapter, interval string) (activities.SyncOutcome, error) {
	s.t.Helper()
	run, err := s.temporal.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{
		ID: fmt.Sprintf("sync/%s%s/%s-%d", simPrefix, adapter, interval, time.Now().UnixNano()), TaskQueue: workflows.QueueMain,
	}, workflows.NameSync, activities.SyncInput{Provider: simPrefix + adapter, Interval: market.Interval(interval)})
	require.NoError(s.t, err)
	var outcome activities.SyncOutcome
	return outcome, run.Get(s.t.Context(), &outcome)
}

func TestSyncFollowsTheMarket(t *testing.T) {
	t.Parallel()
	awayFrom(t, 24*time.Hour)
	s := start(t, options{})
	s.track(listed{"BTCUSDT", "crypto", "24x7", "binance", "BTCUSDT"}, "1m", "1d")
	now := time.Now().UTC()
	behind := now.Add(-36 * time.Hour).Truncate(time.Minute)
	b := s.run(map[string]any{
		"instruments": []string{"BTCUSDT.SIM"}, "interval": "1m", "start": market.FormatTime(behind.Add(-time.Hour)), "end": market.FormatTime(behind),
	})
	require.Equal(t, "completed", b.Status)

	outcome, err := s.sync("binance", "1m")
	require.NoError(t, err)
	require.Equal(t, int64(1), outcome.Chunks.Done)
	require.GreaterOrEqual(t, outcome.Bars.Inserted, int64(36*60-1), "it catches up from where the bars end")
	require.LessOrEqual(t, outcome.Bars.Inserted, int64(36*60+2+time.Since(now)/time.Minute))
	settled := now.Add(-5 * time.Second).Truncate(time.Minute) // what ended later may be the next run's
	p := s.page("BTCUSDT.SIM/bars?interval=1m&limit=10000&start=" + market.FormatTime(behind.Add(-time.Hour)) + "&end=" + market.FormatTime(settled))
	require.True(t, p.Meta.Complete, "%+v", p.Meta.Missing)
	require.Equal(t, settled.Add(-time.Minute), p.Data[len(p.Data)-1].TS)

	before := s.requests()
	outcome, err = s.sync("binance", "1m")
	require.NoError(t, err)
	require.LessOrEqual(t, outcome.Chunks.Total, int64(1))
	require.LessOrEqual(t, s.requests()-before, 2)

	outcome, err = s.sync("binance", "1d")
	require.NoError(t, err)
	require.Equal(t, int64(3), outcome.Bars.Inserted, "a series without bars begins with its last ones")
	outcome, err = s.sync("binance", "1d")
	require.NoError(t, err)
	require.Zero(t, outcome.Chunks.Total, "no day has closed since")

	listed := s.call(http.MethodGet, s.url+"/v1/backfills", nil)
	require.NotContains(t, string(listed.body), "sync/")
}

func TestSyncHealsWhatItsLastRunCouldNotLoad(t *testing.T) {
	t.Parallel()
	awayFrom(t, time.Hour)
	s := start(t, options{})
	s.track(listed{"BTCUSDT", "crypto", "24x7", "binance", "BTCUSDT"}, "1h")
	s.track(listed{"ETHUSDT", "crypto", "24x7", "binance", "ETHUSDT"}, "1h")
	s.fault(map[string]any{"fault": "unauthorized", "symbol": "ETHUSDT"})
	_, err := s.sync("binance", "1h")
	var failure *sdktemporal.ApplicationError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, workflows.FailurePartialSync, failure.Type())
	require.Contains(t, failure.Message(), "1 of 2 series failed, the next run tries again; the first: ETHUSDT.SIM: denied")
	day := time.Now().UTC().Truncate(24 * time.Hour).Add(-24 * time.Hour)
	query := ".SIM/bars?interval=1h&start=" + market.FormatTime(day)
	require.NotEmpty(t, s.page("BTCUSDT"+query).Data)
	require.Empty(t, s.page("ETHUSDT"+query).Data)

	s.healSimulator()
	outcome, err := s.sync("binance", "1h")
	require.NoError(t, err)
	require.Zero(t, outcome.Chunks.Total, "a refused series is left alone for a minute")
	s.offset.Store(int64(2 * time.Minute))
	_, err = s.sync("binance", "1h")
	require.NoError(t, err)
	require.NotEmpty(t, s.page("ETHUSDT"+query).Data)
}

func TestTerminatedSyncIsClosedByTheNextRun(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.track(listed{"BTCUSDT", "crypto", "24x7", "binance", "BTCUSDT"}, "1h")
	s.fault(map[string]any{"fault": "slow", "delay_ms": 10000})
	run, err := s.temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "sync/terminated", TaskQueue: workflows.QueueMain},
		workflows.NameSync, activities.SyncInput{Provider: providerName, Interval: "1h"})
	require.NoError(t, err)
	running := func() (n int) {
		require.NoError(t, s.db.Pool.QueryRow(t.Context(), "SELECT count(*) FROM ingest_chunk WHERE status = 'running'").Scan(&n))
		return n
	}
	require.Eventually(t, func() bool { return running() == 1 }, patience, 50*time.Millisecond)
	require.NoError(t, s.temporal.TerminateWorkflow(t.Context(), "sync/terminated", run.GetRunID(), "operator"))
	s.healSimulator()
	_, err = s.sync("binance", "1h")
	require.NoError(t, err)
	require.Zero(t, running(), "nothing stays running")
	p := s.page("BTCUSDT.SIM/bars?interval=1h&start=" + market.FormatTime(time.Now().UTC().Truncate(24*time.Hour).Add(-2*time.Hour)))
	require.NotEmpty(t, p.Data)
	described, err := s.temporal.DescribeWorkflowExecution(t.Context(), "sync/terminated/1", "")
	require.NoError(t, err)
	require.NotEqual(t, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, described.GetWorkflowExecutionInfo().GetStatus())
}

// TestDeepBackfillDoesNotDelayASync uses up the budget with history and asks for today's bars.
func TestDeepBackfillDoesNotDelayASync(t *testing.T) {
	t.Parallel()
	s := start(t, options{requestsPerMinute: 300})
	s.track(listed{"BTCUSDT", "crypto", "24x7", "binance", "BTCUSDT"})
	for _, symbol := range []string{"ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT"} {
		s.track(listed{symbol, "crypto", "24x7", "binance", symbol}, "1h")
	}
	deep := s.startBackfill(map[string]any{"instruments": []string{"BTCUSDT.SIM"}, "interval": "1m", "start": "2018-01-01", "end": "2024-01-01", "concurrency": 16})
	s.await(deep.ID, func(b backfill) bool { return b.Progress.Requests > 10 })
	outcome, err := s.sync("binance", "1h")
	require.NoError(t, err)
	require.Equal(t, int64(4), outcome.Chunks.Done)
	require.Equal(t, "running", s.backfill(deep.ID).Status)
	require.Equal(t, http.StatusOK, s.call(http.MethodPost, s.url+"/v1/backfills/"+deep.ID+"/cancel", nil).status)
	s.await(deep.ID, isFinished)
}
