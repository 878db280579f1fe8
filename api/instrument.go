package api

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"marketdata/market"
)

// listingTimeout bounds how long a registration waits for providers to say since when they have bars.
const listingTimeout = 3 * time.Second

// instrumentView is an instrument as the API shows it.
type instrumentView struct {
	ID         string                  `json:"id" example:"BTCUSDT.BINANCE" doc:"SYMBOL.VENUE; matched without case."`
	Symbol     string                  `json:"symbol" example:"BTCUSDT" doc:"Code at the venue."`
	Venue      string                  `json:"venue" example:"BINANCE" doc:"Where it trades: a MIC or the name of an exchange."`
	AssetClass market.AssetClass       `json:"asset_class" enum:"crypto,equity,etf,index,fx,fund,future" example:"crypto"`
	Currency   string                  `json:"currency" example:"USDT" doc:"Of its prices."`
	Name       string                  `json:"name" example:"Bitcoin / Tether"`
	Calendar   string                  `json:"calendar" example:"24x7" doc:"When its market is open."`
	Providers  []market.ProviderSymbol `json:"providers" doc:"In order of preference."`
	Intervals  []market.Interval       `json:"intervals" example:"[\"1m\",\"1d\"]" doc:"Kept in sync."`
	CreatedAt  time.Time               `json:"created_at" example:"2024-01-02T15:04:05Z"`
}

type instrumentList struct {
	Data       []instrumentView `json:"data"`
	Meta       listMeta         `json:"meta"`
	NextCursor *string          `json:"next_cursor" doc:"null on the last page."`
}

type (
	instrumentPostInput struct {
		DryRun      bool `query:"dry_run" doc:"Check only: the answer is what would be stored, and nothing is written."`
		SkipListing bool `query:"skip_listing" doc:"Do not ask the providers since when they have bars; the first backfill will. Else that takes at most 3 seconds."`
		Body        instrumentInput
	}
	instrumentPathInput struct {
		ID string `path:"id" example:"BTCUSDT.BINANCE" doc:"SYMBOL.VENUE, without case."`
	}
	instrumentListInput struct {
		Q          string `query:"q" maxLength:"64" example:"btc" doc:"Part of the id or the name, without case."`
		AssetClass string `query:"asset_class" enum:"crypto,equity,etf,index,fx,fund,future" doc:"Only this asset class."`
		Venue      string `query:"venue" maxLength:"16" example:"BINANCE" doc:"Only this venue, without case."`
		Provider   string `query:"provider" maxLength:"64" example:"binance" doc:"Only those that list this provider."`
		Limit      int    `query:"limit" default:"100" minimum:"1" maximum:"1000" doc:"Instruments per page."`
		Cursor     string `query:"cursor" maxLength:"1024" doc:"next_cursor of the page before."`
	}
	stopSyncInput struct {
		ID       string `path:"id" example:"BTCUSDT.BINANCE" doc:"SYMBOL.VENUE, without case."`
		Interval string `path:"interval" enum:"1m,5m,15m,30m,1h,4h,1d,1w,1mo" example:"1m" doc:"The interval to keep in sync no longer."`
	}
	instrumentPostOutput struct {
		Status   int
		Location string `header:"Location" doc:"Path of the instrument." example:"/v1/instruments/BTCUSDT.BINANCE"`
		Body     instrumentView
	}
	instrumentOutput     struct{ Body instrumentView }
	instrumentListOutput struct{ Body instrumentList }
)

var _ huma.Resolver = (*instrumentPostInput)(nil)

// Resolve refuses a flag without a value: whoever writes a bare dry_run does not expect a write.
func (*instrumentPostInput) Resolve(ctx huma.Context) []error {
	var faults bodyFaults
	u := ctx.URL()
	query := u.Query()
	for _, flag := range []string{"dry_run", "skip_listing"} {
		if query.Has(flag) && query.Get(flag) == "" {
			faults.add("query."+flag, "want true or false")
		}
	}
	return faults
}

func (s *server) registerInstruments() {
	tags := []string{"Instruments"}
	register(s, huma.Operation{
		OperationID: "put-instrument", Method: http.MethodPost, Path: "/v1/instruments", Tags: tags,
		Summary: "Register an instrument, or merge into it",
		Description: "201 the first time. Repeated, it adds providers and intervals to those stored and answers 200; " +
			"a field that contradicts what is stored answers 409. Providers are asked since when they have bars. " +
			"With dry_run it only checks, and answers 200.",
		Middlewares: huma.Middlewares{s.provideInstances},
		Errors:      []int{http.StatusConflict},
		Responses:   map[string]*huma.Response{"201": jsonResponse[instrumentView](s, "Registered")},
	}, s.putInstrument)
	register(s, huma.Operation{
		OperationID: "list-instruments", Method: http.MethodGet, Path: "/v1/instruments", Tags: tags,
		Summary: "List instruments", Description: "By id, ascending.",
	}, s.listInstruments)
	register(s, huma.Operation{
		OperationID: "get-instrument", Method: http.MethodGet, Path: "/v1/instruments/{id}", Tags: tags,
		Summary: "Show an instrument", Description: "One instrument by its id.", Errors: []int{http.StatusNotFound},
	}, s.getInstrument)
	register(s, huma.Operation{
		OperationID: "stop-sync", Method: http.MethodDelete, Path: "/v1/instruments/{id}/intervals/{interval}", Tags: tags,
		Summary: "Stop keeping an interval in sync", Description: "Stored bars stay.", Errors: []int{http.StatusNotFound},
	}, s.stopSync)
}

