package activities

import (
	"context"
	"errors"

	"marketdata/market"
)

// alignQueues makes the dispatch of the providers' queues what the database says of each provider: Temporal may have been
// away when one was paused or resumed, or may have forgotten. Only a resume needs this; a pause holds without it.
func (a *Activities) alignQueues(ctx context.Context) error {
	states, err := a.Housekeeping.ProviderStates(ctx)
	if err != nil {
		return err
	}
	var failed error
	for name, state := range states {
		if err := a.Workflows.PauseProvider(ctx, name, state.Paused, state.PausedReason); err != nil {
			failed = errors.Join(failed, market.Errorf(market.KindOf(err), "queues of provider %s: %w", name, err))
		}
	}
	return failed
}
