package config

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Alerts says when people are told that something is the matter, and through which webhooks.
type Alerts struct {
	StaleAfter time.Duration      `koanf:"stale_after"` // how late a series may be; 0: as its interval has it
	Webhooks   map[string]Webhook `koanf:"webhooks"`    // by name, [a-z][a-z0-9_]*
}

// Webhook configures one receiver of alerts.
type Webhook struct {
	URL     Secret   `koanf:"url"` // whoever knows it can write there
	Format  string   `koanf:"format"`
	Secret  Secret   `koanf:"secret"` // key of the signature; "" for none
	Kinds   []string `koanf:"kinds"`  // which alerts it is told of; none means all
	Enabled bool     `koanf:"enabled"`
}

// The formats of a webhook.
const (
	FormatJSON  = "json"
	FormatSlack = "slack"
)

// AlertKinds returns what a webhook can be told of.
func AlertKinds() []string {
	return []string{"backfill_failed", "series_stale", "provider_paused", "provider_refused"}
}

func (v *validator) alerts(a Alerts) {
	v.check("alerts.stale_after", a.StaleAfter >= 0, "wants 0s or more, such as 30m")
	for _, name := range slices.Sorted(maps.Keys(a.Webhooks)) {
		w, path := a.Webhooks[name], "alerts.webhooks."+name
		v.check(path, isName(name), "the name of a webhook is lower case letters, digits and _, a letter first")
		if w.Enabled || w.URL != "" {
			v.secretURL(path+".url", w.URL)
		}
		v.oneOf(path+".format", w.Format, FormatJSON, FormatSlack)
		for _, kind := range w.Kinds {
			v.check(path+".kinds", slices.Contains(AlertKinds(), kind),
				fmt.Sprintf("knows %s, not %q", strings.Join(AlertKinds(), ", "), kind))
		}
	}
}

// secretURL does not repeat the value: the URL of a webhook is as good as a password.
func (v *validator) secretURL(path string, value Secret) {
	u, err := url.Parse(value.Reveal())
	isWeb := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
	v.check(path, isWeb, "wants a URL that begins with http:// or https://")
}