func (s *server) putInstrument(ctx context.Context, in *instrumentPostInput) (*instrumentPostOutput, error) {
	if in.DryRun {
		would, _, err := s.store.CheckInstrument(ctx, in.Body.instrument())
		if err != nil {
			return nil, err
		}
		return &instrumentPostOutput{Status: http.StatusOK, Body: viewInstrument(would)}, nil
	}
	stored, isNew, err := s.store.PutInstrument(ctx, in.Body.instrument())
	if err != nil {
		return nil, err
	}
	if len(stored.Intervals) > 0 { // providers count too: a new one may serve an interval
		s.scheduler.Nudge()
	}
	if !in.SkipListing {
		s.findListings(ctx, stored)
	}
	out := &instrumentPostOutput{
		Status: http.StatusOK, Location: "/v1/instruments/" + stored.ID.String(), Body: viewInstrument(stored),
	}
	if isNew {
		out.Status = http.StatusCreated
	}
	return out, nil
}

// findListings asks the providers whose listing is not known yet since when they have bars. The instrument stands
// whatever they answer: a failure is logged, and a backfill asks again.
func (s *server) findListings(ctx context.Context, i market.Instrument) {
	ctx, cancel := context.WithTimeout(ctx, listingTimeout)
	defer cancel()
	var wait sync.WaitGroup
	for _, p := range i.Providers {
		if instance, known := s.providers.find(p.Name); !known || !instance.Enabled {
			continue
		}
		wait.Go(func() {
			if err := s.findListing(ctx, i.ID, p); err != nil {
				s.logger.LogAttrs(ctx, slog.LevelWarn, "listing not found", slog.String("request_id", requestID(ctx)),
					slog.String("instrument", i.ID.String()), slog.String("provider", p.Name), slog.String("error", err.Error()))
			}
		})
	}
	wait.Wait()
}

// findListing asks one provider, unless its listing is known. A series knows the listing of its provider whatever its
// interval.
func (s *server) findListing(ctx context.Context, id market.InstrumentID, p market.ProviderSymbol) error {
	now := s.now().UTC()
	series, err := s.store.Series(ctx, id, market.Interval1d, p.Name, market.Range{Start: now.AddDate(0, 0, -1), End: now})
	if err != nil {
		return err
	}
	if series.ListedAt != nil {
		return nil
	}
	return s.orchestrator.FindListing(ctx, id, p)
}

func (s *server) listInstruments(ctx context.Context, in *instrumentListInput) (*instrumentListOutput, error) {
	q := market.InstrumentQuery{
		Text: in.Q, AssetClass: market.AssetClass(in.AssetClass), Venue: strings.ToUpper(in.Venue), Provider: in.Provider, Limit: in.Limit,
	}
	cursor := cursorQuery{"instruments", q.Text, in.AssetClass, q.Venue, q.Provider}
	if in.Cursor != "" {
		position, err := cursor.decode(in.Cursor, 1)
		if err != nil {
			return nil, err
		}
		q.After = position[0]
	}
	found, err := s.store.Instruments(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &instrumentListOutput{Body: instrumentList{Data: make([]instrumentView, len(found)), Meta: listMeta{Returned: len(found)}}}
	for i, instrument := range found {
		out.Body.Data[i] = viewInstrument(instrument)
	}
	if len(found) < in.Limit {
		return out, nil
	}
	q.After, q.Limit = found[len(found)-1].ID.String(), 1
	more, err := s.store.Instruments(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(more) > 0 {
		next := cursor.encode(q.After)
		out.Body.NextCursor = &next
	}
	return out, nil
}

func (s *server) getInstrument(ctx context.Context, in *instrumentPathInput) (*instrumentOutput, error) {
	id, err := parsePathID(in.ID)
	if err != nil {
		return nil, err
	}
	found, err := s.store.Instrument(ctx, id)
	if err != nil {
		return nil, err
	}
	return &instrumentOutput{Body: viewInstrument(found)}, nil
}

func (s *server) stopSync(ctx context.Context, in *stopSyncInput) (*struct{}, error) {
	id, err := parsePathID(in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.store.StopSync(ctx, id, market.Interval(in.Interval)); err != nil {
		return nil, err
	}
	s.scheduler.Nudge()
	return nil, nil //nolint:nilnil // 204 has no body
}

// parsePathID reads the id of a path. Errors: invalid at path.id.
func parsePathID(text string) (market.InstrumentID, error) {
	id, err := market.ParseInstrumentID(text)
	if err != nil {
		return id, invalidAt("path.id", "%s", err)
	}
	return id, nil
}

func viewInstrument(i market.Instrument) instrumentView {
	return instrumentView{
		ID: i.ID.String(), Symbol: i.ID.Symbol, Venue: i.ID.Venue, AssetClass: i.AssetClass, Currency: i.Currency, Name: i.Name,
		Calendar: i.Calendar, Providers: orEmpty(i.Providers), Intervals: orEmpty(i.Intervals), CreatedAt: i.CreatedAt.UTC(),
	}
}

// orEmpty returns list, never nil: nil would be null in JSON.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
