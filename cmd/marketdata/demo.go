package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"marketdata/market"
)

// simPrefix begins the names of the provider instances that a local stack points at its simulator: one per adapter.
const simPrefix = "sim_"

// demo is the catalogue and the first backfills of a local stack. All of it may be repeated: what is there is kept.
type demo struct {
	api      *apiClient
	today    time.Time // midnight UTC
	progress func() progress
	say      func(format string, args ...any)
}

// demoInstruments returns what a local stack knows from the start and keeps in sync: pairs that never close, a stock and an
// index with sessions in New York.
func demoInstruments() []instrumentBody {
	instrument := func(symbol string, class market.AssetClass, currency, calendar, name, adapter, code string, synced ...string) instrumentBody {
		return instrumentBody{
			Symbol: symbol, Venue: market.VenueSimulated, AssetClass: string(class), Currency: currency, Calendar: calendar, Name: name + ", simulated",
			Providers: []market.ProviderSymbol{{Name: simPrefix + adapter, Symbol: code}}, Intervals: synced,
		}
	}
	return []instrumentBody{
		instrument("BTCUSDT", market.AssetCrypto, "USDT", "24x7", "Bitcoin / Tether", "binance", "BTCUSDT", "1m", "1d"),
		instrument("ETHUSDT", market.AssetCrypto, "USDT", "24x7", "Ether / Tether", "binance", "ETHUSDT", "1h"),
		instrument("AAPL", market.AssetEquity, "USD", "XNAS", "Apple Inc.", "yahoo", "AAPL", "1h", "1d"),
		instrument("SPX", market.AssetIndex, "USD", "XNYS", "S&P 500", "yahoo", "^GSPC", "1h", "1d"),
	}
}

// backfills returns the first backfills; today's bars are left out, so that a second start asks for nothing twice.
func (d *demo) backfills() []backfillBody {
	request := func(interval market.Interval, start time.Time, instruments ...string) backfillBody {
		return backfillBody{
			Instruments: instruments, Interval: string(interval), Start: start.Format(time.DateOnly), End: d.today.Format(time.DateOnly),
		}
	}
	lastYear := d.today.AddDate(-1, 0, 0)
	return []backfillBody{
		request(market.Interval1d, time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC), "BTCUSDT.SIM"),
		request(market.Interval1m, d.today.AddDate(0, 0, -30), "BTCUSDT.SIM"),
		request(market.Interval1h, lastYear, "ETHUSDT.SIM"),
		request(market.Interval1d, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), "AAPL.SIM", "SPX.SIM"),
		request(market.Interval1h, lastYear, "AAPL.SIM", "SPX.SIM"),
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
			return fmt.Errorf("backfill %s %s: %w", strings.Join(request.Instruments, ", "), request.Interval, err)
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
		d.say("  %s %s is loaded already", strings.Join(request.Instruments, ", "), request.Interval)
		return "", nil
	}
	return b.ID, nil
}

// curls returns command lines to paste that answer with bars of the demo.
func (d *demo) curls(apiURL string) []string {
	line := func(instrument string, interval market.Interval, days int) string {
		return fmt.Sprintf("curl '%s/v1/instruments/%s/bars?interval=%s&start=%s&limit=5'", apiURL, instrument, interval, d.today.AddDate(0, 0, -days).Format(time.DateOnly))
	}
	return []string{line("BTCUSDT.SIM", market.Interval1d, 10), line("AAPL.SIM", market.Interval1h, 10)}
}
