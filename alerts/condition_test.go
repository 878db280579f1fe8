package alerts_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/alerts"
	"marketdata/market"
)

func instrument(symbol string) market.InstrumentID {
	return market.InstrumentID{Symbol: symbol, Venue: "SIM"}
}

func TestBackfillFailedSaysWhatToDo(t *testing.T) {
	t.Parallel()
	month := market.Range{Start: now(), End: now().AddDate(0, 1, 0)}
	b := market.Backfill{
		ID: "b1", Interval: market.Interval1m, Range: market.Range{Start: now().Truncate(24 * time.Hour), End: now().Truncate(24*time.Hour).AddDate(0, 1, 0)},
		WorkflowID: "backfill/b1", Chunks: market.ChunkCounts{Total: 9, Failed: 7, Done: 2},
		Series: []market.BackfillSeries{{Instrument: instrument("BTCUSDT"), Provider: "sim_binance"}},
	}
	for n := range 7 {
		b.Failures = append(b.Failures, market.ChunkFailure{
			Instrument: instrument("BTCUSDT"), Range: month, Kind: market.KindDenied, Message: fmt.Sprintf("no\n key %d", n), WorkflowID: "backfill/b1/c",
		})
	}
	c := alerts.BackfillFailed(market.FailedBackfill{Backfill: b, RunAt: now()})
	require.Equal(t, market.AlertSubject{BackfillID: "b1", Instrument: "BTCUSDT.SIM", Provider: "sim_binance", Interval: market.Interval1m}, c.Subject)
	require.Equal(t, "Backfill failed: BTCUSDT.SIM 1m 2024-03-05..2024-04-05", c.Text.Title)
	require.Equal(t, `7 of 9 chunks of backfill b1 failed; what the others loaded is stored.
First failures:
  - BTCUSDT.SIM 2024-03-05 10:00:00Z..2024-04-05 10:00:00Z: denied: no key 0
  - BTCUSDT.SIM 2024-03-05 10:00:00Z..2024-04-05 10:00:00Z: denied: no key 1
  - BTCUSDT.SIM 2024-03-05 10:00:00Z..2024-04-05 10:00:00Z: denied: no key 2
  - BTCUSDT.SIM 2024-03-05 10:00:00Z..2024-04-05 10:00:00Z: denied: no key 3
  - BTCUSDT.SIM 2024-03-05 10:00:00Z..2024-04-05 10:00:00Z: denied: no key 4
See why: marketdata backfill show b1, or MdJobId="b1" in the Temporal UI.
When the cause is mended: marketdata backfill retry b1`, c.Text.Message)
	var details struct {
		FailedChunks int              `json:"failed_chunks"`
		Failures     []map[string]any `json:"failures"`
	}
	require.NoError(t, json.Unmarshal(c.Text.Details, &details))
	require.Equal(t, 7, details.FailedChunks)
	require.Len(t, details.Failures, 5)
	require.Equal(t, "denied", details.Failures[0]["kind"])

	b.Series = append(b.Series, b.Series[0])
	b.Failures[0].Message = strings.Repeat("x", 5000)
	c = alerts.BackfillFailed(market.FailedBackfill{Backfill: b, RunAt: now()})
	require.Empty(t, c.Subject.Instrument)
	require.Equal(t, "Backfill failed: 2 instruments 1m 2024-03-05..2024-04-05", c.Text.Title)
	require.Less(t, len(c.Text.Message), 2000)
}

func TestProviderConditions(t *testing.T) {
	t.Parallel()
	paused := alerts.ProviderPaused("sim", "maintenance", now())
	require.Equal(t, "Provider paused: sim", paused.Text.Title)
	require.Contains(t, paused.Text.Message, "the reason given is: maintenance.\nTo go on: marketdata providers resume sim")
	require.JSONEq(t, `{"reason": "maintenance"}`, string(paused.Text.Details))
	require.Contains(t, alerts.ProviderPaused("sim", "", now()).Text.Message, "no reason was given")
	refused := alerts.ProviderRefused(market.ProviderRefusal{Provider: "sim", Instrument: "A.SIM", Message: "restricted", At: now()})
	require.Equal(t, now(), refused.OccurredAt)
	require.Contains(t, refused.Text.Message, "sim refuses requests since 2024-03-05 10:00:00Z, first of A.SIM: restricted\n")
	banned := alerts.ProviderBanned("sim", now().Add(time.Hour), now())
	require.Equal(t, refused.Key, banned.Key, "one alert for both")
	require.Contains(t, banned.Text.Message, "nothing before 2024-03-05 11:00:00Z")
	require.False(t, alerts.IsBan(now().Add(5*time.Minute), now()))
	require.True(t, alerts.IsBan(now().Add(5*time.Minute+1), now()))
}

func late(symbol, provider string, interval market.Interval, by time.Duration) alerts.Lateness {
	return alerts.Lateness{Series: market.TrackedSeries{Instrument: instrument(symbol), Provider: provider, Interval: interval}, Late: by}
}

