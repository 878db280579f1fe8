package market

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ScheduleSource says who defined a schedule.
type ScheduleSource string

// The closed set of sources.
const (
	SourceConfig ScheduleSource = "config"
	SourceAPI    ScheduleSource = "api"
)

// Schedule is a backfill that is repeated: every so often, or by the clock.
type Schedule struct {
	ID          string // [a-z][a-z0-9-]{0,62}
	Instruments []InstrumentID
	Interval    Interval
	Every       string // as written, "" with Cron: see ParseEvery
	Cron        string // as written, "" with Every: see ParseCron
	Range       Lookback
	Policy      BackfillPolicy
	Provider    string // "": of each instrument the first that has the interval
	Concurrency int    // chunks in flight per provider, 1–64
	MaxFailed   int    // failed chunks after which the rest of a run is given up; 0 means no limit
	Source      ScheduleSource
	IsPaused    bool // when it is created; from then on ScheduleState tells
	CreatedAt   time.Time
	UpdatedAt   time.Time

	// Fault says why a stored schedule cannot be read, as one of a later release; "" when it can. Such a one is shown and may
	// be deleted, and its Temporal schedule is left as it is.
	Fault string
}

// ScheduleState is what Temporal knows of a schedule.
type ScheduleState struct {
	IsPaused     bool
	PausedReason string     // "" when not paused
	NextRunAt    *time.Time // nil while paused
	LastRunAt    *time.Time
	LastStatus   string // running, completed, failed, canceled, terminated, timed_out; "" before the first run
	Skipped      int64  // runs left out because the one before was not over
	Missed       int64  // runs left out because Temporal was down for longer than the catch-up window
}

// SyncSchedule keeps the tracked series of one provider and interval fresh. It follows from what is tracked and is stored
// nowhere.
type SyncSchedule struct {
	Provider string
	Interval Interval
	Series   int // tracked series it serves
}

// The ids that schedules of the platform itself have.
const (
	syncPrefix        = "sync-"
	maintenancePrefix = "maintenance-"
)

// ID is the schedule's id: sync-binance-1m.
func (s SyncSchedule) ID() string { return syncPrefix + s.Provider + "-" + string(s.Interval) }

// ParseSyncScheduleID reads the id of a sync schedule; false for any other.
func ParseSyncScheduleID(id string) (SyncSchedule, bool) {
	rest, isSync := strings.CutPrefix(id, syncPrefix)
	provider, interval, isWhole := strings.Cut(rest, "-")
	parsed, err := ParseInterval(interval)
	if !isSync || !isWhole || provider == "" || err != nil {
		return SyncSchedule{}, false
	}
	return SyncSchedule{Provider: provider, Interval: parsed}, true
}

// Every is how often the schedule looks at its series: the interval, at most a quarter of an hour.
func (s SyncSchedule) Every() time.Duration {
	const longest = 15 * time.Minute
	if d := s.Interval.Duration(); d > 0 {
		return min(d, longest)
	}
	return longest
}

// SyncSchedules returns the schedules that keep the series fresh, in the order in which they first appear.
func SyncSchedules(synced []TrackedSeries) []SyncSchedule {
	type pair struct {
		provider string
		interval Interval
	}
	at := map[pair]int{}
	var schedules []SyncSchedule
	for _, s := range synced {
		key := pair{s.Provider, s.Interval}
		i, isKnown := at[key]
		if !isKnown {
			i = len(schedules)
			at[key] = i
			schedules = append(schedules, SyncSchedule{Provider: s.Provider, Interval: s.Interval})
		}
		schedules[i].Series++
	}
	return schedules
}

// The bounds of how often a schedule runs.
const (
	minEvery = time.Second
	maxEvery = 366 * 24 * time.Hour
)

// ParseEvery reads how often a schedule runs: a duration such as 90m or 1h30m, or whole days or weeks: 1d, 2w. It runs at
// the multiples of it since 1970-01-01T00:00:00Z. Errors: invalid, also below a second and above 366 days.
func ParseEvery(text string) (time.Duration, error) {
	written := text
	for unit, hours := range map[string]int{"d": 24, "w": 7 * 24} {
		if n, err := strconv.Atoi(strings.TrimSuffix(text, unit)); err == nil && strings.HasSuffix(text, unit) && n <= 1000 {
			written = fmt.Sprintf("%dh", n*hours)
		}
	}
	d, err := time.ParseDuration(written)
	if err != nil || d%time.Second != 0 || d < minEvery || d > maxEvery {
		return 0, Errorf(KindInvalid, "want whole seconds to 366 days, such as 15m, 6h, 1d or 1w")
	}
	return d, nil
}

