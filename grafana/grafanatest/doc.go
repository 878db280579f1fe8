// Package grafanatest fills a migrated database with the market that the dashboards are proven and drawn on: instruments of
// several providers, sessions, gaps of every reason, quarantined rows, restatements, withdrawn bars, backfills and budgets.
//
// Everything is computed in the database, from integers, and nothing from its clock but what panels show of this moment:
// the same call makes the same rows anywhere. All of it lies before End. For panels and variables that ask Prometheus,
// scraped.go shows its engine series that were never scraped.
package grafanatest
