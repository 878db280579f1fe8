package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

func TestErrors_BecomeProblems(t *testing.T) {
	t.Parallel()
	const secret = "pq: SELECT * FROM bar at db.internal:5432"
	waiting := &market.Error{Kind: market.KindRateLimited, Message: "the budget is used up", RetryAfter: 1500 * time.Millisecond}
	tests := []struct {
		name       string
		err        error
		status     int
		kind       market.Kind
		detail     string // "" where only the kind's description may be shown
		retryAfter string
	}{
		{"invalid", market.Errorf(market.KindInvalid, "no such calendar"), 422, market.KindInvalid, "no such calendar", ""},
		{"not found", market.Errorf(market.KindNotFound, "no such instrument"), 404, market.KindNotFound, "no such instrument", ""},
		{"conflict", market.Errorf(market.KindConflict, "currency differs"), 409, market.KindConflict, "currency differs", ""},
		{"denied", market.Errorf(market.KindDenied, "the key is refused"), 403, market.KindDenied, "the key is refused", ""},
		{"rate limited", waiting, 429, market.KindRateLimited, "the budget is used up", "2"},
		{"rate limited without a time", market.Errorf(market.KindRateLimited, "wait"), 429, market.KindRateLimited, "wait", "30"},
		{"unavailable", market.Errorf(market.KindUnavailable, "%s", secret), 503, market.KindUnavailable, "", "5"},
		{"malformed", market.Errorf(market.KindMalformed, "%s", secret), 502, market.KindMalformed, "", ""},
		{"internal", market.Errorf(market.KindInternal, "%s", secret), 500, market.KindInternal, "", ""},
		{"foreign", errors.New(secret), 500, market.KindInternal, "", ""},
		{"deadline", fmt.Errorf("query: %w", context.DeadlineExceeded), 503, market.KindUnavailable, "", "5"},
		{"wrapping a driver's error", market.Errorf(market.KindConflict, "instrument: %w", errors.New(secret)), 409, market.KindConflict, "", ""},
		{"wrapping one of ours", market.Errorf(market.KindInvalid, "instrument: %w", market.Errorf(market.KindInvalid, "venue")), 422, market.KindInvalid, "instrument: venue", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.store.InstrumentFunc = func(market.InstrumentID) (market.Instrument, error) { return market.Instrument{}, tt.err }
			a := w.get(t, "/v1/instruments/BTCUSDT.BINANCE")
			p := a.problem(t, tt.status, tt.kind)
			require.NotContains(t, a.body, "SELECT")
			require.NotContains(t, a.body, "db.internal")
			require.Equal(t, tt.retryAfter, a.header.Get("Retry-After"))
			if tt.detail != "" {
				require.Equal(t, tt.detail, p.Detail)
			}
			if tt.status >= 500 {
				require.Contains(t, w.log.String(), p.RequestID)
				require.Contains(t, w.log.String(), "request failed")
			}
		})
	}
}

func TestHealth_AsksNobody(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.PingFunc = func(context.Context) error { return errors.New("down") }
	a := w.get(t, "/health")
	require.Equal(t, http.StatusOK, a.status)
	require.JSONEq(t, `{"status":"ok"}`, a.body)
	require.JSONEq(t, `{"version":"1.2.3","commit":"abc","built_at":"2024-01-01T00:00:00Z","go":"go1"}`, w.get(t, "/version").body)
}

func TestReady_SaysWhatWorks(t *testing.T) {
	t.Parallel()
	down := errors.New("dial tcp 10.0.0.7:5432: connection refused")
	tests := []struct {
		name               string
		database, temporal error
		pending            int
		status             int
		body               string
	}{
		{"all well", nil, nil, 0, 200, `{"status":"ready","checks":{"database":{"ok":true},"migrations":{"ok":true},"temporal":{"ok":true}}}`},
		{"temporal down", nil, down, 0, 200, `{"status":"degraded","checks":{"database":{"ok":true},"migrations":{"ok":true},"temporal":{"ok":false,"error":"it does not answer"}}}`},
		{"database down", down, nil, 0, 503, `{"status":"unavailable","checks":{"database":{"ok":false,"error":"it does not answer"},"migrations":{"ok":true},"temporal":{"ok":true}}}`},
		{"migrations pending", nil, nil, 2, 503, `{"status":"unavailable","checks":{"database":{"ok":true},"migrations":{"ok":false,"error":"2 migrations are pending: run marketdata migrate up"},"temporal":{"ok":true}}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.store.PingFunc = func(context.Context) error { return tt.database }
			w.store.MigrationsPendingFunc = func() (int, error) { return tt.pending, nil }
			w.orchestrator.PingFunc = func() error { return tt.temporal }
			a := w.get(t, "/ready")
			require.Equal(t, tt.status, a.status)
			require.JSONEq(t, tt.body, a.body)
		})
	}
}
