package grafana_test

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"marketdata/grafana"
)

// The keys that Grafana's documentation of provisioning names, of what is used here:
// https://grafana.com/docs/grafana/latest/administration/provisioning/
type (
	dataSourceFile struct {
		APIVersion  int          `yaml:"apiVersion"`
		Prune       bool         `yaml:"prune"`
		DataSources []dataSource `yaml:"datasources"`
	}
	dataSource struct {
		Name      string `yaml:"name"`
		UID       string `yaml:"uid"`
		Type      string `yaml:"type"`
		Access    string `yaml:"access"`
		OrgID     int    `yaml:"orgId"`
		URL       string `yaml:"url"`
		User      string `yaml:"user"`
		IsDefault bool   `yaml:"isDefault"`
		Editable  bool   `yaml:"editable"`
		JSONData  struct {
			Database         string `yaml:"database"`
			SSLMode          string `yaml:"sslmode"`
			PostgresVersion  int    `yaml:"postgresVersion"`
			TimescaleDB      bool   `yaml:"timescaledb"`
			MaxOpenConns     int    `yaml:"maxOpenConns"`
			MaxIdleConns     int    `yaml:"maxIdleConns"`
			MaxIdleConnsAuto bool   `yaml:"maxIdleConnsAuto"`
			ConnMaxLifetime  int    `yaml:"connMaxLifetime"`
			TimeInterval     string `yaml:"timeInterval"`
			HTTPMethod       string `yaml:"httpMethod"`
		} `yaml:"jsonData"`
		SecureJSONData map[string]string `yaml:"secureJsonData"`
	}
	providerFile struct {
		APIVersion int        `yaml:"apiVersion"`
		Providers  []provider `yaml:"providers"`
	}
	provider struct {
		Name                  string `yaml:"name"`
		OrgID                 int    `yaml:"orgId"`
		Folder                string `yaml:"folder"`
		FolderUID             string `yaml:"folderUid"`
		Type                  string `yaml:"type"`
		DisableDeletion       bool   `yaml:"disableDeletion"`
		AllowUIUpdates        bool   `yaml:"allowUiUpdates"`
		UpdateIntervalSeconds int    `yaml:"updateIntervalSeconds"`
		Options               struct {
			Path                      string `yaml:"path"`
			FoldersFromFilesStructure bool   `yaml:"foldersFromFilesStructure"`
		} `yaml:"options"`
	}
)

// readStrictly refuses what the structure does not name.
func readStrictly(text []byte, into any) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	return decoder.Decode(into)
}

func provisioned(t *testing.T, name string) []byte {
	t.Helper()
	text, err := grafana.Files.ReadFile("provisioning/" + name + "/marketdata.yaml")
	require.NoError(t, err)
	return text
}

func TestDataSourcesAreProvisioned(t *testing.T) {
	t.Parallel()
	var file dataSourceFile
	text := provisioned(t, "datasources")
	require.NoError(t, readStrictly(text, &file))
	require.Equal(t, 1, file.APIVersion)
	require.Len(t, file.DataSources, 2)
	database, prometheus := file.DataSources[0], file.DataSources[1]
	require.Equal(t, []string{"marketdata", grafana.Database, "postgres"}, []string{database.Name, database.UID, database.Type})
	require.Equal(t, []string{"Prometheus", grafana.Prometheus, "prometheus"}, []string{prometheus.Name, prometheus.UID, prometheus.Type})
	require.True(t, database.IsDefault)
	require.False(t, database.Editable || prometheus.Editable)
	require.Equal(t, map[string]string{"password": "$GRAFANA_DB_PASSWORD"}, database.SecureJSONData)
	require.GreaterOrEqual(t, database.JSONData.PostgresVersion, 1500)
	require.Contains(t, []string{"disable", "require", "verify-ca", "verify-full"}, database.JSONData.SSLMode)
	require.LessOrEqual(t, database.JSONData.MaxOpenConns, 20, "few beside those of the API")
	require.Error(t, readStrictly(bytes.Replace(text, []byte("jsonData"), []byte("jsondata"), 1), &file))
}

func TestDashboardsAreProvisioned(t *testing.T) {
	t.Parallel()
	var file providerFile
	text := provisioned(t, "dashboards")
	require.NoError(t, readStrictly(text, &file))
	require.Equal(t, 1, file.APIVersion)
	require.Len(t, file.Providers, 1)
	require.Equal(t, "file", file.Providers[0].Type)
	require.Equal(t, "Market data", file.Providers[0].Folder)
	require.Equal(t, "/etc/grafana/dashboards", file.Providers[0].Options.Path)
	require.Error(t, readStrictly(bytes.Replace(text, []byte("folderUid"), []byte("folderUID"), 1), &file))
}

func TestEveryQueryHasAProvisionedSource(t *testing.T) {
	t.Parallel()
	for _, board := range boards(t) {
		for _, q := range board.Queries() {
			require.Contains(t, []string{grafana.Database, grafana.Prometheus}, q.DataSource, label(q))
		}
	}
	files, err := fs.Glob(grafana.Files, "provisioning/*/*")
	require.NoError(t, err)
	require.Len(t, files, 2)
	for _, f := range files {
		require.True(t, strings.HasSuffix(f, "/marketdata.yaml"), f)
	}
}
