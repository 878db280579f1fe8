package docs_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/docs/page"
)

// pageWithin is how long all commands of a page may take.
const pageWithin = 4 * time.Minute

// addresses are those that pages use, which are the defaults, and what stands for them in the sandbox; /backup and the
// replica's data are folders of it, and its server stands for the primary. Pages also use
// $API, the URL of the API, $DATABASE_URL, and $ID or a bare ID: a backfill in the state that the command wants (idFor).
func (s *sandbox) addresses() *strings.Replacer {
	pairs := []string{
		" /backup/", " " + s.home + "/backup/", "'host=primary user=replicator'", "'" + s.DatabaseURL + "'", " /var/lib/postgresql/15/replica", " " + s.home + "/replica",
	}
	for port, name := range map[string]string{"8080": "api", "8233": "temporal_ui", "8090": "simulator", "8081": "worker"} {
		pairs = append(pairs, "http://127.0.0.1:"+port, s.URLs[name], "http://localhost:"+port, s.URLs[name])
	}
	return strings.NewReplacer(pairs...)
}

// sandbox runs commands of pages against a stack.
type sandbox struct {
	*stack

	t        *testing.T
	months   int    // how many months of a series backfills were made for
	finished string // a backfill to look at
}

// newSandbox starts a stack and registers what is not in the demo: an instrument of two real providers, one of them kept in
// sync, of which pages speak, and one of which no bar ever comes.
func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	s := &sandbox{stack: newStack(t), t: t}
	s.call(http.MethodPost, s.URLs["api"]+"/v1/instruments", `{"symbol":"BTCUSDT","venue":"BINANCE","asset_class":"crypto","currency":"USDT",
		"providers":[{"name":"binance","symbol":"BTCUSDT"},{"name":"coinbase","symbol":"BTC-USD"}],"intervals":["1m"]}`, nil)
	s.call(http.MethodPost, s.URLs["api"]+"/v1/instruments", `{"symbol":"MUTE","venue":"SIM","asset_class":"crypto","currency":"USDT",
		"calendar":"24x7","providers":[{"name":"`+mute+`","symbol":"BTCUSDT"}]}`, nil)
	return s
}

// call sends a request and reads the answer into to. On a busy machine it may have to ask again.
func (s *sandbox) call(method, url, body string, to any) {
	s.t.Helper()
	var status int
	var answer []byte
	var err error
	key := rand.Text() // so that what is asked twice is done once
	require.Eventually(s.t, func() bool {
		status, answer, err = s.send(method, url, body, key)
		return err == nil && status != http.StatusServiceUnavailable
	}, pageWithin, 50*time.Millisecond, "%s %s: %v %s", method, url, err, answer)
	require.Less(s.t, status, http.StatusMultipleChoices, "%s %s: %s", method, url, answer)
	if to != nil {
		require.NoError(s.t, json.Unmarshal(answer, to))
	}
}

func (s *sandbox) send(method, url, body, key string) (status int, answer []byte, err error) {
	request, err := http.NewRequestWithContext(s.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// backfill starts one of a month of hours that no other took.
func (s *sandbox) backfill(instrument string) (id string) {
	s.t.Helper()
	start := time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, s.months, 0)
	s.months++
	var b struct{ ID string }
	s.call(http.MethodPost, s.URLs["api"]+"/v1/backfills", fmt.Sprintf(`{"instruments":[%q],"interval":"1h","start":%q,"end":%q}`,
		instrument, start.Format(time.DateOnly), start.AddDate(0, 1, 0).Format(time.DateOnly)), &b)
	return b.ID
}

// await waits until a backfill has the status.
func (s *sandbox) await(id, status string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		var b struct{ Status string }
		_, answer, err := s.send(http.MethodGet, s.URLs["api"]+"/v1/backfills/"+id, "", "")
		return err == nil && json.Unmarshal(answer, &b) == nil && b.Status == status
	}, pageWithin, 20*time.Millisecond, "%s does not become %s", id, status)
}

// failed returns a backfill that the provider refused; it would answer now.
func (s *sandbox) failed() string {
	s.t.Helper()
	faults := s.URLs["simulator"] + "/_sim/faults"
	s.call(http.MethodPost, faults, `[{"fault":"restricted","symbol":"ETHUSDT"}]`, nil)
	id := s.backfill("ETHUSDT.SIM")
	s.await(id, "failed")
	s.call(http.MethodDelete, faults, "", nil)
	return id
}

