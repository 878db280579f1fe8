package api

import (
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"marketdata/market"
	"marketdata/planning"
)

// scheduleInput is the body of POST /v1/schedules. Its tags hold what can be said of a field alone; Resolve reads the
// rest, and all faults are told at once.
type scheduleInput struct {
	ID          string   `json:"id" pattern:"^[a-z][a-z0-9-]{0,62}$" patternDescription:"1 to 63 of a-z 0-9 -, a letter first" example:"nightly-btc" doc:"Ids that begin with sync- and maintenance- are the platform's own."`
	Instruments []string `json:"instruments" minItems:"1" maxItems:"1000" minLength:"1" example:"[\"BTCUSDT.BINANCE\"]" doc:"Ids of registered instruments, without case, each once."`
	Interval    string   `json:"interval" enum:"1m,5m,15m,30m,1h,4h,1d,1w,1mo" example:"1d"`
	Every       string   `json:"every,omitempty" maxLength:"32" example:"6h" doc:"How often it runs: 90s, 15m, 6h, 1d, 1w; at the multiples since 1970 UTC. Either this or cron."`
	Cron        string   `json:"cron,omitempty" maxLength:"256" example:"0 3 * * *" doc:"When it runs, UTC: minute hour day-of-month month day-of-week. Either this or every."`
	Range       string   `json:"range" minLength:"1" maxLength:"16" example:"30d" doc:"How far back from the time of a run: 12h, 30d, 2w, 6mo, 1y."`
	Policy      string   `json:"policy,omitempty" enum:"missing,all" default:"missing" example:"missing" doc:"missing asks for what is not covered yet, including what failed before; all asks again for everything."`
	Provider    string   `json:"provider,omitempty" maxLength:"64" example:"binance" doc:"Whom to ask. Defaults to the first of each instrument's providers that has the interval."`
	Concurrency int      `json:"concurrency,omitempty" minimum:"1" maximum:"64" default:"4" example:"4" doc:"Chunks in flight per provider."`
	MaxFailed   int      `json:"max_failed,omitempty" minimum:"0" maximum:"1000000" default:"0" example:"0" doc:"Failed chunks after which the rest of a run is given up; 0 means no limit."`

	// what the answer shows, so that it can be posted again
	Kind   string `json:"kind,omitempty" enum:"backfill" example:"backfill" doc:"Syncs follow from the tracked intervals of instruments."`
	Source string `json:"source,omitempty" enum:"api" example:"api" doc:"What the configuration defines is not posted."`
	Paused bool   `json:"paused,omitempty" example:"false" doc:"Whether it waits for a resume before its first run."`

	schedule market.Schedule
}

var _ huma.Resolver = (*scheduleInput)(nil)

// Resolve reads the schedule. What the tags tell is not told twice.
func (b *scheduleInput) Resolve(huma.Context) []error {
	var faults bodyFaults
	schedule, wrong := market.ParseSchedule(market.ScheduleText{
		ID: b.ID, Instruments: b.Instruments, Interval: b.Interval, Every: b.Every, Cron: b.Cron, Range: b.Range, Policy: b.Policy,
		Provider: b.Provider, Concurrency: b.Concurrency, MaxFailed: b.MaxFailed,
	})
	for _, w := range wrong {
		switch {
		case w.Field == "every", w.Field == "cron", w.Field == "range" && b.Range != "",
			w.Field == "id" && isReservedSchedule(b.ID), strings.HasPrefix(w.Field, "instruments["):
			faults.add("body."+w.Field, "%s", w.Message)
		}
	}
	schedule.Source, schedule.IsPaused = market.SourceAPI, b.Paused
	b.schedule = schedule
	return faults
}

func isReservedSchedule(id string) bool {
	return strings.HasPrefix(id, "sync-") || strings.HasPrefix(id, "maintenance-")
}

// planRequest is what a run of the schedule asks for, its range left out.
func (b *scheduleInput) planRequest() planning.Request {
	return planning.Request{
		Instruments: b.schedule.Instruments, Interval: b.schedule.Interval, Provider: b.schedule.Provider, Policy: b.schedule.Policy,
	}
}
