package e2e_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestChangesOfAScheduleAtOnce: Temporal keeps only the latest of the changes that come at the same moment; none may be lost
// that was answered with success.
func TestChangesOfAScheduleAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.addInstrument("BTCUSDT")
	s.addSchedule("busy", map[string]any{"cron": "0 3 * * *"})
	for range 3 {
		statuses := make([]int, 3)
		var wait sync.WaitGroup
		for i, action := range []string{"trigger", "pause", "trigger"} {
			wait.Go(func() { statuses[i] = s.call(http.MethodPost, s.url+"/v1/schedules/busy/"+action, nil).status })
		}
		wait.Wait()
		require.Equal(t, []int{http.StatusOK, http.StatusOK, http.StatusOK}, statuses)
		known := s.awaitSchedule("busy", func(x schedule) bool { return x.Paused != nil }) // Temporal has answered
		require.True(t, known.isPaused())
		s.act("busy", "resume")
	}
}
