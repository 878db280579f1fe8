package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// isOurs reports whether pages call our program by the name.
func isOurs(name string) bool {
	return name == "marketdata" || name == "bin/marketdata" || name == "./bin/marketdata"
}

// isServer reports whether a command of ours runs until it is stopped.
func isServer(words []string) bool {
	return len(words) > 1 && slices.Contains([]string{"dev", "api", "worker", "simulate"}, words[1]) && !slices.Contains(words, "--help")
}

// tools are programs of a usual machine that commands may use beside ours. They are run.
func tools() []string {
	return strings.Fields(`curl psql pg_dump pg_dumpall pg_restore pg_basebackup jq python3 cat head tail grep sed awk cut sort uniq wc tr tee echo printf date test [ true
		cd export mkdir ls rm cp mv touch chmod sleep mktemp diff column xargs seq read gzip gunzip zcat openssl base64 sha256sum dirname basename`)
}

// packages are what apt-get may be told to install: each is in Debian 12 and 13 and Ubuntu 24.04.
func packages() []string {
	return strings.Fields("make git curl ca-certificates postgresql postgresql-client docker.io docker-compose docker-compose-v2 chromium gcc libc6-dev jq age gpg busybox-static")
}

// checker looks at commands that the tests of this folder cannot run. Those with docker compose are run all the same, where
// there is Docker: each that stands in a block for a shell of README.md or docs, by TestCompose/docs of package deploy (make
// compose-test), against a stack of containers. Targets of make are run by .ci/run, what apt-get installs by nobody.
type checker struct {
	makefile, ci string
	help         map[string]string // what each command of ours says of itself
	compose      composeFile
}

// composeFile is what commands name of docker-compose.yml.
type composeFile struct {
	exists   bool
	Services map[string]struct {
		Profiles []string `yaml:"profiles"`
	} `yaml:"services"`
}

func newChecker(t *testing.T) *checker {
	t.Helper()
	c := &checker{makefile: text(t, "Makefile"), ci: text(t, ".ci/run") + text(t, ".ci/containers"), help: map[string]string{}}
	for _, part := range strings.Split(text(t, "cmd/marketdata/testdata/help.golden"), "$ marketdata")[1:] {
		title, help, _ := strings.Cut(part, " --help\n")
		c.help[strings.TrimSpace(title)] = help
	}
	content, err := os.ReadFile(filepath.Join(root, "docker-compose.yml"))
	if err == nil {
		c.compose.exists = true
		require.NoError(t, yaml.Unmarshal(content, &c.compose))
	}
	return c
}

// check says what is wrong with a call, or "", and whether it is checked here at all.
func (c *checker) check(words []string) (problem string, isChecked bool) {
	for len(words) > 1 && (words[0] == "sudo" || words[0] == "exec" || words[0] == "time") {
		words = words[1:]
	}
	switch name := words[0]; {
	case name == "make":
		return c.checkMake(words[1:]), true
	case name == "docker":
		return c.checkDocker(words[1:]), true
	case name == "apt-get" || name == "apt":
		return checkApt(words[1:]), true
	case isOurs(name) && isServer(words):
		return c.checkOurs(words[1:]), true
	}
	return "", false
}

// checkMake wants targets that exist and that .ci/run runs.
func (c *checker) checkMake(words []string) string {
	hasTarget := false
	for at, word := range words {
		name, _, isVariable := strings.Cut(word, "=")
		switch {
		case isVariable:
			if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + `\s*\?=`).MatchString(c.makefile) {
				return "the Makefile has no variable " + name
			}
		case word == "-C" || at > 0 && words[at-1] == "-C" || strings.HasPrefix(word, "-"):
		default:
			hasTarget = true
			if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(word) + `:`).MatchString(c.makefile) {
				return "the Makefile has no target " + word
			}
			if !strings.HasPrefix(word, "bin/") && !regexp.MustCompile(`make `+regexp.QuoteMeta(word)+`\b`).MatchString(c.ci) {
				return ".ci/run does not run make " + word
			}
		}
	}
	if !hasTarget && len(words) > 0 {
		return "make without a target: name it"
	}
	return ""
}

// checkDocker wants a compose command that names profiles and services of docker-compose.yml; a command of ours that runs
// in a container must exist too. It says at once, and on machines without Docker, what TestCompose/docs would find by running
// the command, and it knows the services of which that test has no image.
func (c *checker) checkDocker(words []string) string {
	if len(words) == 0 || words[0] != "compose" {
		return "only docker compose can be checked here: let a test run it, and say so in elsewhere_test.go"
	}
	profiles, words := c.composeOptions(words[1:])
	for _, profile := range profiles {
		isKnown := !c.compose.exists
		for _, s := range c.compose.Services {
			isKnown = isKnown || slices.Contains(s.Profiles, profile)
		}
		if !isKnown {
			return "docker-compose.yml has no profile " + profile
		}
	}
	commands := strings.Fields("up down ps logs exec run pull build restart stop start config kill top cp images port create rm")
	if len(words) == 0 || !slices.Contains(commands, words[0]) {
		return "docker compose has no such command: " + strings.Join(words, " ")
	}
	if !c.compose.exists { // TestLinks says so
		return ""
	}
	return c.checkServices(words[0], words[1:])
}

