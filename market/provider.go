package market

import (
	"slices"
	"time"
)

// Capabilities is the record of what a provider can do; the shared code relies on it instead of special cases.
type Capabilities struct {
	AssetClasses   []AssetClass `json:"asset_classes"`
	Intervals      []Interval   `json:"intervals"`
	MaxBarsPerPage int          `json:"max_bars_per_page"` // 0: a whole range in one answer
	// WindowSeconds is the longest range of one request by interval, where the provider bounds it: the shared code cuts
	// longer ranges into such windows, and every window is answered by itself.
	WindowSeconds  map[Interval]int64 `json:"window_seconds,omitempty"`
	Order          string             `json:"order"`           // asc or desc: how the provider sorts; ours is always asc
	RangeSemantics string             `json:"range_semantics"` // how its own bounds work, for people
	HasVolume      bool               `json:"has_volume"`
	NeedsKey       bool               `json:"needs_key"`
	HistoryDepth   string             `json:"history_depth"` // for people: "full", "last 720 bars"
	PriceBasis     Adjustment         `json:"price_basis"`   // raw or split
	Anchor         string             `json:"anchor"`        // clock or session: where intraday bars are anchored
	Settle         time.Duration      `json:"-"`             // publishing delay after a bar's close
	SettleSeconds  float64            `json:"settle_seconds"`
	Pacing         Pacing             `json:"pacing"`
}

// How a provider sorts the rows of an answer.
const (
	OrderAscending  = "asc"
	OrderDescending = "desc"
)

// Pacing is the request budget of a provider by default, and what a request costs of it.
type Pacing struct {
	RequestsPerMinute int `json:"requests_per_minute"`
	WeightPerMinute   int `json:"weight_per_minute,omitempty"` // 0: requests are not weighted
	PageWeight        int `json:"page_weight,omitempty"`       // weight of one page of bars
	HeaviestWeight    int `json:"heaviest_weight,omitempty"`   // weight of the heaviest request ever sent
}

// ProviderInstance is a configured source of data, as the platform shows it. It carries no key and no URL.
type ProviderInstance struct {
	Name         string // [a-z][a-z0-9_]*
	Adapter      string
	Synthetic    bool // attaches only to instruments of venue SIM; real ones never do
	Enabled      bool
	Capabilities Capabilities // Pacing with the instance's overrides applied
}

// Supports reports whether the instance has bars of the interval.
func (p ProviderInstance) Supports(interval Interval) bool {
	return slices.Contains(p.Capabilities.Intervals, interval)
}

// ProviderState is the live state of a provider instance's request budget, shared by all workers.
type ProviderState struct {
	Paused         bool
	PausedReason   string
	UsedLastMinute int       // requests granted in the last 60 seconds
	NotBefore      time.Time // no request before; zero when not held
	Waiting        int       // chunks that are running or pending for this provider
}

// Lane is who a request to a provider is for. All lanes share one budget.
type Lane string

const (
	// LaneBackfill is for history: it has the whole budget while nothing else wants it, and else a fifth.
	LaneBackfill Lane = "backfill"
	// LaneSync is for what somebody waits for, as today's bars.
	LaneSync Lane = "sync"
)

// Booking is one request that is to be booked from a provider's budget.
type Booking struct {
	Provider string
	Weight   int // of the request; at least 1
	Lane     Lane
	MaxWait  time.Duration // book nothing where the request could only be sent later than that
}

// Slot is when a booked request may be sent.
type Slot struct {
	At   time.Time     // by the clock of the budget
	Wait time.Duration // until then; 0 when it may be sent at once
}
