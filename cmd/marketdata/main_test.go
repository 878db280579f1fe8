package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"marketdata/config"
)

var update = flag.Bool("update", false, "rewrite golden files")

// outcomeOf is what a command line came to.
type outcomeOf struct {
	code           int
	stdout, stderr string
}

func testApp(stdout, stderr *bytes.Buffer, environ ...string) *app {
	return &app{environ: environ, stdout: stdout, stderr: stderr, now: func() time.Time { return time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC) }}
}

func execute(t *testing.T, environ []string, args ...string) outcomeOf {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), testApp(&stdout, &stderr, environ...), args)
	return outcomeOf{code, stdout.String(), stderr.String()}
}

// fakeAPI answers "METHOD path?query" with a document, or a problem where that begins with a status.
func fakeAPI(t *testing.T, answers map[string]string) (environ []string, asked *[]string) {
	t.Helper()
	asked = &[]string{}
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		mu.Lock()
		*asked = append(*asked, strings.TrimSpace(r.Method+" "+r.URL.String()+" "+body.String()))
		mu.Unlock()
		answer, ok := answers[r.Method+" "+r.URL.String()]
		if !ok {
			answer = `404{"type":"/problems/not_found","title":"There is no such thing","status":404,"detail":"there is no ` + r.URL.Path + `","request_id":"r1"}`
		}
		status := http.StatusOK
		if !strings.HasPrefix(answer, "{") {
			_, _ = fmt.Sscanf(answer[:3], "%d", &status)
			answer = answer[3:]
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	return []string{"MD_API__URL=" + server.URL}, asked
}

func TestHelpOfEveryCommandIsCurrent(t *testing.T) {
	t.Parallel()
	var help strings.Builder
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Name() == "help" || c.Name() == "completion" {
			return
		}
		var out, none bytes.Buffer
		require.Zero(t, run(t.Context(), testApp(&out, &none), append(strings.Fields(c.CommandPath())[1:], "--help")))
		require.NotEmpty(t, c.Example, "%s has no example", c.CommandPath())
		require.NotEmpty(t, c.Short, c.CommandPath())
		fmt.Fprintf(&help, "$ %s --help\n%s\n", c.CommandPath(), out.String())
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(testApp(&bytes.Buffer{}, &bytes.Buffer{})))
	golden(t, filepath.Join("testdata", "help.golden"), help.String())
}

func TestExampleConfigurationIsCurrent(t *testing.T) {
	t.Parallel()
	golden(t, filepath.Join("..", "..", "config.example.yaml"), config.Default(adapterNames()).Example())
}

func golden(t *testing.T, name, have string) {
	t.Helper()
	require.Regexp(t, "(Is|Are)Current$", t.Name(), "make generate finds a test that rewrites by its name")
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(have), 0o644))
	}
	want, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, string(want), have, "run the test with -update to accept the change")
}