// composeOptions takes apart what stands before the command.
func (c *checker) composeOptions(words []string) (profiles, rest []string) {
	for len(words) > 0 && strings.HasPrefix(words[0], "-") {
		name, value, hasValue := strings.Cut(words[0], "=")
		words = words[1:]
		if !hasValue && len(words) > 0 {
			value, words = words[0], words[1:]
		}
		if name == "--profile" {
			profiles = append(profiles, value)
		}
	}
	return profiles, words
}

func (c *checker) checkServices(command string, words []string) string {
	for at := 0; at < len(words); at++ {
		word := words[at]
		switch {
		case slices.Contains([]string{"--scale", "-u", "--user", "-e", "--env", "--tail", "-n", "--since", "--timeout", "-t", "--wait-timeout", "--entrypoint"}, word):
			at++
			if service, _, isScale := strings.Cut(words[min(at, len(words)-1)], "="); word == "--scale" && isScale {
				if _, exists := c.compose.Services[service]; !exists {
					return "docker-compose.yml has no service " + service
				}
			}
		case strings.HasPrefix(word, "-"):
		case command == "cp" || command == "port":
			return ""
		default:
			if _, exists := c.compose.Services[word]; !exists {
				return "docker-compose.yml has no service " + word
			}
			if command != "exec" && command != "run" {
				continue
			}
			if inner := words[at+1:]; len(inner) > 0 && isOurs(inner[0]) {
				return c.checkOurs(inner[1:])
			}
			return ""
		}
	}
	return ""
}

// checkOurs wants a command and flags that our program has.
func (c *checker) checkOurs(words []string) string {
	title := ""
	for len(words) > 0 {
		if _, exists := c.help[strings.TrimSpace(title+" "+words[0])]; !exists {
			break
		}
		title, words = strings.TrimSpace(title+" "+words[0]), words[1:]
	}
	if title == "" && (len(words) == 0 || !strings.HasPrefix(words[0], "-")) {
		return "marketdata has no such command: " + strings.Join(words, " ")
	}
	for _, word := range words {
		if flag, _, _ := strings.Cut(word, "="); strings.HasPrefix(flag, "--") && !strings.Contains(c.help[title], flag) {
			return fmt.Sprintf("marketdata %s has no flag %s", title, flag)
		}
	}
	return ""
}

func checkApt(words []string) string {
	isInstall := false
	for _, word := range words {
		switch {
		case word == "install":
			isInstall = true
		case word == "update" || strings.HasPrefix(word, "-"):
		case isInstall && slices.Contains(packages(), word):
		default:
			return fmt.Sprintf("apt-get %s: not a package of the list in check_test.go; look whether Debian and Ubuntu have it, then add it", word)
		}
	}
	return ""
}

func TestChecks(t *testing.T) {
	t.Parallel()
	c := newChecker(t)
	c.compose = composeFile{exists: true}
	require.NoError(t, yaml.Unmarshal([]byte("services: {api: {}, demo: {profiles: [demo]}}"), &c.compose))
	for command, want := range map[string]string{
		"make run ARGS=--no-demo":                    "",
		"make nothing":                               "no target nothing",
		"make run NOTHING=1":                         "no variable NOTHING",
		"make":                                       "",
		"sudo apt-get install -y postgresql":         "",
		"apt-get install nothing":                    "not a package",
		"docker compose up":                          "",
		"docker compose --profile demo up -d --wait": "",
		"docker compose --profile none up":           "no profile none",
		"docker compose fly":                         "no such command",
		"docker compose logs -f api":                 "",
		"docker compose logs worker":                 "no service worker",
		"docker compose up -d --scale worker=2":      "no service worker",
		"docker compose exec api marketdata health":  "",
		"docker compose exec api marketdata fly":     "no such command: fly",
		"docker run x":                               "only docker compose",
		"bin/marketdata dev --no-demo":               "",
		"marketdata dev --fly":                       "no flag --fly",
	} {
		problem, isChecked := c.check(strings.Fields(command))
		require.True(t, isChecked, command)
		require.Contains(t, problem, want, command)
		require.Equal(t, want == "", problem == "", "%s: %s", command, problem)
	}
	_, isChecked := c.check([]string{"curl", "x"})
	require.False(t, isChecked)
}
