package simulator_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
	"marketdata/simulator"
)

// FuzzLoadReplay: whatever stands in a file, it is refused as invalid, or its bars are bars of the calendar's grid.
func FuzzLoadReplay(f *testing.F) {
	f.Add("ts,open,high,low,close,volume\n2024-01-02,1,2,0.5,1.5,7\n", "24x7", "1d")
	f.Add("1/3/2024,1,2,0.5,1.5,7\n2024-01-02,1,1,1,1,0\n", "XNYS", "1d")
	f.Add("2024-07-03 09:00,1,2,0.5,1.5,7\n2024-07-03 13:00,1,1,1,1,0\n", "XNYS", "1h")
	f.Add("\ufeff1704153600000,1e2,1e2,1e2,1e2,\"7\n\"\n", "XTKS", "5m")
	f.Add("\x1f\x8b", "XASX", "1mo")
	f.Fuzz(func(t *testing.T, text, calendar, interval string) {
		file := filepath.Join(t.TempDir(), "bars.csv")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		replay, err := simulator.LoadReplay(simulator.ReplayOptions{
			Path: file, Symbol: "X", Interval: market.Interval(interval), Calendar: calendar,
			Columns: []string{"ts", "open", "high", "low", "close", "volume"},
		})
		if err != nil {
			require.Equal(t, market.KindInvalid, market.KindOf(err), "%v", err)
			return
		}
		now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		s, err := simulator.New(simulator.Options{Now: func() time.Time { return now }, Replays: []*simulator.Replay{replay}})
		require.NoError(t, err)
		bars, err := s.Truth("X", market.Interval(interval), market.Range{Start: now.AddDate(-100, 0, 0), End: now})
		require.NoError(t, err)
		for i, bar := range bars {
			require.True(t, i == 0 || bars[i-1].Time.Before(bar.Time), "ascending")
		}
	})
}
