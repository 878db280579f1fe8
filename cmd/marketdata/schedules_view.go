package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// scheduleView is a schedule as the API shows it, as far as tables need it.
type scheduleView struct {
	ID           string     `json:"id"`
	Kind         string     `json:"kind"`
	Provider     string     `json:"provider"`
	Instruments  []string   `json:"instruments"`
	Interval     string     `json:"interval"`
	Every        string     `json:"every"`
	Cron         string     `json:"cron"`
	Range        string     `json:"range"`
	Policy       string     `json:"policy"`
	Series       int        `json:"series"`
	Failing      int        `json:"failing"`
	Source       string     `json:"source"`
	Paused       *bool      `json:"paused"`
	PausedReason *string    `json:"paused_reason"`
	NextRunAt    *time.Time `json:"next_run_at"`
	LastRunAt    *time.Time `json:"last_run_at"`
	LastStatus   *string    `json:"last_status"`
	Skipped      *int64     `json:"skipped"`
	Missed       *int64     `json:"missed"`
	TemporalURL  string     `json:"temporal_url"`

	Failures []struct {
		Instrument string     `json:"instrument"`
		Kind       string     `json:"kind"`
		Message    string     `json:"message"`
		RetryAt    *time.Time `json:"retry_at"`
	} `json:"failures"`
}

func (s scheduleView) what() string {
	if s.Kind == "sync" {
		return fmt.Sprintf("%s of %d series from %s", s.Interval, s.Series, s.Provider)
	}
	text := strings.Join(s.Instruments, ", ")
	if len(s.Instruments) > 1 {
		text = fmt.Sprintf("%s and %d more", s.Instruments[0], len(s.Instruments)-1)
	}
	return fmt.Sprintf("%s %s, %s back", text, s.Interval, s.Range)
}

func (s scheduleView) when() string {
	if s.Cron != "" {
		return "cron " + s.Cron
	}
	return "every " + s.Every
}

// state says in words whether it runs; unknown while Temporal does not answer.
func (s scheduleView) state() string {
	switch {
	case s.Paused == nil:
		return "unknown"
	case !*s.Paused:
		return "active"
	case s.PausedReason != nil && *s.PausedReason != "":
		return "paused: " + *s.PausedReason
	}
	return "paused"
}

func (s scheduleView) result() string {
	if s.LastStatus == nil {
		return "-"
	}
	return *s.LastStatus
}

func instantText(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

func countText(n *int64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatInt(*n, 10)
}

func scheduleRow(s scheduleView) []string {
	return []string{
		s.ID, s.Kind, s.what(), s.when(), s.state(), instantText(s.LastRunAt), s.result(), instantText(s.NextRunAt), countText(s.Skipped), countText(s.Missed),
	}
}

func scheduleDetails(s scheduleView) [][]string {
	rows := [][]string{
		{"schedule", s.ID},
		{"kind", s.Kind + ", from " + s.Source},
		{"what", s.what()},
		{"when", s.when()},
		{"state", s.state()},
		{"last run", instantText(s.LastRunAt) + ", " + s.result()},
		{"next run", instantText(s.NextRunAt)},
		{"skipped", countText(s.Skipped) + " (the run before was not over)"},
		{"missed", countText(s.Missed) + " (Temporal was down)"},
		{"Temporal UI", s.TemporalURL},
	}
	for _, id := range s.Instruments {
		rows = append(rows, []string{"instrument", id})
	}
	return append(rows, failingDetails(s)...)
}

// failingDetails says of a sync how many of its series fail, and why the first of them do.
func failingDetails(s scheduleView) [][]string {
	if s.Kind != "sync" {
		return nil
	}
	rows := [][]string{{"failing", fmt.Sprintf("%d of %d series", s.Failing, s.Series)}}
	for _, f := range s.Failures {
		again := "with the next run"
		if f.RetryAt != nil {
			again = "not before " + instantText(f.RetryAt)
		}
		rows = append(rows, []string{"failure", fmt.Sprintf("%s, %s: %s; tried again %s", f.Instrument, f.Kind, f.Message, again)})
	}
	if more := s.Failing - len(s.Failures); more > 0 && len(s.Failures) > 0 {
		rows = append(rows, []string{"failure", fmt.Sprintf("and %d more", more)})
	}
	return rows
}
