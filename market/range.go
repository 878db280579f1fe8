package market

import (
	"fmt"
	"time"
)

// Range is the half-open stretch of time [Start, End), both UTC. The zero Range is empty.
type Range struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// NewRange returns [start, end) in UTC. Errors: invalid when end is not after start.
func NewRange(start, end time.Time) (Range, error) {
	if !start.Before(end) {
		return Range{}, Errorf(KindInvalid, "the range is empty or reversed: start %s is not before end %s",
			FormatTime(start), FormatTime(end))
	}
	return Range{Start: start.UTC(), End: end.UTC()}, nil
}

// IsEmpty reports whether the range holds no instant.
func (r Range) IsEmpty() bool { return !r.Start.Before(r.End) }

// Contains reports whether Start <= t < End.
func (r Range) Contains(t time.Time) bool { return !t.Before(r.Start) && t.Before(r.End) }

// Intersect returns the common stretch; it may be empty.
func (r Range) Intersect(o Range) Range {
	if o.Start.After(r.Start) {
		r.Start = o.Start
	}
	if o.End.Before(r.End) {
		r.End = o.End
	}
	return r
}

// Split cuts the range at every boundary that next yields: next(t) is the first boundary after t. The pieces are
// adjacent, ascending, not empty, and their union is the range. An empty range yields none.
func (r Range) Split(next func(time.Time) time.Time) []Range {
	var pieces []Range
	for at := r.Start; at.Before(r.End); {
		end := next(at)
		if !end.After(at) || end.After(r.End) {
			end = r.End
		}
		pieces = append(pieces, Range{Start: at, End: end})
		at = end
	}
	return pieces
}

// Subtract returns what is left of the range without the given ones, which must be ascending and may overlap it only
// partly. The pieces are ascending and not empty.
func (r Range) Subtract(others []Range) []Range {
	var left []Range
	at := r.Start
	for _, o := range others {
		o = o.Intersect(r)
		if o.IsEmpty() {
			continue
		}
		if at.Before(o.Start) {
			left = append(left, Range{Start: at, End: o.Start})
		}
		if o.End.After(at) {
			at = o.End
		}
	}
	if at.Before(r.End) {
		left = append(left, Range{Start: at, End: r.End})
	}
	return left
}

// String returns "[start, end)" in RFC 3339.
func (r Range) String() string {
	return fmt.Sprintf("[%s, %s)", FormatTime(r.Start), FormatTime(r.End))
}

// FormatTime renders t as RFC 3339 in UTC with Z, with a fraction only where there is one.
func FormatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// ParseTime reads an RFC 3339 time with any offset, or a date (midnight UTC); the result is UTC.
// Years run from 1 to 9999. Errors: invalid.
func ParseTime(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			if y := t.UTC().Year(); y < 1 || y > 9999 {
				break
			}
			return t.UTC(), nil
		}
	}
	return time.Time{}, Errorf(KindInvalid, "not a time: want RFC 3339 (2024-01-02T15:04:05Z) or a date (2024-01-02)")
}
