package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"marketdata/market"
)

// simInstance is the provider instance that a local stack points at its simulator.
const simInstance = "sim_binance"

// demo is the catalogue and the first backfills of a local stack. All of it may be repeated: what is there is kept.
type demo struct {
	api      *apiClient
	today    time.Time // midnight UTC
	progress func() progress
	say      func(format string, args ...any)
}

// demoInstruments returns what a local stack knows from the start.
func demoInstruments() []instrumentBody {
	instrument := func(symbol, name string) instrumentBody {
		return instrumentBody{
			Symbol: symbol, Venue: market.VenueSimulated, AssetClass: string(market.AssetCrypto), Currency: "USDT", Name: name, Calendar: "24x7",
			Providers: []market.ProviderSymbol{{Name: simInstance, Symbol: symbol}},
		}
	}
	return []instrumentBody{
		instrument("BTCUSDT", "Bitcoin / Tether, simulated"),
		instrument("ETHUSDT", "Ether / Tether, simulated"),
	}
}

// backfills returns the first backfills; today's bars are left out, so that a second start asks for nothing twice.
func (d *demo) backfills() []backfillBody {
	request := func(instrument string, interval market.Interval, start time.Time) backfillBody {
		return backfillBody{
			Instruments: []string{instrument}, Interval: string(interval), Start: start.Format(time.DateOnly), End: d.today.Format(time.DateOnly),
		}
	}
	return []backfillBody{
		request("BTCUSDT.SIM", market.Interval1d, time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)),
		request("BTCUSDT.SIM", market.Interval1m, d.today.AddDate(0, 0, -30)),
		request("ETHUSDT.SIM", market.Interval1h, d.today.AddDate(-1, 0, 0)),
	}
}

// run registers the catalogue, starts the backfills and follows them. The error names what did not load.
func (d *demo) run(ctx context.Context) error {
	for _, i := range demoInstruments() {
		if _, err := d.api.post(ctx, "/v1/instruments", i, nil); err != nil {
			return fmt.Errorf("register %s.%s: %w", i.Symbol, i.Venue, err)
		}
	}
	d.say("Loading demo bars from the simulator")
	var ids []string
	for _, request := range d.backfills() {
		id, err := d.start(ctx, request)
		if err != nil {
			return fmt.Errorf("backfill %s %s: %w", request.Instruments[0], request.Interval, err)
		}
		if id != "" {
			ids = append(ids, id)
		}
	}
	var failed []error
	for _, id := range ids {
		b, _, err := watch(ctx, d.api, id, d.progress())
		if err == nil {
			err = outcome(b)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failed = append(failed, err)
	}
	return joined(failed...)
}

// start starts a backfill, or finds the one of an earlier run that does the same. It returns "" when all is there.
func (d *demo) start(ctx context.Context, request backfillBody) (string, error) {
	var b backfillView
	_, err := d.api.post(ctx, "/v1/backfills", request, &b)
	var problem *problemError
	switch {
	case errors.As(err, &problem) && problem.Status == http.StatusConflict && problem.BackfillID != "":
		return problem.BackfillID, nil
	case err != nil:
		return "", err
	case b.Progress.Chunks.Total == 0 && b.Status.IsFinished():
		d.say("  %s %s is loaded already", request.Instruments[0], request.Interval)
		return "", nil
	}
	return b.ID, nil
}

// curl returns a command line to paste that answers with bars of the demo.
func (d *demo) curl(apiURL string) string {
	return fmt.Sprintf("curl '%s/v1/instruments/BTCUSDT.SIM/bars?interval=1d&start=%s&limit=5'", apiURL, d.today.AddDate(0, 0, -10).Format(time.DateOnly))
}
