package db

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// ProviderStates returns the state of each provider instance that has a budget.
func (db *DB) ProviderStates(ctx context.Context) (map[string]market.ProviderState, error) {
	const query = `
		SELECT g.provider, g.paused, g.paused_reason, CASE WHEN g.not_before > now() THEN g.not_before END,
			(SELECT coalesce(sum(u.requests), 0) FROM rate_usage u WHERE u.provider = g.provider AND u.second > now() - interval '60 seconds'),
			(SELECT count(*) FROM ingest_chunk k JOIN series s ON s.id = k.series_id WHERE s.provider = g.provider AND k.status IN ('pending', 'running'))
		FROM provider_gate g`
	rows, err := db.Pool.Query(ctx, query)
	if err != nil {
		return nil, dbError(err)
	}
	states := map[string]market.ProviderState{}
	var name string
	var state market.ProviderState
	var notBefore *time.Time
	_, err = pgx.ForEachRow(rows, []any{&name, &state.Paused, &state.PausedReason, &notBefore, &state.UsedLastMinute, &state.Waiting}, func() error {
		state.NotBefore = time.Time{}
		if notBefore != nil {
			state.NotBefore = notBefore.UTC()
		}
		states[name] = state
		return nil
	})
	return states, dbError(err)
}

// SetProviderPaused stops or resumes all workers of a provider. Errors: not_found.
func (db *DB) SetProviderPaused(ctx context.Context, provider string, isPaused bool, reason string) error {
	if !isPaused {
		reason = ""
	}
	tag, err := db.Pool.Exec(ctx, "UPDATE provider_gate SET paused = $2, paused_reason = $3 WHERE provider = $1", provider, isPaused, reason)
	if err == nil && tag.RowsAffected() == 0 {
		return market.Errorf(market.KindNotFound, "provider %s has no request budget: has a worker run with it?", provider)
	}
	return dbError(err)
}
