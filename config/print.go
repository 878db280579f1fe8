package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// Setting is one key with its value as text, secrets hidden, and where the value comes from: "default", "file …",
// "environment variable …" or "flag …".
type Setting struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Origin string `json:"from"`
}

// Settings returns every key that has a value, in the order of the documentation, provider instances by name.
func (c Config) Settings() []Setting {
	values := c.values()
	settings := make([]Setting, 0, len(values))
	for _, path := range c.paths() {
		settings = append(settings, Setting{path, valueText(values[path]), c.Origin(path)})
	}
	return settings
}

// Origin says where the value of a key comes from.
func (c Config) Origin(path string) string {
	if origin, ok := c.origins[path]; ok {
		return origin
	}
	return originDefault
}

// IsGiven reports whether a source other than the defaults set the key.
func (c Config) IsGiven(path string) bool { return c.Origin(path) != originDefault }

// String is one line per key, secrets hidden.
func (c Config) String() string {
	var b strings.Builder
	for _, s := range c.Settings() {
		fmt.Fprintf(&b, "%s=%s\n", s.Key, s.Value)
	}
	return b.String()
}

// GoString hides secrets from %#v.
func (c Config) GoString() string { return c.String() }

// LogValue hides secrets from logs.
func (c Config) LogValue() slog.Value {
	attributes := make([]slog.Attr, 0, len(c.Providers)*7)
	for _, s := range c.Settings() {
		attributes = append(attributes, slog.String(s.Key, s.Value))
	}
	return slog.GroupValue(attributes...)
}

// MarshalJSON is an object of sections as in the YAML file, secrets hidden.
func (c Config) MarshalJSON() ([]byte, error) {
	root := make(map[string]any)
	for path, value := range c.values() {
		node, names := root, strings.Split(path, ".")
		for _, name := range names[:len(names)-1] {
			if _, ok := node[name]; !ok {
				node[name] = make(map[string]any)
			}
			node, _ = node[name].(map[string]any)
		}
		if _, isPrinted := value.(fmt.Stringer); isPrinted {
			value = valueText(value)
		}
		node[names[len(names)-1]] = value
	}
	return json.Marshal(root)
}

// Example returns the configuration as a commented YAML file that Load reads back to the same configuration, if it
// holds no secret.
func (c Config) Example() string {
	var b strings.Builder
	b.WriteString(`# Configuration of marketdata, with its defaults. Use it with --config.
#
# defaults < this file < environment < flags. In the environment a key is MD_ and its path in upper case, with two
# underscores between levels: MD_PROVIDERS__BINANCE__BASE_URL. Every key marked as secret may instead be named by the
# file that holds it: database.url_file here, MD_DATABASE__URL_FILE in the environment. Unknown keys are refused.
#
# Backfills that are repeated have no default; docs/schedules.md shows how to write them:
#
#   schedules:
#     nightly-btc:
#       instruments: [BTCUSDT.BINANCE]
#       interval: "1d"
#       cron: "0 3 * * *"
#       range: "30d"
`)
	values := c.values()
	var open []string
	for _, path := range c.paths() {
		names := strings.Split(path, ".")
		sections := names[:len(names)-1]
		isNew := false
		for depth, name := range sections {
			isNew = isNew || depth >= len(open) || open[depth] != name
			if isNew && depth == 0 {
				b.WriteByte('\n')
			}
			if isNew {
				fmt.Fprintf(&b, "%s%s:\n", strings.Repeat("  ", depth), name)
			}
		}
		open = sections
		k, _ := findKey(path)
		about := k.about
		if k.isSecret {
			about += "; secret"
		}
		indent := strings.Repeat("  ", len(sections))
		fmt.Fprintf(&b, "%s# %s\n%s%s: %s\n", indent, about, indent, names[len(names)-1], yamlValue(values[path]))
	}
	return b.String()
}

func yamlValue(value any) string {
	switch value.(type) {
	case int, bool:
		return valueText(value)
	}
	return fmt.Sprintf("%q", valueText(value))
}

// valueText is the value as a source would write it, secrets hidden.
func valueText(value any) string {
	switch v := value.(type) {
	case time.Duration:
		if written := strings.TrimSuffix(strings.TrimSuffix(v.String(), "0s"), "0m"); written != "" {
			return written
		}
	case []string:
		return strings.Join(v, ",")
	}
	return fmt.Sprint(value)
}

// paths returns the path of every key of the configuration in the order of the documentation, the keys of instances and
// webhooks by name.
func (c Config) paths() []string {
	named := map[string][]string{
		"providers": slices.Sorted(maps.Keys(c.Providers)), "schedules": slices.Sorted(maps.Keys(c.Schedules)),
		"alerts.webhooks": slices.Sorted(maps.Keys(c.Alerts.Webhooks)),
	}
	var all []string
	for at := 0; at < len(keys()); {
		section, _, isNamed := strings.Cut(keys()[at].path, ".*.")
		if !isNamed {
			all = append(all, keys()[at].path)
			at++
			continue
		}
		end := at
		for end < len(keys()) && strings.HasPrefix(keys()[end].path, section+".*.") {
			end++
		}
		for _, name := range named[section] {
			for _, k := range keys()[at:end] {
				all = append(all, strings.Replace(k.path, "*", name, 1))
			}
		}
		at = end
	}
	return all
}

// values returns every value by key, with the types of Config.
func (c Config) values() map[string]any {
	values := map[string]any{
		"database.url":         c.Database.URL,
		"database.migrate_url": c.Database.MigrateURL,
		"temporal.address":     c.Temporal.Address,
		"temporal.namespace":   c.Temporal.Namespace,
		"temporal.ui_url":      c.Temporal.UIURL,
		"api.listen":           c.API.Listen,
		"api.url":              c.API.URL,
		"worker.listen":        c.Worker.Listen,
		"retention.raw_page":   c.Retention.RawPage,
		"alerts.stale_after":   c.Alerts.StaleAfter,
		"log.level":            c.Log.Level,
		"log.format":           c.Log.Format,
	}
	for name, p := range c.Providers {
		path := "providers." + name + "."
		values[path+"adapter"] = p.Adapter
		values[path+"base_url"] = p.BaseURL
		values[path+"api_key"] = p.APIKey
		values[path+"requests_per_minute"] = p.RequestsPerMinute
		values[path+"weight_per_minute"] = p.WeightPerMinute
		values[path+"record_dir"] = p.RecordDir
		values[path+"enabled"] = p.Enabled
		values[path+"synthetic"] = p.Synthetic
	}
	for id, s := range c.Schedules {
		path := "schedules." + id + "."
		values[path+"instruments"] = s.Instruments
		values[path+"interval"] = s.Interval
		values[path+"every"] = s.Every
		values[path+"cron"] = s.Cron
		values[path+"range"] = s.Range
		values[path+"policy"] = s.Policy
		values[path+"provider"] = s.Provider
		values[path+"concurrency"] = s.Concurrency
		values[path+"max_failed"] = s.MaxFailed
	}
	for name, w := range c.Alerts.Webhooks {
		path := "alerts.webhooks." + name + "."
		values[path+"url"] = w.URL
		values[path+"format"] = w.Format
		values[path+"secret"] = w.Secret
		values[path+"kinds"] = w.Kinds
		values[path+"enabled"] = w.Enabled
	}
	return values
}
