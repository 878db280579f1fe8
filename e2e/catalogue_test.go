package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// TestCatalogue imports every file that users are told to import, twice, and loads one instrument of it as a user would,
// with the simulator in the place of the network.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	s := start(t, options{hasReal: true})
	files, err := filepath.Glob("../catalog/*.yaml")
	require.NoError(t, err)
	require.Len(t, files, 4)
	for _, want := range []int{http.StatusCreated, http.StatusOK} {
		for _, file := range files {
			for _, body := range catalogue(t, file) {
				checked := s.call(http.MethodPost, s.url+"/v1/instruments?dry_run=true", body)
				require.Equal(t, http.StatusOK, checked.status, "%s %v: %s", file, body, checked.body)
				got := s.call(http.MethodPost, s.url+"/v1/instruments?skip_listing=true", body)
				require.Equal(t, want, got.status, "%s %v: %s", file, body, got.body)
			}
		}
	}
	for instrument, code := range map[string]string{"AAPL.XNAS": "AAPL", "SPX.INDEX": "^GSPC", "VOD.XLON": "VOD.L", "7203.XTKS": "7203.T", "BHP.XASX": "BHP.AX", "BTC-USD.COINBASE": "BTC-USD"} {
		b := s.run(map[string]any{"instruments": []string{instrument}, "interval": "1d", "start": "2024-02-26", "end": "2024-03-16"})
		require.Equal(t, "completed", b.Status, "%s %+v", instrument, b)
		p := s.page(instrument + "/bars?interval=1d&start=2024-02-26&end=2024-03-16")
		require.Equal(t, s.truth(code, "1d", "2024-02-26", "2024-03-16"), p.Data, instrument)
		require.True(t, p.Meta.Complete)
	}
}

// catalogue reads the instruments of a file as they would be sent.
func catalogue(t *testing.T, file string) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var list struct {
		Instruments []map[string]any `yaml:"instruments"`
	}
	require.NoError(t, yaml.Unmarshal(text, &list))
	require.NotEmpty(t, list.Instruments)
	return list.Instruments
}
