package simulator_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzFaults: whatever is posted is refused, or comes into force, and the market goes on answering.
func FuzzFaults(f *testing.F) {
	for _, text := range []string{
		`[{"fault":"gap","start":"2024-01-01T00:00:00Z"}]`, `{"fault":"revise","factor":1e300}`, `{"fault":"truncate","rows":-1}`,
		`[{"fault":"malformed_rows","rows":5},{"fault":"unsorted"},{"fault":"duplicates","rows":99}]`, `[`, `{"fault":"nonsense"}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := newSimulator(t)
		answer := call(t, s, http.MethodPost, "/_sim/faults", text)
		require.Contains(t, []int{http.StatusOK, http.StatusBadRequest, http.StatusRequestEntityTooLarge}, answer.Code, answer.Body)
		if answer.Code != http.StatusOK {
			require.Contains(t, answer.Body.String(), "error")
		}
	})
}
