package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// day asks for one day of one-minute bars of the synthetic market.
func day(policy string) map[string]any {
	return map[string]any{"instruments": []string{"BTCUSDT.SIM"}, "interval": "1m", "start": "2024-01-01", "end": "2024-01-02", "policy": policy}
}

const (
	dayBars  = 1440
	dayQuery = "BTCUSDT.SIM/bars?interval=1m&start=2024-01-01&end=2024-01-02&limit=10000"
)

func startWithBTC(t *testing.T) *stack {
	t.Helper()
	s := start(t, options{})
	s.addInstrument("BTCUSDT")
	return s
}

func TestFailedChunkSaysWhyAndIsRetriedAlone(t *testing.T) {
	t.Parallel()
	s := startWithBTC(t)
	s.fault(map[string]any{"fault": "restricted"})
	b := s.run(day("missing"))
	require.Equal(t, "failed", b.Status)
	require.Len(t, b.Failures, 1)
	require.Equal(t, "denied", b.Failures[0].Kind)
	require.Contains(t, b.Failures[0].Message, "restricted")
	p := s.page(dayQuery)
	require.False(t, p.Meta.Complete)
	require.Len(t, p.Meta.Missing, 1)
	require.Equal(t, "failed", p.Meta.Missing[0].Reason)

	s.healSimulator()
	s.retry(b)
	b = s.await(b.ID, isFinished)
	require.Equal(t, "completed", b.Status, "%+v", b)
	require.Equal(t, int64(dayBars), b.Progress.Bars.Inserted)
	p = s.page(dayQuery)
	require.True(t, p.Meta.Complete)
	require.Equal(t, dayBars, p.Meta.Returned)
	require.Equal(t, http.StatusConflict, s.call(http.MethodPost, s.url+"/v1/backfills/"+b.ID+"/retry", nil).status)
}

// TestHostileAnswersLoseNoGoodRow asks each provider for one day after the other, each time with another misbehaviour.
func TestHostileAnswersLoseNoGoodRow(t *testing.T) {
	t.Parallel()
	for _, l := range []listed{
		{"BTCUSDT", "crypto", "24x7", "binance", "BTCUSDT"},
		{"BTC-USD", "crypto", "24x7", "coinbase", "BTC-USD"},
		{"AAPL", "equity", "XNAS", "yahoo", "AAPL"},
	} {
		t.Run(l.adapter, func(t *testing.T) {
			t.Parallel()
			s := start(t, options{})
			s.add(l)
			day := time.Date(2024, 1, 8, 0, 0, 0, 0, time.UTC)
			for _, rule := range hostilities() {
				for len(s.truth(l.code, "1d", day.Format(time.DateOnly), day.AddDate(0, 0, 1).Format(time.DateOnly))) == 0 {
					day = day.AddDate(0, 0, 1) // to a session
				}
				first, last := day.Format(time.DateOnly), day.AddDate(0, 0, 1).Format(time.DateOnly)
				s.fault(rule)
				b := s.run(map[string]any{"instruments": []string{l.symbol + ".SIM"}, "interval": "1m", "start": first, "end": last})
				s.healSimulator()
				require.Equal(t, "completed", b.Status, "%v %+v", rule, b)
				p := s.page(l.symbol + ".SIM/bars?interval=1m&limit=10000&start=" + first + "&end=" + last)
				require.Equal(t, s.truth(l.code, "1m", first, last), p.Data, "%v", rule)
				require.True(t, p.Meta.Complete, "%v", rule)
				day = day.AddDate(0, 0, 1)
			}
		})
	}
}

// hostilities are rules that must cost no bar.
func hostilities() []map[string]any {
	return []map[string]any{
		{"fault": "rate_limit", "count": 1, "retry_after_seconds": 1},
		{"fault": "ban", "count": 1, "retry_after_seconds": 1},
		{"fault": "truncate", "count": 1, "rows": 0}, // an empty answer that heals
		{"fault": "server_error", "count": 2},
		{"fault": "cut", "count": 1},
		{"fault": "html", "count": 1},
		{"fault": "unsorted"},
		{"fault": "duplicates"},
		{"fault": "out_of_window"},
		{"fault": "truncate", "count": 2, "rows": 200}, // without a word
	}
}

func TestLastingGarbageFailsAsMalformed(t *testing.T) {
	t.Parallel()
	s := startWithBTC(t)
	s.fault(map[string]any{"fault": "html", "path": "/api/v3/klines"})
	b := s.run(day("missing"))
	require.Equal(t, "failed", b.Status)
	require.Equal(t, "malformed", b.Failures[0].Kind)
	var kept int
	require.NoError(t, s.db.Pool.QueryRow(t.Context(), "SELECT count(*) FROM raw_page WHERE NOT is_ok AND body IS NOT NULL").Scan(&kept))
	require.Equal(t, 3, kept, "the evidence")
}