func TestWrongCommandLines(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "marketdata wants a command: alerts, api, backfill, bars"},
		{[]string{"bakfill"}, `unknown command "bakfill" of marketdata: did you mean backfill?`},
		{[]string{"backfill"}, "marketdata backfill wants a command: cancel, list, pause, resume, retry, show, start, watch"},
		{[]string{"backfill", "stop"}, `unknown command "stop" of marketdata backfill`},
		{[]string{"backfill", "show"}, "an argument is missing: marketdata backfill show ID"},
		{[]string{"backfill", "show", "1", "2"}, "too many arguments"},
		{[]string{"backfill", "start", "--interval", "1d"}, "an argument is missing"},
		{[]string{"backfill", "start", "A.B"}, "required: --interval, --start"},
		{[]string{"backfill", "start", "A.B", "--concurrency", "x"}, "invalid argument"},
		{[]string{"instruments", "add", "BTCUSDT"}, "required: --asset-class, --currency, --provider"},
		{[]string{"instruments", "add", "BTCUSDT", "--asset-class=crypto", "--currency=X", "--provider=p"}, "has no venue"},
		{[]string{"bars", "A.B", "--interval=1d", "--start=2024-01-01", "--format=xml"}, `--format wants table, json or csv, not "xml"`},
		{[]string{"simulate", "--adapter", "nasdaq"}, `--adapter wants one of binance, coinbase, yahoo, not "nasdaq"`},
		{[]string{"simulate", "--symbol", "BTCUSD"}, "--symbol goes with --replay"},
		{[]string{"simulate", "--calendar", "XNYS"}, "--calendar goes with --replay"},
		{[]string{"simulate", "--replay", "x.csv"}, "required: --symbol, --interval"},
		{[]string{"simulate", "--replay", "x.csv", "--symbol", "BTCUSD", "--interval", "2m"}, "--interval: not an interval"},
		{[]string{"version", "--nope"}, "unknown flag: --nope"},
		{[]string{"version", "extra"}, "too many arguments"},
		{[]string{"version", "--output", "xml"}, `--output wants table or json, not "xml"`},
		{[]string{"instruments", "list", "--limit", "-1"}, "--limit wants 0 or more"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			o := execute(t, nil, test.args...)
			require.Equal(t, exitUsage, o.code, o.stderr)
			require.Contains(t, o.stderr, test.want)
			require.Contains(t, o.stderr, "--help' for what it takes")
			require.Empty(t, o.stdout)
		})
	}
}

