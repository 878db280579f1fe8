package db

import (
	"context"
	"time"
)

// PurgeRecords drops, from before the instant, alerts that are over and backfills of schedules that had nothing to do.
func (db *DB) PurgeRecords(ctx context.Context, before time.Time) error {
	const alerts = "DELETE FROM alert WHERE resolved_at < $1"
	if _, err := db.Pool.Exec(ctx, alerts, before); err != nil {
		return dbError(err)
	}
	const idle = `
		DELETE FROM ingest_job j WHERE j.schedule_id IS NOT NULL AND j.created_at < $1
			AND NOT EXISTS (SELECT FROM ingest_chunk k WHERE k.job_id = j.id)`
	_, err := db.Pool.Exec(ctx, idle, before)
	return dbError(err)
}
