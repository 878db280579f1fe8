package activities

import (
	"context"
	"slices"

	"marketdata/market"
	"marketdata/market/calendar"
	"marketdata/providers"
)

// NormalizeChunk turns the chunk's stored pages into validated rows; rows that break a rule are quarantined with the
// rule. No request is made, so a mended parser runs over old pages for free. Errors: malformed when a page as a whole
// is not what the provider documents.
func (a *Activities) NormalizeChunk(ctx context.Context, ref ChunkRef) (NormalizeResult, error) {
	result, err := a.normalizeChunk(ctx, ref)
	return result, temporalError(ctx, err)
}

func (a *Activities) normalizeChunk(ctx context.Context, ref ChunkRef) (NormalizeResult, error) {
	var result NormalizeResult
	provider, err := a.Providers.Provider(ref.Provider)
	if err != nil {
		return result, err
	}
	attempt := attemptOf(ctx, ref.ID)
	claim, err := a.Chunks.ClaimChunk(ctx, attempt, StageNormalize)
	if err != nil || claim.IsDone {
		return result, err
	}
	grid, err := calendar.GridOf(claim.Chunk.Interval, claim.Chunk.Calendar)
	if err != nil {
		return result, err
	}
	pages, err := a.Chunks.RawPages(ctx, ref.ID)
	if err != nil {
		return result, err
	}
	normal, err := a.normalizePages(ctx, provider, grid, claim, pages)
	if err != nil {
		return result, err
	}
	if err := a.Chunks.SaveNormalPage(ctx, attempt, normal); err != nil {
		return result, err
	}
	return NormalizeResult{
		Bars: int64(len(normal.Bars)), Quarantined: len(normal.Quarantined), Dropped: normal.Dropped,
	}, nil
}

// normalizePages reads the readable pages in order. The rows that are kept and what counts as answered follow from the
// pages alone.
func (a *Activities) normalizePages(
	ctx context.Context, provider providers.Provider, grid market.Grid, claim ChunkClaim, pages []market.RawPage,
) (market.NormalPage, error) {
	capabilities := provider.Capabilities()
	route := newItinerary(grid, capabilities, claim.Todo)
	rows, answers := 0, 0
	for _, p := range pages {
		rows += p.Rows
		if p.IsOK {
			answers++
		}
	}
	cleaner := providers.NewCleaner(grid, capabilities.Settle, rows)
	observedAt := a.Now()
	for _, p := range pages {
		if !p.IsOK {
			continue
		}
		if err := route.take(p); err != nil {
			return market.NormalPage{}, err
		}
		if p.RequestedAt.Before(observedAt) {
			observedAt = p.RequestedAt
		}
		if err := a.normalizePage(ctx, provider, grid, claim.Chunk.ProviderSymbol, cleaner, p); err != nil {
			return market.NormalPage{}, err
		}
		beat(ctx, fetchProgress{Pages: p.Page + 1, At: p.LastAt})
	}
	if _, isMore := route.next(""); isMore {
		return market.NormalPage{}, market.Errorf(market.KindInternal, "the chunk has stretches that were not fetched")
	}
	normal := cleaner.Result()
	if err := refuseUnusable(normal, answers); err != nil {
		return market.NormalPage{}, err
	}
	normal.Covered = mergeRanges(route.answered)
	normal.ObservedAt = observedAt
	return normal, nil
}

// refuseUnusable returns malformed when more rows came than answers, and none of them is a bar: they cannot be read, are of
// another time, or stand where the calendar has no bars. Then the format has changed or the calendar is wrong, and answers
// that say nothing of what was asked must not count as empty ones. One odd row an answer is no such sign: Yahoo adds its
// last price.
func refuseUnusable(normal market.NormalPage, answers int) error {
	outside, elsewhere := normal.Dropped[providers.DroppedOutside], normal.Dropped[providers.DroppedElsewhere]
	isOther := func(q market.Quarantined) bool {
		return q.Rule != market.RuleUnreadable && q.Rule != market.RuleMisaligned
	}
	all := len(normal.Quarantined) + outside + elsewhere
	if len(normal.Bars) > 0 || all <= answers || slices.ContainsFunc(normal.Quarantined, isOther) {
		return nil
	}
	switch {
	case elsewhere == all:
		return market.Errorf(market.KindMalformed, "all %d rows are months away from what was asked for: does the provider still understand the request?", all)
	case outside == all:
		return market.Errorf(market.KindMalformed, "all %d rows stand outside the hours of the calendar: is the instrument's calendar right?", all)
	case len(normal.Quarantined) == 0:
		return market.Errorf(market.KindMalformed, "none of %d rows is a bar: %d stand outside the hours of the calendar, %d months away from what was asked for",
			all, outside, elsewhere)
	}
	first := normal.Quarantined[0]
	return market.Errorf(market.KindMalformed, "none of %d rows is a bar: has the format changed, is the instrument's calendar right? rows[0] is %s: %s",
		all, first.Rule, providers.Printable(first.Value))
}

func (a *Activities) normalizePage(
	ctx context.Context, provider providers.Provider, grid market.Grid, symbol string, cleaner *providers.Cleaner, p market.RawPage,
) error {
	body, err := a.Chunks.RawBody(ctx, p)
	if err != nil {
		return err
	}
	rows, err := provider.Normalize(providers.Page{
		Request: providers.Request{Symbol: symbol, Grid: grid, Range: p.Range, Cursor: p.Cursor},
		Body:    body, URL: p.URL, Status: p.Status, RequestedAt: p.RequestedAt, NextCursor: p.NextCursor,
		Rows: p.Rows, FirstAt: p.FirstAt, LastAt: p.LastAt,
	})
	if err != nil {
		return market.Errorf(market.KindOf(err), "page %d: %w", p.Page, err)
	}
	cleaner.Add(rows, p.Range, p.RequestedAt)
	return nil
}

// mergeRanges returns the union of ranges, ascending and disjoint.
func mergeRanges(ranges []market.Range) []market.Range {
	var merged []market.Range
	ranges = slices.Clone(ranges)
	slices.SortFunc(ranges, func(a, b market.Range) int { return a.Start.Compare(b.Start) })
	for _, r := range ranges {
		if n := len(merged); n > 0 && !r.Start.After(merged[n-1].End) {
			if r.End.After(merged[n-1].End) {
				merged[n-1].End = r.End
			}
			continue
		}
		merged = append(merged, r)
	}
	return merged
}
