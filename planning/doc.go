// Package planning decides what a backfill asks for: of each instrument the provider, its series on the calendar's grid,
// and the range clipped to the listing and to the last closed bar. The API plans what people ask for, an activity what a
// schedule asks for; both get the same answer.
//
// It reads through the small interfaces Store and Lister, writes nothing and knows neither HTTP nor Temporal. What is
// wrong comes back as *Error: every place of the request that is wrong, so that a caller can word it in its own terms.
//
//	targets, err := planner.Plan(ctx, request)          // *planning.Error when places are wrong
//	targets, err = planner.ClipToListings(ctx, targets, request)
package planning
