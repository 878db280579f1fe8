package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

const backfillID = "0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d"

// backfillJSON returns a good body with one field replaced; "" leaves it out.
func backfillJSON(field, value string) string {
	fields := [][2]string{
		{"instruments", `["btcusdt.binance"]`}, {"interval", `"1m"`}, {"start", `"2024-01-01"`}, {"end", `"2024-02-01T01:00:00+01:00"`},
	}
	isKnown := false
	var parts []string
	for _, f := range fields {
		if f[0] == field {
			f[1], isKnown = value, true
		}
		if f[1] != "" {
			parts = append(parts, fmt.Sprintf("%q:%s", f[0], f[1]))
		}
	}
	if !isKnown && field != "" {
		parts = append(parts, fmt.Sprintf("%q:%s", field, value))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// backfillWorld knows BTCUSDT.BINANCE, listed 2017-08-17 04:00, and stores backfills as asked.
func backfillWorld() (*world, *[]market.BackfillRequest) {
	w := newWorld()
	listed := at("2017-08-17T04:00:00Z")
	w.store.InstrumentFunc = func(id market.InstrumentID) (market.Instrument, error) {
		if id != btc().ID {
			return market.Instrument{}, errNotFound
		}
		return btc(), nil
	}
	w.store.SeriesFunc = func(id market.InstrumentID, i market.Interval, provider string, _ market.Range) (market.Series, error) {
		return market.Series{Instrument: id, Interval: i, Provider: provider, Calendar: "24x7", ListedAt: &listed}, nil
	}
	var requests []market.BackfillRequest
	w.store.CreateBackfillFunc = func(r market.BackfillRequest) (market.Backfill, bool, error) {
		requests = append(requests, r)
		return market.Backfill{
			ID: r.ID, Status: market.StatusStarting, Interval: r.Interval, Range: r.Range, Policy: r.Policy, Concurrency: r.Concurrency,
			CreatedAt: now, WorkflowID: "backfill/" + r.ID, Chunks: market.ChunkCounts{Total: 1, Pending: 1},
		}, false, nil
	}
	return w, &requests
}

func TestPostBackfill_StoresAndStarts(t *testing.T) {
	t.Parallel()
	w, requests := backfillWorld()
	var started []string
	w.orchestrator.StartBackfillFunc = func(b market.Backfill) error {
		started = append(started, b.ID)
		return nil
	}
	a := w.do(t, http.MethodPost, "/v1/backfills", backfillJSON("", ""))
	body := decode[map[string]any](t, a, http.StatusAccepted)
	r := (*requests)[0]
	require.Equal(t, "/v1/backfills/"+r.ID, a.header.Get("Location"))
	require.Equal(t, []string{r.ID}, started)
	require.Equal(t, r.ID, body["id"])
	require.Equal(t, "starting", body["status"])
	require.Equal(t, market.PolicyMissing, r.Policy)
	require.Equal(t, 4, r.Concurrency)
	require.Equal(t, span("2024-01-01", "2024-02-01"), r.Range)
	require.Equal(t, []market.BackfillTarget{{
		Instrument: id("BTCUSDT.BINANCE"), Provider: "binance", PriceBasis: market.AdjustmentRaw, Range: span("2024-01-01", "2024-02-01"),
	}}, r.Series)
}

func TestPostBackfill_ClipsTheRange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, interval, start, end string
		want                       market.Range
	}{
		{"to the listing", "1d", "2015-01-01", "2018-01-01", span("2017-08-17", "2018-01-01")},
		{"to the last closed bar", "1m", "2024-03-01", "2030-01-01", span("2024-03-01", "2024-03-01T12:00:00Z")},
		{"to keys", "1d", "2024-01-01T05:00:00Z", "2024-01-03T05:00:00Z", span("2024-01-02", "2024-01-04")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, requests := backfillWorld()
			body := fmt.Sprintf(`{"instruments":["BTCUSDT.BINANCE"],"interval":%q,"start":%q,"end":%q}`, tt.interval, tt.start, tt.end)
			a := w.do(t, http.MethodPost, "/v1/backfills", body)
			require.Equal(t, http.StatusAccepted, a.status, a.body)
			require.Equal(t, tt.want, (*requests)[0].Series[0].Range)
			require.Equal(t, at(tt.start), (*requests)[0].Range.Start, "the request itself stays as asked")
		})
	}
}