func TestConfigCommands(t *testing.T) {
	t.Parallel()
	wrong := []string{"MD_LOG__LEVEL=loud", "MD_NOPE=1", "MD_API__LISTEN=x"}
	o := execute(t, wrong, "config", "check")
	require.Equal(t, exitFailure, o.code)
	require.Contains(t, o.stderr, "3 problems")
	for _, key := range []string{"log.level", "nope", "MD_NOPE", "api.listen"} {
		require.Contains(t, o.stderr, key)
	}
	require.Equal(t, exitOK, execute(t, nil, "config", "check").code)

	secret := []string{"MD_DATABASE__URL=postgres://app:hush@db/md", "MD_PROVIDERS__SIM_BINANCE__ADAPTER=binance", "MD_PROVIDERS__SIM_BINANCE__API_KEY=hush"}
	for _, args := range [][]string{{"config", "show"}, {"config", "show", "--output", "json"}} {
		o = execute(t, secret, args...)
		require.Zero(t, o.code, o.stderr)
		require.Contains(t, o.stdout, "sim_binance")
		require.NotContains(t, o.stdout, "hush")
	}
	require.Contains(t, execute(t, secret, "config", "show").stdout, "environment variable MD_DATABASE__URL")

	file := filepath.Join(t.TempDir(), "md.yaml")
	require.NoError(t, os.WriteFile(file, []byte(execute(t, nil, "config", "show", "--example").stdout), 0o600))
	require.Zero(t, execute(t, nil, "config", "check", "--config", file).code)
	o = execute(t, nil, "config", "check", "--config", "")
	require.Equal(t, exitUsage, o.code)
	for _, command := range []string{"api", "worker", "migrate up", "migrate down", "migrate status"} {
		o = execute(t, nil, strings.Fields(command)...)
		require.Equal(t, exitFailure, o.code)
		require.Equal(t, "marketdata: configuration: database.url: is required: set MD_DATABASE__URL or the key in the --config file\n", o.stderr)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	o := execute(t, nil, "version", "--output", "json")
	require.Zero(t, o.code)
	var v map[string]string
	require.NoError(t, json.Unmarshal([]byte(o.stdout), &v))
	require.NotEmpty(t, v["version"])
	require.Contains(t, v["go"], "go1.")
	require.Contains(t, execute(t, nil, "version").stdout, "marketdata "+v["version"])
	require.Contains(t, execute(t, nil, "completion", "bash").stdout, "complete")
}

func TestUnreachableAPI(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	o := execute(t, nil, "health", "--api-url", server.URL)
	require.Equal(t, exitFailure, o.code)
	require.Contains(t, o.stderr, "answered 404: is it the API?")
	o = execute(t, nil, "providers", "list", "--api-url", server.URL)
	require.Contains(t, o.stderr, "answered 404 to GET /v1/providers: is it the API?")
	server.Close()
	o = execute(t, nil, "instruments", "list", "--api-url", server.URL)
	require.Equal(t, exitFailure, o.code)
	require.Contains(t, o.stderr, "the API at "+server.URL+" does not answer")
	require.Equal(t, 1, strings.Count(o.stderr, "\n"))
}

func TestHealth(t *testing.T) {
	t.Parallel()
	ready := `{"status":"degraded","checks":{"database":{"ok":true},"temporal":{"ok":false,"error":"it does not answer"}}}`
	environ, _ := fakeAPI(t, map[string]string{"GET /ready": ready})
	o := execute(t, environ, "health")
	require.Zero(t, o.code)
	require.Equal(t, "status    degraded\ndatabase  ok\ntemporal  failed: it does not answer\n", o.stdout)
	require.JSONEq(t, ready, execute(t, environ, "health", "--output", "json").stdout)

	environ, _ = fakeAPI(t, map[string]string{"GET /ready": `503{"status":"unavailable","checks":{"database":{"ok":false,"error":"x"}}}`})
	o = execute(t, environ, "health")
	require.Equal(t, exitFailure, o.code)
	require.Contains(t, o.stdout, "database  failed: x")
	require.Contains(t, o.stderr, "is not ready")
}

func TestInstruments(t *testing.T) {
	t.Parallel()
	one := `{"id":"BTCUSDT.BINANCE","asset_class":"crypto","currency":"USDT","name":"Bitcoin","calendar":"24x7","providers":[{"name":"binance","symbol":"BTCUSDT"}],"intervals":["1m"]}`
	environ, asked := fakeAPI(t, map[string]string{
		"POST /v1/instruments":                        one,
		"GET /v1/instruments/BTCUSDT.BINANCE":         one,
		"GET /v1/instruments?limit=100&venue=BINANCE": `{"data":[` + one + `],"meta":{},"next_cursor":null}`,
		"GET /v1/instruments?limit=1000":              `{"data":[` + one + `],"next_cursor":"c"}`,
		"GET /v1/instruments?cursor=c&limit=1000":     `{"data":[],"next_cursor":null}`,
		"GET /v1/instruments?limit=1":                 `{"data":[` + one + `],"next_cursor":"c"}`,
	})
	o := execute(t, environ, "instruments", "add", "btcusdt.binance", "--asset-class", "crypto", "--currency", "USDT", "--provider", "binance,b2:XBT", "--intervals", "1m,1d")
	require.Zero(t, o.code, o.stderr)
	require.Contains(t, o.stdout, "providers     binance:BTCUSDT")
	require.Equal(t, `POST /v1/instruments {"symbol":"BTCUSDT","venue":"BINANCE","asset_class":"crypto","currency":"USDT",`+
		`"providers":[{"name":"binance","symbol":"BTCUSDT"},{"name":"b2","symbol":"XBT"}],"intervals":["1m","1d"]}`, (*asked)[0])

	require.JSONEq(t, one, execute(t, environ, "instruments", "show", "BTCUSDT.BINANCE", "--output=json").stdout)
	require.Contains(t, execute(t, environ, "instruments", "list", "--venue", "BINANCE").stdout, "BTCUSDT.BINANCE  crypto")
	require.JSONEq(t, `{"data":[`+one+`]}`, execute(t, environ, "instruments", "list", "--limit", "0", "--output", "json").stdout)
	require.Contains(t, execute(t, environ, "instruments", "list", "--limit", "1").stderr, "There may be more")

	o = execute(t, environ, "instruments", "show", "../x")
	require.Equal(t, exitFailure, o.code)
	require.Equal(t, "marketdata: there is no /v1/instruments/../x\n", o.stderr)
}

func TestProviders(t *testing.T) {
	t.Parallel()
	paused := `{"name":"binance","adapter":"binance","enabled":true,"paused":true,"paused_reason":"banned","budget":{"requests_per_minute":600,"used_last_minute":17,"not_before":null,"waiting":4}}`
	active := strings.Replace(paused, `"paused":true,"paused_reason":"banned"`, `"paused":false`, 1)
	environ, asked := fakeAPI(t, map[string]string{
		"GET /v1/providers":                 `{"data":[` + paused + `],"next_cursor":null}`,
		"POST /v1/providers/binance/pause":  paused,
		"POST /v1/providers/binance/resume": active,
	})
	require.Equal(t, "PROVIDER  ADAPTER  STATE           REQUESTS/MIN  USED  WAITING\nbinance   binance  paused: banned  600           17    4\n",
		execute(t, environ, "providers", "list").stdout)
	require.Equal(t, "binance is paused: banned\n", execute(t, environ, "providers", "pause", "binance", "--reason", "banned").stdout)
	require.Equal(t, "binance is active\n", execute(t, environ, "providers", "resume", "binance").stdout)
	require.JSONEq(t, active, execute(t, environ, "providers", "resume", "binance", "--output", "json").stdout)
	require.Contains(t, *asked, `POST /v1/providers/binance/pause {"reason":"banned"}`)
	require.Contains(t, *asked, `POST /v1/providers/binance/resume`)
}

func TestCalendarsCommands(t *testing.T) {
	t.Parallel()
	calendars := `{"data":[{"name":"XTKS","timezone":"Asia/Tokyo","open":"09:00","close":"15:30","break_start":"11:30","break_end":"12:30","known_since":"1997-01-01"}],"next_cursor":null}`
	sessions := `{"data":[{"date":"2024-07-03","open":"2024-07-03T13:30:00Z","close":"2024-07-03T17:00:00Z","early_close":true}],"next_cursor":null}`
	environ, _ := fakeAPI(t, map[string]string{
		"GET /v1/calendars": calendars, "GET /v1/calendars/XNYS/sessions?end=2024-07-04&start=2024-07-01": sessions,
	})
	require.Equal(t, "CALENDAR  TIME ZONE   OPEN   CLOSE  BREAK           KNOWN SINCE\nXTKS      Asia/Tokyo  09:00  15:30  11:30 to 12:30  1997-01-01\n",
		execute(t, environ, "calendars", "list").stdout)
	require.JSONEq(t, calendars, execute(t, environ, "calendars", "list", "--output", "json").stdout)
	require.Equal(t, "DATE        OPEN                  CLOSE                 EARLY CLOSE\n2024-07-03  2024-07-03T13:30:00Z  2024-07-03T17:00:00Z  true\n",
		execute(t, environ, "calendars", "sessions", "XNYS", "--start", "2024-07-01", "--end", "2024-07-04").stdout)
	require.NotZero(t, execute(t, environ, "calendars", "sessions", "XNYS").code, "a range needs a start")
}

func TestBarsOfAllPagesKeepTheirDigits(t *testing.T) {
	t.Parallel()
	const path = "GET /v1/instruments/BTCUSDT.SIM/bars?"
	const asked = "end=2024-01-04&interval=1d&limit=10000&start=2024-01-01"
	meta := func(missing string, complete bool) string {
		return fmt.Sprintf(`"meta":{"instrument":"BTCUSDT.SIM","provider":"sim_binance","interval":"1d","adjustment":"raw",`+
			`"start":"2024-01-01T00:00:00Z","end":"2024-01-04T00:00:00Z","returned":1,"complete":%t,"missing":[%s]}`, complete, missing)
	}
	row1 := `{"ts":"2024-01-01T00:00:00Z","open":0.00000123,"high":123456789012345678901234567890.5,"low":1,"close":2.5,"volume":3,"trades":7}`
	row2 := `{"ts":"2024-01-03T00:00:00Z","open":1,"high":2,"low":1,"close":2}`
	hole := func(start, end string) string {
		return fmt.Sprintf(`{"start":%q,"end":%q,"reason":"failed"}`, start, end)
	}
	environ, _ := fakeAPI(t, map[string]string{
		path + asked:                `{"data":[` + row1 + `],` + meta(hole("2024-01-02T00:00:00Z", "2024-01-02T12:00:00Z"), false) + `,"next_cursor":"c1"}`,
		path + "cursor=c1&" + asked: `{"data":[` + row2 + `],` + meta(hole("2024-01-02T12:00:00Z", "2024-01-03T00:00:00Z"), true) + `,"next_cursor":null}`,
	})
	args := []string{"bars", "BTCUSDT.SIM", "--interval", "1d", "--start", "2024-01-01", "--end", "2024-01-04", "--format"}

	o := execute(t, environ, append(args, "csv")...)
	require.Zero(t, o.code, o.stderr)
	require.Equal(t, "ts,open,high,low,close,volume,vwap,turnover,trades\n"+
		"2024-01-01T00:00:00Z,0.00000123,123456789012345678901234567890.5,1,2.5,3,,,7\n2024-01-03T00:00:00Z,1,2,1,2,,,,\n", o.stdout)
	require.Equal(t, "2 bars, incomplete; without bars:\n  2024-01-02T00:00:00Z to 2024-01-03T00:00:00Z: failed\n", o.stderr)

	o = execute(t, environ, append(args, "json")...)
	require.Zero(t, o.code, o.stderr)
	require.Contains(t, o.stdout, row1+",\n"+row2)
	require.Empty(t, o.stderr)
	require.JSONEq(t, `{"data":[`+row1+`,`+row2+`],`+strings.Replace(meta(hole("2024-01-02T00:00:00Z", "2024-01-03T00:00:00Z"), false), `"returned":1`, `"returned":2`, 1)+`,"next_cursor":null}`, o.stdout)

	o = execute(t, environ, append(args, "table")...)
	require.Contains(t, o.stdout, "0.00000123  123456789012345678901234567890.5  1    2.5")

	o = execute(t, environ, "bars", "NOPE.SIM", "--interval=1d", "--start=2024-01-01")
	require.Equal(t, exitFailure, o.code)
	require.Empty(t, o.stdout)
}

func backfillDocument(status string, percent float64, done int) string {
	return fmt.Sprintf(`{"id":"b1","status":%q,"interval":"1d","start":"2024-01-01T00:00:00Z","end":"2024-02-01T00:00:00Z","created_at":"2024-02-01T00:00:00Z",
		"temporal_url":"http://ui/x","paused_reason":null,"progress":{"percent":%g,"eta_seconds":3,"requests":1,
		"chunks":{"total":2,"pending":0,"running":0,"done":%d,"failed":1,"canceled":0},"bars":{"expected":31,"inserted":31,"restated":0,"unchanged":0,"quarantined":2}},
		"series":[{"instrument":"BTCUSDT.SIM","provider":"sim_binance"}],
		"failures":[{"instrument":"BTCUSDT.SIM","start":"2024-01-01T00:00:00Z","end":"2024-01-02T00:00:00Z","kind":"denied","message":"no key"}]}`, status, percent, done)
}

func TestBackfillCommands(t *testing.T) {
	t.Parallel()
	running := backfillDocument("running", 50, 1)
	environ, asked := fakeAPI(t, map[string]string{
		"POST /v1/backfills":                              "202" + running,
		"GET /v1/backfills/b1":                            running,
		"POST /v1/backfills/b1/pause":                     backfillDocument("paused", 50, 1),
		"POST /v1/backfills/b1/cancel":                    running,
		"POST /v1/backfills/b1/retry":                     `409{"title":"x","status":409,"detail":"the backfill is not finished"}`,
		"GET /v1/backfills?limit=100&status=running":      `{"data":[` + running + `],"next_cursor":null}`,
		"GET /v1/backfills?instrument=BTC.SIM&limit=1000": `422{"detail":"the request is not valid","status":422,"errors":[{"location":"query.instrument","message":"unknown"}]}`,
	})
	o := execute(t, environ, "backfill", "start", "BTCUSDT.SIM", "--interval", "1d", "--start", "2024-01-01", "--concurrency", "2")
	require.Zero(t, o.code, o.stderr)
	require.Equal(t, "b1\nIt is started. It is running: BTCUSDT.SIM 1d, 2024-01-01 to 2024-02-01, 2 chunks\n", o.stdout)
	require.Equal(t, `POST /v1/backfills {"instruments":["BTCUSDT.SIM"],"interval":"1d","start":"2024-01-01","end":"2024-02-01T00:00:00Z","policy":"missing","concurrency":2}`, (*asked)[0])

	require.Contains(t, execute(t, environ, "backfill", "list", "--status", "running").stdout, "b1  running  50%   1d        2024-01-01  2024-02-01  BTCUSDT.SIM")
	shown := execute(t, environ, "backfill", "show", "b1").stdout
	require.Contains(t, shown, "chunks       2: 1 done, 0 running, 0 pending, 1 failed, 0 canceled")
	require.Contains(t, shown, "BTCUSDT.SIM 2024-01-01 to 2024-01-02: denied: no key")
	require.JSONEq(t, running, execute(t, environ, "backfill", "show", "b1", "--output", "json").stdout)
	require.Contains(t, execute(t, environ, "backfill", "pause", "b1", "--reason", "slow").stdout, "It is paused")
	require.Contains(t, *asked, `POST /v1/backfills/b1/pause {"reason":"slow"}`)
	require.Zero(t, execute(t, environ, "backfill", "cancel", "b1").code)
	o = execute(t, environ, "backfill", "retry", "b1")
	require.Equal(t, exitFailure, o.code)
	require.Equal(t, "marketdata: the backfill is not finished\n", o.stderr)
	require.Equal(t, "marketdata: the request is not valid; query.instrument: unknown\n",
		execute(t, environ, "backfill", "list", "--instrument", "BTC.SIM", "--limit", "0").stderr)
}

func TestWatchFollowsToTheEnd(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status string
		code   int
		want   string
	}{
		{"completed", exitOK, ""},
		{"completed_with_gaps", exitFailure, "completed with gaps: 2 rows"},
		{"failed", exitFailure, "backfill b1 failed: 1 of 2 chunks; the first: BTCUSDT.SIM 2024-01-01 to 2024-01-02: denied: no key"},
		{"canceled", exitFailure, "backfill b1 is canceled"},
	} {
		t.Run(test.status, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if asked.Add(1) == 1 {
					w.WriteHeader(http.StatusServiceUnavailable)
					_, _ = w.Write([]byte(`{"title":"x","detail":"restarting"}`))
					return
				}
				_, _ = w.Write([]byte(backfillDocument(test.status, 100, 2)))
			}))
			defer server.Close()
			o := execute(t, []string{"MD_API__URL=" + server.URL}, "backfill", "watch", "b1")
			require.Equal(t, test.code, o.code)
			require.Contains(t, o.stdout, "b1 "+test.status)
			require.Contains(t, o.stderr, "BTCUSDT.SIM 1d: "+test.status+", 100%, 2 of 2 chunks, 31 bars")
			require.Contains(t, o.stderr, test.want)
			require.Equal(t, int64(2), asked.Load())
		})
	}
}

