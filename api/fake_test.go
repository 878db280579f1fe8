package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/api"
	"marketdata/market"
)

// fakeStore answers with its functions; those left nil answer not_found, or nothing.
type fakeStore struct {
	fakeAlerts

	PutInstrumentFunc     func(market.Instrument) (market.Instrument, bool, error)
	CheckInstrumentFunc   func(market.Instrument) (market.Instrument, bool, error)
	InstrumentFunc        func(market.InstrumentID) (market.Instrument, error)
	InstrumentsFunc       func(market.InstrumentQuery) ([]market.Instrument, error)
	StopSyncFunc          func(market.InstrumentID, market.Interval) error
	SeriesFunc            func(market.InstrumentID, market.Interval, string, market.Range) (market.Series, error)
	BarsFunc              func(int64, market.Range, int, bool, func(market.RawBar) error) error
	HolesFunc             func(int64, market.Range) (failed, quarantined []market.Range, err error)
	CreateBackfillFunc    func(market.BackfillRequest) (market.Backfill, bool, error)
	BackfillFunc          func(string) (market.Backfill, error)
	BackfillsFunc         func(market.BackfillQuery) ([]market.Backfill, error)
	RequestCancelFunc     func(string) error
	ReopenBackfillFunc    func(string) (market.Backfill, error)
	SchedulesFunc         func() ([]market.Schedule, error)
	FailingSyncsFunc      func([]market.SyncSchedule) ([]market.SyncFailing, error)
	ProviderStatesFunc    func() (map[string]market.ProviderState, error)
	SetProviderPausedFunc func(string, bool, string) error
	PingFunc              func(context.Context) error
	MigrationsPendingFunc func() (int, error)
}

var _ api.Store = (*fakeStore)(nil)

var errNotFound = market.Errorf(market.KindNotFound, "there is no such thing in the store")

func (f *fakeStore) PutInstrument(_ context.Context, i market.Instrument) (market.Instrument, bool, error) {
	if f.PutInstrumentFunc == nil {
		return i, true, nil
	}
	return f.PutInstrumentFunc(i)
}

func (f *fakeStore) CheckInstrument(_ context.Context, i market.Instrument) (market.Instrument, bool, error) {
	if f.CheckInstrumentFunc == nil {
		return i, true, nil
	}
	return f.CheckInstrumentFunc(i)
}

func (f *fakeStore) Instrument(_ context.Context, id market.InstrumentID) (market.Instrument, error) {
	if f.InstrumentFunc == nil {
		return market.Instrument{}, errNotFound
	}
	return f.InstrumentFunc(id)
}

func (f *fakeStore) Instruments(_ context.Context, q market.InstrumentQuery) ([]market.Instrument, error) {
	if f.InstrumentsFunc == nil {
		return nil, nil
	}
	return f.InstrumentsFunc(q)
}

func (f *fakeStore) StopSync(_ context.Context, id market.InstrumentID, i market.Interval) error {
	if f.StopSyncFunc == nil {
		return errNotFound
	}
	return f.StopSyncFunc(id, i)
}

func (f *fakeStore) Series(_ context.Context, id market.InstrumentID, i market.Interval, p string, r market.Range) (market.Series, error) {
	if f.SeriesFunc == nil {
		return market.Series{}, errNotFound
	}
	return f.SeriesFunc(id, i, p, r)
}

func (f *fakeStore) Bars(_ context.Context, id int64, r market.Range, limit int, isDescending bool, visit func(market.RawBar) error) error {
	if f.BarsFunc == nil {
		return nil
	}
	return f.BarsFunc(id, r, limit, isDescending, visit)
}

func (f *fakeStore) Holes(_ context.Context, id int64, r market.Range) (failed, quarantined []market.Range, err error) {
	if f.HolesFunc == nil {
		return nil, nil, nil
	}
	return f.HolesFunc(id, r)
}

func (f *fakeStore) CreateBackfill(_ context.Context, r market.BackfillRequest) (market.Backfill, bool, error) {
	return f.CreateBackfillFunc(r)
}

