package chaos

import (
	"context"
	"net/http"

	"marketdata/market"
)

// api asks a platform as its users do.
type api struct{ url string }

// Target is a series to load: an interval of an instrument of venue SIM at the simulator's adapter.
type Target struct {
	Symbol   string // ours, without the venue
	Class    market.AssetClass
	Calendar string
	Adapter  string
	Code     string // the provider's
	Interval market.Interval
}

// Instrument is its id.
func (t Target) Instrument() string { return t.Symbol + "." + market.VenueSimulated }

// add registers the target's instrument.
func (a *api) add(ctx context.Context, t Target) error {
	return exchange(ctx, http.MethodPost, a.url+"/v1/instruments", map[string]any{
		"symbol": t.Symbol, "venue": market.VenueSimulated, "asset_class": t.Class, "currency": "USD", "calendar": t.Calendar,
		"providers": []any{map[string]string{"name": "sim_" + t.Adapter, "symbol": t.Code}},
	}, nil)
}

// Backfill is a backfill as the API shows it, as far as a run looks at it.
type Backfill struct {
	ID       string                `json:"id"`
	Status   market.BackfillStatus `json:"status"`
	Progress struct {
		Requests int64              `json:"requests"`
		Chunks   market.ChunkCounts `json:"chunks"`
		Bars     market.BarCounts   `json:"bars"`
	} `json:"progress"`
	Failures []Failure `json:"failures"`
}

// Failure is a failed chunk.
type Failure struct {
	Kind       string `json:"kind"`
	Message    string `json:"message"`
	WorkflowID string `json:"workflow_id"`
}

// start begins a backfill of [r.Start, r.End). key makes a repetition after a lost answer the same backfill.
func (a *api) start(ctx context.Context, t Target, r market.Range, policy market.BackfillPolicy, key string) (Backfill, error) {
	var b Backfill
	err := exchange(ctx, http.MethodPost, a.url+"/v1/backfills", map[string]any{
		"instruments": []string{t.Instrument()}, "interval": t.Interval, "policy": policy,
		"start": market.FormatTime(r.Start), "end": market.FormatTime(r.End),
	}, &b, [2]string{"Idempotency-Key", key})
	return b, err
}

func (a *api) backfill(ctx context.Context, id string) (Backfill, error) {
	var b Backfill
	err := exchange(ctx, http.MethodGet, a.url+"/v1/backfills/"+id, nil, &b)
	return b, err
}

// retry lets the failed chunks of a backfill run again.
func (a *api) retry(ctx context.Context, id string) error {
	return exchange(ctx, http.MethodPost, a.url+"/v1/backfills/"+id+"/retry", nil, nil)
}

// backfills returns every backfill, newest first.
func (a *api) backfills(ctx context.Context) ([]Backfill, error) {
	var all []Backfill
	for cursor := ""; ; {
		var page struct {
			Data       []Backfill `json:"data"`
			NextCursor *string    `json:"next_cursor"`
		}
		if err := exchange(ctx, http.MethodGet, a.url+"/v1/backfills?limit=100"+cursor, nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Data...)
		if page.NextCursor == nil {
			return all, nil
		}
		cursor = "&cursor=" + *page.NextCursor
	}
}
