package db

import (
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"marketdata/market"
)

// multirange is how ranges travel to and from a tstzmultirange.
type multirange = pgtype.Multirange[pgtype.Range[time.Time]]

// toMultirange returns the ranges as a value for SQL; nil becomes the empty multirange, not NULL.
func toMultirange(ranges []market.Range) multirange {
	m := make(multirange, 0, len(ranges))
	for _, r := range ranges {
		if r.IsEmpty() {
			continue
		}
		m = append(m, pgtype.Range[time.Time]{
			Lower: r.Start, Upper: r.End, LowerType: pgtype.Inclusive, UpperType: pgtype.Exclusive, Valid: true,
		})
	}
	return m
}

// fromMultirange returns the ranges of a multirange, ascending and disjoint as PostgreSQL keeps them, in UTC.
func fromMultirange(m multirange) []market.Range {
	ranges := make([]market.Range, 0, len(m))
	for _, r := range m {
		ranges = append(ranges, market.Range{Start: r.Lower.UTC(), End: r.Upper.UTC()})
	}
	return ranges
}
