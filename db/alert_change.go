package db

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// alertLock serialises those who change alerts.
const alertLock = "SELECT pg_advisory_xact_lock(hashtextextended('alert', 0))"

// ChangeAlerts lets decide say what becomes of the open alerts, and stores it together with what each webhook is to be
// told, in one transaction and for one caller at a time. decide must not use the database.
func (db *DB) ChangeAlerts(ctx context.Context, webhooks []market.AlertWebhook, decide func(open []market.Alert) market.AlertChanges) (market.AlertCounts, error) {
	var counts market.AlertCounts
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, alertLock); err != nil {
			return err
		}
		open, err := openAlerts(ctx, tx)
		if err != nil {
			return err
		}
		changes := decide(open)
		counts = market.AlertCounts{Raised: len(changes.Raise), Resolved: len(changes.Resolve)}
		return applyAlertChanges(ctx, tx, webhooks, open, changes)
	})
	if err != nil {
		return market.AlertCounts{}, dbError(err)
	}
	return counts, nil
}

func applyAlertChanges(ctx context.Context, tx pgx.Tx, webhooks []market.AlertWebhook, open []market.Alert, changes market.AlertChanges) error {
	const closing = "UPDATE alert SET resolved_at = clock_timestamp() WHERE id = ANY($1::uuid[])"
	if _, err := tx.Exec(ctx, closing, slices.Concat(changes.Supersede, changes.Resolve)); err != nil {
		return err
	}
	for _, a := range open {
		if slices.Contains(changes.Resolve, a.ID) {
			if err := tellWebhooks(ctx, tx, webhooks, a.Kind, a.ID, market.EventResolved); err != nil {
				return err
			}
		}
		if c, isRefreshed := changes.Refresh[a.ID]; isRefreshed {
			if err := refreshAlert(ctx, tx, a.ID, c); err != nil {
				return err
			}
		}
	}
	for _, c := range changes.Raise {
		id, err := insertAlert(ctx, tx, c)
		if err != nil {
			return err
		}
		if err := tellWebhooks(ctx, tx, webhooks, c.Kind, id, market.EventRaised); err != nil {
			return err
		}
	}
	return nil
}

// insertAlert stores a raised alert and returns its id.
func insertAlert(ctx context.Context, tx pgx.Tx, c market.AlertCondition) (string, error) {
	const insert = `
		INSERT INTO alert (id, kind, key, occurred_at, weight, backfill_id, instrument, provider, "interval", title, message, details, raised_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, clock_timestamp())`
	id, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	s := c.Subject
	_, err = tx.Exec(ctx, insert, id.String(), c.Kind, c.Key, c.OccurredAt, c.Weight, s.BackfillID, s.Instrument, s.Provider, s.Interval,
		storable(c.Text.Title), storable(c.Text.Message), c.Text.Details)
	return id.String(), err
}

func refreshAlert(ctx context.Context, tx pgx.Tx, id string, c market.AlertCondition) error {
	const refresh = "UPDATE alert SET instrument = $2, title = $3, message = $4, details = $5 WHERE id = $1"
	_, err := tx.Exec(ctx, refresh, id, c.Subject.Instrument, storable(c.Text.Title), storable(c.Text.Message), c.Text.Details)
	return err
}

// tellWebhooks notes what is to be sent: one delivery for each webhook that wants the kind.
func tellWebhooks(ctx context.Context, tx pgx.Tx, webhooks []market.AlertWebhook, kind market.AlertKind, id string, event market.AlertEvent) error {
	for _, w := range webhooks {
		if !slices.Contains(w.Kinds, kind) {
			continue
		}
		const insert = "INSERT INTO alert_delivery (alert_id, event, webhook) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
		if _, err := tx.Exec(ctx, insert, id, event, w.Name); err != nil {
			return err
		}
	}
	return nil
}

// CreateTestAlert stores an alert that asks one webhook to be told of it, whatever kinds it wants, and is over at once.
func (db *DB) CreateTestAlert(ctx context.Context, c market.AlertCondition, webhook string) (market.AlertRef, error) {
	ref := market.AlertRef{Event: market.EventRaised, Webhook: webhook}
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, alertLock); err != nil { // one test alert is open at a time
			return err
		}
		var err error
		if ref.AlertID, err = insertAlert(ctx, tx, c); err != nil {
			return err
		}
		to := []market.AlertWebhook{{Name: webhook, Kinds: []market.AlertKind{c.Kind}}}
		if err := tellWebhooks(ctx, tx, to, c.Kind, ref.AlertID, ref.Event); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE alert SET resolved_at = raised_at WHERE id = $1", ref.AlertID)
		return err
	})
	return ref, dbError(err)
}