func (f *fakeStore) Backfill(_ context.Context, id string) (market.Backfill, error) {
	if f.BackfillFunc == nil {
		return market.Backfill{}, errNotFound
	}
	return f.BackfillFunc(id)
}

func (f *fakeStore) Backfills(_ context.Context, q market.BackfillQuery) ([]market.Backfill, error) {
	if f.BackfillsFunc == nil {
		return nil, nil
	}
	return f.BackfillsFunc(q)
}

func (f *fakeStore) RequestCancel(_ context.Context, id string) error {
	if f.RequestCancelFunc == nil {
		return nil
	}
	return f.RequestCancelFunc(id)
}

func (f *fakeStore) ReopenBackfill(_ context.Context, id string) (market.Backfill, error) {
	if f.ReopenBackfillFunc == nil {
		return market.Backfill{}, errNotFound
	}
	return f.ReopenBackfillFunc(id)
}

func (f *fakeStore) Schedules(context.Context) ([]market.Schedule, error) {
	if f.SchedulesFunc == nil {
		return nil, nil
	}
	return f.SchedulesFunc()
}

func (f *fakeStore) FailingSyncs(_ context.Context, syncs []market.SyncSchedule) ([]market.SyncFailing, error) {
	if f.FailingSyncsFunc == nil {
		return nil, nil
	}
	return f.FailingSyncsFunc(syncs)
}

func (f *fakeStore) Schedule(ctx context.Context, id string) (market.Schedule, error) {
	all, err := f.Schedules(ctx)
	for _, s := range all {
		if s.ID == id {
			return s, nil
		}
	}
	if err == nil {
		err = errNotFound
	}
	return market.Schedule{}, err
}

func (f *fakeStore) ProviderStates(context.Context) (map[string]market.ProviderState, error) {
	if f.ProviderStatesFunc == nil {
		return nil, nil //nolint:nilnil // no provider has a budget yet
	}
	return f.ProviderStatesFunc()
}

func (f *fakeStore) SetProviderPaused(_ context.Context, p string, isPaused bool, reason string) error {
	if f.SetProviderPausedFunc == nil {
		return nil
	}
	return f.SetProviderPausedFunc(p, isPaused, reason)
}

func (f *fakeStore) Ping(ctx context.Context) error {
	if f.PingFunc == nil {
		return nil
	}
	return f.PingFunc(ctx)
}

func (f *fakeStore) MigrationsPending(context.Context) (int, error) {
	if f.MigrationsPendingFunc == nil {
		return 0, nil
	}
	return f.MigrationsPendingFunc()
}

// fakeOrchestrator answers with its functions; those left nil succeed.
type fakeOrchestrator struct {
	fakeAlertStarter

	StartBackfillFunc  func(market.Backfill) error
	PauseBackfillFunc  func(workflowID, reason string) error
	ResumeBackfillFunc func(workflowID string) error
	SetConcurrencyFunc func(workflowID string, n int) error
	CancelBackfillFunc func(workflowID string) error
	FindListingFunc    func(context.Context, market.InstrumentID, market.ProviderSymbol) error
	PauseProviderFunc  func(provider string, isPaused bool, reason string) error
	PingFunc           func() error
}

var _ api.Orchestrator = (*fakeOrchestrator)(nil)

func (f *fakeOrchestrator) StartBackfill(_ context.Context, b market.Backfill) error {
	if f.StartBackfillFunc == nil {
		return nil
	}
	return f.StartBackfillFunc(b)
}

func (f *fakeOrchestrator) PauseBackfill(_ context.Context, id, reason string) error {
	if f.PauseBackfillFunc == nil {
		return nil
	}
	return f.PauseBackfillFunc(id, reason)
}

func (f *fakeOrchestrator) ResumeBackfill(_ context.Context, id string) error {
	if f.ResumeBackfillFunc == nil {
		return nil
	}
	return f.ResumeBackfillFunc(id)
}

