package providertest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/providers"
	"marketdata/simulator"
)

func gap(r market.Range) simulator.Fault {
	return simulator.Fault{Fault: "gap", Start: r.Start, End: r.End}
}

// alignment: a row that stands seconds beside the grid is not moved onto it, and is no proof of how far an answer goes.
func alignment(t *testing.T, g *rig) {
	t.Helper()
	g.fault(t, simulator.Fault{Fault: "malformed_rows", Kind: "misaligned", Rows: 1})
	page, err := g.provider.Fetch(t.Context(), g.request(g.some()))
	require.NoError(t, err)
	require.True(t, g.grid.IsAligned(page.FirstAt), "%s", page.FirstAt)
	require.True(t, g.grid.IsAligned(page.LastAt), "%s", page.LastAt)
	got, want := g.load(t, g.some()), g.truth(t, g.some())
	require.Len(t, got.Bars, len(want)-1)
	require.Len(t, got.Quarantined, 1)
	require.Equal(t, market.RuleMisaligned, got.Quarantined[0].Rule)
	for _, bar := range got.Bars {
		require.True(t, g.grid.IsAligned(bar.Time), "%s", bar.Time)
	}
}

func unsorted(t *testing.T, g *rig) {
	t.Helper()
	g.fault(t, simulator.Fault{Fault: "unsorted"})
	requireBars(t, g.truth(t, g.some()), g.load(t, g.some()).Bars)
}

func notAskedFor(t *testing.T, g *rig) {
	t.Helper()
	g.fault(t, simulator.Fault{Fault: "out_of_window"})
	got := g.load(t, g.some())
	requireBars(t, g.truth(t, g.some()), got.Bars)
	require.Empty(t, got.Quarantined)
	require.Positive(t, got.Dropped[providers.DroppedOutOfRange])
}

func duplicates(t *testing.T, g *rig) {
	t.Helper()
	g.fault(t, simulator.Fault{Fault: "duplicates", Rows: 4})
	got := g.load(t, g.some())
	requireBars(t, g.truth(t, g.some()), got.Bars)
	require.Empty(t, got.Quarantined)
	require.Positive(t, got.Dropped[providers.DroppedDuplicate])
}

// conflictingDuplicates: of rows that differ none is kept, unless the adapter declares that the later one counts.
func conflictingDuplicates(t *testing.T, g *rig) {
	t.Helper()
	g.fault(t, simulator.Fault{Fault: "conflicting_duplicates", Rows: 1})
	got, want := g.load(t, g.some()), g.truth(t, g.some())
	if g.laterWins(t) {
		require.Equal(t, 1, got.Dropped[providers.DroppedSuperseded])
		require.Len(t, got.Bars, len(want))
		require.Empty(t, got.Quarantined)
		changed := 0
		for i, bar := range got.Bars {
			if prices(bar) != prices(want[i]) {
				changed++
			}
		}
		require.Equal(t, 1, changed, "it is the later row that counts")
		return
	}
	require.Len(t, got.Bars, len(want)-1)
	require.Len(t, got.Quarantined, 2)
	for _, q := range got.Quarantined {
		require.Equal(t, market.RuleConflictingDuplicate, q.Rule)
	}
}

// laterWins reports what the adapter declares.
func (g *rig) laterWins(t *testing.T) bool {
	t.Helper()
	page, err := g.provider.Fetch(t.Context(), g.request(g.some()))
	require.NoError(t, err)
	rows, err := g.provider.Normalize(page)
	require.NoError(t, err)
	return rows.LaterWins
}

// malformedRows: a row that breaks a rule is kept out with its text, and the others are not.
func malformedRows(t *testing.T, g *rig) {
	t.Helper()
	for _, kind := range []string{"high_below_low", "negative_volume", "nan", "long_number", "wrong_type"} {
		g.fault(t, simulator.Fault{Fault: "malformed_rows", Kind: kind, Rows: 1})
		got, want := g.load(t, g.some()), g.truth(t, g.some())
		require.Len(t, got.Bars, len(want)-1, kind)
		require.Len(t, got.Quarantined, 1, kind)
		require.NotEmpty(t, got.Quarantined[0].Value, kind)
	}
}

// revised: what the provider says anew is read anew.
func revised(t *testing.T, g *rig) {
	t.Helper()
	want := g.truth(t, g.some())
	middle := want[len(want)/2].Time
	g.fault(t, simulator.Fault{Fault: "revise", Start: middle, End: middle.Add(1), Factor: "2"})
	for i, bar := range g.load(t, g.some()).Bars {
		require.Equal(t, bar.Time.Equal(middle), prices(bar) != prices(want[i]), "%s", bar.Time)
	}
}

// truncated: where an answer is cut short without a word, its page says how far it goes, so that the rest is asked for.
func truncated(t *testing.T, g *rig) {
	t.Helper()
	want := g.truth(t, g.some())
	g.fault(t, simulator.Fault{Fault: "truncate", Rows: 5, Count: 1})
	page, err := g.provider.Fetch(t.Context(), g.request(g.some()))
	require.NoError(t, err)
	first, last := want[0].Time, want[len(want)-1].Time
	if g.provider.Capabilities().Order == market.OrderDescending {
		require.True(t, page.FirstAt.After(first))
		require.Equal(t, last, page.LastAt)
	} else {
		require.Equal(t, first, page.FirstAt)
		require.True(t, page.LastAt.Before(last))
	}
	require.Empty(t, page.NextCursor, "a short page claims no successor")
	requireBars(t, want, g.load(t, g.some()).Bars)
}
