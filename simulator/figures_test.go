package simulator_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFiguresStayWhatTheyWere pins pages of the synthetic market: stored bars of a seed must come again in every release.
func TestFiguresStayWhatTheyWere(t *testing.T) {
	t.Parallel()
	s := newSimulator(t)
	for query, want := range map[string]string{
		"symbol=BTCUSDT&interval=1m&startTime=1704067200000&limit=1000": "ac226f76f48fd2fb",
		"symbol=BTCUSDT&interval=1m&limit=1000":                         "6243de909d1e31ca",
		"symbol=BTCUSDT&interval=1h&startTime=0&limit=1000":             "be49a1c795d32e11",
		"symbol=BTCUSDT&interval=1d&startTime=0&limit=1000":             "751bebc39f1badef",
		"symbol=BTCUSDT&interval=1w&limit=100":                          "40092ca78e5b8a32",
		"symbol=ETHBTC&interval=5m&startTime=1704067200000&limit=1000":  "6ac6f5c1950997f1",
		"symbol=SHIBUSDT&interval=1M":                                   "2f40ec10d66f3ae7",
	} {
		w := get(t, s, "/api/v3/klines?"+query)
		require.Equal(t, http.StatusOK, w.Code)
		sum := sha256.Sum256(w.Body.Bytes())
		require.Equal(t, want, hex.EncodeToString(sum[:8]), query)
	}
}
