package db

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// selectAlerts is completed by a WHERE; scanAlert reads its rows.
const selectAlerts = `
	SELECT a.id::text, a.kind, a.key, a.occurred_at, a.weight, a.backfill_id, a.instrument, a.provider, a."interval", a.title, a.message,
		a.details, a.raised_at, a.resolved_at
	FROM alert a `

func scanAlert(row pgx.CollectableRow) (market.Alert, error) {
	var a market.Alert
	err := row.Scan(&a.ID, &a.Kind, &a.Key, &a.OccurredAt, &a.Weight, &a.Subject.BackfillID, &a.Subject.Instrument, &a.Subject.Provider,
		&a.Subject.Interval, &a.Text.Title, &a.Text.Message, &a.Text.Details, &a.RaisedAt, &a.ResolvedAt)
	a.OccurredAt, a.RaisedAt, a.ResolvedAt = a.OccurredAt.UTC(), a.RaisedAt.UTC(), utc(a.ResolvedAt)
	return a, err
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
}

func collectAlerts(ctx context.Context, q querier, where string, args ...any) ([]market.Alert, error) {
	rows, err := q.Query(ctx, selectAlerts+where, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanAlert)
}

// OpenAlerts returns the alerts whose condition is not over, oldest first, without deliveries.
func (db *DB) OpenAlerts(ctx context.Context) ([]market.Alert, error) {
	alerts, err := openAlerts(ctx, db.Pool)
	return alerts, dbError(err)
}

func openAlerts(ctx context.Context, q querier) ([]market.Alert, error) {
	return collectAlerts(ctx, q, "WHERE a.resolved_at IS NULL ORDER BY a.raised_at, a.id")
}

func noAlert(id string) error {
	return market.Errorf(market.KindNotFound, "alert %q is not known", id[:min(len(id), 64)])
}

// Alert returns one with its deliveries. Errors: not_found.
func (db *DB) Alert(ctx context.Context, id string) (market.Alert, error) {
	if err := uuid.Validate(id); err != nil {
		return market.Alert{}, noAlert(id)
	}
	alerts, err := collectAlerts(ctx, db.Pool, "WHERE a.id = $1", id)
	if err == nil && len(alerts) == 0 {
		err = noAlert(id)
	}
	if err == nil {
		err = addDeliveries(ctx, db.Pool, alerts)
	}
	if err != nil {
		return market.Alert{}, dbError(err)
	}
	return alerts[0], nil
}

// Alerts returns those that match with their deliveries, newest first, at most q.Limit after q.After.
func (db *DB) Alerts(ctx context.Context, q market.AlertQuery) ([]market.Alert, error) {
	const where = `
		WHERE ($1 = '' OR ($1 = 'open') = (a.resolved_at IS NULL)) AND ($2 = '' OR a.kind = $2)
		AND ($3::uuid IS NULL OR (a.raised_at, a.id) < (SELECT raised_at, id FROM alert WHERE id = $3))
		ORDER BY a.raised_at DESC, a.id DESC LIMIT $4`
	var after *string
	if q.After != "" {
		if err := uuid.Validate(q.After); err != nil {
			return nil, noAlert(q.After)
		}
		after = &q.After
	}
	alerts, err := collectAlerts(ctx, db.Pool, where, q.Status, string(q.Kind), after, q.Limit)
	if err == nil {
		err = addDeliveries(ctx, db.Pool, alerts)
	}
	return alerts, dbError(err)
}

// addDeliveries completes the alerts.
func addDeliveries(ctx context.Context, q querier, alerts []market.Alert) error {
	const query = `
		SELECT alert_id::text, event, webhook, status, attempts, last_error, delivered_at
		FROM alert_delivery WHERE alert_id = ANY($1::uuid[]) ORDER BY alert_id, event, webhook`
	ids, places := make([]string, len(alerts)), make(map[string]int, len(alerts))
	for i, a := range alerts {
		ids[i], places[a.ID] = a.ID, i
	}
	rows, err := q.Query(ctx, query, ids)
	if err != nil {
		return err
	}
	var d market.AlertDelivery
	var deliveredAt *time.Time
	_, err = pgx.ForEachRow(rows, []any{&d.AlertID, &d.Event, &d.Webhook, &d.Status, &d.Attempts, &d.Error, &deliveredAt}, func() error {
		d.DeliveredAt = utc(deliveredAt)
		a := &alerts[places[d.AlertID]]
		a.Deliveries = append(a.Deliveries, d)
		return nil
	})
	return err
}
