package activities

import "context"

// sweepSyncs closes syncs whose workflow ended before it could; the next run of their schedule goes on.
func (a *Activities) sweepSyncs(ctx context.Context, result *SweepResult) error {
	open, err := a.Syncs.OpenSyncs(ctx, "", "", a.Now().Add(-sweepGrace))
	if err != nil {
		return err
	}
	for _, s := range open {
		result.Looked++
		state, err := a.Workflows.WorkflowState(ctx, s.WorkflowID)
		if err != nil {
			return err
		}
		if state.isOpen() {
			continue
		}
		result.Closed++
		if _, err := a.Syncs.CloseSync(ctx, s.ID, endedEarly); err != nil {
			return err
		}
	}
	return nil
}
