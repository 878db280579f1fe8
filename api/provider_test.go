package api_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketdata/market"
)

func TestProviders_ListAndPause(t *testing.T) {
	t.Parallel()
	w := newWorld()
	states := map[string]market.ProviderState{"binance": {UsedLastMinute: 17, NotBefore: now.Add(time.Minute), Waiting: 3}}
	w.store.ProviderStatesFunc = func() (map[string]market.ProviderState, error) { return states, nil }
	w.store.SetProviderPausedFunc = func(provider string, isPaused bool, reason string) error {
		states[provider] = market.ProviderState{Paused: isPaused, PausedReason: reason}
		return nil
	}
	var told []string
	w.orchestrator.PauseProviderFunc = func(provider string, isPaused bool, reason string) error {
		told = append(told, fmt.Sprintf("%s paused=%t %q", provider, isPaused, reason))
		return market.Errorf(market.KindUnavailable, "down")
	}
	listed := w.get(t, "/v1/providers")
	list := decode[struct {
		Data []map[string]any `json:"data"`
	}](t, listed, http.StatusOK)
	require.Len(t, list.Data, 4)
	require.Equal(t, "binance", list.Data[0]["name"])
	require.Equal(t, map[string]any{
		"requests_per_minute": 600.0, "used_last_minute": 17.0, "not_before": "2024-03-01T12:01:30Z", "waiting": 3.0,
	}, list.Data[0]["budget"])
	require.Contains(t, listed.body, `"settle_seconds":5,`)

	paused := decode[map[string]any](t, w.do(t, http.MethodPost, "/v1/providers/binance/pause", `{"reason":"outage"}`), http.StatusOK)
	require.Equal(t, true, paused["paused"])
	require.Equal(t, "outage", paused["paused_reason"])
	require.Contains(t, w.log.String(), "task queue not adjusted")
	resumed := decode[map[string]any](t, w.do(t, http.MethodPost, "/v1/providers/binance/resume", ""), http.StatusOK)
	require.Equal(t, false, resumed["paused"])
	require.Equal(t, []string{`binance paused=true "outage"`, `binance paused=false ""`}, told)
	w.do(t, http.MethodPost, "/v1/providers/acme/pause", "").problem(t, http.StatusNotFound, market.KindNotFound)
	p := w.do(t, http.MethodPost, "/v1/providers/binance/pause", `{"reason":"a\u0000"}`).problem(t, http.StatusUnprocessableEntity, market.KindInvalid)
	require.Equal(t, []string{"body.reason"}, p.locations())
}
