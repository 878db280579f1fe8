package planning_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/planning"
)

// catalogue is the store and the providers' listings in memory: every instrument is at the providers first and second.
type catalogue struct {
	calendars map[string]string // by symbol; a symbol that is not in it is not known
	lists     map[string]error  // what a provider answers to a question for the listing, by symbol

	mu     sync.Mutex
	listed map[string]time.Time // by symbol
	asked  []string
}

func (c *catalogue) Instrument(_ context.Context, id market.InstrumentID) (market.Instrument, error) {
	name, isKnown := c.calendars[id.Symbol]
	if !isKnown {
		return market.Instrument{}, market.Errorf(market.KindNotFound, "unknown")
	}
	return market.Instrument{ID: id, Calendar: name, Providers: []market.ProviderSymbol{{Name: "first", Symbol: id.Symbol}, {Name: "second", Symbol: id.Symbol}}}, nil
}

func (c *catalogue) Series(_ context.Context, id market.InstrumentID, i market.Interval, p string, _ market.Range) (market.Series, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := market.Series{Instrument: id, Calendar: c.calendars[id.Symbol], Provider: p, Interval: i}
	if at, isKnown := c.listed[id.Symbol]; isKnown {
		s.ListedAt = &at
	}
	return s, nil
}

func (c *catalogue) FindListing(_ context.Context, id market.InstrumentID, _ market.ProviderSymbol) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, id.Symbol)
	if err := c.lists[id.Symbol]; err != nil {
		return err
	}
	c.listed[id.Symbol] = at("2024-02-20T00:00:00Z")
	return nil
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// planner plans at noon of 2024-03-01; first has minutes only, second minutes and days.
func (c *catalogue) planner(t *testing.T) *planning.Planner {
	t.Helper()
	instance := func(name string, intervals ...market.Interval) market.ProviderInstance {
		return market.ProviderInstance{Name: name, Enabled: true, Capabilities: market.Capabilities{Intervals: intervals, PriceBasis: market.AdjustmentRaw}}
	}
	return &planning.Planner{
		Store: c, Listings: c, Now: func() time.Time { return at("2024-03-01T12:00:00Z") },
		Providers:   []market.ProviderInstance{instance("first", market.Interval1m), instance("second", market.Interval1m, market.Interval1d)},
		OnNoListing: func(_ context.Context, target planning.Target, err error) { t.Log(target.Instrument.ID, err) },
	}
}

func request(start, end string, symbols ...string) planning.Request {
	r := planning.Request{Interval: market.Interval1d, Range: market.Range{Start: at(start), End: at(end)}, Policy: market.PolicyMissing}
	for _, symbol := range symbols {
		r.Instruments = append(r.Instruments, market.InstrumentID{Symbol: symbol, Venue: "X"})
	}
	return r
}

func faults(t *testing.T, err error, kind market.Kind) []planning.Fault {
	t.Helper()
	var wrong *planning.Error
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, kind, market.KindOf(err))
	require.Contains(t, err.Error(), wrong.Faults[0].Message)
	return wrong.Faults
}

func TestPlanChoosesAndClips(t *testing.T) {
	t.Parallel()
	c := &catalogue{calendars: map[string]string{"A": "24x7", "NYSE": "XNYS"}, listed: map[string]time.Time{"A": at("2024-02-10T08:00:00Z")}}
	targets, err := c.planner(t).Plan(t.Context(), request("2024-02-01T00:00:00Z", "2025-01-01T00:00:00Z", "A", "NYSE"))
	require.NoError(t, err)
	require.Len(t, targets, 2)
	require.Equal(t, "second", targets[0].Provider.Name, "the first of the instrument's that has days")
	require.Equal(t, "[2024-02-10T00:00:00Z, 2024-03-01T00:00:00Z)", targets[0].Wanted.String())
	require.Equal(t, market.BackfillTarget{
		Instrument: targets[0].Instrument.ID, Provider: "second", PriceBasis: market.AdjustmentRaw, Range: targets[0].Wanted,
	}, targets[0].Backfill())

	closed, err := c.planner(t).Plan(t.Context(), request("2024-02-17T00:00:00Z", "2024-02-20T00:00:00Z", "NYSE"))
	require.NoError(t, err)
	require.True(t, closed[0].Wanted.IsEmpty(), "a weekend and a holiday")
}

func TestPlanTellsEveryPlaceAndPlansTheRest(t *testing.T) {
	t.Parallel()
	c := &catalogue{calendars: map[string]string{"A": "24x7", "B": "24x7"}, listed: map[string]time.Time{"B": at("2024-02-28T00:00:00Z")}}
	targets, err := c.planner(t).Plan(t.Context(), request("2024-02-01T00:00:00Z", "2024-02-10T00:00:00Z", "B", "A"))
	require.Len(t, targets, 1)
	require.Equal(t, 1, targets[0].Index)
	found := faults(t, err, market.KindInvalid)
	require.Len(t, found, 1)
	require.Equal(t, planning.FieldInstrument, found[0].Field)
	require.True(t, found[0].IsOutside)

	unknown := request("2024-02-01T00:00:00Z", "2024-02-10T00:00:00Z", "A", "Y", "Z")
	_, err = c.planner(t).Plan(t.Context(), unknown)
	require.Len(t, faults(t, err, market.KindNotFound), 2)
	require.Contains(t, err.Error(), "and 1 more")
	require.Len(t, faults(t, c.planner(t).Check(t.Context(), unknown), market.KindNotFound), 2)

	future := request("2030-01-01T00:00:00Z", "2030-02-01T00:00:00Z", "A")
	_, err = c.planner(t).Plan(t.Context(), future)
	require.Equal(t, planning.FieldStart, faults(t, err, market.KindInvalid)[0].Field)
	require.NoError(t, c.planner(t).Check(t.Context(), future), "whatever the range")

	future.Provider = "first"
	found = faults(t, c.planner(t).Check(t.Context(), future), market.KindInvalid)
	require.Equal(t, planning.FieldInterval, found[0].Field)
	require.False(t, found[0].IsOutside)
}

func TestClipToListings(t *testing.T) {
	t.Parallel()
	c := &catalogue{
		calendars: map[string]string{"A": "24x7", "B": "24x7", "C": "24x7", "D": "24x7"}, listed: map[string]time.Time{"D": at("2020-01-01T00:00:00Z")},
		lists: map[string]error{"B": market.Errorf(market.KindNotFound, "no"), "C": errors.New("no answer in time")},
	}
	r := request("2024-02-01T00:00:00Z", "2024-02-25T00:00:00Z", "A", "B", "C", "D")
	targets, err := c.planner(t).Plan(t.Context(), r)
	require.NoError(t, err)
	left, err := c.planner(t).ClipToListings(t.Context(), targets, r)
	found := faults(t, err, market.KindInvalid)
	require.Len(t, found, 1)
	require.Equal(t, 1, found[0].Index)
	require.False(t, found[0].IsOutside, "a symbol the provider does not know is a mistake")
	require.Len(t, left, 3)
	require.Equal(t, "[2024-02-20T00:00:00Z, 2024-02-25T00:00:00Z)", left[0].Wanted.String())
	require.Equal(t, "[2024-02-01T00:00:00Z, 2024-02-25T00:00:00Z)", left[1].Wanted.String(), "confirmed empty later")
	require.ElementsMatch(t, []string{"A", "B", "C"}, c.asked, "what is known is not asked")
}
