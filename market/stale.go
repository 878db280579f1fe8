package market

import "time"

const (
	minStaleAfter = 15 * time.Minute
	syncPeriods   = 3 // a series may miss so many runs of its sync
)

// StaleAfter is how late a series of the interval may be before it counts as stale, where nothing else is configured:
// three runs of its sync, and 15 minutes at least.
func StaleAfter(i Interval) time.Duration {
	return max(minStaleAfter, syncPeriods*SyncSchedule{Interval: i}.Every())
}