func TestStaleSeriesOfAProviderAreOneCondition(t *testing.T) {
	t.Parallel()
	all := make([]alerts.Lateness, 0, 504)
	for n := range 500 {
		all = append(all, late(fmt.Sprintf("S%03d", n), "sim", market.Interval1m, time.Hour+time.Duration(n)*time.Second))
	}
	stored := now()
	lone := late("LONE", "other", market.Interval1h, 46*time.Minute)
	lone.Series.CoveredEnd = &stored
	all = append(all, lone, late("HALF", "other", market.Interval5m, 8*time.Minute), late("FINE", "fine", market.Interval1m, 7*time.Minute), late("NEW", "fine", market.Interval1d, 0))
	got := alerts.SeriesStale(all, market.StaleAfter, now())
	require.Len(t, got, 3)

	many := got[0]
	require.Equal(t, "sim/1m", many.Key)
	require.Equal(t, 500, many.Weight)
	require.Equal(t, market.AlertSubject{Provider: "sim", Interval: market.Interval1m}, many.Subject)
	require.Equal(t, "Stale: 500 series 1m of sim", many.Text.Title)
	require.Contains(t, many.Text.Message, "more than 15m0s are missing, the longest first:\n  - S499.SIM: late by 1h8m19s, nothing stored\n  - S498.SIM")
	require.Contains(t, many.Text.Message, "\n  - and 495 more\n")
	require.Contains(t, many.Text.Message, "marketdata schedules show sync-sim-1m")
	var details struct {
		Count  int   `json:"count"`
		Series []any `json:"series"`
	}
	require.NoError(t, json.Unmarshal(many.Text.Details, &details))
	require.Equal(t, 500, details.Count)
	require.Len(t, details.Series, 50)

	require.Equal(t, "Stale: LONE.SIM 1h of other", got[1].Text.Title)
	require.Equal(t, "LONE.SIM", got[1].Subject.Instrument)
	require.Contains(t, got[1].Text.Message, "late by 46m0s, stored to 2024-03-05 10:00:00Z")
	require.Equal(t, market.AlertCondition{Kind: market.AlertSeriesStale, Key: "other/5m", HoldsOnly: true}, got[2])
}

func TestDecide(t *testing.T) {
	t.Parallel()
	c := func(kind market.AlertKind, key string, weight int, at time.Time) market.AlertCondition {
		return market.AlertCondition{Kind: kind, Key: key, Weight: weight, OccurredAt: at}
	}
	hold := func(kind market.AlertKind, key string) market.AlertCondition {
		return market.AlertCondition{Kind: kind, Key: key, HoldsOnly: true}
	}
	const stale, failed, paused = market.AlertSeriesStale, market.AlertBackfillFailed, market.AlertProviderPaused
	open := func(kind market.AlertKind, weight int) []market.Alert {
		return []market.Alert{{ID: "1", Kind: kind, Key: "k", Weight: weight, OccurredAt: now()}}
	}
	later := now().Add(time.Minute)
	for name, tc := range map[string]struct {
		open  []market.Alert
		found []market.AlertCondition
		want  string // raised, resolved, superseded, refreshed
	}{
		"nothing":                   {nil, nil, "0 0 0 0"},
		"new":                       {nil, []market.AlertCondition{c(paused, "k", 1, now())}, "1 0 0 0"},
		"again":                     {open(paused, 1), []market.AlertCondition{c(paused, "k", 1, later)}, "0 0 0 1"},
		"over":                      {open(paused, 1), nil, "0 1 0 0"},
		"same key, another kind":    {open(paused, 1), []market.AlertCondition{c(stale, "k", 1, now())}, "1 1 0 0"},
		"a hold raises nothing":     {nil, []market.AlertCondition{hold(failed, "k")}, "0 0 0 0"},
		"a hold keeps what is open": {open(failed, 1), []market.AlertCondition{hold(failed, "k")}, "0 0 0 0"},
		"failed again": {
			open(failed, 1), []market.AlertCondition{c(failed, "k", 1, later), hold(failed, "k")}, "1 0 1 0",
		},
		"failed again, whatever the order": {
			open(failed, 1), []market.AlertCondition{hold(failed, "k"), c(failed, "k", 1, later)}, "1 0 1 0",
		},
		"the same failure":        {open(failed, 1), []market.AlertCondition{c(failed, "k", 1, now())}, "0 0 0 1"},
		"a few more":              {open(stale, 5), []market.AlertCondition{c(stale, "k", 9, later)}, "0 0 0 1"},
		"twice as many":           {open(stale, 5), []market.AlertCondition{c(stale, "k", 10, later)}, "1 0 1 0"},
		"twice as many of little": {open(stale, 1), []market.AlertCondition{c(stale, "k", 5, later)}, "0 0 0 1"},
		"found twice":             {nil, []market.AlertCondition{c(paused, "k", 1, now()), c(paused, "k", 1, now())}, "1 0 0 0"},
	} {
		got := alerts.Decide(tc.open, tc.found)
		require.Equal(t, tc.want, fmt.Sprint(len(got.Raise), len(got.Resolve), len(got.Supersede), len(got.Refresh)), name)
	}
}
