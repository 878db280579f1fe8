package config_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"marketdata/config"
)

func adapters() []string { return []string{"binance", "yahoo"} }

func writeFile(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "marketdata.yaml")
	require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
	return name
}

func TestDefaultHasAnInstanceOfEveryAdapter(t *testing.T) {
	t.Parallel()
	c, err := config.Load(config.Sources{Adapters: adapters()})
	require.NoError(t, err)
	require.Equal(t, config.Provider{Adapter: "binance", Enabled: true}, c.Providers["binance"])
	require.Equal(t, config.Provider{Adapter: "yahoo", Enabled: true}, c.Providers["yahoo"])
	require.Equal(t, "127.0.0.1:7233", c.Temporal.Address)
	require.Equal(t, "default", c.Temporal.Namespace)
	require.Equal(t, "http://127.0.0.1:8233", c.Temporal.UIURL)
	require.Equal(t, "127.0.0.1:8080", c.API.Listen)
	require.Equal(t, "http://127.0.0.1:8080", c.API.URL)
	require.Equal(t, "127.0.0.1:8081", c.Worker.Listen)
	require.Equal(t, 2160*time.Hour, c.Retention.RawPage)
	require.Equal(t, config.Log{Level: "info", Format: "auto"}, c.Log)
	require.False(t, c.IsGiven("api.listen"))
}

func TestLaterLayersWin(t *testing.T) {
	t.Parallel()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(flags, "log.level", "api.url", "database.migrate_url")
	require.NoError(t, flags.Parse([]string{"--log-level=error", "--database-migrate-url", "postgres://owner@h/d"}))
	c, err := config.Load(config.Sources{
		Adapters: adapters(),
		File:     writeFile(t, "log: {level: debug, format: json}\napi: {listen: \":9000\"}\nworker:\n  listen: h:1\n"),
		Environ:  []string{"MD_LOG__LEVEL=warn", "MD_API__LISTEN=127.0.0.1:0", "HOME=/x", "MD_LOG__FORMAT="},
		Flags:    flags,
	})
	require.NoError(t, err)
	require.Equal(t, "error", c.Log.Level)
	require.Equal(t, "json", c.Log.Format, "an empty variable counts as not set")
	require.Equal(t, "127.0.0.1:0", c.API.Listen)
	require.Equal(t, "h:1", c.Worker.Listen)
	require.Equal(t, "http://127.0.0.1:8080", c.API.URL, "a flag that was not given does not count")
	require.Equal(t, "flag --log-level", c.Origin("log.level"))
	require.Equal(t, "environment variable MD_API__LISTEN", c.Origin("api.listen"))
	require.Equal(t, "default", c.Origin("retention.raw_page"))
	require.Equal(t, "postgres://owner@h/d", c.Database.MigrationURL().Reveal())
}

func TestProviderInstancesFromTheEnvironment(t *testing.T) {
	t.Parallel()
	c, err := config.Load(config.Sources{Adapters: adapters(), Environ: []string{
		"MD_PROVIDERS__SIM_BINANCE__ADAPTER=binance",
		"MD_PROVIDERS__SIM_BINANCE__BASE_URL=http://127.0.0.1:8090",
		"MD_PROVIDERS__SIM_BINANCE__SYNTHETIC=true",
		"MD_PROVIDERS__SIM_BINANCE__REQUESTS_PER_MINUTE=60000",
		"MD_PROVIDERS__SIM_BINANCE__WEIGHT_PER_MINUTE=70000",
		"MD_PROVIDERS__SIM_BINANCE__API_KEY=12345",
		"MD_PROVIDERS__BINANCE__ENABLED=false",
	}})
	require.NoError(t, err)
	require.Equal(t, config.Provider{
		Adapter: "binance", BaseURL: "http://127.0.0.1:8090", APIKey: "12345",
		RequestsPerMinute: 60000, WeightPerMinute: 70000, Enabled: true, Synthetic: true,
	}, c.Providers["sim_binance"])
	require.Equal(t, config.Provider{Adapter: "binance"}, c.Providers["binance"])
}

