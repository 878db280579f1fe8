//go:build compose

package deploy_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

const (
	imageLimit = 40 << 20 // bytes, compressed
	isDown     = 3 * time.Second
)

// jobs run once, services stay.
func jobs() []string {
	return []string{"postgres-setup", "temporal-schema", "temporal-setup", "migrate", "demo"}
}

func services() []string {
	return []string{"postgres", "temporal", "temporal-ui", "api", "worker", "simulator"}
}

// TestCompose runs the stack as somebody with a clone does, kills each container while a backfill runs, and compares
// every bar with the simulator.
//
//nolint:paralleltest // each part goes on with what the one before left
func TestCompose(t *testing.T) {
	s := newStack(t)
	s.compose("build", "api")
	t.Run("image", s.testImage)
	s.compose("up", "--detach")
	for _, service := range services() {
		s.awaitHealthy(service)
	}
	t.Run("containers", s.testContainers)
	t.Run("attack", s.testAttack)
	t.Run("demo", s.testDemo)
	t.Run("secrets", s.testSecrets)
	t.Run("changed secrets", s.testChangedSecrets)
	t.Run("second build", s.testSecondBuild)
}

// within runs a part of the test with its own t.
func (s *stack) within(t *testing.T) *stack {
	t.Helper()
	part := *s
	part.t = t
	return &part
}

func (s *stack) testImage(t *testing.T) {
	s = s.within(t)
	image, err := s.docker.ImageInspect(t.Context(), testImage)
	require.NoError(t, err)
	require.Equal(t, "65532:65532", image.Config.User)
	require.Equal(t, []string{"CMD", "marketdata", "health"}, image.Config.Healthcheck.Test)
	labels := image.Config.Labels
	require.Equal(t, "9.8.7", labels["org.opencontainers.image.version"])
	require.Equal(t, "0123456789abcdef", labels["org.opencontainers.image.revision"])
	require.Equal(t, "2024-01-02T03:04:05Z", labels["org.opencontainers.image.created"])
	require.Equal(t, "Apache-2.0", labels["org.opencontainers.image.licenses"])

	saved, err := s.docker.ImageSave(t.Context(), []string{testImage})
	require.NoError(t, err)
	defer func() { _ = saved.Close() }()
	var size counter
	compressed := gzip.NewWriter(&size)
	_, err = io.Copy(compressed, saved)
	require.NoError(t, err)
	require.NoError(t, compressed.Close())
	t.Logf("the image has %.1f MB compressed, %.1f MB unpacked", float64(size)/1e6, float64(image.Size)/1e6)
	require.Less(t, int(size), imageLimit)

	out := s.compose("run", "--rm", "--no-deps", "--interactive=false", "--no-TTY", "demo", "version")
	require.Contains(t, out, "marketdata 9.8.7 (commit 0123456789abcdef, built 2024-01-02T03:04:05Z, go1.")
}

// testSecondBuild goes through every step again, with nothing but the compiler's cache: nothing may depend on the time of a
// build, nor on where its modules come from.
func (s *stack) testSecondBuild(t *testing.T) {
	s = s.within(t)
	first, err := s.docker.ImageInspect(t.Context(), testImage)
	require.NoError(t, err)
	s.environ = append(slices.Clone(s.environ), "MARKETDATA_GOPROXY=https://proxy.golang.org")
	s.compose("build", "api")
	again, err := s.docker.ImageInspect(t.Context(), testImage)
	require.NoError(t, err)
	require.Equal(t, first.RootFS.Layers, again.RootFS.Layers, "two builds of one commit are the same")
}

// counter counts what is written.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func (s *stack) testContainers(t *testing.T) {
	s = s.within(t)
	for _, service := range services() {
		c := s.inspect(service).Container
		require.True(t, c.HostConfig.ReadonlyRootfs, service)
		require.Positive(t, c.HostConfig.Memory, service)
		require.Equal(t, "unless-stopped", string(c.HostConfig.RestartPolicy.Name), service)
		for port, bindings := range c.HostConfig.PortBindings {
			for _, b := range bindings {
				require.Equal(t, "127.0.0.1", b.HostIP.String(), "%s %s", service, port)
			}
		}
		top, err := s.docker.ContainerTop(t.Context(), c.ID, client.ContainerTopOptions{Arguments: []string{"-eo", "pid,uid,args"}})
		require.NoError(t, err)
		for _, process := range top.Processes {
			require.NotEqual(t, "0", process[1], "%s runs as root: %v", service, process)
		}
	}
	for _, job := range jobs()[:4] {
		state := s.inspect(job).Container.State
		require.Equal(t, "exited", string(state.Status), job)
		require.Zero(t, state.ExitCode, job)
	}
	require.Equal(t, http.StatusOK, s.ask("temporal-ui", http.MethodGet, "/healthz", nil, nil))
	var namespaces struct {
		Namespaces []json.RawMessage `json:"namespaces"`
	}
	require.Equal(t, http.StatusOK, s.ask("temporal-ui", http.MethodGet, "/api/v1/namespaces", nil, &namespaces))
	require.NotEmpty(t, namespaces.Namespaces, "the UI reaches the server")
	setup := s.logs(s.container("temporal-setup"))
	for _, name := range []string{"MdProvider", "MdSymbol", "MdInterval", "MdJobId", "MdStage"} {
		require.Regexp(t, name+`\s+Keyword`, setup)
	}
	var ready struct {
		Status string `json:"status"`
	}
	s.await("the API is ready, with Temporal", func() bool {
		return s.ask("api", http.MethodGet, "/ready", nil, &ready) == http.StatusOK && ready.Status == "ready"
	})
}