// FormatEvery writes a duration as ParseEvery reads it, in its largest whole units: 15m, 1h30m.
func FormatEvery(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// ScheduleText is a schedule as people write it. Policy and Concurrency have defaults.
type ScheduleText struct {
	ID, Interval, Every, Cron, Range, Policy, Provider string
	Instruments                                        []string
	Concurrency, MaxFailed                             int
}

// ScheduleFault says what is wrong with one field of a ScheduleText; Field is its name in JSON: "instruments[0]", "cron".
type ScheduleFault struct{ Field, Message string }

const (
	defaultConcurrency = 4
	maxConcurrency     = 64
	maxInstruments     = 1000
)

// CheckScheduleID returns what is wrong with the id of a schedule of people's own, "" when nothing is.
func CheckScheduleID(id string) string {
	switch {
	case !regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`).MatchString(id):
		return "an id is at most 63 lower case letters, digits and -, a letter first"
	case strings.HasPrefix(id, syncPrefix), strings.HasPrefix(id, maintenancePrefix):
		return "ids that begin with sync- and maintenance- are the platform's own: choose another"
	}
	return ""
}

// ParseSchedule reads a schedule; every field that is wrong is told. Source and times are the caller's to set.
func ParseSchedule(t ScheduleText) (Schedule, []ScheduleFault) {
	p := scheduleParser{}
	s := Schedule{
		ID: t.ID, Every: strings.TrimSpace(t.Every), Cron: strings.Join(strings.Fields(t.Cron), " "), Policy: BackfillPolicy(t.Policy),
		Provider: t.Provider, Concurrency: t.Concurrency, MaxFailed: t.MaxFailed,
	}
	p.check("id", CheckScheduleID(t.ID) == "", CheckScheduleID(t.ID))
	s.Instruments = p.instruments(t.Instruments)
	var err error
	s.Interval, err = ParseInterval(t.Interval)
	p.require("interval", err)
	p.timing(s)
	s.Range, err = ParseLookback(t.Range)
	p.require("range", err)
	if s.Policy == "" {
		s.Policy = PolicyMissing
	}
	p.check("policy", s.Policy == PolicyMissing || s.Policy == PolicyAll, "want missing or all")
	if s.Concurrency == 0 {
		s.Concurrency = defaultConcurrency
	}
	p.check("concurrency", s.Concurrency >= 1 && s.Concurrency <= maxConcurrency, fmt.Sprintf("want 1 to %d", maxConcurrency))
	p.check("max_failed", s.MaxFailed >= 0, "want 0 or more")
	return s, p.faults
}

type scheduleParser struct{ faults []ScheduleFault }

func (p *scheduleParser) check(field string, isRight bool, message string) {
	if !isRight {
		p.faults = append(p.faults, ScheduleFault{field, message})
	}
}

func (p *scheduleParser) require(field string, err error) {
	if err != nil {
		p.check(field, false, err.Error())
	}
}

func (p *scheduleParser) instruments(texts []string) []InstrumentID {
	p.check("instruments", len(texts) >= 1 && len(texts) <= maxInstruments, fmt.Sprintf("want 1 to %d instruments", maxInstruments))
	ids := make([]InstrumentID, 0, len(texts))
	seen := map[InstrumentID]bool{}
	for i, text := range texts {
		field := fmt.Sprintf("instruments[%d]", i)
		id, err := ParseInstrumentID(text)
		p.require(field, err)
		p.check(field, err != nil || !seen[id], "given more than once")
		seen[id] = true
		ids = append(ids, id)
	}
	return ids
}

// timing wants exactly one of every and cron.
func (p *scheduleParser) timing(s Schedule) {
	switch {
	case s.Every == "" && s.Cron == "":
		p.check("every", false, "want every (such as 6h) or cron (such as \"0 3 * * *\")")
	case s.Every != "" && s.Cron != "":
		p.check("cron", false, "want every or cron, not both")
	case s.Every != "":
		_, err := ParseEvery(s.Every)
		p.require("every", err)
	default:
		_, err := ParseCron(s.Cron)
		p.require("cron", err)
	}
}
