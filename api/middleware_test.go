package api_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/api"
	"marketdata/market"
)

func TestRequestID_IsKeptWhenSane(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, sent string
		isKept     bool
	}{
		{"none", "", false},
		{"sane", "job-17:a.b_c", true},
		{"longest", strings.Repeat("a", 128), true},
		{"too long", strings.Repeat("a", 129), false},
		{"with blanks", "a b", false},
		{"with markup", "<script>", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := newWorld().do(t, http.MethodGet, "/health", "", "X-Request-Id", tt.sent).header.Get("X-Request-Id")
			require.NotEmpty(t, got)
			require.Equal(t, tt.isKept, got == tt.sent)
		})
	}
}

func TestAccessLog_NamesTheRoute(t *testing.T) {
	t.Parallel()
	w := newWorld()
	server := httptest.NewServer(api.New(w.options))
	a := send(t, server, http.MethodGet, "/v1/instruments/btcusdt.binance", "", "X-Request-Id", "me")
	server.Close() // the handler has returned
	require.Equal(t, http.StatusNotFound, a.status)
	var line struct {
		Message   string `json:"msg"`
		Method    string `json:"method"`
		Route     string `json:"route"`
		Status    int    `json:"status"`
		Bytes     int    `json:"bytes"`
		RequestID string `json:"request_id"`
	}
	lines := strings.Split(strings.TrimSpace(w.log.String()), "\n")
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &line))
	require.Equal(t, "request", line.Message)
	require.Equal(t, http.MethodGet, line.Method)
	require.Equal(t, "/v1/instruments/{id}", line.Route)
	require.Equal(t, http.StatusNotFound, line.Status)
	require.Equal(t, len(a.body), line.Bytes)
	require.Equal(t, "me", line.RequestID)
	require.Contains(t, w.log.String(), `"duration":`)
}

func TestUnknownPathsAndMethods_AreProblems(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, path string
		status             int
		kind               market.Kind
		allow              string
	}{
		{"unknown path", http.MethodGet, "/v2/bars", http.StatusNotFound, market.KindNotFound, ""},
		{"root", http.MethodGet, "/", http.StatusNotFound, market.KindNotFound, ""},
		{"trailing slash", http.MethodGet, "/v1/instruments/", http.StatusNotFound, market.KindNotFound, ""},
		{"unknown method, unknown path", http.MethodTrace, "/nope", http.StatusNotFound, market.KindNotFound, ""},
		{"method of another path", http.MethodDelete, "/v1/instruments", http.StatusMethodNotAllowed, market.KindInvalid, "GET, HEAD, POST"},
		{"post to a list of bars", http.MethodPost, "/v1/instruments/A.B/bars", http.StatusMethodNotAllowed, market.KindInvalid, "GET, HEAD"},
		{"get of an action", http.MethodGet, "/v1/backfills/1/pause", http.StatusMethodNotAllowed, market.KindInvalid, "POST"},
		{"made up method", "BREW", "/health", http.StatusMethodNotAllowed, market.KindInvalid, "GET, HEAD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newWorld().do(t, tt.method, tt.path, "")
			a.problem(t, tt.status, tt.kind)
			require.Equal(t, tt.allow, a.header.Get("Allow"))
		})
	}
}

func TestHeadAndOptions_AreAnswered(t *testing.T) {
	t.Parallel()
	get := newWorld().get(t, "/version")
	head := newWorld().do(t, http.MethodHead, "/version", "")
	require.Equal(t, http.StatusOK, head.status)
	require.Empty(t, head.body)
	require.Equal(t, get.header.Get("Content-Length"), head.header.Get("Content-Length"))
	require.NotEmpty(t, head.header.Get("Content-Length"))

	options := newWorld().do(t, http.MethodOptions, "/v1/instruments", "")
	require.Equal(t, http.StatusNoContent, options.status)
	require.Equal(t, "GET, HEAD, POST", options.header.Get("Allow"))
	require.Equal(t, http.StatusMethodNotAllowed, newWorld().do(t, http.MethodHead, "/v1/backfills/1/pause", "").status)
	require.Equal(t, http.StatusMethodNotAllowed,
		newWorld().do(t, http.MethodPut, "/v1/backfills", "a=1", "Content-Type", "application/x-www-form-urlencoded").status, "the method comes first")
}

