package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestScheduleCommands(t *testing.T) {
	t.Parallel()
	const nightly = `{"id":"nightly","kind":"backfill","instruments":["BTC.X","ETH.X"],"interval":"1d","cron":"0 3 * * *","range":"30d","policy":"all",
		"source":"api","paused":false,"paused_reason":null,"next_run_at":"2024-03-02T03:00:00Z","last_run_at":"2024-03-01T03:00:00Z",
		"last_status":"completed","skipped":2,"missed":1,"temporal_url":"http://ui/nightly"}`
	const sync = `{"id":"sync-binance-1m","kind":"sync","provider":"binance","interval":"1m","every":"1m","series":9,"failing":7,"failures":[
		{"instrument":"BTC.X","kind":"denied","message":"your key is no good","retry_at":"2024-03-01T03:00:00Z"},
		{"instrument":"ETH.X","kind":"unavailable","message":"it is down","retry_at":null}],"source":"config",
		"paused":null,"paused_reason":null,"next_run_at":null,"last_run_at":null,"last_status":null,"skipped":null,"missed":null,"temporal_url":"http://ui/sync"}`
	paused := strings.Replace(nightly, `"paused":false,"paused_reason":null`, `"paused":true,"paused_reason":"why"`, 1)
	environ, asked := fakeAPI(t, map[string]string{
		"GET /v1/schedules":                  `{"data":[` + nightly + `,` + sync + `],"next_cursor":null}`,
		"GET /v1/schedules/nightly":          nightly,
		"GET /v1/schedules/sync-binance-1m":  sync,
		"POST /v1/schedules":                 nightly,
		"POST /v1/schedules/nightly/trigger": nightly,
		"POST /v1/schedules/nightly/pause":   paused,
		"POST /v1/schedules/nightly/resume":  nightly,
		"DELETE /v1/schedules/nightly":       `200{}`,
	})
	require.Equal(t,
		"ID               KIND      WHAT                           WHEN            STATE    LAST RUN              RESULT     NEXT RUN              SKIPPED  MISSED\n"+
			"nightly          backfill  BTC.X and 1 more 1d, 30d back  cron 0 3 * * *  active   2024-03-01T03:00:00Z  completed  2024-03-02T03:00:00Z  2        1\n"+
			"sync-binance-1m  sync      1m of 9 series from binance    every 1m        unknown  -                     -          -                     -        -\n",
		execute(t, environ, "schedules", "list").stdout)
	shown := execute(t, environ, "schedules", "show", "nightly").stdout
	require.Contains(t, shown, "completed")
	require.Contains(t, shown, "instrument   ETH.X\n")
	require.NotContains(t, shown, "failing")
	require.JSONEq(t, nightly, execute(t, environ, "schedules", "show", "nightly", "--output", "json").stdout)
	require.Contains(t, execute(t, environ, "schedules", "show", "sync-binance-1m").stdout, "failing      7 of 9 series\n"+
		"failure      BTC.X, denied: your key is no good; tried again not before 2024-03-01T03:00:00Z\n"+
		"failure      ETH.X, unavailable: it is down; tried again with the next run\n"+
		"failure      and 5 more\n")

	const line = "nightly: BTC.X and 1 more 1d, 30d back, cron 0 3 * * *, active; next run: 2024-03-02T03:00:00Z\n"
	require.Equal(t, line, execute(t, environ, "schedules", "add", "nightly", "BTC.X", "ETH.X", "--interval", "1d", "--cron", "0 3 * * *", "--range", "30d", "--policy", "all").stdout)
	require.Contains(t, *asked, `POST /v1/schedules {"id":"nightly","instruments":["BTC.X","ETH.X"],"interval":"1d","cron":"0 3 * * *","range":"30d","policy":"all"}`)
	require.Equal(t, line, execute(t, environ, "schedules", "trigger", "nightly").stdout)
	require.Contains(t, execute(t, environ, "schedules", "pause", "nightly", "--reason", "why").stdout, "paused: why")
	require.Contains(t, *asked, `POST /v1/schedules/nightly/pause {"reason":"why"}`)
	require.Equal(t, line, execute(t, environ, "schedules", "resume", "nightly").stdout)
	require.Equal(t, "nightly is deleted\n", execute(t, environ, "schedules", "delete", "nightly").stdout)

	for _, wrong := range [][]string{
		{"schedules", "add", "x", "BTC.X", "--interval", "1d", "--range", "1d"},
		{"schedules", "add", "x", "BTC.X", "--interval", "1d", "--range", "1d", "--every", "1h", "--cron", "0 3 * * *"},
		{"schedules", "add", "x", "--interval", "1d", "--range", "1d", "--every", "1h"},
		{"schedules", "add", "x", "BTC.X", "--every", "1h"},
		{"schedules", "pause"},
		{"schedules"},
	} {
		require.Equal(t, exitUsage, execute(t, environ, wrong...).code, wrong)
	}
	require.Equal(t, exitFailure, execute(t, environ, "schedules", "delete", "nobody").code)
}
