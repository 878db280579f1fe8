package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCalendarOfAReplay serves nothing: it reads a file of a Saturday, which only a market that never closes has.
func TestCalendarOfAReplay(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "saturday.csv")
	require.NoError(t, os.WriteFile(path, []byte("2024-06-08,1,1,1,1,1\n"), 0o600))
	for _, test := range []struct {
		name, adapter, calendar, want string
	}{
		{name: "binance never closes", adapter: "binance"},
		{name: "coinbase never closes", adapter: "coinbase"},
		{name: "yahoo is New York", adapter: "yahoo", want: "XNYS has no session on 2024-06-08"},
		{name: "as named", adapter: "binance", calendar: "XLON", want: "XLON has no session on 2024-06-08"},
		{name: "24x7 at yahoo", adapter: "yahoo", calendar: "24x7"},
		{name: "unknown", adapter: "yahoo", calendar: "XMARS", want: "XMARS"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newSimulate(testApp(nil, nil))
			args := []string{"--adapter", test.adapter, "--replay", path, "--symbol", "ABC", "--interval", "1d"}
			if test.calendar != "" {
				args = append(args, "--calendar", test.calendar)
			}
			require.NoError(t, c.ParseFlags(args))
			o := simulateOptions{
				adapter: test.adapter, replay: path, symbol: "ABC", interval: "1d", calendar: test.calendar,
				columns: []string{"ts", "open", "high", "low", "close", "volume"},
			}
			options, err := o.build(c)
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				return
			}
			require.NoError(t, err)
			require.Len(t, options.Replays, 1)
		})
	}
}
