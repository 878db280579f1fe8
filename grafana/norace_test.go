//go:build !race

package grafana_test

// isRace says that the race detector runs, which sees nothing of the database and makes everything slower.
const isRace = false
