//go:build compose

package deploy_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"slices"
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

// TestCompose runs the stack as somebody with a clone does, kills each container while a backfill runs, compares every bar
// with the simulator, and runs what pages show of docker compose.
//
//nolint:paralleltest // each part goes on with what the one before left
func TestCompose(t *testing.T) {
	s := newStack(t)
	s.compose("build", "api")
	t.Run("image", s.testImage)
	s.compose("up", "--detach")
	s.awaitAll()
	t.Run("containers", s.testContainers)
	t.Run("attack", s.testAttack)
	t.Run("demo", s.testDemo)
	t.Run("secrets", s.testSecrets)
	t.Run("docs", s.testDocs)
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
		require.NotNil(t, c.HostConfig.PidsLimit, service)
		require.Positive(t, *c.HostConfig.PidsLimit, service)
		require.Zero(t, c.HostConfig.NanoCPUs, "%s: processors are limited by who wants it", service)
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
	s.compareDemo()
}
