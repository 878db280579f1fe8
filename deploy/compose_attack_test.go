//go:build compose

package deploy_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

// backfill is what the test reads of one.
type backfill struct {
	ID       string `json:"id"`
	Status   string `json:"status"`
	Progress struct {
		Requests int `json:"requests"`
	} `json:"progress"`
}

// crashes reports whether the attack on a service is a crash, which its restart policy must mend. The others are killed
// through Docker, which leaves them down until they are started: an outage of some seconds.
func crashes(service string) bool {
	return slices.Contains([]string{"postgres", "temporal-ui", "worker"}, service)
}

// testAttack starts a backfill for each container, and ends the container while it runs.
func (s *stack) testAttack(t *testing.T) {
	s = s.within(t)
	instrument := map[string]any{
		"symbol": "ETHUSDT", "venue": "SIM", "asset_class": "crypto", "currency": "USDT", "name": "Ether / Tether, simulated",
		"calendar": "24x7", "providers": []any{map[string]string{"name": "sim_binance", "symbol": "ETHUSDT"}},
	}
	s.await("the instrument is registered", func() bool {
		status := s.ask("api", http.MethodPost, "/v1/instruments", instrument, nil)
		return status == http.StatusOK || status == http.StatusCreated
	})
	month := firstMonth()
	var ids []string
	for _, service := range services() {
		b := s.startBackfill(month)
		ids = append(ids, b.ID)
		s.await("the backfill of "+month.Format("2006-01")+" has asked the provider", func() bool {
			return s.ask("api", http.MethodGet, "/v1/backfills/"+b.ID, nil, &b) == http.StatusOK && b.Progress.Requests >= 2
		})
		t.Logf("%s is killed at request %d, status %s", service, b.Progress.Requests, b.Status)
		require.NotEqual(t, "completed", b.Status, "the container is killed while the backfill runs")
		if crashes(service) {
			s.crash(service)
		} else {
			s.kill(service)
			<-time.After(isDown)
			s.start(service)
		}
		s.awaitHealthy(service)
		month = month.AddDate(0, 1, 0)
	}
	for _, id := range ids {
		var b backfill
		s.await("backfill "+id+" ends", func() bool {
			return s.ask("api", http.MethodGet, "/v1/backfills/"+id, nil, &b) == http.StatusOK && b.Status == "completed"
		})
	}
	s.compareAttacked()
}

// firstMonth is that of the first backfill under attack; each takes the next one.
func firstMonth() time.Time { return time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC) }

// compareAttacked holds what the backfills under attack brought against the truth.
func (s *stack) compareAttacked() {
	s.t.Helper()
	for i := range services() {
		first := firstMonth().AddDate(0, i, 0)
		s.compareWithTruth("ETHUSDT", "1m", first, first.AddDate(0, 1, 0))
	}
}

// compareDemo holds the demo's daily bars against the truth.
func (s *stack) compareDemo() {
	s.t.Helper()
	s.compareWithTruth("BTCUSDT", "1d", time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC))
}

// crash ends the main process of a container from outside, as the kernel does where memory is short: nobody told Docker, so
// the restart policy of the service must bring it back.
func (s *stack) crash(service string) {
	s.t.Helper()
	before := s.inspect(service).Container
	killer, err := s.docker.ContainerCreate(s.t.Context(), client.ContainerCreateOptions{
		Config: &container.Config{
			Image: "marketdata-local/temporal", User: "0:0", Entrypoint: []string{"kill", "-9", strconv.Itoa(before.State.Pid)}, // its busybox
		},
		HostConfig: &container.HostConfig{PidMode: "host", AutoRemove: true},
	})
	require.NoError(s.t, err)
	_, err = s.docker.ContainerStart(s.t.Context(), killer.ID, client.ContainerStartOptions{})
	require.NoError(s.t, err)
	s.await(service+" is started again by its policy", func() bool {
		now := s.inspect(service).Container
		return now.ID == before.ID && now.RestartCount > before.RestartCount && now.State.Running
	})
	s.t.Logf("%s crashed, and its policy started it again", service)
}

func (s *stack) startBackfill(month time.Time) (b backfill) {
	s.t.Helper()
	request := map[string]any{
		"instruments": []string{"ETHUSDT.SIM"}, "interval": "1m",
		"start": month.Format(time.DateOnly), "end": month.AddDate(0, 1, 0).Format(time.DateOnly),
	}
	s.await("a backfill is accepted", func() bool {
		return s.ask("api", http.MethodPost, "/v1/backfills", request, &b) == http.StatusAccepted
	})
	return b
}

// bar is one as the API and the simulator both write it.
type bar struct {
	TS     string      `json:"ts"`
	Open   json.Number `json:"open"`
	High   json.Number `json:"high"`
	Low    json.Number `json:"low"`
	Close  json.Number `json:"close"`
	Volume json.Number `json:"volume"`
}

// compareWithTruth holds every bar of the API, digit by digit, against those of the simulator.
func (s *stack) compareWithTruth(symbol, interval string, start, end time.Time) {
	s.t.Helper()
	query := url.Values{"interval": {interval}, "start": {start.Format(time.RFC3339)}, "end": {end.Format(time.RFC3339)}, "limit": {"10000"}}
	var stored []bar
	for {
		var page struct {
			Data []bar `json:"data"`
			Meta struct {
				Complete bool `json:"complete"`
			} `json:"meta"`
			NextCursor string `json:"next_cursor"`
		}
		require.Equal(s.t, http.StatusOK, s.ask("api", http.MethodGet, "/v1/instruments/"+symbol+".SIM/bars?"+query.Encode(), nil, &page))
		require.True(s.t, page.Meta.Complete)
		stored = append(stored, page.Data...)
		if page.NextCursor == "" {
			break
		}
		query.Set("cursor", page.NextCursor)
	}
	var truth struct {
		Bars []bar `json:"bars"`
	}
	query = url.Values{"symbol": {symbol}, "interval": {interval}, "start": {start.Format(time.RFC3339)}, "end": {end.Format(time.RFC3339)}}
	require.Equal(s.t, http.StatusOK, s.ask("simulator", http.MethodGet, "/_sim/bars?"+query.Encode(), nil, &truth))
	require.NotEmpty(s.t, truth.Bars)
	require.Len(s.t, stored, len(truth.Bars), "bars of %s %s from %s", symbol, interval, start)
	for i := range truth.Bars {
		require.Equal(s.t, truth.Bars[i], stored[i])
	}
	s.t.Logf("%s %s %s: %d bars are those of the simulator", symbol, interval, start.Format(time.DateOnly), len(stored))
}
