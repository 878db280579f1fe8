package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/alerts"
	"marketdata/market"
)

// TestReceiverMayAskForALongWait: its word counts with Temporal's server beyond the longest wait of the retry policy.
func TestReceiverMayAskForALongWait(t *testing.T) {
	t.Parallel()
	r := newHookReceiver(t, answerWith(http.StatusTooManyRequests, "Retry-After", "1800"))
	s := start(t, options{webhooks: []alerts.Webhook{r.hook("ops", alerts.FormatJSON)}})
	s.setPaused(true, "maintenance")
	require.Equal(t, 1, s.watch().Raised)
	found, err := s.db.Alerts(t.Context(), market.AlertQuery{Limit: 1})
	require.NoError(t, err)
	id := found[0].Deliveries[0].WorkflowID()
	require.Eventually(t, func() bool {
		described, err := s.temporal.DescribeWorkflowExecution(t.Context(), id, "")
		require.NoError(t, err)
		pending := described.GetPendingActivities()
		if len(pending) == 0 || pending[0].GetLastFailure() == nil {
			return false
		}
		wait := pending[0].GetNextAttemptScheduleTime().AsTime().Sub(pending[0].GetLastAttemptCompleteTime().AsTime())
		require.InDelta(t, 1800, wait.Seconds(), 1)
		return true
	}, patience, 100*time.Millisecond)
}
