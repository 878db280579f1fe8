// Package activities holds the steps a workflow orders: plan, fetch, normalize, upsert, and their bookkeeping. It is
// where providers and the database meet; it knows neither HTTP nor SQL.
//
// Only references and counts pass through Temporal: bars and raw pages go by way of the database.
//
//   - fetch.go asks the provider page by page and stores every answer as it came; stretch.go decides what to ask next.
//   - normalize.go turns stored pages into validated rows.
//   - upsert.go merges them into the bars, in one transaction.
//   - job.go plans and closes backfills, listing.go finds since when a provider has bars.
//   - sync_plan.go decides what keeps tracked series fresh; sync_batch.go runs the same steps for many series at once.
//   - sweep.go mends backfills whose workflow was ended from outside; maintenance.go is the daily housekeeping.
//   - error.go is the one place where errors become Temporal failures.
//
// Every activity is idempotent and fenced: a late attempt whose successor already works is refused by the database.
package activities
