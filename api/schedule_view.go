package api

import (
	"context"
	"log/slog"
	"time"

	"marketdata/market"
)

// The kinds of schedules.
const (
	scheduleSync     = "sync"
	scheduleBackfill = "backfill"
)

// scheduleView is a schedule as the API shows it: its definition, and what Temporal knows of it.
type scheduleView struct {
	ID           string                `json:"id" example:"nightly-btc"`
	Kind         string                `json:"kind" enum:"sync,backfill" example:"backfill" doc:"sync follows from the instruments' intervals; backfill is defined here or in the configuration."`
	Provider     string                `json:"provider,omitempty" example:"binance" doc:"Whom it asks; absent where each instrument's first provider is asked."`
	Instruments  []string              `json:"instruments,omitempty" example:"[\"BTCUSDT.BINANCE\"]" doc:"Of kind backfill."`
	Interval     market.Interval       `json:"interval" example:"1d"`
	Every        string                `json:"every,omitempty" example:"6h" doc:"How often it runs; absent with cron."`
	Cron         string                `json:"cron,omitempty" example:"0 3 * * *" doc:"When it runs, UTC; absent with every."`
	Range        string                `json:"range,omitempty" example:"30d" doc:"How far back from the time of a run; of kind backfill."`
	Policy       market.BackfillPolicy `json:"policy,omitempty" enum:"missing,all" example:"missing" doc:"Of kind backfill."`
	Concurrency  int                   `json:"concurrency,omitempty" example:"4" doc:"Chunks in flight per provider; of kind backfill."`
	MaxFailed    *int                  `json:"max_failed,omitempty" example:"0" doc:"Failed chunks after which the rest of a run is given up; 0 means no limit; of kind backfill."`
	Series       *int                  `json:"series,omitempty" example:"12" doc:"Tracked series it keeps fresh; of kind sync."`
	Failing      *int                  `json:"failing,omitempty" example:"1" doc:"Of these, how many whose last sync failed; of kind sync."`
	Failures     []syncFailure         `json:"failures,omitzero" doc:"Why, of at most 5 of them, those that failed most often in a row first; of kind sync."`
	Source       market.ScheduleSource `json:"source" enum:"config,api" example:"api" doc:"config: it follows the configuration or the instruments' intervals."`
	CreatedAt    *time.Time            `json:"created_at,omitempty" example:"2024-01-02T08:00:00Z" doc:"Of kind backfill."`
	UpdatedAt    *time.Time            `json:"updated_at,omitempty" example:"2024-01-02T08:00:00Z" doc:"Of kind backfill."`
	Paused       *bool                 `json:"paused" example:"false" doc:"null, as what follows, while Temporal does not answer or has not got the schedule yet."`
	PausedReason *string               `json:"paused_reason" example:"outage of the provider" doc:"null while it is not paused."`
	NextRunAt    *time.Time            `json:"next_run_at" example:"2024-02-03T03:00:00Z" doc:"null while it is paused."`
	LastRunAt    *time.Time            `json:"last_run_at" example:"2024-02-02T03:00:00Z" doc:"null before the first run."`
	LastStatus   *string               `json:"last_status" enum:"running,completed,failed,canceled,terminated,timed_out" example:"completed" doc:"What became of the last run; null before the first."`
	Skipped      *int64                `json:"skipped" example:"0" doc:"Runs left out because the one before was not over."`
	Missed       *int64                `json:"missed" example:"0" doc:"Runs left out because Temporal was down beyond the catch-up window."`
	TemporalURL  string                `json:"temporal_url" example:"http://127.0.0.1:8233/namespaces/default/schedules/schedule%2Fnightly-btc"`
}

// syncFailure is why the last sync of a series failed.
type syncFailure struct {
	Instrument string      `json:"instrument" example:"BTCUSDT.BINANCE"`
	Kind       market.Kind `json:"kind" enum:"invalid,not_found,conflict,denied,malformed,rate_limited,unavailable,internal" example:"denied" doc:"GET /problems/{kind} explains it."`
	Message    string      `json:"message" example:"the provider refuses the key"`
	RetryAt    *time.Time  `json:"retry_at" example:"2024-02-03T03:00:00Z" doc:"It is not tried before, as after a failure that waiting alone does not mend; null: with the next run."`
}

type scheduleList struct {
	Data       []scheduleView `json:"data" doc:"By id."`
	Meta       listMeta       `json:"meta"`
	NextCursor *string        `json:"next_cursor" doc:"Always null: there is one page."`
}

func viewSchedule(s market.Schedule) scheduleView {
	v := scheduleView{
		ID: s.ID, Kind: scheduleBackfill, Provider: s.Provider, Instruments: make([]string, len(s.Instruments)), Interval: s.Interval,
		Every: s.Every, Cron: s.Cron, Range: s.Range.String(), Policy: s.Policy, Concurrency: s.Concurrency, MaxFailed: &s.MaxFailed,
		Source: s.Source, CreatedAt: utcOrNil(&s.CreatedAt), UpdatedAt: utcOrNil(&s.UpdatedAt),
	}
	for i, id := range s.Instruments {
		v.Instruments[i] = id.String()
	}
	return v
}

func viewSync(s market.SyncSchedule, failing market.SyncFailing) scheduleView {
	v := scheduleView{
		ID: s.ID(), Kind: scheduleSync, Provider: s.Provider, Interval: s.Interval, Every: market.FormatEvery(s.Every()), Series: &s.Series,
		Failing: &failing.Series, Failures: make([]syncFailure, len(failing.Failures)), Source: market.SourceConfig,
	}
	for i, f := range failing.Failures {
		v.Failures[i] = syncFailure{Instrument: f.Instrument.String(), Kind: f.Kind, Message: f.Message, RetryAt: utcOrNil(f.RetryAt)}
	}
	return v
}

// enliven adds what Temporal knows. While it does not answer the definitions are shown alone.
func (s *server) enliven(ctx context.Context, views []scheduleView) {
	ids := make([]string, len(views))
	for i := range views {
		ids[i] = views[i].ID
		views[i].TemporalURL = s.scheduler.URL(views[i].ID)
	}
	states, err := s.scheduler.States(ctx, ids)
	if err != nil {
		s.logger.LogAttrs(ctx, slog.LevelWarn, "live state of schedules not read", slog.String("request_id", requestID(ctx)),
			slog.String("error", err.Error()))
	}
	for i := range views {
		if state, isKnown := states[views[i].ID]; isKnown {
			views[i].show(state)
		}
	}
}

func (v *scheduleView) show(state market.ScheduleState) {
	v.Paused, v.Skipped, v.Missed = &state.IsPaused, &state.Skipped, &state.Missed
	v.NextRunAt, v.LastRunAt = utcOrNil(state.NextRunAt), utcOrNil(state.LastRunAt)
	if state.IsPaused {
		v.PausedReason = &state.PausedReason
	}
	if state.LastStatus != "" {
		v.LastStatus = &state.LastStatus
	}
}
