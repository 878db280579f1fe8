package deploy_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"marketdata/config"
)

// service is what these tests read of one in the compose file.
type service struct {
	Image       string            `yaml:"image"`
	Profiles    []string          `yaml:"profiles"`
	Ports       []string          `yaml:"ports"`
	Secrets     []string          `yaml:"secrets"`
	Environment map[string]string `yaml:"environment"`
	Restart     string            `yaml:"restart"`
	ReadOnly    bool              `yaml:"read_only"`
	CapDrop     []string          `yaml:"cap_drop"`
	SecurityOpt []string          `yaml:"security_opt"`
	MemLimit    string            `yaml:"mem_limit"`
	PidsLimit   int               `yaml:"pids_limit"`
	CPUs        string            `yaml:"cpus"`
	Healthcheck *struct {
		Test    []string `yaml:"test"`
		Disable bool     `yaml:"disable"`
	} `yaml:"healthcheck"`
	DependsOn map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
}

// composeFile is docker-compose.yml.
type composeFile struct {
	Services map[string]service `yaml:"services"`
	Secrets  map[string]struct {
		File string `yaml:"file"`
	} `yaml:"secrets"`
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

func readCompose(t *testing.T) composeFile {
	t.Helper()
	var c composeFile
	require.NoError(t, yaml.Unmarshal([]byte(readFile(t, "../docker-compose.yml")), &c))
	require.NotEmpty(t, c.Services)
	return c
}

// settings returns the variables of the compose file with their defaults, those inside defaults too.
func settings(t *testing.T) map[string]string {
	t.Helper()
	text := readFile(t, "../docker-compose.yml")
	found := make(map[string]string)
	innermost := regexp.MustCompile(`\$\{([A-Z0-9_]+):-([^{}]*)\}`)
	for innermost.MatchString(text) {
		for _, m := range innermost.FindAllStringSubmatch(text, -1) {
			if before, isKnown := found[m[1]]; isKnown {
				require.Equal(t, before, m[2], "%s has two defaults", m[1])
			}
			found[m[1]] = m[2]
		}
		text = innermost.ReplaceAllString(text, "$2")
	}
	require.NotContains(t, text, "${", "every variable has a default")
	return found
}

func TestSettingsAreThoseOfTheExample(t *testing.T) {
	t.Parallel()
	documented := make(map[string]string)
	follows := regexp.MustCompile(`([A-Z]_[A-Z]+_IMAGE|_URL|_VERSION|_COMMIT|_BUILT_AT|_SOURCE_DATE_EPOCH)$`)
	for lines := bufio.NewScanner(strings.NewReader(readFile(t, "../.env.example"))); lines.Scan(); {
		// what follows from other settings or changes with a version stands behind a #, so that a copy does not freeze it
		line, isLeftOut := strings.CutPrefix(lines.Text(), "#")
		if name, value, isSetting := strings.Cut(line, "="); isSetting && !strings.Contains(name, " ") {
			require.NotContains(t, documented, name)
			documented[name] = value
			require.Equal(t, follows.MatchString(name) && name != "MD_API__URL", isLeftOut, name)
		}
	}
	require.Equal(t, settings(t), documented)
}

func TestConfigurationOfTheStackIsValid(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "url")
	require.NoError(t, os.WriteFile(secret, []byte("postgres://app:x@postgres:5432/marketdata"), 0o600))
	defaults := settings(t)
	var environ []string
	for name, value := range readCompose(t).Services["api"].Environment {
		require.True(t, strings.HasPrefix(name, "MD_"), name)
		value = regexp.MustCompile(`\$\{([A-Z0-9_]+):-.*\}`).ReplaceAllStringFunc(value, func(variable string) string {
			return defaults[regexp.MustCompile(`[A-Z0-9_]+`).FindString(variable)]
		})
		environ = append(environ, name+"="+strings.ReplaceAll(value, "/run/secrets/database_url", secret))
	}
	c, err := config.Load(config.Sources{Adapters: []string{"binance", "coinbase", "yahoo"}, File: "marketdata.yaml", Environ: environ})
	require.NoError(t, err)
	require.True(t, c.Providers["sim_binance"].Synthetic)
}

