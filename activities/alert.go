package activities

import (
	"context"
	"time"

	"marketdata/market"
)

// AlertStore keeps alerts and what webhooks are told of them. *db.DB satisfies it.
type AlertStore interface {
	// NewlyFailedBackfills returns backfills that failed after the instant and whose failure no alert is about yet.
	NewlyFailedBackfills(ctx context.Context, since time.Time) ([]market.FailedBackfill, error)
	// UnsettledBackfills returns those of the ids whose backfill is failed or at work again.
	UnsettledBackfills(ctx context.Context, ids []string) ([]string, error)
	// TrackedSeries returns what is kept in sync, by instrument, interval and preference.
	TrackedSeries(ctx context.Context) ([]market.TrackedSeries, error)
	// SyncErrors returns, by series, why the last sync of those failed that fail now.
	SyncErrors(ctx context.Context, seriesIDs []int64) (map[int64]string, error)
	// ProviderStates returns the state of each provider instance that has a budget.
	ProviderStates(ctx context.Context) (map[string]market.ProviderState, error)
	// ProviderRefusals returns the latest chunk after the instant that each provider refused.
	ProviderRefusals(ctx context.Context, since time.Time) ([]market.ProviderRefusal, error)
	// HasAnswered reports whether the provider gave a good answer to a request made after the instant.
	HasAnswered(ctx context.Context, provider string, after time.Time) (bool, error)
	// OpenAlerts returns the alerts whose condition is not over.
	OpenAlerts(ctx context.Context) ([]market.Alert, error)
	// ChangeAlerts stores what decide makes of the open alerts, and what each webhook is to be told, in one transaction.
	ChangeAlerts(ctx context.Context, webhooks []market.AlertWebhook, decide func(open []market.Alert) market.AlertChanges) (market.AlertCounts, error)
}

// DeliveryStore keeps what webhooks are told. *db.DB satisfies it.
type DeliveryStore interface {
	// Alert returns one with its deliveries. Errors: not_found.
	Alert(ctx context.Context, id string) (market.Alert, error)
	// WaitingDeliveries returns pending deliveries nobody has looked after for minutes, those never started first.
	WaitingDeliveries(ctx context.Context) ([]market.AlertRef, error)
	// NoteDelivery notes that the workflow of a delivery was started or is at work.
	NoteDelivery(ctx context.Context, ref market.AlertRef) error
	// NoteAttempt counts an attempt that failed; MarkDelivered the one that succeeded; FailDelivery gives up. None of
	// them changes what is delivered.
	NoteAttempt(ctx context.Context, ref market.AlertRef, reason string) error
	MarkDelivered(ctx context.Context, ref market.AlertRef) error
	FailDelivery(ctx context.Context, ref market.AlertRef, reason string) error
}

// AlertSender tells webhooks. *alerts.Sender satisfies it.
type AlertSender interface {
	// Receivers returns the enabled webhooks.
	Receivers() []market.AlertWebhook
	// Send tells the webhook once; an error's kind says whether another try may help.
	Send(ctx context.Context, webhook string, a market.Alert, event market.AlertEvent) error
}

// AlertStarter is what alerts need of Temporal. workflows.Client satisfies it.
type AlertStarter interface {
	// WorkflowState returns the state of the latest run of a workflow.
	WorkflowState(ctx context.Context, workflowID string) (WorkflowState, error)
	// StartAlert starts the workflow of a stored delivery; already running is no error.
	StartAlert(ctx context.Context, ref market.AlertRef) error
}

// Alerting are the activities around alerts. Every field is required.
type Alerting struct {
	Alerts     AlertStore
	Deliveries DeliveryStore
	Sender     AlertSender
	Workflows  AlertStarter
	Providers  []market.ProviderInstance // as configured, also disabled ones
	StaleAfter time.Duration             // how late a series may be; 0: as its interval has it
	Now        func() time.Time
}

// AlertInput names a delivery, and what is told in it, for people.
type AlertInput struct {
	market.AlertRef
	Reason string `json:"reason,omitempty"` // of FailAlert: why it is given up
}
