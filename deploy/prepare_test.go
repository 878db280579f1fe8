package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// checkout is a folder with what prepare.sh needs of a clone.
func checkout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(dir, "deploy"), os.DirFS(".")))
	require.NoError(t, os.CopyFS(filepath.Join(dir, "grafana"), os.DirFS("../grafana/provisioning")))
	return dir
}

// prepare runs prepare.sh, with more in its environment, and returns what it said.
func prepare(t *testing.T, dir string, more ...string) (said string, err error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "sh", filepath.Join(dir, "deploy/prepare.sh"), dir)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "MARKETDATA_") {
			command.Env = append(command.Env, variable)
		}
	}
	command.Env = append(command.Env, more...)
	out, err := command.CombinedOutput()
	return string(out), err
}

func TestPrepareChoosesSecretsOfItsOwn(t *testing.T) {
	t.Parallel()
	const told = ".env names ./.secrets now: a folder of secrets of its own\n"
	const fresh = "# Settings of docker-compose.yml; .env.example lists them all.\nMARKETDATA_SECRETS=./.secrets\n"
	for name, c := range map[string]struct{ before, after string }{
		"no file":         {"", fresh},
		"no line":         {"MARKETDATA_API_PORT=9080\n", "MARKETDATA_API_PORT=9080\nMARKETDATA_SECRETS=./.secrets\n"},
		"no end of line":  {"MARKETDATA_API_PORT=9080", "MARKETDATA_API_PORT=9080\nMARKETDATA_SECRETS=./.secrets\n"},
		"a comment":       {"# MARKETDATA_SECRETS=./mine\n", "# MARKETDATA_SECRETS=./mine\nMARKETDATA_SECRETS=./.secrets\n"},
		"nothing":         {"MARKETDATA_SECRETS=\nA=b\n", "MARKETDATA_SECRETS=./.secrets\nA=b\n"},
		"known":           {"A=b\nMARKETDATA_SECRETS=./deploy/secrets\n", "A=b\nMARKETDATA_SECRETS=./.secrets\n"},
		"otherwise":       {"MARKETDATA_SECRETS=deploy/../deploy/secrets/\n", "MARKETDATA_SECRETS=./.secrets\n"},
		"in quotes":       {"MARKETDATA_SECRETS=\"./deploy/secrets\" # for a try\n", "MARKETDATA_SECRETS=./.secrets\n"},
		"in single ones":  {"MARKETDATA_SECRETS='./deploy/secrets'\n", "MARKETDATA_SECRETS=./.secrets\n"},
		"exported":        {"export MARKETDATA_SECRETS = ./deploy/secrets # for a try\n", "MARKETDATA_SECRETS=./.secrets\n"},
		"with a colon":    {"MARKETDATA_SECRETS: ./deploy/secrets\n", "MARKETDATA_SECRETS=./.secrets\n"},
		"of Windows":      {"MARKETDATA_SECRETS=./deploy/secrets\r\n", "MARKETDATA_SECRETS=./.secrets\n"},
		"the last counts": {"MARKETDATA_SECRETS=./mine\nMARKETDATA_SECRETS=./deploy/secrets\n", "MARKETDATA_SECRETS=./.secrets\nMARKETDATA_SECRETS=./.secrets\n"},
		"the example":     {readFile(t, "../.env.example"), strings.ReplaceAll(readFile(t, "../.env.example"), "=./deploy/secrets\n", "=./.secrets\n")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := checkout(t)
			if c.before != "" {
				require.NoError(t, os.WriteFile(filepath.Join(dir, ".env"), []byte(c.before), 0o600))
			}
			said, err := prepare(t, dir)
			require.NoError(t, err, said)
			require.Equal(t, told, said)
			require.Equal(t, c.after, readFile(t, filepath.Join(dir, ".env")))
			secret := readFile(t, filepath.Join(dir, ".secrets/database_url"))
			require.NotContains(t, secret, "loopback-only")

			said, err = prepare(t, dir)
			require.NoError(t, err, said)
			require.Empty(t, said, "a second start has nothing to choose")
			require.Equal(t, secret, readFile(t, filepath.Join(dir, ".secrets/database_url")))
		})
	}
}