// held returns a backfill that goes on until it is canceled.
func (s *sandbox) held() string {
	s.t.Helper()
	id := s.backfill("MUTE.SIM")
	s.await(id, "running")
	return id
}

// paused returns one that was paused.
func (s *sandbox) paused() string {
	s.t.Helper()
	id := s.held()
	s.call(http.MethodPost, s.URLs["api"]+"/v1/backfills/"+id+"/pause", `{"reason":"for a page"}`, nil)
	return id
}

// settle waits until what the commands of a page started has come to its end, so that the next page may start the same.
func (s *sandbox) settle() {
	s.t.Helper()
	for _, status := range []string{"starting", "running"} {
		require.Eventually(s.t, func() bool {
			var list struct {
				Data []struct{ Series []struct{ Instrument string } }
			}
			_, answer, err := s.send(http.MethodGet, s.URLs["api"]+"/v1/backfills?status="+status, "", "")
			if err != nil || json.Unmarshal(answer, &list) != nil {
				return false
			}
			for _, b := range list.Data {
				for _, series := range b.Series {
					if series.Instrument != "MUTE.SIM" {
						return false
					}
				}
			}
			return true
		}, pageWithin, 50*time.Millisecond, "a backfill of a page does not end")
	}
}

// idFor returns the backfill that a command wants where it says $ID or ID; "" where it names none.
func (s *sandbox) idFor(c page.Command) string {
	s.t.Helper()
	if !regexp.MustCompile(`\$\{?ID\b|(^|[\s/])ID\b`).MatchString(c.Text) {
		return ""
	}
	switch {
	case strings.Contains(c.Text, "retry"):
		return s.failed()
	case strings.Contains(c.Text, "resume"):
		return s.paused()
	case regexp.MustCompile(`\b(cancel|pause|concurrency)\b`).MatchString(c.Text):
		return s.held()
	}
	if s.finished == "" {
		s.finished = s.backfill("ETHUSDT.SIM")
		s.await(s.finished, "completed")
	}
	return s.finished
}

// result is how a command ended.
type result struct {
	hasRun         bool
	code           string
	stdout, stderr string
}

// run runs the commands in one shell, so that what one sets the next one finds, and stops at the first that fails.
func (s *sandbox) run(commands []page.Command) []result {
	s.t.Helper()
	out := s.t.TempDir()
	var script strings.Builder
	script.WriteString("set -uo pipefail\n")
	isSet := false
	for at, c := range commands {
		isSet = isSet || strings.Contains(c.Text, "ID=")
		if id := s.idFor(c); id != "" && !isSet {
			fmt.Fprintf(&script, "ID=%s\n", id)
			c.Text = regexp.MustCompile(`(^|[\s/])ID\b`).ReplaceAllString(c.Text, "${1}"+id)
		}
		fmt.Fprintf(&script, "{\n%s\n} >%[2]s/%[3]d.out 2>%[2]s/%[3]d.err\ncode=$?; echo $code >%[2]s/%[3]d.code; [ $code -eq 0 ] || exit 1\n",
			s.addresses().Replace(c.Text), out, at)
	}
	shell := exec.CommandContext(s.t.Context(), "bash", "-c", script.String())
	shell.Dir, shell.Env, shell.SysProcAttr = s.home, s.environ(), &syscall.SysProcAttr{Setpgid: true}
	shell.Cancel = func() error { return syscall.Kill(-shell.Process.Pid, syscall.SIGKILL) }
	shell.WaitDelay = 5 * time.Second
	stop := time.AfterFunc(pageWithin, func() { _ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL) })
	defer stop.Stop()
	_ = shell.Run() // each command tells how it ended
	results := make([]result, len(commands))
	for at := range results {
		read := func(kind string) string {
			content, err := os.ReadFile(filepath.Join(out, fmt.Sprintf("%d.%s", at, kind)))
			if kind == "code" {
				results[at].hasRun = err == nil
			}
			return string(bytes.TrimSpace(content))
		}
		results[at] = result{code: read("code"), stdout: read("out"), stderr: read("err"), hasRun: results[at].hasRun}
	}
	return results
}
