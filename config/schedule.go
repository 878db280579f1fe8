package config

import (
	"maps"
	"slices"
	"strings"

	"marketdata/market"
)

// Schedule configures a backfill that is repeated. Zero fields have the defaults of the API.
type Schedule struct {
	Instruments []string `koanf:"instruments"`
	Interval    string   `koanf:"interval"`
	Every       string   `koanf:"every"` // or Cron
	Cron        string   `koanf:"cron"`
	Range       string   `koanf:"range"`
	Policy      string   `koanf:"policy"`
	Provider    string   `koanf:"provider"`
	Concurrency int      `koanf:"concurrency"`
	MaxFailed   int      `koanf:"max_failed"`
}

func (s Schedule) parse(id string) (market.Schedule, []market.ScheduleFault) {
	return market.ParseSchedule(market.ScheduleText{
		ID: id, Instruments: s.Instruments, Interval: s.Interval, Every: s.Every, Cron: s.Cron, Range: s.Range, Policy: s.Policy,
		Provider: s.Provider, Concurrency: s.Concurrency, MaxFailed: s.MaxFailed,
	})
}

// BackfillSchedules returns the schedules of a valid configuration by id.
func (c Config) BackfillSchedules() []market.Schedule {
	schedules := make([]market.Schedule, 0, len(c.Schedules))
	for _, id := range slices.Sorted(maps.Keys(c.Schedules)) {
		s, _ := c.Schedules[id].parse(id)
		s.Source = market.SourceConfig
		schedules = append(schedules, s)
	}
	return schedules
}

func (v *validator) schedule(id string, s Schedule, providers map[string]Provider) {
	path := "schedules." + id
	_, faults := s.parse(id)
	for _, f := range faults {
		if f.Field == "id" {
			v.check(path, false, f.Message)
			continue
		}
		v.check(path+"."+f.Field, false, f.Message)
	}
	_, isKnown := providers[s.Provider]
	v.check(path+".provider", s.Provider == "" || isKnown,
		"no such instance of providers: want one of "+strings.Join(slices.Sorted(maps.Keys(providers)), ", "))
}