func TestBodies_ThatCannotBeRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		headers    []string
		status     int
	}{
		{"none", "", nil, http.StatusBadRequest},
		{"broken JSON", `{"symbol":`, nil, http.StatusBadRequest},
		{"text", `hello`, nil, http.StatusBadRequest},
		{"two values", `{} {}`, nil, http.StatusBadRequest},
		{"an array", `[]`, nil, http.StatusUnprocessableEntity},
		{"null", `null`, nil, http.StatusUnprocessableEntity},
		{"deep nesting", strings.Repeat("[", 20_000), nil, http.StatusBadRequest},
		{"20 MB", `{"symbol":"` + strings.Repeat("A", 20<<20) + `"}`, nil, http.StatusRequestEntityTooLarge},
		{"one byte too much", strings.Repeat(" ", 1<<20+1), nil, http.StatusRequestEntityTooLarge},
		{"form", "symbol=A", []string{"Content-Type", "application/x-www-form-urlencoded"}, http.StatusUnsupportedMediaType},
		{"XML", "<a/>", []string{"Content-Type", "text/xml"}, http.StatusUnsupportedMediaType},
		{"broken type", "{}", []string{"Content-Type", "/;;"}, http.StatusUnsupportedMediaType},
		{"JSON with a charset", "{", []string{"Content-Type", "Application/JSON; charset=utf-8"}, http.StatusBadRequest},
	}
	for _, tt := range tests {
		for _, path := range []string{"/v1/instruments", "/v1/backfills"} {
			t.Run(tt.name+path, func(t *testing.T) {
				t.Parallel()
				p := newWorld().do(t, http.MethodPost, path, tt.body, tt.headers...).problem(t, tt.status, market.KindInvalid)
				require.NotContains(t, p.Detail, "Go ")
			})
		}
	}
}

func TestBodies_OfUnknownLengthAreBoundedToo(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(api.New(newWorld().options))
	t.Cleanup(server.Close)
	endless := struct{ *strings.Reader }{strings.NewReader(strings.Repeat("x", 3<<20))} // hides its length
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/v1/instruments", endless)
	require.NoError(t, err)
	response, err := server.Client().Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
}

func TestQueries_OfWhichAPartWouldBeIgnored(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, query, location string }{
		{"broken escape", "q=%zz", "query"},
		{"semicolon", "q=a;limit=2", "query"},
		{"twice", "limit=1&limit=2", "query.limit"},
		{"null byte", "q=%00", "query.q"},
		{"broken UTF-8", "q=%ff", "query.q"},
		{"name with null byte", "%00=1", "query"},
		{"unknown", "symbol=A", "query.symbol"},
		{"unknown and empty", "foo", "query.foo"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newWorld().get(t, "/v1/instruments?"+tt.query).problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
			require.Equal(t, []string{tt.location}, p.locations())
		})
	}
}

func TestPanic_IsAProblemAndIsLogged(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.InstrumentFunc = func(market.InstrumentID) (market.Instrument, error) { panic("password=hunter2") }
	p := w.get(t, "/v1/instruments/A.B").problem(t, http.StatusInternalServerError, market.KindInternal)
	require.NotContains(t, p.Detail, "hunter2")
	require.Contains(t, w.log.String(), "hunter2")
	require.Contains(t, w.log.String(), p.RequestID)
}

func TestNewServer_HasTimeouts(t *testing.T) {
	t.Parallel()
	server := api.NewServer("127.0.0.1:0", http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	require.Positive(t, server.ReadHeaderTimeout)
	require.Positive(t, server.ReadTimeout)
	require.Positive(t, server.WriteTimeout)
	require.Positive(t, server.IdleTimeout)
}

// TestMembersOfBodiesAreExact: a member is matched as it is written, and stands once.
func TestMembersOfBodiesAreExact(t *testing.T) {
	t.Parallel()
	for body, location := range map[string]string{
		`{"instruments":["BTCUSDT.BINANCE"],"Interval":"1d","start":"2024-01-01","end":"2024-02-01"}`:                 "body.Interval",
		`{"instruments":["BTCUSDT.BINANCE"],"interval":"1d","interval":"1m","start":"2024-01-01","end":"2024-02-01"}`: "body.interval",
	} {
		a := newWorld().do(t, http.MethodPost, "/v1/backfills", body)
		p := a.problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
		require.Equal(t, location, p.Errors[0].Location)
	}
}
