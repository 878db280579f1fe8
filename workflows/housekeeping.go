package workflows

import (
	"go.temporal.io/sdk/workflow"

	"marketdata/activities"
)

// ListingWorkflow asks a provider since when it has bars of an instrument, while somebody waits for the answer.
func ListingWorkflow(ctx workflow.Context, in activities.ListingInput) error {
	var a *activities.Activities
	summary := "listing of " + in.Instrument + " at " + in.Provider
	return workflow.ExecuteActivity(withListing(ctx, in.Provider, summary), a.FindListing, in).Get(ctx, nil)
}

// SweepWorkflow mends backfills whose workflow was ended from outside; a schedule starts it each minute.
func SweepWorkflow(ctx workflow.Context) (activities.SweepResult, error) {
	var a *activities.Activities
	var result activities.SweepResult
	err := workflow.ExecuteActivity(withHousekeeping(ctx, "look at unfinished backfills"), a.SweepJobs).Get(ctx, &result)
	return result, err
}

// MaintenanceWorkflow is the daily housekeeping of the storage.
func MaintenanceWorkflow(ctx workflow.Context) error {
	var a *activities.Activities
	return workflow.ExecuteActivity(withHousekeeping(ctx, "partitions and retention"), a.Maintain).Get(ctx, nil)
}
