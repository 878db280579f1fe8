package workflows

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
