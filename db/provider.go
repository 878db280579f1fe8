package db

import (
	"context"
	"time"

	"marketdata/market"
)

// stateRow is a provider's gate with what is counted elsewhere.
type stateRow struct {
	Provider     string
	Paused       bool
	PausedReason string
	NotBefore    *time.Time
	Used         int
	Waiting      int
}

// ProviderStates returns the state of each provider instance that has a budget.
func (db *DB) ProviderStates(ctx context.Context) (map[string]market.ProviderState, error) {
	used := db.bun.NewSelect().TableExpr("rate_usage AS u").ColumnExpr("coalesce(sum(u.requests), 0)").
		Where("u.provider = g.provider AND u.second > now() - interval '60 seconds' AND u.second <= now()")
	waiting := db.bun.NewSelect().TableExpr("ingest_chunk AS k").Join("JOIN series AS s ON s.id = k.series_id").ColumnExpr("count(*)").
		Where("s.provider = g.provider AND k.status IN ('pending', 'running')")
	var rows []stateRow
	err := db.bun.NewSelect().TableExpr("provider_gate AS g").ColumnExpr("g.provider, g.paused, g.paused_reason").
		ColumnExpr("CASE WHEN g.not_before > now() THEN g.not_before END AS not_before").
		ColumnExpr("(?) AS used", used).ColumnExpr("(?) AS waiting", waiting).Scan(ctx, &rows)
	if err != nil {
		return nil, dbError(err)
	}
	states := make(map[string]market.ProviderState, len(rows))
	for _, r := range rows {
		state := market.ProviderState{Paused: r.Paused, PausedReason: r.PausedReason, UsedLastMinute: r.Used, Waiting: r.Waiting}
		if r.NotBefore != nil {
			state.NotBefore = r.NotBefore.UTC()
		}
		states[r.Provider] = state
	}
	return states, nil
}

// SetProviderPaused stops or resumes all workers of a provider. Errors: not_found.
func (db *DB) SetProviderPaused(ctx context.Context, provider string, isPaused bool, reason string) error {
	if !isPaused {
		reason = ""
	}
	result, err := db.bun.NewUpdate().Table("provider_gate").Set("paused = ?, paused_reason = ?", isPaused, reason).
		Where("provider = ?", provider).Exec(ctx)
	if err != nil {
		return dbError(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return market.Errorf(market.KindNotFound, "provider %s has no request budget: has a worker run with it?", provider)
	}
	return nil
}
