package db_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"marketdata/db/dbtest"
	"marketdata/market"
)

func TestPurgeRecordsKeepsWhatStillTellsSomething(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	old := time.Now().AddDate(0, -6, 0)
	alert := func(resolvedAt *time.Time) {
		exec(t, d, `INSERT INTO alert (id, kind, key, occurred_at, weight, title, message, raised_at, resolved_at)
			VALUES ($1, 'provider_paused', $4, $2, 1, 't', 'm', $2, $3)`, uuid.New(), old, resolvedAt, uuid.NewString())
	}
	alert(&old)
	alert(nil)
	series := newSeries(t, d, market.Interval1m)
	newChunk(t, d, series, span("2024-01-01", "2024-01-02"), market.PolicyMissing)
	exec(t, d, "UPDATE ingest_job SET schedule_id = 'nightly', created_at = $1", old)
	for _, schedule := range []*string{new("nightly"), nil} { // of a schedule, and of a person
		exec(t, d, `INSERT INTO ingest_job (id, policy, "interval", start_at, end_at, concurrency, workflow_id, schedule_id, created_at)
			VALUES ($1, 'missing', '1m', $2, $3, 1, 'w', $4, $2)`, uuid.New(), old, old.Add(time.Hour), schedule)
	}
	require.NoError(t, d.PurgeRecords(t.Context(), time.Now().AddDate(0, -3, 0)))
	require.Equal(t, int64(1), scalar[int64](t, d, "SELECT count(*) FROM alert"), "the open one")
	require.Equal(t, int64(2), scalar[int64](t, d, "SELECT count(*) FROM ingest_job"), "the one with chunks, and the one somebody asked for")
}
