package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"marketdata/api"
	"marketdata/market"
)

func TestPagesOfOtherOrigins_ChangeNothing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		method    string
		path      string
		headers   []string
		isRefused bool
	}{
		{"a page elsewhere", http.MethodPost, "/v1/providers/binance/pause", []string{"Sec-Fetch-Site", "cross-site"}, true},
		{"a page of a sibling", http.MethodPost, "/v1/providers/binance/pause", []string{"Sec-Fetch-Site", "same-site"}, true},
		{"a page elsewhere deletes", http.MethodDelete, "/v1/schedules/nightly", []string{"Sec-Fetch-Site", "cross-site"}, true},
		{"an older browser", http.MethodPost, "/v1/providers/binance/pause", []string{"Origin", "https://evil.example"}, true},
		{"another port of this machine", http.MethodPost, "/v1/providers/binance/pause", []string{"Origin", "http://127.0.0.1:1"}, true},
		{"a sandboxed page", http.MethodPost, "/v1/providers/binance/pause", []string{"Origin", "null"}, true},
		{"a foreign page to nowhere", http.MethodPost, "/nope", []string{"Sec-Fetch-Site", "cross-site"}, true},
		{"not the origin beside it", http.MethodPost, "/v1/schedules", []string{"Sec-Fetch-Site", "cross-site", "Origin", "self"}, true},

		{"no browser", http.MethodPost, "/v1/providers/binance/pause", nil, false},
		{"a page of the API's own", http.MethodPost, "/v1/providers/binance/pause", []string{"Sec-Fetch-Site", "same-origin"}, false},
		{"typed by a person", http.MethodPost, "/v1/providers/binance/pause", []string{"Sec-Fetch-Site", "none"}, false},
		{"an older browser, same origin", http.MethodPost, "/v1/providers/binance/pause", []string{"Origin", "self"}, false},
		{"reading from elsewhere", http.MethodGet, "/v1/instruments", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, false},
		{"asking what there is", http.MethodOptions, "/v1/instruments", []string{"Sec-Fetch-Site", "cross-site"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, paused := newWorld(), 0
			w.store.SetProviderPausedFunc = func(string, bool, string) error { paused++; return nil }
			server := httptest.NewServer(api.New(w.options))
			t.Cleanup(server.Close)
			headers := append([]string(nil), tt.headers...)
			for i, header := range headers {
				if header == "self" {
					headers[i] = server.URL
				}
			}

			a := send(t, server, tt.method, tt.path, "", headers...)

			if !tt.isRefused {
				require.Less(t, a.status, http.StatusBadRequest, a.body)
				return
			}
			require.Equal(t, http.StatusForbidden, a.status)
			require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
			var problem struct {
				Type      string `json:"type"`
				Detail    string `json:"detail"`
				RequestID string `json:"request_id"`
			}
			require.NoError(t, json.Unmarshal([]byte(a.body), &problem))
			require.Equal(t, "/problems/"+string(market.KindDenied), problem.Type)
			require.Contains(t, problem.Detail, "another origin")
			require.Equal(t, a.header.Get("X-Request-Id"), problem.RequestID)
			require.Zero(t, paused)
		})
	}
}

// TestNamesOfStrangers_ChangeNothing: a page whose name leads to this machine is of the API's origin, but not its own.
func TestNamesOfStrangers_ChangeNothing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		host, origin string
		want         int
	}{
		{"evil.example:8080", "http://evil.example:8080", http.StatusForbidden},
		{"md.example.evil.example", "http://md.example.evil.example", http.StatusForbidden},
		{"localhost.evil.example", "http://localhost.evil.example", http.StatusForbidden},
		{"127.0.0.1.evil.example", "http://127.0.0.1.evil.example", http.StatusForbidden},
		{"evil.example:8080", "", http.StatusOK}, // no browser: it can send any Host

		{"MD.example", "https://MD.example", http.StatusOK},
		{"localhost:8080", "http://localhost:8080", http.StatusOK},
		{"[::1]:8080", "http://[::1]:8080", http.StatusOK},
		{"192.0.2.7:8080", "http://192.0.2.7:8080", http.StatusOK},
	}
	for _, tt := range tests {
		t.Run(tt.host+" "+tt.origin, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.options.URL = "https://md.example"
			w.store.SetProviderPausedFunc = func(string, bool, string) error { return nil }
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/providers/binance/pause", nil)
			r.Host = tt.host
			if tt.origin != "" {
				r.Header.Set("Origin", tt.origin)
			}
			answer := httptest.NewRecorder()
			api.New(w.options).ServeHTTP(answer, r)
			require.Equal(t, tt.want, answer.Code, answer.Body.String())
		})
	}
}
