package market

import "time"

// PlatformState counts what the database holds, for metrics.
type PlatformState struct {
	Chunks      ChunkCounts // of backfills
	Backfills   map[BackfillStatus]int64
	Quarantined map[Rule]int64 // rows that no later load has answered
	Budgets     []BudgetState  // by provider

	SyncFailures []SyncFailures
}

// SyncFailures counts the series of a provider and interval whose last sync failed with the kind.
type SyncFailures struct {
	Provider string
	Interval Interval
	Kind     Kind
	Series   int64
}

// BudgetState is the request budget of a provider instance.
type BudgetState struct {
	Provider          string
	RequestsPerMinute int
	WeightPerMinute   int // 0: requests are not weighted
	UsedLastMinute    int // requests granted in the last 60 seconds
	HeldFor           time.Duration
	IsPaused          bool
}
