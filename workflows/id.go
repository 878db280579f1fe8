package workflows

import "marketdata/market"

// ListingWorkflowID is the workflow id of a question for a listing; two askers share one run.
func ListingWorkflowID(provider, instrument string) string {
	return "listing/" + provider + "/" + instrument
}

// The ids of the housekeeping schedules and of the runs they start.
const (
	ScheduleSweep       = "maintenance-sweep"
	ScheduleMaintenance = "maintenance-daily"
	ScheduleWatch       = "maintenance-watch"
	idSweep             = "maintenance/sweep"
	idMaintenance       = "maintenance/daily"
	idWatch             = "maintenance/watch"
)

// The beginnings of the ids of schedules in Temporal, and of the runs they start.
const (
	temporalSync     = "sync/"
	temporalSchedule = "schedule/"
)

// TemporalScheduleID is the id in Temporal of a schedule of the API: sync/binance/1m of sync-binance-1m, schedule/nightly of
// nightly.
func TemporalScheduleID(id string) string {
	if s, isSync := market.ParseSyncScheduleID(id); isSync {
		return temporalSync + s.Provider + "/" + string(s.Interval)
	}
	return temporalSchedule + id
}
