//go:build compose

package deploy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
	"github.com/testcontainers/testcontainers-go"

	"marketdata/devstack"
)

const (
	project     = "marketdata-compose-test"
	testImage   = "marketdata:compose-test"
	patience    = 4 * time.Minute // of a wait on a machine that has other things to do
	pollingTime = 500 * time.Millisecond
)

// stack is the stack of docker-compose.yml with compose.local.yml and the demo, driven by the pinned Compose.
type stack struct {
	t       *testing.T
	docker  client.APIClient
	root    string
	secrets string // the folder
	environ []string
	urls    map[string]string // by service
}

// newStack prepares a stack of its own name, ports and secrets; nothing of it stays when the test ends.
func newStack(t *testing.T) *stack {
	t.Helper()
	provider, err := testcontainers.NewDockerProvider()
	require.NoError(t, err, "Docker is needed")
	t.Cleanup(func() { _ = provider.Close() })
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	s := &stack{t: t, docker: provider.Client(), root: root, secrets: filepath.Join(t.TempDir(), "secrets"), urls: map[string]string{}}
	require.NoError(t, s.makeSecrets())

	// The simulator is published for this test, which compares with its truth.
	ports := map[string]string{"api": "MARKETDATA_API_PORT", "temporal-ui": "MARKETDATA_TEMPORAL_UI_PORT", "simulator": ""}
	more := "services:\n  simulator:\n    ports: [\"127.0.0.1:%d:8090\"]\n"
	own := map[string]string{
		"COMPOSE_PROJECT_NAME": project, "COMPOSE_PROFILES": "demo", "DOCKER_CONFIG": s.dockerConfig(), "MARKETDATA_IMAGE": testImage,
		"MARKETDATA_SECRETS": s.secrets, "MARKETDATA_SIM_REQUESTS_PER_MINUTE": "400", "MARKETDATA_VERSION": "9.8.7",
		"MARKETDATA_COMMIT": "0123456789abcdef", "MARKETDATA_BUILT_AT": "2024-01-02T03:04:05Z", "MARKETDATA_SOURCE_DATE_EPOCH": "1704164645",
	}
	var picked []*devstack.Port
	for service := range ports {
		picked = append(picked, &devstack.Port{Use: service})
	}
	require.NoError(t, devstack.PickPorts(t.Context(), picked...))
	for _, port := range picked {
		service, setting := port.Use, ports[port.Use]
		s.urls[service] = port.URL()
		if setting == "" {
			more = fmt.Sprintf(more, port.Number)
		} else {
			own[setting] = fmt.Sprint(port.Number)
		}
	}
	override := filepath.Join(t.TempDir(), "compose.test.yml")
	require.NoError(t, os.WriteFile(override, []byte(more), 0o600))
	own["COMPOSE_FILE"] = strings.Join([]string{filepath.Join(root, "docker-compose.yml"), filepath.Join(root, "deploy/compose.local.yml"), override}, ":")
	for _, name := range os.Environ() {
		if !strings.HasPrefix(name, "COMPOSE_") && (!strings.HasPrefix(name, "MARKETDATA_") || strings.HasPrefix(name, "MARKETDATA_CA_BUNDLE=") || strings.HasPrefix(name, "MARKETDATA_GOPROXY=")) {
			s.environ = append(s.environ, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(own)) {
		s.environ = append(s.environ, name+"="+own[name])
	}
	s.down()
	t.Cleanup(func() {
		if t.Failed() {
			s.tellFailure()
		}
		s.down()
	})
	return s
}

// dockerConfig returns a folder in which Compose finds the pinned buildx.
func (s *stack) dockerConfig() string {
	dir := s.t.TempDir()
	require.NoError(s.t, os.MkdirAll(filepath.Join(dir, "cli-plugins"), 0o700))
	require.NoError(s.t, os.Symlink(filepath.Join(s.root, "bin/docker-buildx"), filepath.Join(dir, "cli-plugins/docker-buildx")))
	return dir
}

func (s *stack) makeSecrets() error {
	return exec.Command("sh", "secrets.sh", s.secrets).Run()
}

// compose runs docker compose; its output is told when it fails.
func (s *stack) compose(args ...string) string {
	s.t.Helper()
	begin := time.Now()
	command := exec.CommandContext(s.t.Context(), filepath.Join(s.root, "bin/docker-compose"), args...)
	command.Dir, command.Env = s.root, s.environ
	out, err := command.CombinedOutput()
	require.NoError(s.t, err, "docker compose %s\n%s", strings.Join(args, " "), out)
	s.t.Logf("docker compose %s: %s", strings.Join(args, " "), time.Since(begin).Round(time.Second))
	return string(out)
}

func (s *stack) down() {
	command := exec.Command(filepath.Join(s.root, "bin/docker-compose"), "down", "--volumes", "--timeout", "5")
	command.Dir, command.Env = s.root, s.environ
	if out, err := command.CombinedOutput(); err != nil {
		s.t.Errorf("docker compose down: %v\n%s", err, out)
	}
}

// tellFailure shows what containers are there and their last words.
func (s *stack) tellFailure() {
	for _, args := range [][]string{{"ps", "--all"}, {"logs", "--tail", "15"}} {
		command := exec.Command(filepath.Join(s.root, "bin/docker-compose"), args...)
		command.Dir, command.Env = s.root, s.environ
		out, _ := command.CombinedOutput()
		s.t.Logf("%s", out)
	}
}

// containers returns the ids of a service's containers, those that have ended among them.
func (s *stack) containers(service string) (ids []string) {
	s.t.Helper()
	found, err := s.docker.ContainerList(s.t.Context(), client.ContainerListOptions{
		All: true,
		Filters: make(client.Filters).Add("label", "com.docker.compose.project="+project, "com.docker.compose.service="+service,
			"com.docker.compose.oneoff=False"),
	})
	require.NoError(s.t, err)
	for _, item := range found.Items {
		ids = append(ids, item.ID)
	}
	return ids
}

// container returns the id of a service's only container.
func (s *stack) container(service string) string {
	s.t.Helper()
	ids := s.containers(service)
	require.Len(s.t, ids, 1, service)
	return ids[0]
}

// inspect returns what Docker tells of a container.
func (s *stack) inspect(service string) client.ContainerInspectResult {
	s.t.Helper()
	found, err := s.docker.ContainerInspect(s.t.Context(), s.container(service), client.ContainerInspectOptions{})
	require.NoError(s.t, err)
	return found
}

// kill ends a container without a word of warning.
func (s *stack) kill(service string) {
	s.t.Helper()
	_, err := s.docker.ContainerKill(s.t.Context(), s.container(service), client.ContainerKillOptions{Signal: "KILL"})
	require.NoError(s.t, err)
}

func (s *stack) start(service string) {
	s.t.Helper()
	_, err := s.docker.ContainerStart(s.t.Context(), s.container(service), client.ContainerStartOptions{})
	require.NoError(s.t, err)
}

func (s *stack) awaitHealthy(service string) {
	s.t.Helper()
	s.await(service+" is healthy", func() bool {
		state := s.inspect(service).Container.State
		return state.Running && state.Health != nil && state.Health.Status == "healthy"
	})
}

// awaitAll waits for the health of every service.
func (s *stack) awaitAll() {
	s.t.Helper()
	for _, service := range services() {
		s.awaitHealthy(service)
	}
}

// await waits until it is so.
func (s *stack) await(what string, isSo func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for tick := time.NewTicker(pollingTime); !isSo(); {
		select {
		case <-ctx.Done():
			tick.Stop()
			require.FailNow(s.t, "not within "+patience.String(), what)
		case <-tick.C:
		}
	}
}

// logs returns everything a container said.
func (s *stack) logs(id string) string {
	s.t.Helper()
	stream, err := s.docker.ContainerLogs(s.t.Context(), id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	require.NoError(s.t, err)
	defer func() { _ = stream.Close() }()
	var text bytes.Buffer
	_, err = stdcopy.StdCopy(&text, &text, stream)
	require.NoError(s.t, err)
	return text.String()
}

// ask sends a request to a service and reads its JSON; 0 where it does not answer.
func (s *stack) ask(service, method, path string, body, into any) int {
	s.t.Helper()
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		require.NoError(s.t, err)
		sent = bytes.NewReader(text)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, s.urls[service]+path, sent)
	require.NoError(s.t, err)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0
	}
	if into != nil && answer.StatusCode < 300 {
		require.NoError(s.t, json.Unmarshal(text, into), string(text))
	}
	return answer.StatusCode
}
