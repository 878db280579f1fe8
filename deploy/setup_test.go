package deploy_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPasswordsOfTheSecrets runs the setup of the database with a psql that tells which passwords it was given. Of other
// programs there is only what the smallest image has.
func TestPasswordsOfTheSecrets(t *testing.T) {
	t.Parallel()
	programs := t.TempDir()
	psql := "#!/bin/sh\nprintf '%s|' \"$PASSWORD_SUPERUSER\" \"$PASSWORD_OWNER\" \"$PASSWORD_APP\" \"$PASSWORD_TEMPORAL\" \"$PASSWORD_GRAFANA\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(programs, "psql"), []byte(psql), 0o700))
	cat, err := exec.LookPath("cat")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(cat, filepath.Join(programs, "cat")))
	for name, c := range map[string]struct {
		changed map[string]string
		bind    string
		want    string // what psql was given, or what is said
		refused bool
	}{
		"as they are made":       {nil, "0.0.0.0", "super|owner|app|workflows|reader|", false},
		"encoded":                {map[string]string{"database_url": "postgres://u:a%40b%2Fc+d%25@h/d"}, "127.0.0.1", "super|owner|a@b/c+d%|workflows|reader|", false},
		"with an @":              {map[string]string{"database_url": "postgres://u:a@b@h/d"}, "127.0.0.1", "super|owner|a@b|workflows|reader|", false},
		"a colon behind":         {map[string]string{"database_url": "postgres://u:p@h:5432/d?application_name=a:b@c"}, "127.0.0.1", "super|owner|p|workflows|reader|", false},
		"no password":            {map[string]string{"database_url": "postgres://user@host/db"}, "127.0.0.1", "the secret database_url is a URL without a password", true},
		"an empty password":      {map[string]string{"migrate_url": "postgres://user:@host/db"}, "127.0.0.1", "the secret migrate_url is a URL without a password", true},
		"no user":                {map[string]string{"database_url": "postgres://host:5432/db"}, "127.0.0.1", "the secret database_url is a URL without a password", true},
		"an address behind":      {map[string]string{"database_url": "postgres://host:5432/db?user=a:b@c"}, "127.0.0.1", "the secret database_url is a URL without a password", true},
		"an empty one":           {map[string]string{"postgres_password": ""}, "127.0.0.1", "the secret postgres_password is empty", true},
		"a known one, published": {map[string]string{"grafana_db_password": "loopback-only"}, "0.0.0.0", "the secret grafana_db_password is the one that everybody knows", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secrets, dir := map[string]string{
				"postgres_password": "super", "migrate_url": "postgres://marketdata:owner@postgres:5432/marketdata",
				"database_url": "postgres://marketdata_app:app@postgres:5432/marketdata", "temporal_db_password": "workflows",
				"grafana_db_password": "reader", "grafana_admin_password": "admin",
			}, t.TempDir()
			maps.Copy(secrets, c.changed)
			for file, text := range secrets {
				require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
			}
			command := exec.CommandContext(t.Context(), "bash", "postgres/setup.sh", dir)
			command.Env = append(os.Environ(), "PATH="+programs, "MARKETDATA_BIND="+c.bind)
			out, err := command.CombinedOutput()
			require.Equal(t, c.refused, err != nil, string(out))
			require.Contains(t, string(out), c.want)
		})
	}
}