func viewOf(t *testing.T, document string) backfillView {
	t.Helper()
	var b backfillView
	require.NoError(t, json.Unmarshal([]byte(document), &b))
	return b
}

func TestLineProgressIsQuiet(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	now := time.Unix(0, 0)
	p := &lineProgress{out: &out, now: func() time.Time { return now }}
	p.update(viewOf(t, backfillDocument("running", 10, 0)))
	p.update(viewOf(t, backfillDocument("running", 20, 0)))
	now = now.Add(lineEvery)
	p.update(viewOf(t, backfillDocument("running", 30, 1)))
	now = now.Add(lineEvery)
	p.update(viewOf(t, backfillDocument("running", 30, 1)))
	p.update(viewOf(t, backfillDocument("completed", 100, 2)))
	p.end()
	require.Equal(t, `BTCUSDT.SIM 1d: running, 10%, 0 of 2 chunks, 31 bars, about 3s left
BTCUSDT.SIM 1d: running, 30%, 1 of 2 chunks, 31 bars, about 3s left
BTCUSDT.SIM 1d: completed, 100%, 2 of 2 chunks, 31 bars
`, out.String())
}

func TestBarProgressRedrawsOneLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &barProgress{out: &out}
	p.end()
	p.update(viewOf(t, backfillDocument("running", 50, 1)))
	p.update(viewOf(t, backfillDocument("completed", 100, 2)))
	p.end()
	require.Contains(t, out.String(), "BTCUSDT.SIM 1d, 31 bars")
	require.Contains(t, out.String(), "100%")
	require.Equal(t, 1, strings.Count(out.String(), "\n"))
}

