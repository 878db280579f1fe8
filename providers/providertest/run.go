package providertest

import "testing"

// Run tries everything the platform relies on.
func Run(t *testing.T, s Subject) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(*testing.T, *rig)
	}{
		{"capabilities", capabilities},
		{"half-open bounds", halfOpen},
		{"page edges", pageEdges},
		{"weeks in which the clocks change", clockChanges},
		{"empty range", emptyRange},
		{"before the listing", beforeListing},
		{"listing", listing},
		{"forming bar", formingBar},
		{"alignment", alignment},
		{"unsorted rows", unsorted},
		{"rows that were not asked for", notAskedFor},
		{"duplicates", duplicates},
		{"conflicting duplicates", conflictingDuplicates},
		{"rows that break a rule", malformedRows},
		{"revised bars", revised},
		{"truncation without a word", truncated},
		{"refusals of the provider", refusals},
		{"refusals on the way", foreignRefusals},
		{"bodies that are not the format", garbage},
		{"damaged bodies", damaged},
		{"cut body", cutBody},
		{"cancelled context", cancelled},
		{"one request per call", oneRequest},
		{"requests that cannot be made", badRequests},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, newRig(t, s))
		})
	}
}
