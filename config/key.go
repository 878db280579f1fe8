package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// kind is the type of a key's value.
type kind int

const (
	text kind = iota
	count
	claim
	duration
	list // of texts; written as one text with commas too
)

// key describes one configuration key. In path, * stands for the name of a provider instance, a schedule or a webhook.
type key struct {
	path     string
	kind     kind
	isSecret bool
	about    string
}

// keys returns every key in the order of the documentation: the one list behind the check for unknown keys, the flags,
// the example file and what config show prints.
func keys() []key {
	return []key{
		{"database.url", text, true, "PostgreSQL of the application role: postgres://user:password@host:5432/name"},
		{"database.migrate_url", text, true, "the owner role, for migrations (default: database.url)"},
		{"temporal.address", text, false, "host:port of the Temporal server"},
		{"temporal.namespace", text, false, "Temporal namespace"},
		{"temporal.ui_url", text, false, "Temporal UI, for links"},
		{"api.listen", text, false, "host:port the API listens on"},
		{"api.url", text, false, "where commands find the API"},
		{"worker.listen", text, false, "host:port the worker answers health checks on"},
		{"providers.*.adapter", text, false, "which adapter the instance speaks"},
		{"providers.*.base_url", text, false, `URL before the paths of the provider ("": the adapter's own)`},
		{"providers.*.api_key", text, true, "key, where the provider needs one; binance, coinbase and yahoo do not, and send none"},
		{"providers.*.requests_per_minute", count, false, "request budget over all workers (0: the adapter's own)"},
		{"providers.*.weight_per_minute", count, false, "weight budget over all workers (0: the adapter's own)"},
		{"providers.*.record_dir", text, false, `existing folder that keeps every answer, for fixtures ("": none)`},
		{"providers.*.enabled", claim, false, "whether workers fetch from it"},
		{"providers.*.synthetic", claim, false, "made-up bars, which attach only to instruments of venue SIM"},
		{"schedules.*.instruments", list, false, "ids of registered instruments, as a list or with commas"},
		{"schedules.*.interval", text, false, "1m 5m 15m 30m 1h 4h 1d 1w or 1mo"},
		{"schedules.*.every", text, false, "how often it runs, such as 6h; or cron"},
		{"schedules.*.cron", text, false, "when it runs, UTC: minute hour day-of-month month day-of-week; or every"},
		{"schedules.*.range", text, false, "how far back from the time of a run: 12h, 30d, 2w, 6mo, 1y"},
		{"schedules.*.policy", text, false, `missing, or all: everything again ("": missing)`},
		{"schedules.*.provider", text, false, `whom to ask ("": of each instrument the first that has the interval)`},
		{"schedules.*.concurrency", count, false, "chunks in flight per provider (0: 4)"},
		{"schedules.*.max_failed", count, false, "failed chunks after which the rest of a run is given up (0: no limit)"},
		{"retention.raw_page", duration, false, "how long bodies of provider answers are kept"},
		{"alerts.stale_after", duration, false, "how late a series may be before people are told (0s: 15m, and three runs of its sync at least)"},
		{"alerts.webhooks.*.url", text, true, "where alerts are sent by POST; whoever knows it can write there"},
		{"alerts.webhooks.*.format", text, false, "json, or slack for Slack and what understands its messages"},
		{"alerts.webhooks.*.secret", text, true, `key of the signature header X-Marketdata-Signature ("": none)`},
		{"alerts.webhooks.*.kinds", list, false, "which alerts it is told of: backfill_failed, series_stale, provider_paused, provider_refused (none: all)"},
		{"alerts.webhooks.*.enabled", claim, false, "whether it is told of anything"},
		{"log.level", text, false, "debug, info, warn or error"},
		{"log.format", text, false, "text, json, or auto: text on a terminal, json elsewhere"},
	}
}

// findKey returns the key that path is an instance of.
func findKey(path string) (key, bool) {
	for _, k := range keys() {
		if matches(k.path, path) {
			return k, true
		}
	}
	return key{}, false
}