func TestPostBackfill_ChoosesTheProvider(t *testing.T) {
	t.Parallel()
	w, requests := backfillWorld()
	for _, tt := range []struct{ field, value, want string }{
		{"interval", `"1d"`, "binance"},
		{"interval", `"1w"`, "backup"}, // binance has none
	} {
		a := w.do(t, http.MethodPost, "/v1/backfills", backfillJSON(tt.field, tt.value))
		require.Equal(t, http.StatusAccepted, a.status, a.body)
		require.Equal(t, tt.want, (*requests)[len(*requests)-1].Series[0].Provider)
	}
}

func TestPostBackfill_BadBodies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		status     int
		locations  []string
	}{
		{"no instruments", backfillJSON("instruments", ""), 422, []string{"body"}},
		{"empty instruments", backfillJSON("instruments", "[]"), 422, []string{"body.instruments"}},
		{"instrument of a wrong type", backfillJSON("instruments", "[7]"), 422, []string{"body.instruments[0]"}},
		{"instrument without venue", backfillJSON("instruments", `["BTCUSDT"]`), 422, []string{"body.instruments[0]"}},
		{"instrument with a null byte", backfillJSON("instruments", `["A\u0000.B"]`), 422, []string{"body.instruments[0]"}},
		{"instrument twice", backfillJSON("instruments", `["BTCUSDT.BINANCE","btcusdt.binance"]`), 422, []string{"body.instruments[1]"}},
		{"unknown instruments", backfillJSON("instruments", `["A.B","BTCUSDT.BINANCE","C.D"]`), 404, []string{"body.instruments[0]", "body.instruments[2]"}},
		{"unknown interval", backfillJSON("interval", `"2m"`), 422, []string{"body.interval"}},
		{"interval nobody has", backfillJSON("interval", `"1mo"`), 422, []string{"body.interval"}},
		{"no start", backfillJSON("start", ""), 422, []string{"body"}},
		{"no time", backfillJSON("start", `"yesterday"`), 422, []string{"body.start"}},
		{"start as a number", backfillJSON("start", "1704067200"), 422, []string{"body.start"}},
		{"neither is a time", `{"instruments":["BTCUSDT.BINANCE"],"interval":"1m","start":"a","end":"b"}`, 422, []string{"body.end", "body.start"}},
		{"reversed", backfillJSON("start", `"2024-03-01"`), 422, []string{"body.start"}},
		{"empty", backfillJSON("start", `"2024-02-01"`), 422, []string{"body.start"}},
		{"in the future", `{"instruments":["BTCUSDT.BINANCE"],"interval":"1m","start":"2025-01-01","end":"2025-02-01"}`, 422, []string{"body.start"}},
		{"not closed yet", `{"instruments":["BTCUSDT.BINANCE"],"interval":"1m","start":"2024-03-01T12:00:00Z","end":"2024-03-01T12:01:00Z"}`, 422, []string{"body.start"}},
		{"no bar begins in it", `{"instruments":["BTCUSDT.BINANCE"],"interval":"1d","start":"2024-01-01T01:00:00Z","end":"2024-01-01T02:00:00Z"}`, 422, []string{"body.start"}},
		{"before the listing", `{"instruments":["BTCUSDT.BINANCE"],"interval":"1m","start":"2015-01-01","end":"2016-01-01"}`, 422, []string{"body.instruments[0]"}},
		{"provider it does not list", backfillJSON("provider", `"acme"`), 422, []string{"body.provider"}},
		{"provider without the interval", backfillJSON("provider", `"backup"`), 422, []string{"body.interval"}},
		{"unknown policy", backfillJSON("policy", `"some"`), 422, []string{"body.policy"}},
		{"concurrency 0", backfillJSON("concurrency", "0"), 422, []string{"body.concurrency"}},
		{"concurrency 65", backfillJSON("concurrency", "65"), 422, []string{"body.concurrency"}},
		{"concurrency 1.5", backfillJSON("concurrency", "1.5"), 422, []string{"body.concurrency"}},
		{"concurrency as text", backfillJSON("concurrency", `"4"`), 422, []string{"body.concurrency"}},
		{"max_failed -1", backfillJSON("max_failed", "-1"), 422, []string{"body.max_failed"}},
		{"huge number", backfillJSON("max_failed", "1e400"), 400, []string{"body"}},
		{"unknown field", backfillJSON("symbols", `["A"]`), 422, []string{"body.symbols"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, requests := backfillWorld()
			kind := market.KindInvalid
			if tt.status == http.StatusNotFound {
				kind = market.KindNotFound
			}
			p := w.do(t, http.MethodPost, "/v1/backfills", tt.body).problem(t, tt.status, kind)
			require.Equal(t, tt.locations, p.locations())
			require.Empty(t, *requests)
		})
	}
}

func TestPostBackfill_NothingMissingStartsNothing(t *testing.T) {
	t.Parallel()
	w, _ := backfillWorld()
	w.store.CreateBackfillFunc = func(r market.BackfillRequest) (market.Backfill, bool, error) {
		return market.Backfill{ID: r.ID, Status: market.StatusCompleted, FinishedAt: &now}, false, nil
	}
	w.store.SeriesFunc = func(_ market.InstrumentID, i market.Interval, p string, r market.Range) (market.Series, error) {
		return market.Series{Calendar: "24x7", Interval: i, Provider: p, Covered: []market.Range{r}, HasCoverage: true}, nil
	}
	w.orchestrator.StartBackfillFunc = func(market.Backfill) error { panic("started") }
	w.orchestrator.FindListingFunc = func(context.Context, market.InstrumentID, market.ProviderSymbol) error { panic("asked") }
	a := w.do(t, http.MethodPost, "/v1/backfills", backfillJSON("", ""))
	b := decode[map[string]any](t, a, http.StatusAccepted)
	require.Equal(t, "completed", b["status"])
	require.Contains(t, a.body, `"percent":100,"eta_seconds":0,`)
}

func TestPostBackfill_FindsTheListingFirst(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		err    error
		listed string
		status int
	}{
		{"found, inside", nil, "2024-01-10", http.StatusAccepted},
		{"found, the range is before it", nil, "2024-02-10", http.StatusUnprocessableEntity},
		{"symbol unknown to the provider", market.Errorf(market.KindNotFound, "no such symbol"), "", http.StatusUnprocessableEntity},
		{"no answer in time", context.DeadlineExceeded, "", http.StatusAccepted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, requests := backfillWorld()
			var listed *time.Time
			w.store.SeriesFunc = func(_ market.InstrumentID, i market.Interval, p string, _ market.Range) (market.Series, error) {
				return market.Series{Calendar: "24x7", Interval: i, Provider: p, ListedAt: listed}, nil
			}
			w.orchestrator.FindListingFunc = func(ctx context.Context, _ market.InstrumentID, p market.ProviderSymbol) error {
				require.Equal(t, "BTCUSDT", p.Symbol)
				_, isBounded := ctx.Deadline()
				require.True(t, isBounded)
				if tt.listed != "" {
					found := at(tt.listed)
					listed = &found
				}
				return tt.err
			}
			a := w.do(t, http.MethodPost, "/v1/backfills", backfillJSON("", ""))
			if tt.status != http.StatusAccepted {
				require.Equal(t, []string{"body.instruments[0]"}, a.problem(t, tt.status, market.KindInvalid).locations())
				return
			}
			require.Equal(t, tt.status, a.status, a.body)
			want := span("2024-01-01", "2024-02-01")
			if tt.listed != "" {
				want.Start = at(tt.listed)
			}
			require.Equal(t, want, (*requests)[0].Series[0].Range)
		})
	}
}

func TestPostBackfill_WithoutTemporal(t *testing.T) {
	t.Parallel()
	w, requests := backfillWorld()
	w.orchestrator.PingFunc = func() error { return errors.New("dial tcp temporal.internal:7233") }
	a := w.do(t, http.MethodPost, "/v1/backfills", backfillJSON("", ""))
	a.problem(t, http.StatusServiceUnavailable, market.KindUnavailable)
	require.NotContains(t, a.body, "internal:7233")
	require.NotEmpty(t, a.header.Get("Retry-After"))
	require.Empty(t, *requests)

	w.orchestrator.PingFunc = nil
	w.orchestrator.StartBackfillFunc = func(market.Backfill) error { return market.Errorf(market.KindUnavailable, "just now") }
	require.Equal(t, http.StatusAccepted, w.do(t, http.MethodPost, "/v1/backfills", backfillJSON("", "")).status)
	require.Contains(t, w.log.String(), "backfill not started yet")
}

func TestPostBackfill_Twice(t *testing.T) {
	t.Parallel()
	w, _ := backfillWorld()
	w.store.CreateBackfillFunc = func(market.BackfillRequest) (market.Backfill, bool, error) {
		return market.Backfill{}, false, &market.ConflictError{BackfillID: backfillID}
	}
	p := w.do(t, http.MethodPost, "/v1/backfills", backfillJSON("", "")).problem(t, http.StatusConflict, market.KindConflict)
	require.Equal(t, backfillID, p.BackfillID)
}

func TestPostBackfill_IdempotencyKey(t *testing.T) {
	t.Parallel()
	w, requests := backfillWorld()
	create := w.store.CreateBackfillFunc
	w.store.CreateBackfillFunc = func(r market.BackfillRequest) (market.Backfill, bool, error) {
		if len(*requests) > 0 && r.RequestHash != (*requests)[0].RequestHash {
			return market.Backfill{}, false, market.Errorf(market.KindInvalid, "other request")
		}
		b, _, err := create(r)
		b.ID, b.Status = backfillID, market.StatusRunning
		return b, len(*requests) > 1, err
	}
	starts := 0
	w.orchestrator.StartBackfillFunc = func(market.Backfill) error { starts++; return nil }
	for _, body := range []string{backfillJSON("", ""), backfillJSON("end", `"2024-02-01"`), backfillJSON("concurrency", "4")} {
		a := w.do(t, http.MethodPost, "/v1/backfills", body, "Idempotency-Key", "k 1")
		require.Equal(t, http.StatusAccepted, a.status, "the same request, however it is written: %s", a.body)
	}
	require.Equal(t, "k 1", (*requests)[0].IdempotencyKey)
	require.Equal(t, 1, starts)
	for name, send := range map[string][2]string{
		"other body": {backfillJSON("policy", `"all"`), "k 1"},
		"too long":   {backfillJSON("", ""), strings.Repeat("k", 256)},
		"not ASCII":  {backfillJSON("", ""), "\u00e9"},
	} {
		p := w.do(t, http.MethodPost, "/v1/backfills", send[0], "Idempotency-Key", send[1]).problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
		require.Equal(t, []string{"header.Idempotency-Key"}, p.locations(), name)
	}
}

func runningBackfill() market.Backfill {
	started, reason := now.Add(-20*time.Second), "lunch"
	b := market.Backfill{
		ID: backfillID, Status: market.StatusRunning, Policy: market.PolicyMissing, Interval: market.Interval1m,
		Range: span("2024-01-01", "2024-02-01"), Concurrency: 4, CreatedAt: at("2024-03-01T12:00:00Z"), StartedAt: &started,
		WorkflowID: "backfill/" + backfillID, PausedReason: &reason, Requests: 17,
		Chunks: market.ChunkCounts{Total: 8, Pending: 3, Running: 1, Done: 3, Failed: 1},
		Bars:   market.BarCounts{Expected: 44640, Inserted: 16740},
	}
	b.Series = []market.BackfillSeries{
		{Instrument: id("BTCUSDT.BINANCE"), Provider: "binance", Chunks: market.ChunkCounts{Total: 4, Done: 2}, Bars: market.BarCounts{Expected: 300}},
		{Instrument: id("ETHUSDT.BINANCE"), Provider: "binance", Chunks: market.ChunkCounts{Total: 4, Done: 1, Failed: 1, Canceled: 1}, Bars: market.BarCounts{Expected: 100}},
	}
	b.Failures = []market.ChunkFailure{{
		Instrument: id("ETHUSDT.BINANCE"), Range: span("2024-01-01", "2024-01-02"), Kind: market.KindRateLimited, Message: "wait", WorkflowID: "w/1",
	}}
	return b
}

func TestGetBackfill_Shape(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.BackfillFunc = func(string) (market.Backfill, error) { return runningBackfill(), nil }
	a := w.get(t, "/v1/backfills/"+strings.ToUpper(backfillID))
	require.Equal(t, http.StatusOK, a.status)
	require.JSONEq(t, `{"id":"`+backfillID+`","status":"running","policy":"missing","interval":"1m","start":"2024-01-01T00:00:00Z","end":"2024-02-01T00:00:00Z",
		"concurrency":4,"max_failed":0,"created_at":"2024-03-01T12:00:00Z","finished_at":null,"workflow_id":"backfill/`+backfillID+`",
		"temporal_url":"http://temporal.test/jobs/`+backfillID+`","paused_reason":"lunch",
		"progress":{"percent":56.3,"eta_seconds":16,"requests":17,"chunks":{"total":8,"pending":3,"running":1,"done":3,"failed":1,"canceled":0},
			"bars":{"expected":44640,"inserted":16740,"restated":0,"unchanged":0,"quarantined":0}},
		"series":[{"instrument":"BTCUSDT.BINANCE","provider":"binance","chunks":{"total":4,"pending":0,"running":0,"done":2,"failed":0,"canceled":0},
				"bars":{"expected":300,"inserted":0,"restated":0,"unchanged":0,"quarantined":0}},
			{"instrument":"ETHUSDT.BINANCE","provider":"binance","chunks":{"total":4,"pending":0,"running":0,"done":1,"failed":1,"canceled":1},
				"bars":{"expected":100,"inserted":0,"restated":0,"unchanged":0,"quarantined":0}}],
		"failures":[{"instrument":"ETHUSDT.BINANCE","start":"2024-01-01T00:00:00Z","end":"2024-01-02T00:00:00Z","kind":"rate_limited","message":"wait",
			"workflow_id":"w/1","temporal_url":"http://temporal.test/workflows/w/1"}]}`, a.body)
}

func TestGetBackfill_IDsThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1", "..", "%00", "{" + backfillID + "}", "urn:uuid:" + backfillID, strings.Repeat("a", 10_000), "a%2Fb"} {
		newWorld().get(t, "/v1/backfills/"+text).problem(t, http.StatusNotFound, market.KindNotFound)
		newWorld().do(t, http.MethodPost, "/v1/backfills/"+text+"/cancel", "").problem(t, http.StatusNotFound, market.KindNotFound)
	}
}

func TestListBackfills_FiltersAndPages(t *testing.T) {
	t.Parallel()
	w := newWorld()
	older := strings.Replace(backfillID, "0190", "0180", 1)
	w.store.BackfillsFunc = func(q market.BackfillQuery) ([]market.Backfill, error) {
		require.Equal(t, market.StatusRunning, q.Status)
		require.Equal(t, "BTCUSDT.BINANCE", q.Instrument.String())
		if q.After == "" {
			return []market.Backfill{{ID: backfillID}}, nil
		}
		if q.After == backfillID {
			return []market.Backfill{{ID: older}}, nil
		}
		return nil, nil
	}
	type page struct {
		Data []struct {
			ID       string `json:"id"`
			Failures []any  `json:"failures"`
		} `json:"data"`
		NextCursor *string `json:"next_cursor"`
	}
	const query = "/v1/backfills?status=running&instrument=btcusdt.binance&limit=1"
	first := decode[page](t, w.get(t, query), http.StatusOK)
	require.NotNil(t, first.Data[0].Failures)
	second := decode[page](t, w.get(t, query+"&cursor="+*first.NextCursor), http.StatusOK)
	require.Equal(t, older, second.Data[0].ID)
	require.Nil(t, second.NextCursor)
	w.get(t, "/v1/backfills?limit=1&cursor="+*first.NextCursor).problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
	w.get(t, "/v1/backfills?status=done").problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
	p := w.get(t, "/v1/backfills?instrument=BTC").problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
	require.Equal(t, []string{"query.instrument"}, p.locations())
}

func TestBackfillActions(t *testing.T) {
	t.Parallel()
	const action = "/v1/backfills/" + backfillID + "/"
	refusal := market.Errorf(market.KindInvalid, "already paused")
	gone := market.Errorf(market.KindConflict, "it does not run")
	down := market.Errorf(market.KindUnavailable, "dial tcp temporal:7233")
	tests := []struct {
		name, action, body string
		status             market.BackfillStatus
		temporal           error
		want               int
		call               string
	}{
		{"pause", "pause", `{"reason":"lunch"}`, market.StatusRunning, nil, 200, "pause lunch"},
		{"pause without a body", "pause", "", market.StatusRunning, nil, 200, "pause paused by the API"},
		{"pause with an empty body", "pause", "{}", market.StatusStarting, nil, 200, "pause paused by the API"},
		{"pause with an unknown field", "pause", `{"why":"x"}`, market.StatusRunning, nil, 422, ""},
		{"pause with a long reason", "pause", `{"reason":"` + strings.Repeat("a", 501) + `"}`, market.StatusRunning, nil, 422, ""},
		{"pause twice", "pause", "", market.StatusPaused, nil, 409, ""},
		{"pause what is done", "pause", "", market.StatusCompleted, nil, 409, ""},
		{"pause refused", "pause", "", market.StatusRunning, refusal, 409, "pause paused by the API"},
		{"pause without Temporal", "pause", "", market.StatusRunning, down, 503, "pause paused by the API"},
		{"resume", "resume", "", market.StatusPaused, nil, 200, "resume"},
		{"resume what runs", "resume", "", market.StatusRunning, nil, 409, ""},
		{"resume what is canceled", "resume", "", market.StatusCanceled, nil, 409, ""},
		{"cancel", "cancel", "", market.StatusPaused, nil, 200, "request cancel, cancel"},
		{"cancel what does not run yet", "cancel", "", market.StatusStarting, gone, 200, "request cancel, cancel"},
		{"cancel without Temporal", "cancel", "", market.StatusRunning, down, 503, "request cancel, cancel"},
		{"cancel what failed", "cancel", "", market.StatusFailed, nil, 409, ""},
		{"concurrency", "concurrency", `{"concurrency":8}`, market.StatusRunning, nil, 200, "concurrency 8"},
		{"concurrency 65", "concurrency", `{"concurrency":65}`, market.StatusRunning, nil, 422, ""},
		{"concurrency without a body", "concurrency", "", market.StatusRunning, nil, 400, ""},
		{"concurrency of what is done", "concurrency", `{"concurrency":8}`, market.StatusCompletedWithGaps, nil, 409, ""},
		{"retry", "retry", "", market.StatusFailed, nil, 200, "reopen, start"},
		{"retry what runs", "retry", "", market.StatusRunning, nil, 409, "reopen"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			var calls []string
			note := func(format string, args ...any) error {
				calls = append(calls, fmt.Sprintf(format, args...))
				return tt.temporal
			}
			b := runningBackfill()
			b.Status = tt.status
			w.store.BackfillFunc = func(string) (market.Backfill, error) { return b, nil }
			w.store.RequestCancelFunc = func(string) error { _ = note("request cancel"); return nil }
			w.store.ReopenBackfillFunc = func(string) (market.Backfill, error) {
				_ = note("reopen")
				if !tt.status.IsFinished() {
					return b, market.Errorf(market.KindConflict, "it is not finished")
				}
				return b, nil
			}
			w.orchestrator.PauseBackfillFunc = func(_, reason string) error { return note("pause %s", reason) }
			w.orchestrator.ResumeBackfillFunc = func(string) error { return note("resume") }
			w.orchestrator.CancelBackfillFunc = func(string) error { return note("cancel") }
			w.orchestrator.SetConcurrencyFunc = func(_ string, n int) error { return note("concurrency %d", n) }
			w.orchestrator.StartBackfillFunc = func(market.Backfill) error { return note("start") }
			a := w.do(t, http.MethodPost, action+tt.action, tt.body)
			require.Equal(t, tt.want, a.status, a.body)
			require.Equal(t, tt.call, strings.Join(calls, ", "))
			require.NotContains(t, a.body, "7233")
			if tt.want == http.StatusConflict {
				a.problem(t, http.StatusConflict, market.KindConflict)
			}
		})
	}
}

