package alerts

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"marketdata/market"
)

// Links are where a person reads on. Empty members are left out.
type Links struct {
	API        string `json:"api,omitempty"`         // the subject in the REST API
	TemporalUI string `json:"temporal_ui,omitempty"` // its workflows in the Temporal UI
}

// payload is the generic JSON body; docs/alerts.md describes it.
type payload struct {
	ID         string            `json:"id"`
	Event      market.AlertEvent `json:"event"`
	Kind       market.AlertKind  `json:"kind"`
	Severity   string            `json:"severity"`
	Title      string            `json:"title"`
	Message    string            `json:"message"`
	RaisedAt   time.Time         `json:"raised_at"`
	ResolvedAt *time.Time        `json:"resolved_at"`
	BackfillID string            `json:"backfill_id,omitempty"`
	Instrument string            `json:"instrument,omitempty"`
	Provider   string            `json:"provider,omitempty"`
	Interval   market.Interval   `json:"interval,omitempty"`
	Details    json.RawMessage   `json:"details"`
	Links      Links             `json:"links"`
}

// titleOf is the title of an event.
func titleOf(a market.Alert, event market.AlertEvent) string {
	if event == market.EventResolved {
		return "Resolved: " + a.Text.Title
	}
	return a.Text.Title
}

// messageOf is the message of an event: of one that is over there is nothing to do.
func messageOf(a market.Alert, event market.AlertEvent) string {
	if event != market.EventResolved || a.ResolvedAt == nil {
		return a.Text.Message
	}
	return fmt.Sprintf("It is over since %s, after %s.", a.ResolvedAt.UTC().Format(timeInText), a.ResolvedAt.Sub(a.RaisedAt).Round(time.Second))
}

// renderJSON is the generic body.
func renderJSON(a market.Alert, event market.AlertEvent, links Links) ([]byte, error) {
	details := a.Text.Details
	if len(details) == 0 {
		details = json.RawMessage("{}")
	}
	return json.Marshal(payload{
		ID: a.ID, Event: event, Kind: a.Kind, Severity: a.Kind.Severity(), Title: titleOf(a, event), Message: messageOf(a, event),
		RaisedAt: a.RaisedAt, ResolvedAt: a.ResolvedAt, BackfillID: a.Subject.BackfillID, Instrument: a.Subject.Instrument,
		Provider: a.Subject.Provider, Interval: a.Subject.Interval, Details: details, Links: links,
	})
}

// Where is where links lead to.
type Where struct {
	APIURL string
	// Workflows returns the list of the workflows that match a query in the Temporal UI.
	Workflows func(query string) string
}

// linksOf returns where a person reads on about an alert.
func (w Where) linksOf(a market.Alert) Links {
	api := strings.TrimSuffix(w.APIURL, "/")
	s := a.Subject
	switch a.Kind {
	case market.AlertBackfillFailed:
		return Links{api + "/v1/backfills/" + s.BackfillID, w.Workflows(fmt.Sprintf("MdJobId=%q", s.BackfillID))}
	case market.AlertSeriesStale:
		query := url.Values{"provider": {s.Provider}}
		return Links{
			api + "/v1/instruments?" + query.Encode(),
			w.Workflows(fmt.Sprintf("WorkflowId STARTS_WITH %q", "sync/"+s.Provider+"/"+string(s.Interval))),
		}
	case market.AlertProviderPaused, market.AlertProviderRefused:
		return Links{api + "/v1/providers", w.Workflows(fmt.Sprintf("MdProvider=%q", s.Provider))}
	case market.AlertTest:
	}
	return Links{API: api + "/v1/alerts/" + a.ID}
}