// isSection reports whether keys stand below path.
func isSection(path string) bool {
	return slices.ContainsFunc(keys(), func(k key) bool {
		want := strings.Split(k.path, ".")
		depth := strings.Count(path, ".") + 1
		return depth < len(want) && matches(strings.Join(want[:depth], "."), path)
	})
}

// matches compares segment by segment; * matches any.
func matches(pattern, path string) bool {
	want, have := strings.Split(pattern, "."), strings.Split(path, ".")
	return slices.EqualFunc(want, have, func(w, h string) bool { return w == h || w == "*" && h != "" })
}

// parse turns a value as a source has it into the key's type. The message of its error completes "<key>: ".
func (k key) parse(value any) (any, error) {
	if k.kind == list {
		return parseList(value)
	}
	switch value.(type) {
	case nil:
		return nil, fmt.Errorf("has no value: give one, or remove the key")
	case map[string]any, map[any]any, []any:
		return nil, fmt.Errorf("wants a single value")
	}
	written := fmt.Sprint(value)
	switch k.kind {
	case text:
		if _, isText := value.(string); !isText {
			return nil, fmt.Errorf("wants text: put %s in quotes", written)
		}
		return written, nil
	case count:
		n, err := strconv.ParseInt(written, 10, 64)
		if err != nil || n < 0 || n > math.MaxInt32 {
			return nil, fmt.Errorf("wants a whole number, 0 or more, not %q", written)
		}
		return int(n), nil
	case claim:
		b, err := strconv.ParseBool(written)
		if err != nil {
			return nil, fmt.Errorf("wants true or false, not %q", written)
		}
		return b, nil
	case duration:
		d, err := time.ParseDuration(written)
		if err != nil {
			return nil, fmt.Errorf("wants a duration such as 2160h or 90m, not %q", written)
		}
		return d, nil
	case list: // parsed above
	}
	return nil, fmt.Errorf("has no known type")
}

// parseList reads a list of texts, or one text with commas.
func parseList(value any) (any, error) {
	var parts []string
	switch v := value.(type) {
	case string:
		parts = strings.Split(v, ",")
	case []string:
		parts = v
	case []any:
		for _, entry := range v {
			part, isText := entry.(string)
			if !isText {
				return nil, fmt.Errorf("wants a list of texts: put %v in quotes", entry)
			}
			parts = append(parts, part)
		}
	default:
		return nil, fmt.Errorf("wants a list, or one text with commas")
	}
	items := []string{}
	for _, part := range parts {
		if part = strings.TrimSpace(part); part != "" {
			items = append(items, part)
		}
	}
	return items, nil
}

// environName returns the environment variable of a key. The - of a schedule's id is written _.
func environName(path string) string {
	return environPrefix + strings.ToUpper(strings.NewReplacer(".", "__", "-", "_").Replace(path))
}

// environPath returns the key of an environment variable. The id of a schedule has no _, so that one stands for -.
func environPath(name string) string {
	names := strings.Split(strings.ToLower(strings.TrimPrefix(name, environPrefix)), "__")
	if len(names) > 1 && names[0] == "schedules" {
		names[1] = strings.ReplaceAll(names[1], "_", "-")
	}
	return strings.Join(names, ".")
}

// flagKey is the annotation that ties a flag to its key.
const flagKey = "marketdata-config-key"

// FlagName returns the name of a key's flag: database.migrate_url is --database-migrate-url.
func FlagName(path string) string { return strings.NewReplacer(".", "-", "_", "-").Replace(path) }

// AddFlags defines the flags of the keys; Load reads those that were given. It panics on a key that does not exist.
func AddFlags(flags *pflag.FlagSet, paths ...string) {
	for _, path := range paths {
		k, ok := findKey(path)
		if !ok {
			panic("config: no key " + path)
		}
		name := FlagName(path)
		flags.String(name, "", k.about)
		flags.Lookup(name).Annotations = map[string][]string{flagKey: {path}}
	}
}