func (f *fakeOrchestrator) SetConcurrency(_ context.Context, id string, n int) error {
	if f.SetConcurrencyFunc == nil {
		return nil
	}
	return f.SetConcurrencyFunc(id, n)
}

func (f *fakeOrchestrator) CancelBackfill(_ context.Context, id string) error {
	if f.CancelBackfillFunc == nil {
		return nil
	}
	return f.CancelBackfillFunc(id)
}

func (f *fakeOrchestrator) FindListing(ctx context.Context, id market.InstrumentID, p market.ProviderSymbol) error {
	if f.FindListingFunc == nil {
		return nil
	}
	return f.FindListingFunc(ctx, id, p)
}

func (f *fakeOrchestrator) PauseProvider(_ context.Context, p string, isPaused bool, reason string) error {
	if f.PauseProviderFunc == nil {
		return nil
	}
	return f.PauseProviderFunc(p, isPaused, reason)
}

func (f *fakeOrchestrator) Ping(context.Context) error {
	if f.PingFunc == nil {
		return nil
	}
	return f.PingFunc()
}

func (f *fakeOrchestrator) WorkflowURL(id string) string {
	return "http://temporal.test/workflows/" + id
}

func (f *fakeOrchestrator) JobURL(id string) string { return "http://temporal.test/jobs/" + id }

// fakeScheduler answers with its functions; those left nil succeed.
type fakeScheduler struct {
	SyncSchedulesFunc func() ([]market.SyncSchedule, error)
	CreateFunc        func(market.Schedule) error
	DeleteFunc        func(id string) error
	ActFunc           func(action, id, reason string) error
	StatesFunc        func(ids []string) (map[string]market.ScheduleState, error)
	nudges            atomic.Int32
}

var _ api.Scheduler = (*fakeScheduler)(nil)

func (f *fakeScheduler) SyncSchedules(context.Context) ([]market.SyncSchedule, error) {
	if f.SyncSchedulesFunc == nil {
		return nil, nil
	}
	return f.SyncSchedulesFunc()
}

func (f *fakeScheduler) Create(_ context.Context, s market.Schedule) error {
	if f.CreateFunc == nil {
		return nil
	}
	return f.CreateFunc(s)
}

func (f *fakeScheduler) Delete(_ context.Context, id string) error {
	if f.DeleteFunc == nil {
		return nil
	}
	return f.DeleteFunc(id)
}

func (f *fakeScheduler) act(action, id, reason string) error {
	if f.ActFunc == nil {
		return nil
	}
	return f.ActFunc(action, id, reason)
}

func (f *fakeScheduler) Trigger(_ context.Context, id string) error { return f.act("trigger", id, "") }

func (f *fakeScheduler) Pause(_ context.Context, id, reason string) error {
	return f.act("pause", id, reason)
}

func (f *fakeScheduler) Resume(_ context.Context, id string) error { return f.act("resume", id, "") }

func (f *fakeScheduler) States(_ context.Context, ids []string) (map[string]market.ScheduleState, error) {
	if f.StatesFunc == nil {
		return map[string]market.ScheduleState{}, nil
	}
	return f.StatesFunc(ids)
}

func (f *fakeScheduler) Nudge() { f.nudges.Add(1) }

func (f *fakeScheduler) URL(id string) string { return "http://temporal.test/schedules/" + id }

// world is an API over fakes, at a fixed time.
type world struct {
	store        *fakeStore
	orchestrator *fakeOrchestrator
	scheduler    *fakeScheduler
	options      api.Options
	log          *logBuffer
}

// logBuffer is a log that may be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

var now = at("2024-03-01T12:00:30Z")

func newWorld() *world {
	w := &world{store: &fakeStore{}, orchestrator: &fakeOrchestrator{}, scheduler: &fakeScheduler{}, log: &logBuffer{}}
	w.options = api.Options{
		Store: w.store, Orchestrator: w.orchestrator, Scheduler: w.scheduler, Now: func() time.Time { return now },
		Logger:  slog.New(slog.NewJSONHandler(w.log, nil)),
		Version: api.VersionInfo{Version: "1.2.3", Commit: "abc", BuiltAt: "2024-01-01T00:00:00Z", Go: "go1"},
		Providers: []market.ProviderInstance{
			instance("binance", false, true, market.Interval1m, market.Interval1h, market.Interval1d),
			instance("backup", false, true, market.Interval1d, market.Interval1w),
			instance("off", false, false, market.Interval1m),
			instance("sim_binance", true, true, market.Interval1m, market.Interval1d),
		},
	}
	return w
}

func instance(name string, isSynthetic, isEnabled bool, intervals ...market.Interval) market.ProviderInstance {
	return market.ProviderInstance{
		Name: name, Adapter: "binance", Synthetic: isSynthetic, Enabled: isEnabled,
		Capabilities: market.Capabilities{
			AssetClasses: []market.AssetClass{market.AssetCrypto}, Intervals: intervals, PriceBasis: market.AdjustmentRaw,
			Settle: 5 * time.Second, Pacing: market.Pacing{RequestsPerMinute: 600},
		},
	}
}

// answer is a response read whole.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends one request, through a real server, so that what net/http adds is seen too.
func (w *world) do(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	server := httptest.NewServer(api.New(w.options))
	t.Cleanup(server.Close)
	return send(t, server, method, path, body, headers...)
}

func send(t *testing.T, server *httptest.Server, method, path, body string, headers ...string) answer {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, reader)
	require.NoError(t, err)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	response, err := server.Client().Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	read, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{status: response.StatusCode, header: response.Header, body: string(read)}
}

func (w *world) get(t *testing.T, path string) answer {
	t.Helper()
	return w.do(t, http.MethodGet, path, "")
}

// problemDocument is what every error looks like.
type problemDocument struct {
	Type       string `json:"type"`
	Title      string `json:"title"`
	Status     int    `json:"status"`
	Detail     string `json:"detail"`
	RequestID  string `json:"request_id"`
	BackfillID string `json:"backfill_id"`
	Errors     []struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	} `json:"errors"`
}

// problem requires the answer to be a whole problem document of the status and kind.
func (a answer) problem(t *testing.T, status int, kind market.Kind) problemDocument {
	t.Helper()
	require.Equal(t, status, a.status, a.body)
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
	var p problemDocument
	require.NoError(t, json.Unmarshal([]byte(a.body), &p), a.body)
	require.Equal(t, "/problems/"+string(kind), p.Type)
	require.Equal(t, status, p.Status)
	require.NotEmpty(t, p.Title)
	require.NotEmpty(t, p.Detail)
	require.Equal(t, a.header.Get("X-Request-Id"), p.RequestID)
	require.NotEmpty(t, p.RequestID)
	return p
}

func (p problemDocument) locations() []string {
	locations := []string{}
	for _, e := range p.Errors {
		locations = append(locations, e.Location)
	}
	return locations
}

// decode reads a JSON answer of the status.
func decode[T any](t *testing.T, a answer, status int) T {
	t.Helper()
	require.Equal(t, status, a.status, a.body)
	var v T
	require.NoError(t, json.Unmarshal([]byte(a.body), &v), a.body)
	return v
}

func at(text string) time.Time {
	t, err := market.ParseTime(text)
	if err != nil {
		panic(err)
	}
	return t
}

func span(start, end string) market.Range { return market.Range{Start: at(start), End: at(end)} }

func id(text string) market.InstrumentID {
	id, err := market.ParseInstrumentID(text)
	if err != nil {
		panic(err)
	}
	return id
}

func btc() market.Instrument {
	return market.Instrument{
		ID: id("BTCUSDT.BINANCE"), AssetClass: market.AssetCrypto, Currency: "USDT", Name: "Bitcoin / Tether", Calendar: "24x7",
		Providers: []market.ProviderSymbol{{Name: "binance", Symbol: "BTCUSDT"}, {Name: "backup", Symbol: "XBT"}},
		Intervals: []market.Interval{market.Interval1m}, CreatedAt: at("2024-01-02T03:04:05Z"),
	}
}
