package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

// patience is how long anything may take. It leaves room for a task that Temporal had given to a worker as that stopped:
// the server knows that it is lost after the task's timeout, ten seconds for a workflow's, a minute for an activity's.
const patience = 5 * time.Minute

// awayFrom waits until no multiple of the interval is near: what a test expects would change there.
func awayFrom(t *testing.T, interval time.Duration) {
	t.Helper()
	const near = 2 * time.Minute
	now := time.Now()
	if left := now.Truncate(interval).Add(interval).Sub(now); left < near {
		t.Logf("a new span of %s begins in %s", interval, left)
		<-time.After(left + 5*time.Second)
	}
}

// answer is what the API said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) into(t testing.TB, v any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(a.body, v), string(a.body))
}

// call makes a request; a body that is not bytes is sent as JSON.
func (s *stack) call(method, target string, body any) answer {
	s.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		reader = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		require.NoError(s.t, err)
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, target, reader)
	require.NoError(s.t, err)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, response.Body.Close()) }()
	text, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	return answer{status: response.StatusCode, header: response.Header, body: text}
}

// listed is an instrument of venue SIM.
type listed struct{ symbol, class, calendar, adapter, code string }

func (s *stack) add(l listed) {
	s.t.Helper()
	got := s.call(http.MethodPost, s.url+"/v1/instruments", map[string]any{
		"symbol": l.symbol, "venue": market.VenueSimulated, "asset_class": l.class, "currency": "USD", "calendar": l.calendar,
		"providers": []any{map[string]string{"name": simPrefix + l.adapter, "symbol": l.code}},
	})
	require.Equal(s.t, http.StatusCreated, got.status, string(got.body))
}

// addInstrument adds a pair of Binance's.
func (s *stack) addInstrument(symbol string) {
	s.t.Helper()
	s.add(listed{symbol: symbol, class: "crypto", calendar: "24x7", adapter: "binance", code: symbol})
}

// backfill is the API's answer, as far as the tests look at it.
type backfill struct {
	ID           string `json:"id"`
	Status       string `json:"status"`
	WorkflowID   string `json:"workflow_id"`
	PausedReason string `json:"paused_reason"`
	Progress     struct {
		Percent  float64            `json:"percent"`
		Requests int64              `json:"requests"`
		Chunks   market.ChunkCounts `json:"chunks"`
		Bars     market.BarCounts   `json:"bars"`
	} `json:"progress"`
	Failures []struct {
		Kind    string `json:"kind"`
		Message string `json:"message"`
	} `json:"failures"`
}

func (s *stack) startBackfill(request map[string]any) backfill {
	s.t.Helper()
	got := s.call(http.MethodPost, s.url+"/v1/backfills", request)
	require.Equal(s.t, http.StatusAccepted, got.status, string(got.body))
	var b backfill
	got.into(s.t, &b)
	require.Equal(s.t, "/v1/backfills/"+b.ID, got.header.Get("Location"))
	return b
}

func (s *stack) backfill(id string) backfill {
	s.t.Helper()
	got := s.call(http.MethodGet, s.url+"/v1/backfills/"+id, nil)
	require.Equal(s.t, http.StatusOK, got.status, string(got.body))
	var b backfill
	got.into(s.t, &b)
	return b
}

// await polls until the backfill is as wanted: often at first, and seldom where it takes long.
func (s *stack) await(id string, isReached func(backfill) bool) backfill {
	s.t.Helper()
	for begun, pause := time.Now(), 40*time.Millisecond; ; pause = min(pause+pause/16, 300*time.Millisecond) {
		b := s.backfill(id)
		if isReached(b) {
			return b
		}
		require.Less(s.t, time.Since(begun), patience, "backfill %s: %+v", id, b)
		<-time.After(pause)
	}
}

func isFinished(b backfill) bool { return market.BackfillStatus(b.Status).IsFinished() }

func (s *stack) run(request map[string]any) backfill {
	s.t.Helper()
	return s.await(s.startBackfill(request).ID, isFinished)
}

// fault makes the simulator misbehave.
func (s *stack) fault(rules ...map[string]any) {
	s.t.Helper()
	got := s.call(http.MethodPost, s.sim+"/_sim/faults", rules)
	require.Less(s.t, got.status, 300, string(got.body))
}

func (s *stack) healSimulator() {
	s.t.Helper()
	require.Less(s.t, s.call(http.MethodDelete, s.sim+"/_sim/faults", nil).status, 300)
}

// requests is how many requests for bars the simulator has had.
func (s *stack) requests() int {
	s.t.Helper()
	var stats struct {
		Requests int `json:"requests"`
	}
	s.call(http.MethodGet, s.sim+"/_sim/stats?log=0", nil).into(s.t, &stats)
	return stats.Requests
}

// truth is what the simulator's market holds.
func (s *stack) truth(code, interval, start, end string) []bar {
	s.t.Helper()
	query := url.Values{"symbol": {code}, "interval": {interval}, "start": {start}, "end": {end}}
	got := s.call(http.MethodGet, s.sim+"/_sim/bars?"+query.Encode(), nil)
	require.Equal(s.t, http.StatusOK, got.status, string(got.body))
	var truth struct {
		Bars []bar `json:"bars"`
	}
	got.into(s.t, &truth)
	return truth.Bars
}

type hole struct {
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	Reason string    `json:"reason"`
}

type bar struct {
	TS                     time.Time   `json:"ts"`
	Open, High, Low, Close json.Number //nolint:tagliatelle // matched without case
	Volume                 json.Number `json:"volume"`
}

type page struct {
	Data []bar `json:"data"`
	Meta struct {
		Returned   int    `json:"returned"`
		Complete   bool   `json:"complete"`
		Missing    []hole `json:"missing"`
		Provider   string `json:"provider"`
		Adjustment string `json:"adjustment"`
	} `json:"meta"`
	NextCursor *string `json:"next_cursor"`
}

func (s *stack) page(query string) page {
	s.t.Helper()
	got := s.call(http.MethodGet, s.url+"/v1/instruments/"+query, nil)
	require.Equal(s.t, http.StatusOK, got.status, string(got.body))
	var p page
	got.into(s.t, &p)
	require.Len(s.t, p.Data, p.Meta.Returned)
	return p
}

// during checks twice a second until d is over. Unlike require.Never it leaves no check behind that runs on.
func during(d time.Duration, check func()) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(500 * time.Millisecond) { //nolint:forbidigo // what is to stay as it is has no event to wait for
		check()
	}
}

// sharedFile is a file of real data beside the repository; the test is skipped, with a word, where it is absent.
func sharedFile(t testing.TB, name string) string {
	t.Helper()
	path := "../../shared/" + name
	if _, err := os.Stat(path); err != nil {
		t.Skipf("real data %s are not on this machine; the made-up fixture covers the same ground", name) //nolint:forbidigo // says so, and is covered
	}
	return path
}
