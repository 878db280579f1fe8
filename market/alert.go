package market

import (
	"encoding/json"
	"time"
)

// AlertKind says what an alert is about.
type AlertKind string

// The closed set of kinds.
const (
	AlertBackfillFailed  AlertKind = "backfill_failed"
	AlertSeriesStale     AlertKind = "series_stale"
	AlertProviderPaused  AlertKind = "provider_paused"
	AlertProviderRefused AlertKind = "provider_refused"
	AlertTest            AlertKind = "test" // asked for by a person, to see whether a webhook works
)

// AlertKinds returns the kinds that are watched for, in the order of the documentation.
func AlertKinds() []AlertKind {
	return []AlertKind{AlertBackfillFailed, AlertSeriesStale, AlertProviderPaused, AlertProviderRefused}
}

// Severity is error where data are missing until a person acts, else warning, and info for a test.
func (k AlertKind) Severity() string {
	switch k {
	case AlertBackfillFailed, AlertProviderRefused:
		return "error"
	case AlertSeriesStale, AlertProviderPaused:
		return "warning"
	case AlertTest:
		return "info"
	}
	return "warning"
}

// AlertEvent is what a webhook is told of an alert.
type AlertEvent string

// The two events of an alert's life.
const (
	EventRaised   AlertEvent = "raised"
	EventResolved AlertEvent = "resolved"
)

// AlertSubject names what an alert is about; members that do not apply are "".
type AlertSubject struct {
	BackfillID string
	Instrument string // SYMBOL.VENUE, where it is about one
	Provider   string
	Interval   Interval
}

// AlertText is what an alert says to people (Title, Message) and to programs (Details, a JSON object).
type AlertText struct {
	Title   string // one line
	Message string // plain text of some lines: what is the matter and what to do
	Details json.RawMessage
}

// AlertCondition is something that is the matter now.
type AlertCondition struct {
	Kind       AlertKind
	Key        string // tells subjects of one kind apart: there is one open alert of a kind and key
	OccurredAt time.Time
	Weight     int // how much it is about, such as the number of stale series
	Subject    AlertSubject
	Text       AlertText
	HoldsOnly  bool // not enough to raise an alert, but an open one stays open; all but Kind and Key is empty
}

// Alert is a condition that was noticed and stored.
type Alert struct {
	ID         string
	Kind       AlertKind
	Key        string
	OccurredAt time.Time
	Weight     int // when it was raised
	Subject    AlertSubject
	Text       AlertText
	RaisedAt   time.Time
	ResolvedAt *time.Time // nil while it is open
	Deliveries []AlertDelivery
}

// AlertChanges is what a look at the conditions makes of the open alerts.
type AlertChanges struct {
	Raise     []AlertCondition
	Refresh   map[string]AlertCondition // by id: the text of an open alert follows its subject; nobody is told
	Resolve   []string                  // ids
	Supersede []string                  // ids; closed without a word, for one of Raise takes their place
}

// AlertCounts counts what was changed.
type AlertCounts struct {
	Raised   int `json:"raised"`
	Resolved int `json:"resolved"`
}

// AlertWebhook is a receiver of alerts, by name: its URL is a secret and travels nowhere.
type AlertWebhook struct {
	Name  string
	Kinds []AlertKind // those it is told of
}

// DeliveryStatus is what became of telling a webhook.
type DeliveryStatus string

// The states of a delivery.
const (
	DeliveryPending   DeliveryStatus = "pending"
	DeliveryDelivered DeliveryStatus = "delivered"
	DeliveryFailed    DeliveryStatus = "failed"
)

// AlertRef names one delivery: an event of an alert to a webhook. It is what travels through Temporal.
type AlertRef struct {
	AlertID string     `json:"alert_id"`
	Event   AlertEvent `json:"event"`
	Webhook string     `json:"webhook"`
}

// WorkflowID is the id of the workflow behind the delivery.
func (r AlertRef) WorkflowID() string {
	return "alert/" + r.AlertID + "/" + string(r.Event) + "/" + r.Webhook
}

// AlertDelivery is the telling of one event to one webhook.
type AlertDelivery struct {
	AlertRef
	Status      DeliveryStatus
	Attempts    int
	Error       string // of the last attempt that failed; "" when delivered
	DeliveredAt *time.Time
}

// AlertQuery selects alerts; zero fields do not filter.
type AlertQuery struct {
	Status string // open or resolved
	Kind   AlertKind
	After  string // id of the last alert of the page before
	Limit  int    // 1–1000
}

// FailedBackfill is a backfill that ended failed, and when the run began that did.
type FailedBackfill struct {
	Backfill Backfill
	RunAt    time.Time
}

// ProviderRefusal is the latest chunk that a provider refused, for its key, plan or region.
type ProviderRefusal struct {
	Provider   string
	Instrument string
	Message    string
	At         time.Time
}
