package providers

import (
	"context"

	"marketdata/market"
)

// The lanes of requests, see market.Lane.
const (
	LaneBackfill = market.LaneBackfill
	LaneSync     = market.LaneSync
)

type laneKey struct{}

// WithLane returns a context whose requests are of the lane.
func WithLane(ctx context.Context, lane market.Lane) context.Context {
	return context.WithValue(ctx, laneKey{}, lane)
}

// LaneOf returns the lane of the context's requests: LaneBackfill where nothing else was said.
func LaneOf(ctx context.Context) market.Lane {
	if lane, ok := ctx.Value(laneKey{}).(market.Lane); ok {
		return lane
	}
	return LaneBackfill
}