func TestRetry_WithoutTemporalChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.BackfillFunc = func(string) (market.Backfill, error) {
		return market.Backfill{ID: backfillID, Status: market.StatusFailed}, nil
	}
	w.store.ReopenBackfillFunc = func(string) (market.Backfill, error) { panic("reopened") }
	w.orchestrator.PingFunc = func() error { return market.Errorf(market.KindUnavailable, "down") }
	w.do(t, http.MethodPost, "/v1/backfills/"+backfillID+"/retry", "").problem(t, http.StatusServiceUnavailable, market.KindUnavailable)
}

// TestBackfills_OfAClosedMarket: over a weekend nothing is missing, so nothing is asked.
func TestBackfills_OfAClosedMarket(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, interval, start, end string
		status                     int
	}{
		{"a weekend", "1d", "2024-02-10", "2024-02-12", http.StatusAccepted},
		{"a holiday", "1h", "2024-02-19", "2024-02-20", http.StatusAccepted},
		{"of the future", "1d", "2024-03-09", "2024-03-11", http.StatusUnprocessableEntity},
		{"an evening to come", "1h", "2024-03-01T21:00:00Z", "2024-03-04T14:30:00Z", http.StatusUnprocessableEntity},
		{"a session that has not closed", "1d", "2024-03-01", "2024-03-02", http.StatusUnprocessableEntity},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w, s := newWorld(), newSeries(market.Interval(tc.interval))
			s.Calendar = "XNYS"
			s.install(w)
			var wanted market.Range
			w.store.CreateBackfillFunc = func(r market.BackfillRequest) (market.Backfill, bool, error) {
				wanted = r.Series[0].Range
				return market.Backfill{ID: r.ID, Status: market.StatusCompleted}, true, nil
			}
			body := `{"instruments":["BTCUSDT.BINANCE"],"interval":"` + tc.interval + `","start":"` + tc.start + `","end":"` + tc.end + `"}`
			a := w.do(t, http.MethodPost, "/v1/backfills", body)
			require.Equal(t, tc.status, a.status, a.body)
			require.True(t, wanted.IsEmpty())
		})
	}
}

// TestBackfills_BeginAWeekendAhead: what has not begun is the future, also where the last session before it has closed.
func TestBackfills_BeginAWeekendAhead(t *testing.T) {
	t.Parallel()
	w, requests := backfillWorld()
	w.options.Now = func() time.Time { return at("2024-03-01T22:00:00Z") } // a Friday, after the close
	w.store.SeriesFunc = func(id market.InstrumentID, i market.Interval, provider string, _ market.Range) (market.Series, error) {
		return market.Series{Instrument: id, Interval: i, Provider: provider, Calendar: "XNYS"}, nil
	}
	body := func(start, end string) string {
		return fmt.Sprintf(`{"instruments":["BTCUSDT.BINANCE"],"interval":"1d","start":%q,"end":%q}`, start, end)
	}
	p := w.do(t, http.MethodPost, "/v1/backfills", body("2024-03-02", "2024-03-04")).problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
	require.Equal(t, []string{"body.start"}, p.locations())
	require.Contains(t, p.Detail, "the future")
	require.Equal(t, http.StatusAccepted, w.do(t, http.MethodPost, "/v1/backfills", body("2024-03-01", "2024-03-04")).status)
	require.Equal(t, span("2024-03-01", "2024-03-04"), (*requests)[0].Series[0].Range)
}
