package drill

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"marketdata/market"
	"marketdata/simulator"
)

// instrument is one of venue SIM, at one of the simulator's adapters.
type instrument struct {
	symbol, class, calendar, adapter, code string
	isTracked                              bool // its daily bars are kept in sync
}

func (i instrument) id() string { return i.symbol + "." + market.VenueSimulated }

func instruments() []instrument {
	return []instrument{
		{"BTCUSDT", "crypto", "24x7", "binance", "BTCUSDT", false},
		{"ETHUSDT", "crypto", "24x7", "binance", "ETHUSDT", true},
		{"SOLUSDT", "crypto", "24x7", "binance", "SOLUSDT", false},
		{"ETH-USD", "crypto", "24x7", "coinbase", "ETH-USD", false},
		{"AAPL", "equity", "XNAS", "yahoo", "AAPL", false},
		{"SPX", "index", "XNYS", "yahoo", "^GSPC", false},
	}
}

// loaded is a stretch of a series that a backfill loads.
type loaded struct {
	instrument, interval, start, end string
}

// history is what is loaded first: years on both sides of the first partition, minutes over a change of years, an exchange's
// sessions, two providers with two bases of prices.
func history() []loaded {
	return []loaded{
		{"BTCUSDT.SIM", "1m", "2019-12-25", "2020-01-05"},
		{"BTCUSDT.SIM", "1h", "2018-01-01", "2021-01-01"},
		{"ETHUSDT.SIM", "1d", "2017-09-01", "2024-01-01"},
		{"ETH-USD.SIM", "1h", "2023-11-15", "2024-02-01"},
		{"AAPL.SIM", "1d", "2005-01-01", "2024-01-01"},
		{"SPX.SIM", "1d", "2008-01-01", "2024-01-01"},
	}
}

// after is loaded into the copy only.
func after() loaded { return loaded{"BTCUSDT.SIM", "1h", "2021-01-01", "2022-01-01"} }

// unfinished is a backfill that an outage of its provider holds up when the source is lost.
func unfinished() loaded { return loaded{"SOLUSDT.SIM", "1h", "2021-01-01", "2024-01-01"} }

// outageAfter is how many of its requests are answered before that: its first chunk is done, its second begun.
const outageAfter = 13

func (l loaded) path() string {
	return fmt.Sprintf("/v1/instruments/%s/bars?interval=%s&start=%s&end=%s", l.instrument, l.interval, l.start, l.end)
}

// begin starts a backfill.
func (l loaded) begin(ctx context.Context, a api, policy market.BackfillPolicy) (backfill, error) {
	var b backfill
	err := a.post(ctx, "/v1/backfills", map[string]any{
		"instruments": []string{l.instrument}, "interval": l.interval, "start": l.start, "end": l.end, "policy": policy, "concurrency": 1,
	}, &b)
	return b, err
}

// fill loads the source: history with rows that break a rule, then parts of it anew with other prices and without some bars,
// a schedule, and a backfill that does not end. It returns the backfills that ended, and that one.
func (p *platform) fill(ctx context.Context) (finished []backfill, open backfill, err error) {
	for _, i := range instruments() {
		if err := p.add(ctx, i); err != nil {
			return nil, open, err
		}
	}
	if err := p.misbehave(ctx,
		simulator.Fault{Fault: "server_error", Symbol: "SOLUSDT", After: outageAfter},
		simulator.Fault{Fault: "malformed_rows", Symbol: "ETH-USD", Rows: 2, Count: 1},
	); err != nil {
		return nil, open, err
	}
	if open, err = unfinished().begin(ctx, p.api, market.PolicyMissing); err != nil {
		return nil, open, err
	}
	if finished, err = p.loadAll(ctx, history(), market.PolicyMissing); err != nil {
		return nil, open, err
	}
	bitcoin, apple := history()[1], history()[4]
	day := func(text string) time.Time { t, _ := time.Parse(time.DateOnly, text); return t }
	if err := p.misbehave(ctx,
		simulator.Fault{Fault: "revise", Symbol: "BTCUSDT", Start: day("2019-03-01"), End: day("2019-04-01")},
		simulator.Fault{Fault: "gap", Symbol: "AAPL", Start: day("2012-06-01"), End: day("2012-06-08")},
	); err != nil {
		return nil, open, err
	}
	again, err := p.loadAll(ctx, []loaded{bitcoin, apple}, market.PolicyAll)
	if err != nil {
		return nil, open, err
	}
	return append(finished, again...), open, p.api.post(ctx, "/v1/schedules", map[string]any{
		"id": "nightly", "instruments": []string{"ETHUSDT.SIM"}, "interval": "1d", "cron": "0 3 * * *", "range": "30d",
	}, nil)
}

func (p *platform) add(ctx context.Context, i instrument) error {
	body := map[string]any{
		"symbol": i.symbol, "venue": market.VenueSimulated, "asset_class": i.class, "currency": "USD", "calendar": i.calendar,
		"providers": []any{map[string]string{"name": "sim_" + i.adapter, "symbol": i.code}},
	}
	if i.isTracked {
		body["intervals"] = []string{"1d"}
	}
	return p.api.post(ctx, "/v1/instruments", body, nil)
}

// loadAll loads the stretches side by side and waits for all.
func (p *platform) loadAll(ctx context.Context, all []loaded, policy market.BackfillPolicy) ([]backfill, error) {
	begun := make([]backfill, len(all))
	for i, l := range all {
		var err error
		if begun[i], err = l.begin(ctx, p.api, policy); err != nil {
			return nil, err
		}
	}
	for i, b := range begun {
		var err error
		if begun[i], err = p.api.finish(ctx, b.ID); err != nil {
			return nil, err
		}
	}
	return begun, nil
}

// awaitOutage waits until the backfill has loaded a part and can do no more.
func (p *platform) awaitOutage(ctx context.Context, id string) error {
	return await(ctx, func(ctx context.Context) (bool, error) {
		b, err := p.api.backfill(ctx, id)
		return b.Progress.Chunks.Done > 0 && b.Progress.Requests >= outageAfter, err
	})
}

// misbehave makes the simulator follow the rules as well.
func (p *platform) misbehave(ctx context.Context, rules ...simulator.Fault) error {
	_, err := ask(ctx, http.MethodPost, p.rig.simPort.URL()+"/_sim/faults", rules)
	return err
}

// heal ends every misbehaviour of the simulator.
func (p *platform) heal(ctx context.Context) error {
	_, err := ask(ctx, http.MethodDelete, p.rig.simPort.URL()+"/_sim/faults", nil)
	return err
}