func TestPrepareKeepsAnotherFolder(t *testing.T) {
	t.Parallel()
	dir := checkout(t)
	mine := filepath.Join(t.TempDir(), "my secrets")
	require.NoError(t, os.Mkdir(mine, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(mine, "postgres_password"), []byte("chosen"), 0o600))
	env := "MARKETDATA_SECRETS=" + mine + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".env"), []byte(env), 0o600))
	said, err := prepare(t, dir)
	require.NoError(t, err, said)
	require.Equal(t, 1, strings.Count(said, "\n"), said)
	require.Contains(t, said, "my secrets/postgres_password cannot be read by the users of containers: chmod 644")
	require.Equal(t, env, readFile(t, filepath.Join(dir, ".env")))
	require.Equal(t, "chosen", readFile(t, filepath.Join(mine, "postgres_password")))
	require.Regexp(t, "^postgres://marketdata_app:[0-9a-f]{48}@", readFile(t, filepath.Join(mine, "database_url")))
	require.NoDirExists(t, filepath.Join(dir, ".secrets"))

	other := filepath.Join(t.TempDir(), "other")
	said, err = prepare(t, dir, "MARKETDATA_SECRETS="+other)
	require.NoError(t, err, said)
	require.FileExists(t, filepath.Join(other, "database_url"), "the environment is stronger than .env")
}

func TestPrepareRefusesKnownPasswords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ env, variable, says string }{
		"of the environment":    {"", "MARKETDATA_SECRETS=./deploy/secrets", "unset it"},
		"an empty variable":     {"MARKETDATA_SECRETS=./mine\n", "MARKETDATA_SECRETS=", "unset it"},
		"copies of them":        {"MARKETDATA_SECRETS=./copy\n", "A=b", "./copy holds passwords that everybody knows"},
		"what cannot be looked": {"MARKETDATA_SECRETS=${HOME}/mine\n", "A=b", "write the folder out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := checkout(t)
			require.NoError(t, os.CopyFS(filepath.Join(dir, "copy"), os.DirFS("secrets")))
			require.NoError(t, os.WriteFile(filepath.Join(dir, ".env"), []byte(c.env), 0o600))
			said, err := prepare(t, dir, c.variable)
			require.Error(t, err)
			require.Contains(t, said, c.says)
			require.Equal(t, c.env, readFile(t, filepath.Join(dir, ".env")))
		})
	}
}

// TestPrepareOpensWhatIsMounted: containers read these files as users of their own.
func TestPrepareOpensWhatIsMounted(t *testing.T) {
	t.Parallel()
	dir := checkout(t)
	for _, folder := range []string{"deploy", "grafana"} {
		require.NoError(t, filepath.Walk(filepath.Join(dir, folder), func(path string, info os.FileInfo, err error) error {
			require.NoError(t, err)
			return os.Chmod(path, info.Mode().Perm()&0o700)
		}))
	}
	mine := filepath.Join(dir, "deploy/mine")
	require.NoError(t, os.Mkdir(mine, 0o700))
	said, err := prepare(t, dir, "MARKETDATA_SECRETS="+mine)
	require.NoError(t, err, said)
	for _, folder := range []string{"deploy/marketdata.yaml", "deploy/postgres", "deploy/prometheus", "deploy/temporal", "grafana"} {
		require.NoError(t, filepath.Walk(filepath.Join(dir, folder), func(path string, info os.FileInfo, err error) error {
			require.NoError(t, err)
			want := os.FileMode(0o444)
			if info.IsDir() {
				want = 0o555
			}
			require.Equal(t, want, info.Mode().Perm()&want, path)
			return nil
		}))
	}
	for name, want := range map[string]os.FileMode{"deploy": 0o755, "grafana": 0o755, "deploy/mine": 0o700, "deploy/secrets.sh": 0o700} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, want, info.Mode().Perm(), name)
	}
}
