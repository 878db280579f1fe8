package workflows

import (
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"marketdata/activities"
)

// The query and the Updates of BackfillWorkflow.
const (
	QueryProgress     = "progress"
	UpdatePause       = "pause"           // argument: the reason, required
	UpdateResume      = "resume"          // no argument
	UpdateConcurrency = "set_concurrency" // argument: 1 to 64 chunks in flight per provider
)

// handleUpdates registers the Updates. Each is in the database before its caller hears of success.
func (b *backfill) handleUpdates(ctx workflow.Context) error {
	pause := workflow.UpdateHandlerOptions{
		Description: "Hand out no new chunks; those in flight finish. Takes the reason.",
		Validator: func(_ workflow.Context, reason string) error {
			if strings.TrimSpace(reason) == "" {
				return errors.New("a reason is required")
			}
			return nil
		},
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, UpdatePause, b.pause, pause); err != nil {
		return err
	}
	resume := workflow.UpdateHandlerOptions{
		Description: "Go on after a pause.",
		Validator: func(workflow.Context) error {
			if b.progress.PauseReason == "" {
				return errors.New("the backfill is not paused")
			}
			return nil
		},
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, UpdateResume, b.resume, resume); err != nil {
		return err
	}
	concurrency := workflow.UpdateHandlerOptions{
		Description: "Set how many chunks per provider are in flight, 1 to 64.",
		Validator: func(_ workflow.Context, n int) error {
			if n < 1 || n > maxConcurrency {
				return fmt.Errorf("concurrency %d is not within 1 and %d", n, maxConcurrency)
			}
			return nil
		},
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateConcurrency, b.setConcurrency, concurrency)
}

func (b *backfill) pause(ctx workflow.Context, reason string) (Progress, error) {
	return b.changePause(ctx, "store the pause", reason)
}

func (b *backfill) resume(ctx workflow.Context) (Progress, error) {
	return b.changePause(ctx, "store the resume", "")
}

func (b *backfill) changePause(ctx workflow.Context, summary, reason string) (Progress, error) {
	b.progress.PauseReason = reason
	b.changes++
	var a *activities.Activities
	in := activities.PauseInput{JobID: b.in.JobID, Reason: reason}
	if err := workflow.ExecuteActivity(withBookkeeping(ctx, summary), a.SetJobPaused, in).Get(ctx, nil); err != nil {
		return b.progress, err
	}
	b.showDetails(ctx)
	return b.progress, nil
}

func (b *backfill) setConcurrency(ctx workflow.Context, n int) (Progress, error) {
	b.progress.Concurrency = n
	b.changes++
	var a *activities.Activities
	in := activities.ConcurrencyInput{JobID: b.in.JobID, Concurrency: n}
	if err := workflow.ExecuteActivity(withBookkeeping(ctx, "store the window"), a.SetJobConcurrency, in).Get(ctx, nil); err != nil {
		return b.progress, err
	}
	b.showDetails(ctx)
	return b.progress, nil
}
