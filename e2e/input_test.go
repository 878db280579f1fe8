package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestBadInput: always a problem document, never a 500, a stack, or SQL.
func TestBadInput(t *testing.T) {
	t.Parallel()
	s := startWithBTC(t)
	require.Equal(t, "completed", s.run(day("missing")).Status)
	tomorrow := time.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339)
	bars := "/v1/instruments/BTCUSDT.SIM/bars?interval=1m&"
	huge := bytes.Repeat([]byte("x"), 20<<20)
	first := s.page("BTCUSDT.SIM/bars?interval=1m&start=2024-01-01&end=2024-01-02&limit=10")
	for _, tc := range []struct {
		name, method, path string
		body               any
		want               []int
	}{
		{name: "reversed range", path: bars + "start=2024-01-02&end=2024-01-01", want: []int{422}},
		{name: "empty range", path: bars + "start=2024-01-01&end=2024-01-01", want: []int{422}},
		{name: "future", path: bars + "start=" + tomorrow, want: []int{422}},
		{name: "no start", path: bars, want: []int{422}},
		{name: "no interval", path: "/v1/instruments/BTCUSDT.SIM/bars?start=2024-01-01", want: []int{422}},
		{name: "limit 0", path: bars + "start=2024-01-01&limit=0", want: []int{422}},
		{name: "limit -1", path: bars + "start=2024-01-01&limit=-1", want: []int{422}},
		{name: "limit 10001", path: bars + "start=2024-01-01&limit=10001", want: []int{422}},
		{name: "limit text", path: bars + "start=2024-01-01&limit=many", want: []int{422}},
		{name: "forged cursor", path: bars + "start=2024-01-01&cursor=AAAA", want: []int{422}},
		{name: "cursor of another query", path: bars + "start=2024-01-01&end=2024-01-02&order=desc&cursor=" + *first.NextCursor, want: []int{422}},
		{name: "unknown parameter", path: bars + "start=2024-01-01&foo=1", want: []int{422}},
		{name: "year 99999", path: bars + "start=99999-01-01", want: []int{422}},
		{name: "unknown instrument", path: "/v1/instruments/NOPE.SIM/bars?interval=1m&start=2024-01-01", want: []int{404}},
		{name: "path trick", path: "/v1/instruments/..%2F..%2Fetc%2Fpasswd/bars?interval=1m&start=2024-01-01", want: []int{404, 422}},
		{name: "null byte", path: "/v1/instruments/BTC%00USDT.SIM", want: []int{404, 422}},
		{name: "10 kB id", path: "/v1/instruments/" + strings.Repeat("A", 10_000) + ".SIM", want: []int{404, 422}},
		{name: "SQL id", path: "/v1/instruments/x'%20OR%201=1--.SIM", want: []int{404, 422}},
		{name: "20 MB body", method: http.MethodPost, path: "/v1/backfills", body: huge, want: []int{413}},
		{name: "broken JSON", method: http.MethodPost, path: "/v1/backfills", body: []byte(`{"instruments":`), want: []int{400}},
		{name: "wrong type", method: http.MethodPost, path: "/v1/backfills", body: []byte(`{"instruments":"BTCUSDT.SIM","interval":1}`), want: []int{422}},
		{name: "unknown field", method: http.MethodPost, path: "/v1/backfills", body: map[string]any{"instruments": []string{"BTCUSDT.SIM"}, "interval": "1m", "start": "2024-01-01", "end": "2024-01-02", "foo": 1}, want: []int{422}},
		{name: "backfill before listing", method: http.MethodPost, path: "/v1/backfills", body: map[string]any{"instruments": []string{"BTCUSDT.SIM"}, "interval": "1m", "start": "1990-01-01", "end": "1990-02-01"}, want: []int{422}},
		{name: "backfill in the future", method: http.MethodPost, path: "/v1/backfills", body: map[string]any{"instruments": []string{"BTCUSDT.SIM"}, "interval": "1m", "start": tomorrow, "end": "2999-01-01"}, want: []int{422}},
		{name: "unknown backfill", path: "/v1/backfills/00000000-0000-7000-8000-000000000000", want: []int{404}},
		{name: "not a backfill id", path: "/v1/backfills/x", want: []int{404, 422}},
		{name: "method", method: http.MethodPut, path: "/v1/backfills", want: []int{405}},
		{name: "nowhere", path: "/v2/nothing", want: []int{404}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			method := tc.method
			if method == "" {
				method = http.MethodGet
			}
			got := s.call(method, s.url+tc.path, tc.body)
			require.Contains(t, tc.want, got.status, string(got.body))
			require.Equal(t, "application/problem+json", got.header.Get("Content-Type"))
			for _, leak := range []string{"goroutine", "SELECT", "INSERT", "UPDATE", "ERROR:", "syntax error", "SQLSTATE", "127.0.0.1:", "pgx"} {
				require.NotContains(t, string(got.body), leak)
			}
			require.Contains(t, string(got.body), `"request_id"`)
		})
	}
	t.Run("before listing is an answer", func(t *testing.T) {
		t.Parallel()
		p := s.page("BTCUSDT.SIM/bars?interval=1m&start=1990-01-01&end=1990-02-01")
		require.Empty(t, p.Data)
		require.Equal(t, "before_listing", p.Meta.Missing[0].Reason, fmt.Sprint(p.Meta))
		require.True(t, p.Meta.Complete)
	})
}
