package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBackfillSurvivesRestartsOfItsWorker: at whatever event its worker stops, the next one goes on with the backfill,
// and asks the provider for nothing that is stored.
func TestBackfillSurvivesRestartsOfItsWorker(t *testing.T) {
	t.Parallel()
	s := startWithBTC(t)
	s.fault(map[string]any{"fault": "slow", "path": "/api/v3/klines", "delay_ms": 20})
	before := s.requests()
	b := s.startBackfill(map[string]any{"instruments": []string{"BTCUSDT.SIM"}, "interval": "1m", "start": "2023-01-01", "end": "2023-05-01", "concurrency": 2})
	for done := range int64(5) {
		s.await(b.ID, func(b backfill) bool {
			return b.Progress.Chunks.Done >= done && b.Progress.Chunks.Running > 0 || isFinished(b)
		})
		s.stopWorker()
		s.startWorker()
	}
	b = s.await(b.ID, isFinished)
	require.Equal(t, "completed", b.Status)
	require.Equal(t, b.Progress.Bars.Expected, b.Progress.Bars.Inserted)
	require.Equal(t, b.Progress.Requests, int64(s.requests()-before), "no request is made twice")
	s.awaitEnd(b.WorkflowID)
}
