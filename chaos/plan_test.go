package chaos_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/chaos"
)

func draw(seed int64, faults []string, n int) []chaos.Step {
	plan := chaos.NewPlan(seed, 1, faults)
	steps := make([]chaos.Step, n)
	for i := range steps {
		steps[i] = plan.Next()
	}
	return steps
}

func TestPlanFollowsItsSeed(t *testing.T) {
	t.Parallel()
	faults := []string{chaos.KilledInFetch, chaos.Gap, chaos.MalformedRows, chaos.Overlapping}
	steps := draw(7, faults, 40)
	require.Equal(t, steps, draw(7, faults, 40))
	require.NotEqual(t, steps, draw(8, faults, 40))
	for round := range slices.Chunk(steps, len(faults)) {
		var names []string
		for _, s := range round {
			names = append(names, s.Fault)
			require.False(t, s.Order.Range.IsEmpty(), "%+v", s)
			require.Positive(t, s.Lasts)
			require.Positive(t, s.Count)
		}
		require.ElementsMatch(t, faults, names, "every fault once in a round")
	}
}