func TestFindTemporal(t *testing.T) {
	t.Parallel()
	look := func(exists string) func(string) (string, error) {
		return func(name string) (string, error) {
			if name == exists {
				return name, nil
			}
			return "", os.ErrNotExist
		}
	}
	for exists, want := range map[string]string{"/opt/bin/temporal": "/opt/bin/temporal", "/opt/bin/bin/temporal": "/opt/bin/bin/temporal"} {
		found, err := findTemporal("/opt/bin/marketdata", look(exists))
		require.NoError(t, err)
		require.Equal(t, want, found)
	}
	found, err := findTemporal("/opt/marketdata", look(filepath.Join("bin", "temporal")))
	require.NoError(t, err)
	require.True(t, filepath.IsAbs(found))
	_, err = findTemporal("/opt/marketdata", look(""))
	require.EqualError(t, err, "the Temporal CLI is missing: run 'make bin/temporal', put temporal on PATH, or name a server with --temporal-address")
}

func TestServeFinishesRequestsInFlight(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	entered := make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-ctx.Done()
		_, _ = w.Write([]byte("whole"))
	})
	addresses, served, answers := make(chan string, 1), make(chan error, 1), make(chan string, 1)
	go func() {
		served <- serve(ctx, "127.0.0.1:0", handler, silent(), func(a net.Addr) { addresses <- a.String() })
	}()
	address := <-addresses
	go func() {
		response, err := http.Get("http://" + address)
		if err != nil {
			answers <- err.Error()
			return
		}
		defer func() { _ = response.Body.Close() }()
		body, _ := io.ReadAll(response.Body)
		answers <- string(body)
	}()
	<-entered
	stop()
	require.Equal(t, "whole", <-answers)
	require.NoError(t, <-served)
	require.ErrorContains(t, serve(t.Context(), "nowhere:x", handler, silent(), nil), "listen on nowhere:x")
}

func TestFirstSignalStopsAndALaterOneKills(t *testing.T) {
	t.Parallel()
	signals := make(chan os.Signal)
	ctx, kill := interrupts(t.Context(), signals, time.Hour)
	signals <- os.Interrupt
	<-ctx.Done()
	signals <- os.Interrupt // an echo of the first
	select {
	case <-kill:
		require.Fail(t, "an echo kills")
	default:
	}

	ctx, kill = interrupts(t.Context(), signals, 0)
	go func() {
		for {
			select {
			case signals <- os.Interrupt:
			case <-t.Context().Done():
				return
			}
		}
	}()
	<-ctx.Done()
	<-kill
}

func TestConnectTriesAgain(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	attempts := 0
	err := connect(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), "database", func(context.Context) error {
		if attempts++; attempts == 1 {
			return errors.New("refused")
		}
		return nil
	})
	require.NoError(t, err)
	require.Contains(t, log.String(), "cannot connect yet")
	require.Contains(t, log.String(), "to=database attempt=2")

	ctx, cancel := context.WithCancel(t.Context())
	err = connect(ctx, silent(), "database", func(context.Context) error { cancel(); return errors.New("refused") })
	require.True(t, isStopped(ctx, err))
}
