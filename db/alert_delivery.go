package db

import (
	"context"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// maxWaitingDeliveries is how many deliveries one look takes up; the others are taken up by the next ones.
const maxWaitingDeliveries = 200

// WaitingDeliveries returns deliveries that are pending and that nobody has looked after for five minutes; those whose
// workflow was never started come first.
func (db *DB) WaitingDeliveries(ctx context.Context) ([]market.AlertRef, error) {
	const query = `
		SELECT alert_id::text, event, webhook FROM alert_delivery
		WHERE status = 'pending' AND (looked_at IS NULL OR looked_at < now() - interval '5 minutes')
		ORDER BY looked_at NULLS FIRST, created_at, alert_id LIMIT $1`
	rows, err := db.Pool.Query(ctx, query, maxWaitingDeliveries)
	if err != nil {
		return nil, dbError(err)
	}
	refs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[market.AlertRef])
	return refs, dbError(err)
}

// NoteDelivery notes that the workflow of a delivery was started or is at work.
func (db *DB) NoteDelivery(ctx context.Context, ref market.AlertRef) error {
	return db.updateDelivery(ctx, ref, "looked_at = now()")
}

// NoteAttempt counts an attempt to deliver that failed, and why.
func (db *DB) NoteAttempt(ctx context.Context, ref market.AlertRef, reason string) error {
	return db.updateDelivery(ctx, ref, "attempts = attempts + 1, last_error = left($4, 1000)", storable(reason))
}

// MarkDelivered counts the attempt that succeeded. A delivery that was given up before is delivered all the same.
func (db *DB) MarkDelivered(ctx context.Context, ref market.AlertRef) error {
	return db.updateDelivery(ctx, ref, "attempts = attempts + 1, last_error = '', status = 'delivered', delivered_at = now()")
}

// FailDelivery gives a delivery up.
func (db *DB) FailDelivery(ctx context.Context, ref market.AlertRef, reason string) error {
	return db.updateDelivery(ctx, ref, "status = 'failed', last_error = left($4, 1000)", storable(reason))
}

// updateDelivery changes a delivery unless it is delivered; $4 and on are args.
func (db *DB) updateDelivery(ctx context.Context, ref market.AlertRef, set string, args ...any) error {
	query := "UPDATE alert_delivery SET " + set + " WHERE alert_id = $1 AND event = $2 AND webhook = $3 AND status <> 'delivered'"
	_, err := db.Pool.Exec(ctx, query, append([]any{ref.AlertID, ref.Event, ref.Webhook}, args...)...)
	return dbError(err)
}