func TestSecretsFromFiles(t *testing.T) {
	t.Parallel()
	url := writeFile(t, "postgres://app:s3cret@db/marketdata\n")
	apiKey := writeFile(t, "k1\r\n")
	file := writeFile(t, fmt.Sprintf("database: {url: \"postgres://weaker@h/d\", migrate_url_file: %q}\n", url))
	c, err := config.Load(config.Sources{
		Adapters: adapters(), File: file,
		Environ: []string{"MD_DATABASE__URL_FILE=" + url, "MD_PROVIDERS__BINANCE__API_KEY_FILE=" + apiKey},
	})
	require.NoError(t, err)
	require.Equal(t, "postgres://app:s3cret@db/marketdata", c.Database.URL.Reveal())
	require.Equal(t, "postgres://app:s3cret@db/marketdata", c.Database.MigrateURL.Reveal())
	require.Equal(t, "k1", c.Providers["binance"].APIKey.Reveal())
	require.Equal(t, "environment variable MD_DATABASE__URL_FILE", c.Origin("database.url"))
}

func TestEveryProblemIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "log:\n  level: loud\n  lvl: x\nprovidrs: {}\nproviders:\n  Bad: {adapter: binance}\n  other: {base_url: \"ftp://x\"}\n")
	_, err := config.Load(config.Sources{Adapters: adapters(), File: file, Environ: []string{
		"MD_LOG__FROMAT=json", "MD_TEST_URL=x", "MD_api__listen=:1", "MD_RETENTION__RAW_PAGE=90d", "MD_DATABASE__URL=host=x password=hush",
		"MD_PROVIDERS__BINANCE__REQUESTS_PER_MINUTE=-1", "MD_PROVIDERS__BINANCE__ENABLED=perhaps", "MD_API__LISTEN=8080", "MD_PROVIDERS__YAHOO=x",
		"MD_PROVIDERS__YAHOO__SYNTHETIC=1", "MD_TEMPORAL__UI_URL=ui", "MD_DATABASE__MIGRATE_URL_FILE=/does/not/exist",
	}})
	var invalid *config.Error
	require.ErrorAs(t, err, &invalid)
	var keys []string
	for _, p := range invalid.Problems {
		keys = append(keys, p.Key)
	}
	require.Equal(t, []string{
		"api.listen", "api.listen", "database.migrate_url_file", "database.url", "log.fromat", "log.level", "log.lvl",
		"providers.Bad", "providers.binance.enabled", "providers.binance.requests_per_minute",
		"providers.other.adapter", "providers.other.base_url", "providers.yahoo", "providers.yahoo.synthetic",
		"providrs", "retention.raw_page", "temporal.ui_url", "test_url",
	}, keys)
	require.Contains(t, err.Error(), "MD_LOG__FROMAT")
	require.Contains(t, err.Error(), "18 problems")
	require.NotContains(t, err.Error(), "hush")
}

func TestWhatAFileMayNotSay(t *testing.T) {
	t.Parallel()
	secret := writeFile(t, "postgres://h/d")
	for _, test := range []struct{ name, content, want string }{
		{"empty section", "log:\n", "log: the section is empty"},
		{"empty map", "providers: {}\n", "providers: the section is empty"},
		{"empty instance", "providers:\n  binance:\n", "providers.binance: the section is empty"},
		{"empty value", "log:\n  level:\n", "log.level: has no value"},
		{"value for a section", "log: debug\n", "log: is a section"},
		{"list", "log: {level: [info]}\n", "log.level: wants a single value"},
		{"map for a value", "log: {level: {x: info}}\n", "log.level.x: unknown key"},
		{"number for text", "temporal: {namespace: 12}\n", "temporal.namespace: wants text"},
		{"both forms of a secret", fmt.Sprintf("database: {url: postgres://h/d, url_file: %q}\n", secret), "database.url: is given twice"},
		{"not YAML", "log: [", "is not readable as YAML"},
		{"key twice", "log: {level: info}\nlog: {level: info}\n", "is not readable as YAML"},
		{"not a map", "- x\n", "is not readable as YAML"},
		{"a provider called like a choice", "providers: {default: {adapter: binance}}\n", "providers.default: default and all are choices in dashboards"},
		{"another", "providers: {all: {adapter: binance}}\n", "providers.all: default and all are choices in dashboards"},
		{"a secret in a link", "temporal: {ui_url: \"https://user:hush@ui.example.org\"}\n", "temporal.ui_url: wants no user, password"},
		{"a query in a link", "temporal: {ui_url: \"https://ui.example.org?x=1\"}\n", "temporal.ui_url: wants no user, password"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(config.Sources{Adapters: adapters(), File: writeFile(t, test.content)})
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "\n")
			require.NotContains(t, err.Error(), "hush")
		})
	}
	_, err := config.Load(config.Sources{File: "/does/not/exist.yaml"})
	require.ErrorContains(t, err, "/does/not/exist.yaml")
}