func TestServicesAreConfined(t *testing.T) {
	t.Parallel()
	jobs := map[string]bool{"postgres-setup": true, "temporal-schema": true, "temporal-setup": true, "migrate": true, "demo": true}
	for name, s := range readCompose(t).Services {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.True(t, s.ReadOnly, "the root is read-only")
			require.Equal(t, []string{"ALL"}, s.CapDrop)
			require.Contains(t, s.SecurityOpt, "no-new-privileges:true")
			require.NotEmpty(t, s.MemLimit)
			require.Positive(t, s.PidsLimit)
			memory := regexp.MustCompile(`^\$\{(MARKETDATA_[A-Z]+)_MEMORY:-`).FindStringSubmatch(s.MemLimit)
			if memory != nil { // what has a setting for its memory has one for its processors
				require.Equal(t, "${"+memory[1]+"_CPUS:-0}", s.CPUs)
			}
			require.NotEmpty(t, s.Restart)
			if !jobs[name] {
				require.Equal(t, "unless-stopped", s.Restart)
				require.NotNil(t, s.Healthcheck)
				require.NotEmpty(t, s.Healthcheck.Test)
			}
			for _, port := range s.Ports {
				require.True(t, strings.HasPrefix(port, "${MARKETDATA_BIND:-127.0.0.1}:"), port)
			}
			for on, d := range s.DependsOn {
				want := "service_healthy"
				if jobs[on] {
					want = "service_completed_successfully"
				}
				require.Equal(t, want, d.Condition, on)
			}
		})
	}
}

func TestImagesArePinned(t *testing.T) {
	t.Parallel()
	for name, value := range settings(t) {
		if strings.HasSuffix(name, "_IMAGE") {
			require.Regexp(t, `:(local|v?\d+\.\d+[\w.-]*)$`, value, name)
		}
	}
	dockerfile := readFile(t, "Dockerfile")
	require.Contains(t, dockerfile, "ARG GO_IMAGE="+settings(t)["MARKETDATA_GO_IMAGE"]+"\n")
	toolchain := regexp.MustCompile(`(?m)^toolchain go(\S+)$`).FindStringSubmatch(readFile(t, "../go.mod"))
	require.NotNil(t, toolchain)
	require.Contains(t, dockerfile, "ARG GO_IMAGE=golang:"+toolchain[1]+"-", "an image has the holes of the Go that built it")
}

func TestSecretsAreMadeOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "secrets")
	run := func() {
		out, err := exec.CommandContext(t.Context(), "sh", "secrets.sh", dir).CombinedOutput()
		require.NoError(t, err, string(out))
		require.Empty(t, string(out))
	}
	run()
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())

	first, c := make(map[string]string), readCompose(t)
	for name, secret := range c.Secrets {
		if name == "ca_bundle" { // of the build
			continue
		}
		require.Equal(t, "${MARKETDATA_SECRETS:-./deploy/secrets}/"+name, secret.File)
		first[name] = readFile(t, filepath.Join(dir, name))
		known := readFile(t, filepath.Join("secrets", name))
		require.Contains(t, known, "loopback-only")
		random := regexp.MustCompile(`[0-9a-f]{48}`)
		require.Equal(t, known, random.ReplaceAllString(first[name], "loopback-only"), name)
	}
	run()
	for name, text := range first {
		require.Equal(t, text, readFile(t, filepath.Join(dir, name)), "what is there is kept")
	}
	for name, s := range c.Services {
		for _, secret := range s.Secrets {
			require.Contains(t, first, secret, name)
		}
	}
}

// TestImageSeesItsSources holds .dockerignore, which lets in what it names, against the packages of the binary.
func TestImageSeesItsSources(t *testing.T) {
	t.Parallel()
	command := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Module", "../cmd/marketdata")
	out, err := command.Output()
	require.NoError(t, err)
	ignored := strings.Split(readFile(t, "../.dockerignore"), "\n")
	require.Contains(t, ignored, "*")
	rooms := 0
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Module     *struct{ Main bool }
		}
		if err := decoder.Decode(&p); err == io.EOF {
			break
		}
		if p.Module == nil || !p.Module.Main {
			continue
		}
		rooms++
		room := strings.Split(p.ImportPath, "/")[1]
		require.Contains(t, ignored, "!"+room, "the image is built without %s: name it in .dockerignore", p.ImportPath)
	}
	require.Greater(t, rooms, 10)
	for _, never := range []string{"**/.git", "**/.env", "**/.marketdata", "**/secrets", "**/.secrets"} {
		require.Contains(t, ignored, never)
	}
}

func TestAlertRulesAreThoseOfTheDocumentation(t *testing.T) {
	t.Parallel()
	var rules, documented any
	require.NoError(t, yaml.Unmarshal([]byte(readFile(t, "prometheus/alerts.yml")), &rules))
	_, text, found := strings.Cut(readFile(t, "../docs/metrics.md"), "```yaml\ngroups:")
	require.True(t, found)
	text, _, _ = strings.Cut("groups:"+text, "```")
	require.NoError(t, yaml.Unmarshal([]byte(text), &documented))
	require.NotEmpty(t, rules)
	require.Equal(t, documented, rules)
}
