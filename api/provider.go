package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"marketdata/market"
)

// providerView is a provider instance as the API shows it.
type providerView struct {
	Name         string           `json:"name" example:"binance"`
	Adapter      string           `json:"adapter" example:"binance" doc:"Whose wire format it speaks."`
	Synthetic    bool             `json:"synthetic" example:"false" doc:"Its bars are made up; it serves venue SIM only."`
	Enabled      bool             `json:"enabled" example:"true" doc:"As configured."`
	Paused       bool             `json:"paused" example:"false" doc:"No worker asks it."`
	PausedReason string           `json:"paused_reason,omitempty" example:"outage of the provider"`
	Capabilities capabilitiesView `json:"capabilities"`
	Budget       budgetView       `json:"budget"`
}

// capabilitiesView is market.Capabilities for readers.
type capabilitiesView struct {
	AssetClasses   []market.AssetClass `json:"asset_classes" example:"[\"crypto\"]"`
	Intervals      []market.Interval   `json:"intervals" example:"[\"1m\",\"1d\"]"`
	MaxBarsPerPage int                 `json:"max_bars_per_page" example:"1000" doc:"0: a whole range in one answer."`
	WindowSeconds  map[string]int64    `json:"window_seconds,omitempty" doc:"The longest range of one request by interval, where the provider bounds it."`
	Order          string              `json:"order" example:"asc" doc:"How the provider sorts; answers here are sorted as asked."`
	RangeSemantics string              `json:"range_semantics" example:"both bounds are included" doc:"How the provider's own bounds work."`
	HasVolume      bool                `json:"has_volume" example:"true"`
	NeedsKey       bool                `json:"needs_key" example:"false"`
	HistoryDepth   string              `json:"history_depth" example:"full"`
	PriceBasis     market.Adjustment   `json:"price_basis" example:"raw"`
	Anchor         string              `json:"anchor" example:"clock" doc:"Where intraday bars are anchored: clock or session."`
	SettleSeconds  float64             `json:"settle_seconds" example:"5" doc:"Publishing delay after a bar's close."`
	Pacing         market.Pacing       `json:"pacing"`
}

// budgetView is what is left of a request budget, over all workers.
type budgetView struct {
	RequestsPerMinute int        `json:"requests_per_minute" example:"600"`
	UsedLastMinute    int        `json:"used_last_minute" example:"17"`
	NotBefore         *time.Time `json:"not_before" example:"2024-01-02T15:04:05Z" doc:"No request before: the provider asked to wait. null when it did not."`
	Waiting           int        `json:"waiting" example:"4" doc:"Chunks that are running or pending."`
}

type providerList struct {
	Data       []providerView `json:"data"`
	Meta       listMeta       `json:"meta"`
	NextCursor *string        `json:"next_cursor" doc:"Always null: there is one page."`
}

type (
	providerPathInput struct {
		Name string `path:"name" example:"binance" doc:"Name of the instance."`
	}
	providerPauseInput struct {
		Name string `path:"name" example:"binance" doc:"Name of the instance."`
		Body *reasonInput
	}
	providerOutput     struct{ Body providerView }
	providerListOutput struct{ Body providerList }
)

func (s *server) registerProviders() {
	tags := []string{"Providers"}
	register(s, huma.Operation{
		OperationID: "list-providers", Method: http.MethodGet, Path: "/v1/providers", Tags: tags,
		Summary: "List providers", Description: "All configured instances, with what they can do and what is left of their request budgets.",
	}, s.listProviders)
	register(s, huma.Operation{
		OperationID: "pause-provider", Method: http.MethodPost, Path: "/v1/providers/{name}/pause", Tags: tags,
		Summary: "Pause a provider", Description: "No request to it begins later than three seconds after the answer, on any worker. Work waits, also across restarts, until it is resumed. Pausing a paused provider changes its reason.",
		Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *providerPauseInput) (*providerOutput, error) {
		return s.setProviderPaused(ctx, in.Name, true, in.Body.text())
	})
	register(s, huma.Operation{
		OperationID: "resume-provider", Method: http.MethodPost, Path: "/v1/providers/{name}/resume", Tags: tags,
		Summary: "Resume a provider", Description: "Workers ask it again, within seconds.", Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *providerPathInput) (*providerOutput, error) {
		return s.setProviderPaused(ctx, in.Name, false, "")
	})
}

func (s *server) listProviders(ctx context.Context, _ *struct{}) (*providerListOutput, error) {
	states, err := s.store.ProviderStates(ctx)
	if err != nil {
		return nil, err
	}
	out := &providerListOutput{Body: providerList{Data: make([]providerView, len(s.providers)), Meta: listMeta{Returned: len(s.providers)}}}
	for i, instance := range s.providers {
		out.Body.Data[i] = viewProvider(instance, states[instance.Name])
	}
	return out, nil
}

// setProviderPaused writes the state all workers obey. Stopping the task queue as well only spares them asking for
// work in vain, so its failure is logged and no more.
func (s *server) setProviderPaused(ctx context.Context, name string, isPaused bool, reason string) (*providerOutput, error) {
	instance, isKnown := s.providers.find(name)
	if !isKnown {
		return nil, market.Errorf(market.KindNotFound, "there is no such provider; configured: %s", s.providers.names())
	}
	if err := s.store.SetProviderPaused(ctx, name, isPaused, reason); err != nil {
		return nil, err
	}
	if err := s.orchestrator.PauseProvider(ctx, name, isPaused, reason); err != nil {
		s.logger.LogAttrs(ctx, slog.LevelWarn, "task queue not adjusted", slog.String("request_id", requestID(ctx)),
			slog.String("provider", name), slog.Bool("paused", isPaused), slog.String("error", err.Error()))
	}
	states, err := s.store.ProviderStates(ctx)
	if err != nil {
		return nil, err
	}
	return &providerOutput{Body: viewProvider(instance, states[name])}, nil
}

// windowsOf returns the windows by the names of intervals.
func windowsOf(c market.Capabilities) map[string]int64 {
	windows := make(map[string]int64, len(c.WindowSeconds))
	for interval, seconds := range c.WindowSeconds {
		windows[string(interval)] = seconds
	}
	return windows
}

func viewProvider(p market.ProviderInstance, state market.ProviderState) providerView {
	c := p.Capabilities
	v := providerView{
		Name: p.Name, Adapter: p.Adapter, Synthetic: p.Synthetic, Enabled: p.Enabled, Paused: state.Paused, PausedReason: state.PausedReason,
		Capabilities: capabilitiesView{
			AssetClasses: orEmpty(c.AssetClasses), Intervals: orEmpty(c.Intervals), MaxBarsPerPage: c.MaxBarsPerPage, WindowSeconds: windowsOf(c), Order: c.Order,
			RangeSemantics: c.RangeSemantics, HasVolume: c.HasVolume, NeedsKey: c.NeedsKey, HistoryDepth: c.HistoryDepth,
			PriceBasis: c.PriceBasis, Anchor: c.Anchor, SettleSeconds: c.Settle.Seconds(), Pacing: c.Pacing,
		},
		Budget: budgetView{
			RequestsPerMinute: c.Pacing.RequestsPerMinute, UsedLastMinute: state.UsedLastMinute, Waiting: state.Waiting,
		},
	}
	if !state.NotBefore.IsZero() {
		v.Budget.NotBefore = utcOrNil(&state.NotBefore)
	}
	return v
}