// backfill is what the test reads of one.
type backfill struct {
	ID       string `json:"id"`
	Status   string `json:"status"`
	Progress struct {
		Requests int `json:"requests"`
	} `json:"progress"`
}

// testAttack starts a backfill for each container, kills the container while it runs, and starts it again.
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
	month := time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)
	var ids []string
	for _, service := range services() {
		b := s.startBackfill(month)
		ids = append(ids, b.ID)
		s.await("the backfill of "+month.Format("2006-01")+" has asked the provider", func() bool {
			return s.ask("api", http.MethodGet, "/v1/backfills/"+b.ID, nil, &b) == http.StatusOK && b.Progress.Requests >= 2
		})
		t.Logf("%s is killed at request %d, status %s", service, b.Progress.Requests, b.Status)
		require.NotEqual(t, "completed", b.Status, "the container is killed while the backfill runs")
		s.kill(service)
		<-time.After(isDown)
		s.start(service)
		s.awaitHealthy(service)
		month = month.AddDate(0, 1, 0)
	}
	for i, id := range ids {
		var b backfill
		s.await("backfill "+id+" ends", func() bool {
			return s.ask("api", http.MethodGet, "/v1/backfills/"+id, nil, &b) == http.StatusOK && b.Status == "completed"
		})
		first := time.Date(2022, time.Month(1+i), 1, 0, 0, 0, 0, time.UTC)
		s.compareWithTruth("ETHUSDT", "1m", first, first.AddDate(0, 1, 0))
	}
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

// testDemo waits for the demo, or repeats it where an attack ended it.
func (s *stack) testDemo(t *testing.T) {
	s = s.within(t)
	hasEnded := func() bool { return s.inspect("demo").Container.State.Status == "exited" }
	s.await("the demo has ended", hasEnded)
	if code := s.inspect("demo").Container.State.ExitCode; code != 0 {
		t.Logf("the demo ended with %d while containers were killed; once more", code)
		s.start("demo")
		s.await("the demo has ended", hasEnded)
	}
	require.Zero(t, s.inspect("demo").Container.State.ExitCode)
	s.compareWithTruth("BTCUSDT", "1d", time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC))
}

// testSecrets looks for every secret wherever Docker shows something.
func (s *stack) testSecrets(t *testing.T) {
	s = s.within(t)
	history, err := s.docker.ImageHistory(t.Context(), testImage)
	require.NoError(t, err)
	shown := map[string]string{"docker history": jsonText(t, history)}
	for _, service := range append(services(), jobs()...) {
		id := s.container(service)
		shown["docker inspect "+service] = jsonText(t, s.inspect(service))
		shown["the log of "+service] = s.logs(id)
	}
	random := regexp.MustCompile(`[0-9a-f]{48}`)
	files, err := os.ReadDir(s.secrets)
	require.NoError(t, err)
	require.Len(t, files, 6)
	for _, file := range files {
		secret := random.FindString(readFile(t, filepath.Join(s.secrets, file.Name())))
		require.NotEmpty(t, secret)
		for where, text := range shown {
			if strings.Contains(text, secret) { // neither is printed
				require.Fail(t, where+" shows the secret "+file.Name())
			}
		}
	}
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

// testChangedSecrets gives every role another password.
func (s *stack) testChangedSecrets(t *testing.T) {
	s = s.within(t)
	require.NoError(t, os.RemoveAll(s.secrets))
	require.NoError(t, s.makeSecrets())
	s.compose("up", "--detach", "--force-recreate", "--no-build", "postgres-setup", "temporal-schema", "temporal", "api", "worker")
	for _, service := range []string{"temporal", "api", "worker"} {
		s.awaitHealthy(service)
	}
	var b backfill
	s.await("the platform works", func() bool {
		b = s.startBackfill(time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC))
		return b.ID != ""
	})
	s.await(fmt.Sprintf("backfill %s ends", b.ID), func() bool {
		return s.ask("api", http.MethodGet, "/v1/backfills/"+b.ID, nil, &b) == http.StatusOK && b.Status == "completed"
	})
}
