package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"marketdata/market"
	"marketdata/simulator"
)

// sim is the simulator's own door, beside the gate: its faults, its truth, its log.
type sim struct{ url string }

// misbehave makes the simulator follow the rules as well, until heal.
func (s *sim) misbehave(ctx context.Context, rules ...simulator.Fault) error {
	return exchange(ctx, http.MethodPost, s.url+"/_sim/faults", rules, nil)
}

// heal ends every misbehaviour.
func (s *sim) heal(ctx context.Context) error {
	return exchange(ctx, http.MethodDelete, s.url+"/_sim/faults", nil, nil)
}

// struck returns how many answers each rule in force has changed, in the order in which they were given.
func (s *sim) struck(ctx context.Context) ([]int, error) {
	var rules struct {
		Faults []struct {
			Struck int `json:"struck"`
		} `json:"faults"`
	}
	if err := exchange(ctx, http.MethodGet, s.url+"/_sim/faults", nil, &rules); err != nil {
		return nil, err
	}
	struck := make([]int, len(rules.Faults))
	for i, r := range rules.Faults {
		struck[i] = r.Struck
	}
	return struck, nil
}

// request is one request as the simulator logged it.
type request struct {
	At     time.Time `json:"at"` // when it came
	Path   string    `json:"path"`
	Query  string    `json:"query"`
	Status int       `json:"status"`
}

// isFor reports whether the request asks for bars of the symbol, in any provider's way.
func (r request) isFor(symbol string) bool {
	if strings.HasSuffix(r.Path, "/chart/"+symbol) || strings.Contains(r.Path, "/products/"+symbol+"/") {
		return true
	}
	query, err := url.ParseQuery(r.Query)
	return err == nil && query.Get("symbol") == symbol
}

// log returns every request. Errors: when there were more than the simulator remembers.
func (s *sim) log(ctx context.Context) ([]request, error) {
	var stats struct {
		Requests int       `json:"requests"`
		Log      []request `json:"log"`
	}
	if err := exchange(ctx, http.MethodGet, s.url+"/_sim/stats", nil, &stats); err != nil {
		return nil, err
	}
	if len(stats.Log) != stats.Requests {
		return nil, errors.New("there were more requests than the simulator remembers: let the run be shorter")
	}
	return stats.Log, nil
}

// bar is a bar as the simulator tells it.
type bar struct {
	TS     time.Time   `json:"ts"`
	Open   json.Number `json:"open"`
	High   json.Number `json:"high"`
	Low    json.Number `json:"low"`
	Close  json.Number `json:"close"`
	Volume json.Number `json:"volume"`
}

// truth returns the bars that there are with times in r, ascending.
func (s *sim) truth(ctx context.Context, symbol string, interval market.Interval, r market.Range) ([]bar, error) {
	query := url.Values{
		"symbol": {symbol}, "interval": {string(interval)}, "start": {market.FormatTime(r.Start)}, "end": {market.FormatTime(r.End)},
	}
	var truth struct {
		Bars []bar `json:"bars"`
	}
	err := exchange(ctx, http.MethodGet, s.url+"/_sim/bars?"+query.Encode(), nil, &truth)
	return truth.Bars, err
}
