package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketdata/activities"
)

// ChunkResult is what a chunk did, for its parent and for people.
type ChunkResult struct {
	Bars        int64 `json:"bars"`
	Quarantined int   `json:"quarantined"`
	Inserted    int64 `json:"inserted"`
	Restated    int64 `json:"restated"`
	Unchanged   int64 `json:"unchanged"`
}

// ChunkWorkflow loads one chunk: fetch, normalize, upsert. It records its own failure or cancellation, so a chunk that
// an operator resets after its backfill ended still tells the truth.
func ChunkWorkflow(ctx workflow.Context, c activities.ChunkRef) (ChunkResult, error) {
	result, err := runChunk(ctx, c)
	if err == nil {
		return result, showStage(ctx, stageDone)
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	var a *activities.Activities
	if temporal.IsCanceledError(err) {
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%s** was canceled.", c.Label()))
		if e := workflow.ExecuteActivity(withBookkeeping(ctx, "mark canceled"), a.CancelChunk, c.ID).Get(ctx, nil); e != nil {
			return result, e
		}
		if e := showStage(ctx, stageCanceled); e != nil {
			return result, e
		}
		return result, err
	}
	kind, message := activities.Failure(err)
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%s** failed: `%s`\n\n%s\n\nWhen the cause is mended, reset this workflow to its "+
		"first workflow task, or retry the backfill: stored pages are not asked for again.", c.Label(), kind, plain(message)))
	in := activities.FailInput{ChunkID: c.ID, Kind: kind, Message: message}
	if e := workflow.ExecuteActivity(withBookkeeping(ctx, "record the failure"), a.FailChunk, in).Get(ctx, nil); e != nil {
		return result, e
	}
	if e := showStage(ctx, stageFailed); e != nil {
		return result, e
	}
	return result, temporal.NewNonRetryableApplicationError(message, string(kind), nil)
}

func runChunk(ctx workflow.Context, c activities.ChunkRef) (ChunkResult, error) {
	var a *activities.Activities
	var fetched activities.FetchResult
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%s** from %s: fetching.", c.Label(), c.Provider))
	if err := workflow.ExecuteActivity(withFetch(ctx, c), a.FetchChunk, c).Get(ctx, &fetched); err != nil {
		return ChunkResult{}, err
	}
	if err := showStage(ctx, activities.StageNormalize); err != nil {
		return ChunkResult{}, err
	}
	var normal activities.NormalizeResult
	summary := fmt.Sprintf("normalize %d rows of %d requests", fetched.Rows, fetched.Requests)
	if err := workflow.ExecuteActivity(withStorage(ctx, activities.StageNormalize, summary), a.NormalizeChunk, c).Get(ctx, &normal); err != nil {
		return ChunkResult{}, err
	}
	if err := showStage(ctx, activities.StageUpsert); err != nil {
		return ChunkResult{}, err
	}
	var done activities.UpsertResult
	summary = fmt.Sprintf("upsert %d bars (%d quarantined)", normal.Bars, normal.Quarantined)
	in := activities.UpsertInput{Chunk: c, Bars: normal.Bars}
	if err := workflow.ExecuteActivity(withStorage(ctx, activities.StageUpsert, summary), a.UpsertChunk, in).Get(ctx, &done); err != nil {
		return ChunkResult{}, err
	}
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%s** done\n\n| requests | bars | inserted | restated | unchanged | quarantined |\n"+
		"|---|---|---|---|---|---|\n| %d | %d | %d | %d | %d | %d |",
		c.Label(), fetched.Requests, normal.Bars, done.Inserted, done.Restated, done.Unchanged, normal.Quarantined))
	return ChunkResult{
		Bars: normal.Bars, Quarantined: normal.Quarantined,
		Inserted: done.Inserted, Restated: done.Restated, Unchanged: done.Unchanged,
	}, nil
}

func showStage(ctx workflow.Context, stage string) error {
	return workflow.UpsertTypedSearchAttributes(ctx, stageKey().ValueSet(stage))
}

// plain makes a text show as it is where the UI renders Markdown; names in it may have underscores.
func plain(text string) string {
	return strings.NewReplacer(`\`, `\\`, "_", `\_`, "*", `\*`, "`", "\\`", "<", `\<`, "[", `\[`).Replace(text)
}
