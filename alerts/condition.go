package alerts

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"marketdata/market"
)

const (
	maxShown     = 5   // failures or series that a message lists
	maxFailure   = 300 // characters of a text that others wrote
	minBan       = 5 * time.Minute
	timeInText   = "2006-01-02 15:04:05Z"
	indentOfList = "\n  - "
)

// failureDetail is one failed chunk in the details of an alert.
type failureDetail struct {
	Instrument string      `json:"instrument"`
	Start      time.Time   `json:"start"`
	End        time.Time   `json:"end"`
	Kind       market.Kind `json:"kind"`
	Message    string      `json:"message"`
	WorkflowID string      `json:"workflow_id"`
}

type backfillDetails struct {
	FailedChunks int64           `json:"failed_chunks"`
	Chunks       int64           `json:"chunks"`
	WorkflowID   string          `json:"workflow_id"`
	Failures     []failureDetail `json:"failures"` // the first ones
}

// BackfillFailed is the condition of a backfill that ended with failed chunks.
func BackfillFailed(f market.FailedBackfill) market.AlertCondition {
	b := f.Backfill
	details := backfillDetails{FailedChunks: b.Chunks.Failed, Chunks: b.Chunks.Total, WorkflowID: b.WorkflowID, Failures: []failureDetail{}}
	var lines strings.Builder
	fmt.Fprintf(&lines, "%d of %d chunks of backfill %s failed; what the others loaded is stored.\nFirst failures:", b.Chunks.Failed, b.Chunks.Total, b.ID)
	for _, failure := range b.Failures[:min(len(b.Failures), maxShown)] {
		d := failureDetail{
			Instrument: failure.Instrument.String(), Start: failure.Range.Start, End: failure.Range.End,
			Kind: failure.Kind, Message: shorten(failure.Message), WorkflowID: failure.WorkflowID,
		}
		details.Failures = append(details.Failures, d)
		fmt.Fprintf(&lines, "%s%s %s: %s: %s", indentOfList, d.Instrument, dates(failure.Range), d.Kind, d.Message)
	}
	fmt.Fprintf(&lines, "\nSee why: marketdata backfill show %s, or MdJobId=%q in the Temporal UI.\n", b.ID, b.ID)
	fmt.Fprintf(&lines, "When the cause is mended: marketdata backfill retry %s", b.ID)

	subject := market.AlertSubject{BackfillID: b.ID, Interval: b.Interval}
	what := fmt.Sprintf("%d instruments", len(b.Series))
	if len(b.Series) == 1 {
		subject.Instrument, subject.Provider = b.Series[0].Instrument.String(), b.Series[0].Provider
		what = subject.Instrument
	}
	return market.AlertCondition{
		Kind: market.AlertBackfillFailed, Key: b.ID, OccurredAt: f.RunAt, Weight: int(b.Chunks.Failed), Subject: subject,
		Text: newText(fmt.Sprintf("Backfill failed: %s %s %s", what, b.Interval, dates(b.Range)), lines.String(), details),
	}
}

type providerDetails struct {
	Reason     string     `json:"reason"`
	Instrument string     `json:"instrument,omitempty"`
	NotBefore  *time.Time `json:"not_before,omitempty"`
}

// ProviderPaused is the condition of a provider that a person paused.
func ProviderPaused(provider, reason string, now time.Time) market.AlertCondition {
	said := "no reason was given"
	if reason != "" {
		said = "the reason given is: " + shorten(reason)
	}
	return ofProvider(market.AlertProviderPaused, provider, now, newText(
		"Provider paused: "+provider,
		fmt.Sprintf("No worker asks %s for anything, and its series fall behind; %s.\nTo go on: marketdata providers resume %s", provider, said, provider),
		providerDetails{Reason: reason}))
}

// ProviderRefused is the condition of a provider that refuses our key, plan or region.
func ProviderRefused(r market.ProviderRefusal) market.AlertCondition {
	reason := shorten(r.Message)
	return ofProvider(market.AlertProviderRefused, r.Provider, r.At, newText(
		"Provider refuses us: "+r.Provider,
		fmt.Sprintf("%s refuses requests since %s, first of %s: %s\nCheck its key, plan and region (providers.%s in the configuration). Then retry what failed: "+
			"marketdata backfill list --status failed", r.Provider, r.At.Format(timeInText), r.Instrument, reason, r.Provider),
		providerDetails{Reason: reason, Instrument: r.Instrument}))
}

// ProviderBanned is the condition of a provider that told us to stay away until an instant.
func ProviderBanned(provider string, until, now time.Time) market.AlertCondition {
	return ofProvider(market.AlertProviderRefused, provider, now, newText(
		"Provider sends us away: "+provider,
		fmt.Sprintf("%s told us to send nothing before %s; all its work waits until then by itself.\n"+
			"If it happens again, lower providers.%s.requests_per_minute, and look for others who use the same address or key.",
			provider, until.UTC().Format(timeInText), provider),
		providerDetails{Reason: "asked to wait", NotBefore: &until}))
}

// IsBan reports whether an order to wait is long enough for people to be told.
func IsBan(until, now time.Time) bool { return until.Sub(now) > minBan }

// Test is the condition that a person raises to see whether a webhook works.
func Test(webhook string, now time.Time) market.AlertCondition {
	return market.AlertCondition{
		Kind: market.AlertTest, Key: webhook, OccurredAt: now, Weight: 1,
		Text: newText("Test of webhook "+webhook, "Alerts of marketdata arrive here. Nothing is to be done.", struct{}{}),
	}
}

func ofProvider(kind market.AlertKind, provider string, at time.Time, text market.AlertText) market.AlertCondition {
	return market.AlertCondition{
		Kind: kind, Key: provider, OccurredAt: at, Weight: 1, Subject: market.AlertSubject{Provider: provider}, Text: text,
	}
}

// newText puts a text together; details is a struct of this package.
func newText(title, message string, details any) market.AlertText {
	encoded, err := json.Marshal(details)
	if err != nil { // only a time beyond the year 9999
		encoded = []byte("{}")
	}
	return market.AlertText{Title: title, Message: message, Details: encoded}
}

// dates is a range for people; the time of day is left out where it says nothing.
func dates(r market.Range) string {
	layout := time.DateOnly
	if day := 24 * time.Hour; !r.Start.Equal(r.Start.Truncate(day)) || !r.End.Equal(r.End.Truncate(day)) {
		layout = timeInText
	}
	return r.Start.UTC().Format(layout) + ".." + r.End.UTC().Format(layout)
}

// shorten cuts a foreign text to one line of bearable length.
func shorten(text string) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > maxFailure {
		return string(runes[:maxFailure-1]) + "…"
	}
	return string(runes)
}