func TestEmptyFileKeepsDefaults(t *testing.T) {
	t.Parallel()
	c, err := config.Load(config.Sources{Adapters: adapters(), File: writeFile(t, "# nothing\n")})
	require.NoError(t, err)
	require.Equal(t, config.Default(adapters()).String(), c.String())
}

func TestFlagsExistForKeysOnly(t *testing.T) {
	t.Parallel()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(flags, "database.migrate_url")
	require.NotNil(t, flags.Lookup(config.FlagName("database.migrate_url")))
	require.Panics(t, func() { config.AddFlags(flags, "database.nope") })
}

func TestRequire(t *testing.T) {
	t.Parallel()
	c := config.Default(adapters())
	require.NoError(t, c.Require("temporal.address"))
	require.ErrorContains(t, c.Require("database.url"), "database.url: is required: set MD_DATABASE__URL")
}

func TestPrintsNoSecret(t *testing.T) {
	t.Parallel()
	c := config.Default(adapters())
	c.Database.URL = "postgres://app:hush@db:5432/marketdata?sslmode=disable&sslpassword=hush"
	c.Database.MigrateURL = "host=db password=hush"
	c.Providers["binance"] = config.Provider{Adapter: "binance", APIKey: "hush"}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "config", c, "url", c.Database.URL, "provider", c.Providers["binance"])
	printed, err := json.Marshal(c)
	require.NoError(t, err)
	fields, err := json.Marshal([]any{c.Database, c.Providers})
	require.NoError(t, err)
	for _, text := range []string{
		log.String(), string(printed), string(fields), c.String(), c.Example(), fmt.Sprint(c.Settings()),
		fmt.Sprintf("%v %+v %#v %s", c, c, c, c), fmt.Sprintf("%v %+v %#v", c.Database, c.Providers, c.Database),
	} {
		require.NotContains(t, text, "hush")
	}
	require.Contains(t, c.String(), "postgres://app:xxxxx@db:5432/marketdata")
	require.Empty(t, config.DatabaseURL("").String())
}

func TestExampleReadsBackToTheDefaults(t *testing.T) {
	t.Parallel()
	want := config.Default(adapters())
	c, err := config.Load(config.Sources{Adapters: adapters(), File: writeFile(t, want.Example())})
	require.NoError(t, err)
	require.Equal(t, want.String(), c.String())
	require.Equal(t, want.Providers, c.Providers)
}

func ExampleConfig_Settings() {
	c, _ := config.Load(config.Sources{Environ: []string{"MD_DATABASE__URL=postgres://app:secret@db/marketdata"}})
	fmt.Println(c.Settings()[0])
	// Output: {database.url postgres://app:xxxxx@db/marketdata environment variable MD_DATABASE__URL}
}

// TestOnlyAPlaceToAskIsABaseURL: what could carry a credential past api_key, or a scheme that is no request, is refused at
// load, and the value is not repeated.
func TestOnlyAPlaceToAskIsABaseURL(t *testing.T) {
	t.Parallel()
	for value, isRight := range map[string]bool{
		"https://api.example": true, "http://127.0.0.1:8090": true, "https://api.example/v2/": true, "http://[::1]:80": true,
		"file:///etc/passwd": false, "gopher://h/": false, "//api.example": false, "api.example": false, "http://": false,
		"https://hush@api.example": false, "https://user:hush@api.example": false, "https://api.example/?token=hush": false, "https://api.example/#hush": false,
	} {
		_, err := config.Load(config.Sources{Adapters: adapters(), Environ: []string{"MD_PROVIDERS__YAHOO__BASE_URL=" + value}})
		if isRight {
			require.NoError(t, err, value)
			continue
		}
		var invalid *config.Error
		require.ErrorAs(t, err, &invalid, value)
		require.Equal(t, "providers.yahoo.base_url", invalid.Problems[0].Key)
		require.NotContains(t, err.Error(), "hush")
	}
}
