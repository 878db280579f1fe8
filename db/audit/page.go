package audit

import (
	"context"
	"time"
)

// Page is a stored answer of a provider.
type Page struct {
	ChunkID     int64
	SeriesID    int64
	Start, End  time.Time // what was asked for, [Start, End)
	Cursor      string
	IsConfirm   bool // the second look at a stretch that came back empty
	IsOK        bool // false for one that could not be read
	URL         string
	RequestedAt time.Time
	ChunkAt     time.Time // when its chunk was first claimed
}

// Pages returns every stored answer in the order in which they were asked for.
func (a *Auditor) Pages(ctx context.Context) ([]Page, error) {
	return collect[Page](ctx, a, `
		SELECT p.chunk_id, c.series_id, p.start_at, p.end_at, p.cursor, p.is_confirm, p.is_ok, p.url, p.requested_at, c.started_at
		FROM raw_page p JOIN ingest_chunk c ON c.id = p.chunk_id ORDER BY p.requested_at, p.id`)
}

// Repeated returns pages, in words, that a chunk need not have asked for: twice the same stretch and cursor, other than for
// the second look at an empty one; or, under policy missing, what was covered before the chunk was first claimed.
func (a *Auditor) Repeated(ctx context.Context) ([]Problem, error) {
	return collect[Problem](ctx, a, `
		SELECT format('chunk %s asked %s times for %s to %s (cursor %s)', c.workflow_id, count(*), p.start_at, p.end_at, p.cursor)
		FROM raw_page p JOIN ingest_chunk c ON c.id = p.chunk_id
		WHERE p.is_ok
		GROUP BY c.workflow_id, p.start_at, p.end_at, p.cursor, p.is_confirm
		HAVING count(*) > 1
		UNION ALL
		SELECT format('chunk %s asked for %s to %s, which chunk %s had loaded before', c.workflow_id, p.start_at, p.end_at, o.workflow_id)
		FROM raw_page p
		JOIN ingest_chunk c ON c.id = p.chunk_id
		JOIN ingest_job j ON j.id = c.job_id AND j.policy = 'missing'
		JOIN ingest_chunk o ON o.series_id = c.series_id AND o.id <> c.id AND o.status = 'done'
		JOIN load l ON l.chunk_id = o.id AND l.committed_at < c.started_at
		WHERE p.is_ok AND o.todo && tstzrange(p.start_at, p.end_at)`)
}