func TestBadRowsAreQuarantinedWithTheirReason(t *testing.T) {
	t.Parallel()
	s := startWithBTC(t)
	s.fault(map[string]any{"fault": "malformed_rows", "path": "/api/v3/klines", "count": 1, "rows": 5})
	b := s.run(day("missing"))
	require.Equal(t, "completed_with_gaps", b.Status, "%+v", b)
	require.Equal(t, int64(5), b.Progress.Bars.Quarantined)
	require.Equal(t, int64(dayBars-5), b.Progress.Bars.Inserted)
	p := s.page(dayQuery)
	require.Equal(t, dayBars-5, p.Meta.Returned)
	require.False(t, p.Meta.Complete)
	quarantined := time.Duration(0)
	for _, h := range p.Meta.Missing {
		require.Equal(t, "quarantined", h.Reason)
		quarantined += h.End.Sub(h.Start)
	}
	require.Equal(t, 5*time.Minute, quarantined)
	s.healSimulator()
	b = s.run(day("all"))
	require.Equal(t, "completed", b.Status)
	require.Equal(t, int64(5), b.Progress.Bars.Inserted)
	require.Equal(t, int64(dayBars-5), b.Progress.Bars.Unchanged)
	require.True(t, s.page(dayQuery).Meta.Complete)
}

func TestRestatedBarsKeepTheirFormerValues(t *testing.T) {
	t.Parallel()
	s := startWithBTC(t)
	require.Equal(t, "completed", s.run(day("missing")).Status)
	before := s.page(dayQuery)
	s.fault(map[string]any{"fault": "revise", "factor": 2, "start": "2024-01-01T10:00:00Z", "end": "2024-01-01T10:10:00Z"})
	b := s.run(day("all"))
	require.Equal(t, "completed", b.Status)
	require.Equal(t, int64(10), b.Progress.Bars.Restated)
	require.Equal(t, int64(dayBars-10), b.Progress.Bars.Unchanged)
	after := s.page(dayQuery)
	require.NotEqual(t, before.Data[600].Close, after.Data[600].Close)
	require.Equal(t, before.Data[599].Close, after.Data[599].Close)
	var former string
	require.NoError(t, s.db.Pool.QueryRow(t.Context(), "SELECT close::text FROM bar_revision WHERE ts = '2024-01-01T10:00:00Z'").Scan(&former))
	require.Equal(t, before.Data[600].Close.String(), former)
}

func TestPauseResumeConcurrencyCancel(t *testing.T) {
	t.Parallel()
	s := startWithBTC(t)
	s.fault(map[string]any{"fault": "slow", "path": "/api/v3/klines", "delay_ms": 150})
	b := s.startBackfill(map[string]any{"instruments": []string{"BTCUSDT.SIM"}, "interval": "1m", "start": "2022-01-01", "end": "2022-05-01", "concurrency": 1})
	s.await(b.ID, func(b backfill) bool { return b.Progress.Chunks.Running > 0 })
	do := func(action string, body any, want int) {
		t.Helper()
		got := s.call(http.MethodPost, s.url+"/v1/backfills/"+b.ID+"/"+action, body)
		require.Equal(t, want, got.status, "%s: %s", action, got.body)
	}
	do("resume", nil, http.StatusConflict)
	do("pause", map[string]string{"reason": "exchange maintenance"}, http.StatusOK)
	paused := s.backfill(b.ID)
	require.Equal(t, "paused", paused.Status)
	require.Equal(t, "exchange maintenance", paused.PausedReason)
	do("concurrency", map[string]int{"concurrency": 99}, http.StatusUnprocessableEntity)
	do("concurrency", map[string]int{"concurrency": 3}, http.StatusOK)
	do("resume", nil, http.StatusOK)
	s.await(b.ID, func(b backfill) bool { return b.Progress.Chunks.Running == 3 })
	do("cancel", nil, http.StatusOK)
	ended := s.await(b.ID, isFinished)
	require.Equal(t, "canceled", ended.Status)
	require.Equal(t, ended.Progress.Chunks.Total, ended.Progress.Chunks.Canceled+ended.Progress.Chunks.Done)
	do("cancel", nil, http.StatusConflict)

	s.healSimulator()
	s.retry(b)
	require.Equal(t, "completed", s.await(b.ID, isFinished).Status)
}

func TestTwoOverlappingBackfillsFetchNothingTwice(t *testing.T) {
	t.Parallel()
	s := startWithBTC(t)
	first := map[string]any{"instruments": []string{"BTCUSDT.SIM"}, "interval": "1m", "start": "2024-01-01", "end": "2024-02-01"}
	second := map[string]any{"instruments": []string{"BTCUSDT.SIM"}, "interval": "1m", "start": "2024-01-10", "end": "2024-02-01"}
	a, b := s.startBackfill(first), s.startBackfill(second)
	got := s.call(http.MethodPost, s.url+"/v1/backfills", first)
	if got.status != http.StatusAccepted { // else the first was quicker than we
		require.Equal(t, http.StatusConflict, got.status)
		require.Contains(t, string(got.body), a.ID)
	}
	require.Equal(t, "completed", s.await(a.ID, isFinished).Status)
	require.Equal(t, "completed", s.await(b.ID, isFinished).Status)
	rows := a.Progress.Bars.Expected
	require.Equal(t, rows, s.backfill(a.ID).Progress.Bars.Inserted+s.backfill(b.ID).Progress.Bars.Inserted)
	require.Zero(t, s.backfill(a.ID).Progress.Bars.Unchanged+s.backfill(b.ID).Progress.Bars.Unchanged)
}
