package activities

import (
	"context"
	"errors"
	"time"

	"marketdata/market"
	"marketdata/market/calendar"
	"marketdata/providers"
)

const (
	saveTimeout = 10 * time.Second

	// maxUnreadable is how many unreadable answers a chunk's fetch takes before it fails as malformed.
	maxUnreadable = 3
	unreadableGap = 2 * time.Second
)

// FetchChunk asks the provider for what the chunk still lacks, page by page, and commits every page as it came. A new
// attempt goes on after the last stored page. Errors: every kind a Provider returns; malformed only after several
// unreadable answers, which are kept.
func (a *Activities) FetchChunk(ctx context.Context, ref ChunkRef) (FetchResult, error) {
	progress := progressBefore(ctx)
	result, err := a.fetchChunk(ctx, ref, &progress)
	err = progress.paced(ctx, err)
	return result, failureAfter(ctx, progress.Failures, err)
}

// fetchChunk notes in progress what it stores.
func (a *Activities) fetchChunk(ctx context.Context, ref ChunkRef, progress *fetchProgress) (FetchResult, error) {
	var result FetchResult
	provider, err := a.Providers.Provider(ref.Provider)
	if err != nil {
		return result, err
	}
	attempt := attemptOf(ctx, ref.ID)
	claim, err := a.Chunks.ClaimChunk(ctx, attempt, StageFetch)
	if err != nil || claim.IsDone {
		return result, err
	}
	grid, err := calendar.GridOf(claim.Chunk.Interval, claim.Chunk.Calendar)
	if err != nil {
		return result, err
	}
	f := fetch{Activities: a, provider: provider, attempt: attempt, claim: claim, progress: progress}
	f.route = newItinerary(grid, provider.Capabilities(), claim.Todo)
	if err := f.resume(ctx); err != nil {
		return f.result, err
	}
	for {
		request, isMore := f.route.next(claim.Chunk.ProviderSymbol)
		if !isMore {
			return f.result, nil
		}
		if isStopping(ctx) {
			return f.result, errStopping
		}
		if err := f.page(ctx, request); err != nil {
			return f.result, err
		}
	}
}

// fetch is one attempt at a chunk's pages.
type fetch struct {
	*Activities
	provider   providers.Provider
	attempt    market.Attempt
	claim      ChunkClaim
	route      *itinerary
	progress   *fetchProgress
	pages      int
	unreadable int // answers in a row, over all attempts, that could not be read
	result     FetchResult
}

// resume replays the stored pages.
func (f *fetch) resume(ctx context.Context) error {
	stored, err := f.Chunks.RawPages(ctx, f.attempt.ChunkID)
	if err != nil {
		return err
	}
	for _, p := range stored {
		f.count(p)
		if p.IsOK {
			if err := f.route.take(p); err != nil {
				return err
			}
		}
	}
	if f.unreadable >= maxUnreadable {
		f.unreadable = 0 // a retry by a person gets as many tries again
	}
	return nil
}

func (f *fetch) count(p market.RawPage) {
	f.pages++
	f.result.Requests++
	f.result.Rows += p.Rows
	if p.IsOK {
		f.unreadable = 0
	} else {
		f.unreadable++
	}
}

// page makes one request and stores its answer.
func (f *fetch) page(ctx context.Context, request providers.Request) error {
	page, err := f.provider.Fetch(ctx, request)
	isUnreadable := market.KindOf(err) == market.KindMalformed
	if err != nil && !isUnreadable {
		return err
	}
	raw := market.RawPage{
		Page: f.pages, Range: request.Range, Cursor: request.Cursor, NextCursor: page.NextCursor,
		IsConfirm: f.route.isConfirm(), IsOK: err == nil,
		Rows: page.Rows, FirstAt: page.FirstAt, LastAt: page.LastAt,
		URL: page.URL, Status: page.Status, RequestedAt: page.RequestedAt, Body: page.Body,
	}
	if saveErr := f.save(ctx, raw); saveErr != nil {
		return errors.Join(saveErr, err)
	}
	if f.Recorder != nil {
		f.Recorder.PageStored(f.provider.Name(), raw.IsOK)
	}
	f.count(raw)
	f.result.Bytes += int64(len(page.Body))
	*f.progress = fetchProgress{Pages: f.pages, Rows: f.result.Rows, At: page.LastAt}
	beat(ctx, *f.progress)
	if !isUnreadable {
		return f.route.take(raw)
	}
	if f.unreadable >= maxUnreadable {
		return err
	}
	return &market.Error{
		Kind: market.KindUnavailable, RetryAfter: unreadableGap, Err: err,
		Message: "answer could not be read, asking again: " + err.Error(),
	}
}

// save commits the page even when the attempt is being canceled: a paid answer is not thrown away.
func (f *fetch) save(ctx context.Context, raw market.RawPage) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	return f.Chunks.SaveRawPage(ctx, f.attempt, raw)
}
