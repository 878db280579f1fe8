package config

import (
	"net/url"
	"strings"
	"time"
)

// Config is the whole configuration. Its String, JSON and log forms hide secrets; fields of type Secret and DatabaseURL
// hide themselves too.
type Config struct {
	Database  Database            `koanf:"database"`
	Temporal  Temporal            `koanf:"temporal"`
	API       API                 `koanf:"api"`
	Worker    Worker              `koanf:"worker"`
	Providers map[string]Provider `koanf:"providers"` // by instance name, [a-z][a-z0-9_]*
	Schedules map[string]Schedule `koanf:"schedules"` // by id, [a-z][a-z0-9-]*
	Retention Retention           `koanf:"retention"`
	Alerts    Alerts              `koanf:"alerts"`
	Log       Log                 `koanf:"log"`

	origins map[string]string
}

// Database says how to reach PostgreSQL.
type Database struct {
	URL        DatabaseURL `koanf:"url"`         // application role; "" where no database is configured
	MigrateURL DatabaseURL `koanf:"migrate_url"` // owner role; "" for the same as URL
}

// MigrationURL returns the URL that migrations use.
func (d Database) MigrationURL() DatabaseURL {
	if d.MigrateURL != "" {
		return d.MigrateURL
	}
	return d.URL
}

// Temporal says how to reach the Temporal server and, for links, its UI.
type Temporal struct {
	Address   string `koanf:"address"` // host:port
	Namespace string `koanf:"namespace"`
	UIURL     string `koanf:"ui_url"`
}

// API says where the API listens, and where commands that talk to it find it.
type API struct {
	Listen string `koanf:"listen"` // host:port; port 0 picks a free one
	URL    string `koanf:"url"`
}

// Worker says where the worker answers for its health.
type Worker struct {
	Listen string `koanf:"listen"` // host:port; port 0 picks a free one
}

// Provider configures one instance of an adapter. Zero numbers and an empty base URL mean the adapter's own default.
type Provider struct {
	Adapter           string `koanf:"adapter"`
	BaseURL           string `koanf:"base_url"`
	APIKey            Secret `koanf:"api_key"`
	RequestsPerMinute int    `koanf:"requests_per_minute"`
	WeightPerMinute   int    `koanf:"weight_per_minute"`
	RecordDir         string `koanf:"record_dir"`
	Enabled           bool   `koanf:"enabled"`
	Synthetic         bool   `koanf:"synthetic"` // attaches only to instruments of venue SIM
}

// Retention says how long things are kept that are not bars.
type Retention struct {
	RawPage time.Duration `koanf:"raw_page"` // bodies of provider answers
}

// Log says what is logged and how.
type Log struct {
	Level  string `koanf:"level"`  // debug, info, warn, error
	Format string `koanf:"format"` // text, json, or auto: text on a terminal, json elsewhere
}

// Default returns the configuration without any source: every adapter has an instance of its own name.
func Default(adapters []string) Config {
	c := Config{
		Temporal:  Temporal{Address: "127.0.0.1:7233", Namespace: "default", UIURL: "http://127.0.0.1:8233"},
		API:       API{Listen: "127.0.0.1:8080", URL: "http://127.0.0.1:8080"},
		Worker:    Worker{Listen: "127.0.0.1:8081"},
		Providers: make(map[string]Provider, len(adapters)),
		Retention: Retention{RawPage: 2160 * time.Hour},
		Log:       Log{Level: "info", Format: "auto"},
	}
	for _, name := range adapters {
		c.Providers[name] = Provider{Adapter: name, Enabled: true}
	}
	return c
}

// Secret is a value that prints as "***". The zero Secret prints as "".
type Secret string

const hidden = "***"

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the secret from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// DatabaseURL is a postgres:// URL that prints without its password.
type DatabaseURL string

// Reveal returns the URL with its password.
func (u DatabaseURL) Reveal() string { return string(u) }

// String returns the URL with its password replaced, wherever in the URL it stands; "***" when it is no URL.
func (u DatabaseURL) String() string {
	if u == "" {
		return ""
	}
	parsed, err := url.Parse(string(u))
	if err != nil || parsed.Scheme == "" {
		return hidden
	}
	query := parsed.Query()
	for name := range query {
		if strings.Contains(strings.ToLower(name), "password") {
			query.Set(name, "xxxxx") // as Redacted does
		}
	}
	parsed.RawQuery = query.Encode()
	return parsed.Redacted()
}

// GoString hides the password from %#v.
func (u DatabaseURL) GoString() string { return u.String() }

// MarshalText hides the password from encoders.
func (u DatabaseURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }
