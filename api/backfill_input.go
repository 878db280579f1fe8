package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"marketdata/market"
)

// backfillInput is the body of POST /v1/backfills. Its tags hold what can be said of a field alone; Resolve reads the
// ids and times, and all faults are told at once.
type backfillInput struct {
	Instruments []string `json:"instruments" minItems:"1" maxItems:"1000" minLength:"1" example:"[\"BTCUSDT.BINANCE\"]" doc:"Ids of registered instruments, without case, each once."`
	Interval    string   `json:"interval" enum:"1m,5m,15m,30m,1h,4h,1d,1w,1mo" example:"1m"`
	Start       string   `json:"start" maxLength:"64" example:"2024-01-01" doc:"RFC 3339, or a date (midnight UTC)."`
	End         string   `json:"end" maxLength:"64" example:"2024-02-01" doc:"Not in the range; clipped to the last closed bar."`
	Provider    string   `json:"provider,omitempty" maxLength:"64" example:"binance" doc:"Whom to ask. Defaults to the first of each instrument's providers that has the interval."`
	Policy      string   `json:"policy,omitempty" enum:"missing,all" default:"missing" example:"missing" doc:"missing asks for what is not covered yet, including what failed before; all asks again for everything."`
	Concurrency int      `json:"concurrency,omitempty" minimum:"1" maximum:"64" default:"4" example:"4" doc:"Chunks in flight per provider."`
	MaxFailed   int      `json:"max_failed,omitempty" minimum:"0" maximum:"1000000" default:"0" example:"0" doc:"Failed chunks after which the rest is given up; 0 means no limit."`

	ids    []market.InstrumentID
	wanted market.Range
}

var _ huma.Resolver = (*backfillInput)(nil)

// Resolve reads ids and times.
func (b *backfillInput) Resolve(huma.Context) []error {
	var faults bodyFaults
	seen := map[market.InstrumentID]bool{}
	for i, text := range b.Instruments {
		at := fmt.Sprintf("body.instruments[%d]", i)
		id, err := market.ParseInstrumentID(text)
		switch {
		case text == "": // the tags have told
		case err != nil:
			faults.add(at, "%s", err)
		case seen[id]:
			faults.add(at, "given more than once")
		}
		seen[id] = true
		b.ids = append(b.ids, id)
	}
	b.readRange(&faults)
	return faults
}

// readRange reads start and end; where one is missing, the tags have told.
func (b *backfillInput) readRange(faults *bodyFaults) {
	if b.Start == "" || b.End == "" {
		return
	}
	start, errStart := market.ParseTime(b.Start)
	if errStart != nil {
		faults.add("body.start", "%s", errStart)
	}
	end, errEnd := market.ParseTime(b.End)
	if errEnd != nil {
		faults.add("body.end", "%s", errEnd)
	}
	if errStart != nil || errEnd != nil {
		return
	}
	wanted, err := market.NewRange(start, end)
	if err != nil {
		faults.add("body.start", "%s", err)
	}
	b.wanted = wanted
}

// hash identifies what is asked for, however it is written.
func (b *backfillInput) hash() (string, error) {
	ids := make([]string, len(b.ids))
	for i, id := range b.ids {
		ids[i] = id.String()
	}
	canonical, err := json.Marshal([]any{
		ids, b.Interval, b.wanted.Start, b.wanted.End, b.Provider, b.Policy, b.Concurrency, b.MaxFailed,
	})
	if err != nil {
		return "", market.Errorf(market.KindInternal, "hash a backfill request: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), nil
}

// backfillPostInput is a request for a backfill.
type backfillPostInput struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" example:"nightly-2024-02-01" doc:"Repeating a request with its key answers with the backfill it made; the same key with another body answers 422."`
	Body           backfillInput
}

var _ huma.Resolver = (*backfillPostInput)(nil)

// Resolve checks the key.
func (in *backfillPostInput) Resolve(huma.Context) []error {
	var faults bodyFaults
	if strings.IndexFunc(in.IdempotencyKey, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
		faults.add("header.Idempotency-Key", "printable ASCII characters only")
	}
	return faults
}
