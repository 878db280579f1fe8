package market

import "time"

// PlatformState counts what the database holds, for metrics.
type PlatformState struct {
	Chunks      ChunkCounts
	Backfills   map[BackfillStatus]int64
	Quarantined map[Rule]int64 // rows that no later load has answered
	Budgets     []BudgetState  // by provider
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
